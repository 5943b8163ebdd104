"""Which locate is which symbol: as the host says, and as the feed says."""

import itertools
import random

from tickwright.feed.locate import name_row
from tickwright.feed.regs import FeedRegs


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


def test_directory_messages_fill_the_map_and_may_not_contradict_it(feed):
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

    feed.run(host)


def test_a_contradiction_right_before_a_fault(feed):
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

    feed.run(host)


def test_the_host_maps_and_frees_locates(feed):
    async def host(card):
        session = Session(feed, card, names={b"A       ": 0})
        await card.open()
        await card.set_name(b"A       ", 0)
        for locate, symbol in ((0, 1), (1, 2), (16, 3), (65535, 2)):
            await card.set_locate(locate, symbol)
            session.oracle.locates[locate] = symbol
        await session.send(*map(session.delete, (0, 1, 2, 15, 16, 17, 65534, 65535)))
        await card.set_locate(16, 3, 0)
        del session.oracle.locates[16]
        await card.set_locate(2, 4)  # this card has symbols 0 to 3
        await session.send(*map(session.delete, (0, 1, 2, 16)))
        await session.send(session.listing(b"A", 16), session.delete(16))
        await card.set_locate(16, 0, 0)
        del session.oracle.locates[16]
        await session.send(session.delete(16), session.listing(b"A", 17), session.delete(17))
        await session.compare()

    feed.run(host)


def test_names_of_one_row(feed):
    """Four fit; a fifth, or one of no symbol, is told to the host."""
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
        for symbol, name in enumerate(row[:4]):
            await card.set_name(name, symbol)
            await card.step(3)
            session.oracle.names[name] = symbol
        # A name kept already goes to another symbol.
        await card.set_name(row[0], 3)
        await card.set_name(row[3], 0)
        session.oracle.names.update({row[0]: 3, row[3]: 0})
        await card.step(3)
        assert await card.load("names_full") == 0
        await card.set_name(row[4], 1)
        await card.step(3)
        assert await card.load("names_full") == 1
        await session.send(*(session.listing(name, 40 + at) for at, name in enumerate(row)))
        await session.send(*map(session.delete, range(40, 45)))
        await session.compare()
        assert {what[2] for what in session.oracle.out} == {0, 1, 2, 3}

    feed.run(host)


def test_a_name_of_no_symbol_is_refused(feed):
    async def host(card):
        await card.open()
        await card.set_name(b"A       ", 4)
        await card.step(3)
        assert await card.load("names_full") == 1

    feed.run(host)


def test_a_name_that_is_set_amid_traffic(feed):
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

    feed.run(host)


def test_rows_are_the_same_in_numbers_and_in_gateware():
    """A name is cut into pieces of so many bits, joined by exclusive or."""
    name = 0x0123456789ABCDEF
    pieces = [name >> 9 * n & 0x1FF for n in range(8)]
    folded = 0
    for piece in pieces:
        folded ^= piece
    assert name_row(name, 9) == folded
