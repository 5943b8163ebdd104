"""Which locate is which symbol: as the host says, and as the feed says."""

import itertools
import random

import pytest

from tickwright.feed.locate import FEW_SYMBOLS, Directory
from tickwright.feed.names import name_row
from tickwright.feed.regs import FeedRegs

FEW, MANY = 4, 2 * FEW_SYMBOLS


@pytest.fixture(params=[FEW, MANY], ids=["few", "many"])
def symbols(request) -> int:
    """Return how many symbols the card has: the tables for few are not those for many."""
    return request.param


def outcome(card) -> list[tuple]:
    return [what for _, what in card.seen]


class Session:
    """Directory messages and deletes, one datagram after the other."""

    def __init__(self, feed, card, **how) -> None:
        self.feed, self.card = feed, card
        self.oracle = feed.oracle(**how)
        self.sequence = 1

    async def send(self, *messages: bytes, tag: bool = False) -> None:
        data = self.feed.frame(self.feed.datagram(messages, self.sequence), tag=tag)
        self.sequence += len(messages)
        self.oracle.play(data, await self.card.frame(data))

    def listing(self, name: bytes, locate: int) -> bytes:
        return self.feed.message("R", locate, rest=name.ljust(8))

    def delete(self, locate: int) -> bytes:
        return self.feed.message("D", locate)

    async def compare(self) -> None:
        await self.card.step(10)
        assert outcome(self.card) == self.oracle.out


def test_directory_messages_fill_the_map_and_may_not_contradict_it(feed, symbols):
    names = {b"A       ": 0, b"BB      ": 1, b"CCC     ": 2, b"DDDD    ": 3}
    rng = random.Random(1)

    async def host(card):
        session = Session(feed, card, names=names, locates={70: 3})
        await card.open()
        for name, symbol in names.items():
            await card.set_name(name, symbol)
            await card.step(3)
        await card.set_locate(70, 3)
        a, b = session.listing(b"A", 10), session.listing(b"BB", 20)
        # In force from the next message on, however close.
        await session.send(session.delete(10), a, session.delete(10), b, session.delete(20))
        await session.send(a, b, a)
        assert not [what for what in session.oracle.out if what[0] == "trust"]
        contradictions = [
            session.listing(b"BB", 10),  # both mapped, differently
            session.listing(b"A", 11),  # the symbol is mapped already
            session.listing(b"OTHER", 10),  # the locate is mapped, the name not watched
            session.listing(b"OTHER", 20),
            session.listing(b"OTHER", 11),
            session.listing(b"a", 10),
            session.listing(b"DDDD", 71),  # the host mapped the symbol
            session.listing(b"CCC", 70),  # the host mapped the locate
            session.listing(b"CCC", 30),
        ]
        for _ in range(3):
            rng.shuffle(contradictions)
            sent = [part for listing in contradictions for part in (listing, session.delete(10))]
            await session.send(*sent, *contradictions, *map(session.delete, (11, 71, 30)))
        await session.compare()
        assert len(session.oracle.out) > 60
        assert await card.load("names_full") == 0

    feed.run(host, symbols=symbols)


def test_a_contradiction_right_before_a_fault(feed, symbols):
    """Two symbols are concerned, and then all: three records, in this order."""

    async def host(card):
        session = Session(feed, card, names={b"A       ": 0}, locates={70: 3})
        await card.open()
        await card.set_name(b"A       ", 0)
        await card.set_locate(70, 3)
        payload = feed.datagram([session.listing(b"A", 70)], count=2)
        for data, good in ((feed.frame(payload), True), (feed.frame(payload), False)):
            session.oracle.play(data, await card.frame(data, good=good, end_after=0), good=good)
        await session.compare()
        assert [what[1] for what in session.oracle.out] == [0, 3, *[feed.every_symbol] * 3]

    feed.run(host, symbols=symbols)


def test_the_host_maps_and_frees_locates(feed, symbols):
    async def host(card):
        session = Session(feed, card, names={b"A       ": 0})
        await card.open()
        await card.set_name(b"A       ", 0)
        for locate, symbol in ((0, 1), (1, 2), (16, 3), (65535, 2)):
            await card.set_locate(locate, symbol)
            session.oracle.map(locate, symbol)
        await session.send(*map(session.delete, (0, 1, 2, 15, 16, 17, 65534, 65535)))
        await card.set_locate(16, 3, 0)
        session.oracle.free(16, 3)
        await card.set_locate(2, symbols)  # the card has none of that number
        await session.send(*map(session.delete, (0, 1, 2, 16)))
        await session.send(session.listing(b"A", 16), session.delete(16))
        await card.set_locate(16, 0, 0)
        session.oracle.free(16, 0)
        await session.send(session.delete(16), session.listing(b"A", 17), session.delete(17))
        await session.compare()

    feed.run(host, symbols=symbols)


