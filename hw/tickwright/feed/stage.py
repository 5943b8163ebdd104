"""From frames to events of the watched symbols."""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.core.regfile import RegisterFile
from tickwright.core.streams import WORD_BYTES, FrameEnd, Word
from tickwright.feed.admission import Admission
from tickwright.feed.arbiter import Arbiter
from tickwright.feed.framing import LENGTH_BYTES, MIN_DATAGRAM, MIN_FRAME, Framing
from tickwright.feed.itch import ItchDecoder
from tickwright.feed.messages import StockDirectory
from tickwright.feed.moldudp64 import Datagrams
from tickwright.feed.names import NAME_BITS, NameTable
from tickwright.feed.regs import FeedRegs
from tickwright.feed.types import BookEvent, StatusEvent, Trust
from tickwright.feed.watch import FeedWatch
from tickwright.net.mac import FrameVerdicts
from tickwright.net.udp import UdpReceiver
from tickwright.top.presets import Preset

__all__ = ["FeedStage"]

STOCK_AT = 8 * (LENGTH_BYTES + StockDirectory.field("stock").offset)

LINKS = (
    ("stage",     "receiver",  "now_ns"),
    ("stage",     "arbiter",   "now_ns"),
    ("stage",     "watch",     "now_ns"),
    ("receiver",  "verdicts",  "index"),
    ("receiver",  "framing",   "index arrival tagged"),
    ("receiver",  "admission", "tagged wrong"),
    ("receiver",  "datagrams", "line"),
    ("framing",   "admission", "header short size origin"),
    ("framing",   "datagrams", "piece header message length last_in_packet "
                               "trailing_bytes fault origin"),
    ("admission", "datagrams", "accepted"),
    ("names",     "datagrams", "named symbol"),
    ("verdicts",  "datagrams", "bad bad_short"),
    ("datagrams", "arbiter",   "announced next_sequence taint datagram"),
    ("datagrams", "watch",     "heard heard_ns"),
    ("arbiter",   "watch",     "gap_open"),
    ("arbiter",   "stage",     "gap_open busy"),
    ("watch",     "stage",     "feed_ok"),
)
"""From where to where the signals go that keep their name on the way."""


class FeedStage(wiring.Component):
    """Reads the frames of both lines as they pass, and tells what happens to watched symbols. ::

        frames ──▶ receiver ──▶ framing ──▶ datagrams ──▶ arbiter ──▶ decoder ──▶ events
                      └─────────▶ admission ──┘ ▲                        statuses, trusts
        frame_end ──▶ verdicts ─────────────────┘

    Nothing is ever asked to wait. The host sets names and locates once ``ready`` is 1, then
    enables the stage.

    Latency: 4 cycles from the word with a message's last byte to its event, the same for every
    type, length and place in a word, if no message before it is missing. Throughput: 1 word per
    cycle of whatever the lines bring.

    Members
    -------
    now_ns : ``In(64)``
        Card time; it never goes back.
    frames : ``In(stream.Signature(Word, always_ready=True))``
        Frames of lines A and B.
    frame_end : ``In(stream.Signature(FrameEnd, always_ready=True))``
        The verdict on each frame: with its last word or later, up to the cycle of the next frame's
        first word.
    events, statuses, trusts : ``Out(stream.Signature(..., always_ready=True))``
        What happened, in the order of the messages; at most one in a cycle.
    feed_ok : ``Out(1)``
        Frames are taken, no gap is open, and a datagram came lately.
    gap_open : ``Out(1)``
        Messages are missing and may still come.
    busy : ``Out(1)``
        Messages are held that can be delivered, or are looked for.
    bus : ``In(BusSignature(...))``
        Access to `FeedRegs`.
    """

    def __init__(self, preset: Preset):
        self.preset = preset
        self._regs = RegisterFile(FeedRegs)
        symbols = preset.symbols
        super().__init__({
            "now_ns":    In(64),
            "frames":    In(stream.Signature(Word, always_ready=True)),
            "frame_end": In(stream.Signature(FrameEnd, always_ready=True)),
            "events":    Out(stream.Signature(BookEvent(symbols), always_ready=True)),
            "statuses":  Out(stream.Signature(StatusEvent(symbols), always_ready=True)),
            "trusts":    Out(stream.Signature(Trust(symbols), always_ready=True)),
            "feed_ok":   Out(1),
            "gap_open":  Out(1),
            "busy":      Out(1),
            "bus":       self._regs.signature.members["bus"],
        })

    def elaborate(self, platform):
        m = Module()

        symbols = self.preset.symbols
        parts = {
            "receiver":  UdpReceiver(),
            "verdicts":  FrameVerdicts(short_words=-(-MIN_FRAME // WORD_BYTES)),
            "framing":   Framing(),
            "admission": Admission(),
            "names":     NameTable(symbols),
            "datagrams": Datagrams(symbols),
            "arbiter":   Arbiter(symbols, self.preset.hold),
            "decoder":   ItchDecoder(symbols),
            "watch":     FeedWatch(),
        }
        for name, part in parts.items():
            m.submodules[name] = part
        at = SimpleNamespace(**parts, stage=self)

        connect(m, flipped(self.frames), at.receiver.arriving)
        connect(m, at.datagrams.messages, at.arbiter.messages)
        connect(m, at.arbiter.sequenced, at.decoder.sequenced)
        connect(m, at.arbiter.trusts, at.decoder.doubts)
        connect(m, at.decoder.events, flipped(self.events))
        connect(m, at.decoder.statuses, flipped(self.statuses))
        connect(m, at.decoder.trusts, flipped(self.trusts))
        for source, target, names in LINKS:
            for name in names.split():
                m.d.comb += getattr(getattr(at, target), name).eq(
                    getattr(getattr(at, source), name))
        for reader in (at.verdicts, at.framing):
            m.d.comb += reader.words.valid.eq(at.receiver.words.valid)
            m.d.comb += reader.words.p.eq(at.receiver.words.p)
        m.d.comb += [
            at.receiver.min_length.eq(MIN_DATAGRAM),
            at.framing.datagram_bytes.eq(at.receiver.length),
            at.names.stock.eq(at.framing.early[STOCK_AT : STOCK_AT + NAME_BITS]),
            at.names.idle.eq(at.framing.idle),
        ]
        m.d.sync += at.verdicts.frame_end.valid.eq(self.frame_end.valid)
        m.d.sync += at.verdicts.frame_end.p.eq(self.frame_end.p)
        self._registers(m, at, parts)

        return m

    def _registers(self, m, at, parts):
        """Connect every register to the part that has a member of its name, and open the stage."""
        m.submodules.regs = regs = self._regs
        connect(m, flipped(self.bus), regs.bus)
        own = SimpleNamespace(enable=Signal(), start_sequence=at.arbiter.start_sequence,
                              ready=Signal(), frames=Signal())
        enabled, started = Signal(), Signal()
        m.d.comb += [
            own.ready.eq(at.names.cleared & at.arbiter.cleared),
            enabled.eq(own.enable & own.ready),
            at.receiver.enable.eq(enabled),
            at.watch.enabled.eq(enabled),
            at.arbiter.start.eq(enabled & ~started),
            own.frames.eq(at.receiver.words.valid & at.receiver.words.p.first),
        ]
        m.d.sync += started.eq(started | enabled)

        for register in FeedRegs.registers:
            for part in parts.values():
                if not hasattr(own, register.name) and register.name in part.signature.members:
                    setattr(own, register.name, getattr(part, register.name))
        regs.attach(m, own)
