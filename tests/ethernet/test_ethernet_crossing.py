"""Frames cross between two clocks whole and in order, and none waits behind another."""

import random

import pytest
from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from oracle.ethernet_line import Symbol, carrier, on_line, with_fcs

from tickwright.core.streams import Word
from tickwright.ethernet.crossing import ReceiveCrossing, TransmitCrossing
from tickwright.ethernet.transmitter import GmiiTransmitter
from tickwright.ethernet.types import Gmii
from tickwright.twin.handshake import frame_words

PHY_S = 8e-9
CARD_S = [6.4e-9, 7.9e-9, 8e-9, 12.5e-9, 61e-9]  # the slowest is nearly 8 times slower
SEED = 2026


def frames(count, rng):
    return [
        rng.randbytes(rng.choice([1, 7, 8, 9, 60, 64, rng.randrange(1, 300)])) for _ in range(count)
    ]


def clocks(card_s):
    return {"sync": card_s, "phy": PHY_S}


@pytest.mark.parametrize("card_s", CARD_S)
def test_what_was_received_arrives_whole_with_its_verdict(simulate, card_s):
    dut, rng = ReceiveCrossing("phy"), random.Random(SEED)
    given, found = [], []
    for frame in frames(60, rng):
        words = list(frame_words(frame))
        given += [(word, None) for word in words[:-1]] + [(words[-1], rng.getrandbits(4))]

    async def phy(ctx):
        for word, end in given:
            await ctx.tick("phy").repeat(7)
            ctx.set(dut.phy_words.p.as_value(), word)
            ctx.set(dut.phy_end.p.as_value(), end or 0)
            ctx.set(dut.phy_words.valid, 1)
            ctx.set(dut.phy_end.valid, end is not None)
            await ctx.tick("phy")
            ctx.set(dut.phy_words.valid, 0)
            ctx.set(dut.phy_end.valid, 0)

    async def card(ctx):
        watched = dut.words.p.as_value(), dut.frame_end.valid, dut.frame_end.p.as_value()
        while len(found) < len(given):
            word, ended, end = await ctx.tick().sample(*watched).until(dut.words.valid)
            found.append((word, end if ended else None))

    simulate(dut, phy, card, clocks=clocks(card_s), deadline=100_000)
    assert found == given


@pytest.mark.parametrize("card_s", CARD_S)
def test_a_word_is_there_at_the_second_edge_of_the_cards_clock(simulate, card_s):
    dut, waits = ReceiveCrossing("phy"), set()

    async def phy(ctx):
        for pause in range(60, 100):
            await ctx.tick("phy").repeat(pause)
            ctx.set(dut.phy_words.valid, 1)
            await ctx.tick("phy")
            ctx.set(dut.phy_words.valid, 0)
            waits.add(await ticks(ctx, "sync", dut.words.valid))

    simulate(dut, phy, clocks=clocks(card_s), deadline=100_000)
    assert waits == {2}


async def ticks(ctx, domain, seen):
    """Wait until it is seen; return after how many ticks of a clock."""
    count = 0
    while not ctx.get(seen):
        await ctx.tick(domain)
        count += 1
    return count


class Sender(wiring.Component):
    """The way of a frame from the card to the line."""

    words: In(stream.Signature(Word))
    gmii: Out(Gmii)

    def elaborate(self, platform):
        m = Module()
        m.submodules.crossing = crossing = TransmitCrossing("phy")
        m.submodules.transmitter = transmitter = DomainRenamer("phy")(GmiiTransmitter())
        connect(m, flipped(self.words), crossing.words)
        connect(m, crossing.phy_words, transmitter.words)
        m.d.comb += [self.gmii.eq(transmitter.gmii), crossing.phy_idle.eq(transmitter.idle)]
        return m


class Wire:
    """What was on the line, and how much of it when the card's frames were taken."""

    def __init__(self, dut):
        self.dut = dut
        self.symbols = []
        self.begun = []

    async def line(self, ctx):
        async for _, _, gmii in ctx.tick("phy").sample(self.dut.gmii):
            self.symbols.append(Symbol(gmii.data, gmii.valid, gmii.error))

    async def taken(self, ctx):
        words = self.dut.words
        async for _, _, first, valid, ready in ctx.tick().sample(
            words.p.first, words.valid, words.ready
        ):
            if first and valid and ready:
                self.begun.append(len(self.symbols))


@pytest.mark.parametrize("card_s", CARD_S)
def test_each_frame_is_taken_when_the_line_is_free_and_sent_whole(simulate, card_s):
    dut, rng = Sender(), random.Random(SEED)
    wire, given = Wire(dut), frames(30, rng)

    async def card(ctx):
        for frame in given:
            for word in frame_words(frame):
                ctx.set(dut.words.p.as_value(), word)
                ctx.set(dut.words.valid, 1)
                await ctx.tick().until(dut.words.ready)
            ctx.set(dut.words.valid, 0)
            if rng.randrange(2):
                await ctx.tick().repeat(rng.randrange(100))
        await ctx.tick("phy").repeat(600)

    simulate(dut, card, background=[wire.line, wire.taken], clocks=clocks(card_s), deadline=200_000)
    events = list(on_line(wire.symbols))
    assert [event for _, event in events] == [carrier(with_fcs(frame, pad=60)) for frame in given]
    assert all(pause >= 12 for pause, _ in events[1:])
    for at in wire.begun:  # a frame that is taken finds the gap behind the one before over
        assert not any(symbol.valid for symbol in wire.symbols[max(0, at - 12) : at])


@pytest.mark.parametrize("card_s", CARD_S)
def test_a_word_is_at_the_transmitter_at_the_second_edge_of_the_phys_clock(simulate, card_s):
    """And another frame is taken at the second edge of the card's clock after it is free."""
    dut, waits, frees = TransmitCrossing("phy"), set(), set()

    async def ends(ctx):
        ctx.set(dut.words.p.last, 1)
        for pause in range(20, 60):
            await ctx.tick("phy").repeat(pause)
            ctx.set(dut.words.valid, 1)
            await ctx.tick()
            ctx.set(dut.words.valid, 0)
            waits.add(await ticks(ctx, "phy", dut.phy_words.valid))
            ctx.set(dut.phy_words.ready, 1)
            await ctx.tick("phy")
            ctx.set(dut.phy_words.ready, 0)
            await ctx.tick("phy").repeat(pause)
            assert not ctx.get(dut.words.ready)
            ctx.set(dut.phy_idle, 1)
            await ctx.tick("phy")
            ctx.set(dut.phy_idle, 0)
            frees.add(await ticks(ctx, "sync", dut.words.ready))

    simulate(dut, ends, clocks=clocks(card_s), deadline=200_000)
    assert (waits, frees) == ({2}, {2})


@pytest.mark.parametrize("card_s", [8e-9, 12.5e-9])
def test_a_word_a_cycle_is_taken_within_a_frame(simulate, card_s):
    dut = TransmitCrossing("phy")

    async def card(ctx):
        ctx.set(dut.words.valid, 1)
        ctx.set(dut.phy_words.ready, 1)
        for _ in range(300):
            await ctx.tick()
            assert ctx.get(dut.words.ready)

    simulate(dut, card, clocks=clocks(card_s))