def test_a_symbol_that_gets_another_locate_leaves_the_old_one(feed, symbols):
    """And one whose locate goes to another symbol has none: a directory message may map it."""

    async def host(card):
        session = Session(feed, card, names={b"A       ": 0, b"BB      ": 1})
        await card.open()
        for name, symbol in session.oracle.names.items():
            await card.set_name(name, symbol)
            await card.step(3)
        for locate, symbol in ((10, 0), (20, 1), (11, 0), (11, 1), (11, 1)):
            await card.set_locate(locate, symbol)
            session.oracle.map(locate, symbol)
            await session.send(*map(session.delete, (10, 11, 20)))
        await session.send(session.listing(b"A", 20), session.delete(20))
        assert session.oracle.locates == {11: 1, 20: 0}
        # What is freed need not be what was mapped: both are free then.
        await card.set_locate(20, 1, 0)
        session.oracle.free(20, 1)
        assert session.oracle.locates == {}
        await session.send(*map(session.delete, (11, 20)))
        await session.send(session.listing(b"A", 11), session.listing(b"BB", 20))
        await session.send(*map(session.delete, (11, 20)))
        await session.compare()
        assert not [what for what in session.oracle.out if what[0] == "trust"]

    feed.run(host, symbols=symbols)


@pytest.mark.parametrize("wait", range(4))
def test_the_host_waits_for_messages(simulate, symbols, wait):
    """In whichever cycle beside two messages it sets a locate, they find theirs."""
    dut = Directory(symbols)

    async def set_locate(ctx, locate, symbol):
        for name, value in (("locate", locate), ("locate_symbol", symbol), ("locate_valid", 1)):
            ctx.set(getattr(dut, name), value)
        ctx.set(dut.set_locate, 1)
        await ctx.tick()
        ctx.set(dut.set_locate, 0)

    async def look(ctx, locate):
        ctx.set(dut.wanted, locate)
        await ctx.tick()
        ctx.set(dut.needed, 1)
        found = ctx.get(dut.mapped), ctx.get(dut.symbol)
        ctx.set(dut.wanted, 0)
        await ctx.tick()
        ctx.set(dut.needed, 0)
        return found

    async def feed(ctx):
        await set_locate(ctx, 5, 3)
        await ctx.tick().repeat(2)
        assert [await look(ctx, 5) for _ in range(2)] == [(1, 3)] * 2
        await ctx.tick().repeat(2)
        assert await look(ctx, 7) == (1, 1)

    async def host(ctx):
        await ctx.tick().repeat(2 + wait)
        await set_locate(ctx, 7, 1)

    simulate(dut, feed, host)


@pytest.mark.parametrize("seed", range(2))
def test_host_and_feed_fill_the_map_as_they_like(feed, symbols, seed):
    rng = random.Random(seed)
    stocks = [b"A", b"BB", b"CCC", b"DDDD", b"E", b"F"]
    locates = [0, 1, 256, 257, 65535]

    async def host(card):
        session = Session(feed, card)
        await card.open()
        for _ in range(60):
            symbol, locate = rng.randrange(4), rng.choice(locates)
            match rng.randrange(4):
                case 0:
                    name = rng.choice(stocks).ljust(8)
                    await card.set_name(name, symbol)
                    session.oracle.name(name, symbol)
                case 1:
                    await card.set_locate(locate, symbol)
                    session.oracle.map(locate, symbol)
                case 2 if rng.randrange(3) == 0:
                    await card.set_locate(locate, symbol, 0)
                    session.oracle.free(locate, symbol)
                case _:
                    await session.send(session.listing(rng.choice(stocks), locate))
            await session.send(*map(session.delete, locates))
        await session.compare()
        assert {what[0] for what in session.oracle.out} == {"event", "trust"}
        assert await card.load("names_full") == 0

    feed.run(host, symbols=symbols)


