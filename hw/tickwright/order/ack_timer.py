"""How long the venue has been silent about what was sent."""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AckTimer"]

NS_BITS = 64
LEFT_OVER = 2  # frames that may still be sent when the table counts as crowded


class AckTimer(wiring.Component):
    """Keeps when each frame was sent, until all of it is acknowledged.

    All frames have a payload of the same size. When the oldest one is acknowledged the next takes
    its place, a cycle for each; meanwhile `late` stays as it was.

    Latency: 2 cycles from the oldest frame's coming of age to `late`, 4 from `sent` and from an
    acknowledgment of one frame. Throughput: 1 frame per cycle.

    ``frames``, the places there are, is a power of two.

    Members
    -------
    clear : ``In(1)``
        A new session starts with `start_seq`; frames sent before are forgotten.
    start_seq : ``In(32)``
        Number of the next byte to send.
    sent : ``In(1)``
        A frame is sent.
    acknowledged : ``In(32)``
        Number of the first byte that is not acknowledged.
    now_ns, ack_timeout_ns : ``In(64)``, ``In(48)``
        Card time; the age that is still good.
    late : ``Out(1)``
        The oldest byte that is not acknowledged is older than that.
    crowded : ``Out(1)``
        There may be no place for two more frames.
    """

    clear:          In(1)
    start_seq:      In(32)
    sent:           In(1)
    acknowledged:   In(32)
    now_ns:         In(NS_BITS)
    ack_timeout_ns: In(48)
    late:           Out(1)
    crowded:        Out(1)

    def __init__(self, *, frames: int, payload_bytes: int):
        self._frames = frames
        self._payload_bytes = payload_bytes
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        m.submodules.times = times = memory.Memory(shape=NS_BITS, depth=self._frames, init=[])
        write, read = times.write_port(), times.read_port()
        newest, oldest = Signal(range(self._frames)), Signal(range(self._frames))
        kept = Signal(range(self._frames + 1))
        oldest_end = Signal(32)  # number of the byte behind the oldest frame
        done = Signal()

        m.d.comb += done.eq((kept != 0) & ~(self.acknowledged - oldest_end)[31])
        m.d.comb += [
            write.en.eq(self.sent), write.addr.eq(newest), write.data.eq(self.now_ns),
            read.en.eq(1), read.addr.eq(oldest),
        ]
        with m.If(self.clear):
            m.d.sync += [newest.eq(0), oldest.eq(0), kept.eq(0)]
            m.d.sync += oldest_end.eq(self.start_seq + self._payload_bytes)
        with m.Else():
            m.d.sync += [newest.eq(newest + self.sent), oldest.eq(oldest + done)]
            m.d.sync += kept.eq(kept + self.sent - done)
            m.d.sync += oldest_end.eq(oldest_end + Mux(done, self._payload_bytes, 0))
        m.d.sync += self.crowded.eq(kept > self._frames - LEFT_OVER)

        # A frame that has just been acknowledged is no younger than the one in its place.
        read_right, age_right, age = Signal(), Signal(), Signal(NS_BITS)
        m.d.sync += [
            read_right.eq((kept != 0) & ~done),
            age_right.eq(read_right),
            age.eq(self.now_ns - read.data),
        ]
        with m.If(kept == 0):
            m.d.sync += self.late.eq(0)
        with m.Elif(age_right):
            m.d.sync += self.late.eq(age > self.ack_timeout_ns)

        return m
