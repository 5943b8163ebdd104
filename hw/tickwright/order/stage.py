"""Orders to the venue, and what it says of them."""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.core.regfile import RegisterFile
from tickwright.core.streams import FrameEnd, Word
from tickwright.net.tcp import Endpoints, SegmentReceiver, SegmentSender
from tickwright.order.ack_timer import AckTimer
from tickwright.order.ouch import PACKET_BYTES, EnterOrderEncoder
from tickwright.order.regs import OrderRegs
from tickwright.order.responses import ResponseDecoder, ResponseQueue
from tickwright.order.session import SEGMENT_BYTES, Session
from tickwright.order.types import Response
from tickwright.risk.types import Order
from tickwright.top.presets import Preset

__all__ = ["OrderStage"]

QUEUED_RESPONSES = 16


class OrderStage(wiring.Component):
    """Sends orders in the session that the host handed over, and takes the venue's answers. ::

                             name, digits, sum
        orders ─┬─▶ [ encoder ]──────────────▶ [ sender ]───▶ tx
                │        seq, ack ▲                 ▲ word 0 at once
                └──────────▶ [ session ]◀── late ── [ ack timer ]
                                  ▲ │ messages
        rx ──▶ [ receiver ]───────┘ └──▶ [ decoder ]──▶ [ queue ]──▶ responses

    Every order is entered, immediate or cancel: the gate makes no other kind. It is sent whatever
    the session is like, for the gate has judged that. What the receive side does with a frame is
    told by its parts: `SegmentReceiver`, `Session`, `ResponseDecoder`.

    Latency: 1 cycle from an order to word 0 of its frame. 5 cycles from the last word of a segment
    to its response, if its verdict comes with that word or in the next cycle. Throughput: a frame
    of 13 words in 13 cycles.

    Members
    -------
    now_ns : ``In(64)``
        Card time.
    orders : ``In(stream.Signature(Order(symbols)))``
        Orders that passed the gate. The second one of an intent waits here for the first one's
        frame.
    can_send : ``Out(1)``
        Nothing is sent, no order waits, and the MAC would take a word. If the gate then presents
        no order for a while, the first one it presents leaves in the next cycle: orders that it is
        still working on are its own affair.
    session_ok : ``Out(1)``
        The session lets orders pass: it is open and has not ended, there is no receive fault, no
        acknowledgment is overdue, and the window has room for two more orders.
    tx : ``Out(stream.Signature(Word))``
        Frames to the venue; within a frame, `valid` never drops. While none is there, `ready` tells
        of its own accord that the next one would be taken at once, and then stays until it is: a
        MAC that is ready only for what is valid never gets an order.
    rx, rx_end : ``In(stream.Signature(..., always_ready=True))``
        Frames of the session's port, and the verdict on each: with its last word or later, at the
        latest with the next frame's first.
    responses : ``Out(stream.Signature(Response))``
        What the venue says of our orders.
    bus : ``In(BusSignature(...))``
        Access from the host, to `OrderRegs`.
    """

    def __init__(self, preset: Preset):
        self._preset = preset
        self._regs = RegisterFile(OrderRegs)
        super().__init__({
            "now_ns":     In(64),
            "orders":     In(stream.Signature(Order(preset.symbols))),
            "can_send":   Out(1),
            "session_ok": Out(1),
            "tx":         Out(stream.Signature(Word)),
            "rx":         In(stream.Signature(Word, always_ready=True)),
            "rx_end":     In(stream.Signature(FrameEnd, always_ready=True)),
            "responses":  Out(stream.Signature(Response)),
            "bus":        self._regs.signature.members["bus"],
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.regs     = regs     = self._regs
        m.submodules.encoder  = encoder  = EnterOrderEncoder(self._preset.symbols)
        m.submodules.sender   = sender   = SegmentSender(PACKET_BYTES, sum_bits=len(encoder.sum))
        m.submodules.timer    = timer    = AckTimer(frames=self._preset.slots,
                                                    payload_bytes=PACKET_BYTES)
        m.submodules.session  = session  = Session()
        m.submodules.receiver = receiver = SegmentReceiver(SEGMENT_BYTES)
        m.submodules.decoder  = decoder  = ResponseDecoder()
        m.submodules.queue    = queue    = ResponseQueue(QUEUED_RESPONSES)
        endpoints = Signal(Endpoints)

        connect(m, flipped(self.bus), regs.bus)
        connect(m, flipped(self.rx), receiver.frames)
        connect(m, flipped(self.rx_end), receiver.frame_end)
        connect(m, receiver.segments, session.segments)
        connect(m, session.messages, decoder.messages)
        connect(m, decoder.responses, queue.arrivals)
        connect(m, queue.responses, flipped(self.responses))
        connect(m, sender.frames, flipped(self.tx))

        sent = self.orders.valid & sender.ready
        counted = _counted(sent, receiver, session, decoder)
        regs.attach(m, _holders(endpoints, counted, encoder, session, sender, timer))
        m.d.comb += [
            self.orders.ready.eq(sender.ready),
            self.can_send.eq(~self.tx.valid & ~self.orders.valid & self.tx.ready),
            self.session_ok.eq(session.session_ok),
            encoder.load.eq(sent), encoder.order.eq(self.orders.payload),
            sender.send.eq(sent), sender.endpoints.eq(endpoints),
            sender.seq.eq(session.seq), sender.ack.eq(session.ack),
            sender.payload.eq(encoder.packet), sender.payload_sum.eq(encoder.sum),
            timer.sent.eq(sent), timer.clear.eq(session.opens), timer.now_ns.eq(self.now_ns),
            timer.start_seq.eq(regs.start_seq), timer.acknowledged.eq(session.acknowledged),
            session.sent.eq(sent), session.late.eq(timer.late), session.crowded.eq(timer.crowded),
            session.refused.eq(decoder.wrong | queue.full),
            receiver.enable.eq(session.live), receiver.endpoints.eq(endpoints),
            receiver.now_ns.eq(self.now_ns),
        ]

        return m


def _counted(sent, receiver, session, decoder) -> SimpleNamespace:
    """Return what each counter counts."""
    return SimpleNamespace(
        orders=sent,
        rx_other=receiver.others,
        rx_bad_checksum=receiver.bad_checksums,
        rx_bad_frames=receiver.bad_frames,
        responses=decoder.responses.valid,
        ignored_messages=decoder.ignored,
        unhandled=decoder.unhandled,
        **{name: getattr(session.count, name) for name in session.count.signature.members},
    )


def _holders(*parts) -> SimpleNamespace:
    """Return, for each register, the member of its name in the first part that has one."""
    return SimpleNamespace(**{
        register.name: next(getattr(part, register.name) for part in parts
                            if hasattr(part, register.name))
        for register in OrderRegs.registers
    })
