"""Frames leave at the pins of a port as they were given, come in as they were sent, and in time."""

import random

import pytest
from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from oracle.ethernet_line import carrier, with_fcs

from tickwright.core.streams import FrameEnd, Word
from tickwright.ethernet.port import ReceivePort, TransmitPort
from tickwright.ethernet.types import RgmiiSpeed
from tickwright.twin.handshake import frame_bytes, frame_words

CLOCKS = {"sync": 12.5e-9, "phy": 8e-9}
PHY_CYCLES, CARD_CYCLES = 6, 2  # from a word's last byte to the word
SEED = 2026


async def ticks(ctx, domain, seen):
    """Wait until it is seen; return after how many ticks of a clock."""
    count = 0
    while not ctx.get(seen):
        await ctx.tick(domain)
        count += 1
    return count


def put(ctx, pins, data: int, valid: int) -> None:
    """Put a byte on the pins."""
    for edge, nibble in ((pins.rising, data & 15), (pins.falling, data >> 4)):
        ctx.set(edge.data, nibble)
        ctx.set(edge.control, valid)


def test_a_word_comes_in_time(simulate):
    dut, waits = ReceivePort("phy"), set()
    until_word = carrier(with_fcs(bytes(64)))[: 8 + 8]

    async def phy(ctx):
        for pause in range(30, 50):
            for symbol in until_word:
                await ctx.tick("phy")
                put(ctx, dut.pins, symbol.data, 1)
            await ctx.tick("phy").repeat(PHY_CYCLES)
            waits.add(await ticks(ctx, "sync", dut.words.valid))
            put(ctx, dut.pins, 0, 0)
            await ctx.tick("phy").repeat(pause)

    simulate(dut, phy, clocks=CLOCKS)
    assert waits == {CARD_CYCLES}


@pytest.mark.parametrize("speed", list(RgmiiSpeed))
@pytest.mark.parametrize("up", [0, 1])
def test_the_link_is_up_at_one_gigabit_a_second(simulate, speed, up):
    dut = ReceivePort("phy")

    async def phy(ctx):
        ctx.set(dut.pins.rising.data, up | speed.value << 1)
        await ctx.tick("phy")
        assert ctx.get(dut.gigabit) == (up and speed == RgmiiSpeed.MBPS_1000)
        await ctx.tick("sync")

    simulate(dut, phy, clocks=CLOCKS)


def test_a_frame_begins_in_time(simulate):
    dut, waits = TransmitPort("phy"), set()

    async def card(ctx):
        for pause in range(60, 80):
            assert ctx.get(dut.words.ready)
            [word] = frame_words(b"frame")
            ctx.set(dut.words.p.as_value(), word)
            ctx.set(dut.words.valid, 1)
            await ctx.tick()
            ctx.set(dut.words.valid, 0)
            waits.add(await ticks(ctx, "phy", dut.pins.rising.control))
            assert not ctx.get(dut.words.ready)
            await ctx.tick().repeat(pause)

    simulate(dut, card, clocks=CLOCKS)
    assert max(waits) <= 3


class Plug(wiring.Component):
    """A port whose pins are joined."""

    given: In(stream.Signature(Word))
    taken: Out(stream.Signature(Word, always_ready=True))
    taken_end: Out(stream.Signature(FrameEnd, always_ready=True))

    def elaborate(self, platform):
        m = Module()
        m.submodules.transmit = transmit = TransmitPort("phy")
        m.submodules.receive = receive = ReceivePort("phy")
        connect(m, flipped(self.given), transmit.words)
        connect(m, receive.words, flipped(self.taken))
        connect(m, receive.frame_end, flipped(self.taken_end))
        m.d.comb += receive.pins.eq(transmit.pins)
        return m


def test_frames_come_back_whole(simulate):
    dut, rng = Plug(), random.Random(SEED)
    frames = [rng.randbytes(rng.choice([60, 61, 104, 300])) for _ in range(10)]
    words, good = [], []

    async def card(ctx):
        for frame in frames:
            for word in frame_words(frame):
                ctx.set(dut.given.p.as_value(), word)
                ctx.set(dut.given.valid, 1)
                await ctx.tick().until(dut.given.ready)
            ctx.set(dut.given.valid, 0)

    async def host(ctx):
        watched = dut.taken.p.as_value(), dut.taken_end.valid, dut.taken_end.p.good
        while len(good) < len(frames):
            word, ended, right = await ctx.tick().sample(*watched).until(dut.taken.valid)
            words.append(word)
            good.extend([right] * ended)

    simulate(dut, card, host, clocks=CLOCKS)
    assert frame_bytes(words) == frames
    assert good == [1] * len(frames)
