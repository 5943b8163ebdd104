"""Two sources of requests to the host, as one."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.pcie.types import RQ_USER_BITS, AxiStream

__all__ = ["RequestJoin"]

PORTS = ("tdata", "tkeep", "tlast", "tuser", "tvalid")


class RequestJoin(wiring.Component):
    """Passes requests on whole; the first source goes before the second, but never into a request.

    Latency: 0 cycles. Throughput: 1 beat per cycle.

    Members
    -------
    first, second : ``In(AxiStream(width, ...))``
        Requests of each source.
    rq : ``Out(AxiStream(width, ...))``
        Requests of both.
    """

    def __init__(self, width: int):
        super().__init__({
            "first":  In(AxiStream(width, RQ_USER_BITS)),
            "second": In(AxiStream(width, RQ_USER_BITS)),
            "rq":     Out(AxiStream(width, RQ_USER_BITS)),
        })

    def elaborate(self, platform):
        m = Module()

        within, held, chosen = Signal(), Signal(), Signal()  # 1: the second
        m.d.comb += chosen.eq(Mux(within, held, ~self.first.tvalid))
        m.d.sync += held.eq(chosen)
        with m.If(self.rq.tvalid):
            m.d.sync += within.eq(~(self.rq.tready & self.rq.tlast))
        for mine, source in ((0, self.first), (1, self.second)):
            with m.If(chosen == mine):
                m.d.comb += [getattr(self.rq, name).eq(getattr(source, name)) for name in PORTS]
                m.d.comb += source.tready.eq(self.rq.tready)

        return m
