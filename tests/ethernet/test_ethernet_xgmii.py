"""What the 10 Gb/s transmitter sends, the receiver takes; the line between is as it has to be."""

import random

from amaranth import *
from amaranth.lib import wiring

from tickwright.ethernet.reasons import FrameReason
from tickwright.ethernet.xgmii import Code
from tickwright.ethernet.xgmii_receiver import XgmiiReceiver
from tickwright.ethernet.xgmii_transmitter import XgmiiTransmitter
from tickwright.twin.handshake import frame_bytes

GAP_BYTES = 12  # on average, the terminate among them
SHORTEST_GAP, LONGEST_GAP = 9, 15
MIN_DATA_BYTES = 60
SEED = 2026


class Loop(wiring.Component):
    """A transmitter whose line leads to a receiver."""

    def __init__(self):
        self.tx, self.rx = XgmiiTransmitter(), XgmiiReceiver()
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.tx, m.submodules.rx = self.tx, self.rx
        m.d.comb += self.rx.xgmii.eq(self.tx.xgmii)
        return m


def words(frame, rng):
    """Give the words of a frame, with anything past its last byte."""
    for at in range(0, len(frame), 8):
        piece = frame[at : at + 8]
        yield {
            "data": int.from_bytes(piece + rng.randbytes(8 - len(piece)), "little"),
            "bytes": len(piece),
            "first": at == 0,
            "last": at + 8 >= len(frame),
        }


def test_frames_of_every_length_come_through_back_to_back(simulate):
    rng = random.Random(SEED)
    frames = [rng.randbytes(size) for size in (*range(1, 140), *rng.choices(range(60, 400), k=60))]
    dut, line, taken, verdicts = Loop(), [], [], []

    async def send(ctx):
        for frame in frames:
            for word in words(frame, rng):
                ctx.set(dut.tx.words.p, word)
                ctx.set(dut.tx.words.valid, 1)
                await ctx.tick().until(dut.tx.words.ready)
        ctx.set(dut.tx.words.valid, 0)

    async def receive(ctx):
        frame = []
        while len(verdicts) < len(frames):
            _, _, column, valid, word, ended, end, no_start, no_words = await ctx.tick().sample(
                *(dut.tx.xgmii, dut.rx.words.valid, dut.rx.words.p),
                *(dut.rx.frame_end.valid, dut.rx.frame_end.p, dut.rx.no_start, dut.rx.no_words),
            )
            assert not no_start
            assert not no_words
            line.extend((column.data >> 8 * lane & 0xFF, column.control >> lane & 1)
                        for lane in range(8))  # fmt: skip
            if valid:
                frame.append(word.as_bits())
                if word.last:
                    taken.extend(frame_bytes(frame))
                    frame = []
            if ended:
                assert len(taken) == len(verdicts) + 1
                verdicts.append(FrameReason(end.reason))

    simulate(dut, send, receive)
    assert taken == [frame.ljust(MIN_DATA_BYTES, b"\0") for frame in frames]
    assert set(verdicts) == {FrameReason.GOOD}

    starts = [at for at, lane in enumerate(line) if lane == (Code.START, 1)]
    stops = [at for at, lane in enumerate(line) if lane == (Code.TERMINATE, 1)]
    gaps = [start - stop for stop, start in zip(stops, starts[1:], strict=False)]
    assert {start % 8 for start in starts} == {0, 4}
    assert min(gaps) >= SHORTEST_GAP
    assert max(gaps) <= LONGEST_GAP
    assert abs(sum(gaps) - GAP_BYTES * len(gaps)) <= 3  # what may be owed
