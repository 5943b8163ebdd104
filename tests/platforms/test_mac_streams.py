"""Frames pass between a MAC's user port and the card as they are, in the same cycle."""

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import connect

from tickwright.core.streams import Word
from tickwright.ethernet.reasons import FrameReason
from tickwright.platforms.mac_streams import MacReceiver, MacTransmitter
from tickwright.twin.handshake import frame_bytes, frame_words

FRAMES = [bytes(range(count)) for count in (60, 61, 63, 64, 8, 3)]


class Loop(wiring.Component):
    """What is sent comes back at once."""

    def __init__(self):
        super().__init__({})
        self.transmitter, self.receiver = MacTransmitter(), MacReceiver()

    def elaborate(self, platform):
        m = Module()
        m.submodules.transmitter = self.transmitter
        m.submodules.receiver = self.receiver
        connect(m, self.transmitter.beats, self.receiver.beats)
        return m


def test_what_is_sent_is_received_in_the_same_cycle(simulate):
    dut, found = Loop(), []
    given, back = dut.transmitter.words, dut.receiver.words

    async def card(ctx):
        ctx.set(dut.transmitter.tready, 1)
        for frame in FRAMES:
            for word in frame_words(frame):
                ctx.set(given.valid, 1)
                ctx.set(given.p.as_value(), word)
                assert ctx.get(back.valid)
                assert ctx.get(given.ready)
                assert ctx.get(dut.receiver.frame_end.valid) == ctx.get(given.p.last)
                found.append(ctx.get(back.p.as_value()))
                await ctx.tick()
            ctx.set(given.valid, 0)
            assert not ctx.get(back.valid)
            await ctx.tick()

    simulate(dut, card)
    assert frame_bytes(found) == FRAMES


def test_the_mac_says_which_bytes_count(simulate):
    dut = MacTransmitter()

    async def card(ctx):
        for count in range(1, 9):
            word = Word.const({"data": 0, "bytes": count, "first": 1, "last": 1}).as_bits()
            ctx.set(dut.words.p.as_value(), word)
            assert ctx.get(dut.beats.tkeep) == 0xFF >> (8 - count)

    simulate(dut, card, clocks={})


@pytest.mark.parametrize("ready", [0, 1])
def test_a_word_is_taken_when_the_mac_takes_it(simulate, ready):
    dut = MacTransmitter()

    async def card(ctx):
        ctx.set(dut.words.valid, 1)
        ctx.set(dut.tready, ready)
        assert ctx.get(dut.words.ready) == ready

    simulate(dut, card, clocks={})


@pytest.mark.parametrize("bad", [0, 1])
def test_the_verdict_comes_with_the_last_word(simulate, bad):
    dut = MacReceiver()

    async def mac(ctx):
        for last in (0, 1):
            ctx.set(dut.beats.tvalid, 1)
            ctx.set(dut.beats.tkeep, 0xFF)
            ctx.set(dut.beats.tlast, last)
            ctx.set(dut.beats.tuser, bad and last)
            assert ctx.get(dut.frame_end.valid) == last
            if last:
                assert ctx.get(dut.frame_end.p.good) == (not bad)
                assert ctx.get(dut.frame_end.p.reason) == bad * FrameReason.ERROR
            await ctx.tick()

    simulate(dut, mac)