def test_a_symbol_that_is_named_anew_loses_its_old_name(feed, symbols):
    """And one whose name goes to another symbol has none."""

    async def host(card):
        session = Session(feed, card)
        await card.open()
        for stock, symbol in ((b"A", 0), (b"BB", 1), (b"CCC", 0), (b"BB", 0)):
            await card.set_name(stock.ljust(8), symbol)
            await card.step(3)
            session.oracle.name(stock.ljust(8), symbol)
        assert session.oracle.names == {b"BB      ": 0}
        await session.send(*(session.listing(b, at) for at, b in enumerate((b"A", b"BB", b"CCC"))))
        await session.send(*map(session.delete, range(3)))
        await session.compare()
        assert [what[2] for what in session.oracle.out] == [0]
        assert await card.load("names_full") == 0

    feed.run(host, symbols=symbols)


def test_names_of_one_row(feed):
    """Of many symbols, four names fit; a fifth is told to the host."""
    letters = itertools.product(b"ABCDEFGH", repeat=4)
    rows: dict[int, list[bytes]] = {}
    for name in (bytes(parts).ljust(8) for parts in letters):
        row = rows.setdefault(name_row(int.from_bytes(name, "little"), 9), [])
        row.append(name)
        if len(row) == 5:
            break

    async def host(card):
        session = Session(feed, card)
        await card.open()
        other, last = b"OTHER   ", row[4]

        async def name(stock, symbol):
            await card.set_name(stock, symbol)
            await card.step(3)

        for symbol, stock in enumerate([*row[:4], other]):
            await name(stock, symbol)
            session.oracle.name(stock, symbol)
        assert await card.load("names_full") == 0
        await name(last, 4)  # which keeps the name that it has
        assert await card.load("names_full") == 1
        await session.send(*(session.listing(s, 40 + at) for at, s in enumerate([*row, other])))
        await session.send(*map(session.delete, range(40, 46)))
        for stock, symbol in ((b"NEW     ", 0), (last, 5)):  # the first leaves the row
            await name(stock, symbol)
            session.oracle.name(stock, symbol)
        await session.send(session.listing(last, 44), session.delete(44))
        await session.compare()
        assert [what[2] for what in session.oracle.out] == [0, 1, 2, 3, 4, 5]

    feed.run(host, symbols=MANY)


def test_a_name_of_no_symbol_is_refused(feed, symbols):
    async def host(card):
        await card.open()
        await card.set_name(b"A       ", symbols)
        await card.step(3)
        assert await card.load("names_full") == 1

    feed.run(host, symbols=symbols)


def test_a_name_that_is_set_amid_traffic(feed, symbols):
    """It is kept as soon as no message is under way, and no lookup suffers."""

    async def host(card):
        session = Session(feed, card, names={b"A       ": 0, b"BB      ": 1})
        await card.open()
        await card.set_name(b"A       ", 0)
        await card.step(3)
        await card.write("name", int.from_bytes(b"BB      ", "little"))
        await card.write("name_symbol", 1)
        card.ctx.set(card.dut.bus.addr, FeedRegs.set_name.offset // 4)
        card.ctx.set(card.dut.bus.w_data, 1)
        # In every word of a frame of listings once.
        payloads = [feed.datagram([session.listing(b"A", 10)] * 4, 1 + 4 * n) for n in range(28)]
        for number, payload in enumerate(payloads):
            writes = iter([0] * number + [1] + [0] * 50)

            def write(writes=writes):
                card.ctx.set(card.dut.bus.w_en, next(writes))
                return 0

            data = feed.frame(payload)
            session.oracle.play(data, await card.frame(data, gaps=write))
            card.ctx.set(card.dut.bus.w_en, 0)
            await card.step(5)
        session.sequence += 4 * len(payloads)
        await session.send(session.listing(b"BB", 20), session.delete(20), session.delete(10))
        # Had a lookup of A failed, its locate would be in doubt.
        await session.compare()
        assert len(session.oracle.out) == 2
        assert await card.load("names_full") == 0

    feed.run(host, symbols=symbols)


def test_rows_are_the_same_in_numbers_and_in_gateware():
    """A name is cut into pieces of so many bits, joined by exclusive or."""
    name = 0x0123456789ABCDEF
    pieces = [name >> 9 * n & 0x1FF for n in range(8)]
    folded = 0
    for piece in pieces:
        folded ^= piece
    assert name_row(name, 9) == folded
