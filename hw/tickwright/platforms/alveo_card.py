"""The card as a whole, from the pins of an Alveo board inwards."""

from fractions import Fraction

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer, ResetSynchronizer
from amaranth.lib.wiring import In, Out, connect

from tickwright.pcie.stage import PcieEndpoint
from tickwright.pcie.types import CC_USER_BITS, CQ_USER_BITS, RQ_USER_BITS
from tickwright.platforms.elapsed_time import ElapsedTime
from tickwright.platforms.line_join import LineJoin
from tickwright.platforms.mac_streams import MacReceiver, MacTransmitter
from tickwright.platforms.packet_crossing import PacketCrossing
from tickwright.platforms.pcie_block import LANES, SHOWN, WIDTH, PcieBlock
from tickwright.platforms.port_trio import PORTS
from tickwright.telemetry.sources import SOURCES
from tickwright.telemetry.stage import TelemetryStage
from tickwright.top.pipeline import Pipeline
from tickwright.top.presets import Preset

__all__ = ["AUX_MHZ", "SYNCHRONIZERS", "AlveoCard"]

AUX_MHZ = 100
AUX_RESET_CYCLES = 1 << 16
PERIOD_NS = Fraction(32, 5)  # of the card's clock: a word a cycle is 10 Gb/s

SYNCHRONIZERS = ("cq", "cc", "rq", "host_status", "sync_reset", "pcie_reset")
"""Submodules in which signals pass from one clock to another; they do so nowhere else."""


class AlveoCard(wiring.Component):
    """Two feed lines and an order port at three lanes, and the host at PCI Express.

    All of the card goes by the clock in which the order port sends (``sync``, 156.25 MHz, made of
    the reference clock of the transceivers), so nothing between the wires has to cross; only what
    goes to the host does, by whole packets, to the clock of the PCIe hard block (``pcie``, 250
    MHz). A third clock (``aux``, 100 MHz) runs always and brings the ports up. The card is in reset
    until both clocks are steady and the link to the host is up, and again whenever the host resets
    it: then it is killed. ::

        lines ─▶ ports ─▶ join ─▶ pipeline ─▶ ports ─▶ orders
                            records │  ▲ bus
                                    ▼  │
          host ◀─▶ pcie ◀─ cq, cc, rq ─▶ endpoint

    Raw frames of the host are not joined to a port, so the host cannot send past the gate.

    ``platform`` is the `AlveoPlatform` for which the card is, ``preset`` its sizes.

    Members are the pins, as the resources of the platform name them:

    Members
    -------
    aux_clk_p, aux_clk_n : ``In(1)``
        A clock of the board.
    qsfp_refclk_p, qsfp_refclk_n, qsfp_rx_p, qsfp_rx_n : ``In``, qsfp_tx_p, qsfp_tx_n : ``Out``
        The order port, line A and line B.
    pcie_refclk_p, pcie_refclk_n, pcie_perst_n, pcie_rx_p, pcie_rx_n : ``In``,
    pcie_tx_p, pcie_tx_n : ``Out``
        The host.
    *name* : ``Out(1)``
        What the board wants to be low, such as the ``hbm_cattrip`` of the U50.
    """

    def __init__(self, platform, preset: Preset):
        self._platform, self._preset = platform, preset
        super().__init__({
            "aux_clk_p": In(1), "aux_clk_n": In(1),
            "qsfp_refclk_p": In(1), "qsfp_refclk_n": In(1),
            "qsfp_rx_p": In(PORTS), "qsfp_rx_n": In(PORTS),
            "qsfp_tx_p": Out(PORTS), "qsfp_tx_n": Out(PORTS),
            "pcie_refclk_p": In(1), "pcie_refclk_n": In(1), "pcie_perst_n": In(1),
            "pcie_rx_p": In(LANES), "pcie_rx_n": In(LANES),
            "pcie_tx_p": Out(LANES), "pcie_tx_n": Out(LANES),
            **{name: Out(1) for name in platform.low},
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.ports     = ports     = self._platform.ports()
        m.submodules.pcie      = pcie      = PcieBlock()
        m.submodules.endpoint  = endpoint  = PcieEndpoint(WIDTH)
        m.submodules.pipeline  = pipeline  = Pipeline(self._preset)
        m.submodules.telemetry = telemetry = TelemetryStage(self._preset)
        m.submodules.time      = time      = ElapsedTime(PERIOD_NS)

        self._clock(m, ports, pcie)
        self._join_ports(m, ports, pipeline)
        self._join_host(m, pcie, endpoint)
        self._join_bus(m, endpoint.bus, pipeline.bus)
        self._pins(m, "qsfp", ports, ("refclk", "rx", "tx"))
        self._pins(m, "pcie", pcie, ("refclk", "rx", "tx"))
        connect(m, telemetry.records, endpoint.records)
        for name in SOURCES:
            connect(m, getattr(pipeline, name), getattr(telemetry, name))
        m.d.comb += [
            pipeline.now_ns.eq(time.now_ns),
            telemetry.now_ns.eq(time.now_ns),
            pcie.perst_n.eq(self.pcie_perst_n),
        ]

        return m

    def _clock(self, m, ports, pcie):
        """Make the three clocks, and the resets that belong to them."""
        m.domains.aux  = ClockDomain(reset_less=True)
        m.domains.sync = ClockDomain()
        m.domains.pcie = ClockDomain()

        board = Signal()
        m.submodules.aux_buffer = Instance("IBUFDS", i_I=self.aux_clk_p, i_IB=self.aux_clk_n,
                                           o_O=board)
        m.submodules.aux_divider = Instance(
            "BUFGCE_DIV", i_I=board, i_CE=1, i_CLR=0, o_O=ClockSignal("aux"),
            p_BUFGCE_DIVIDE=self._platform.aux_mhz // AUX_MHZ)
        left = Signal(range(AUX_RESET_CYCLES), init=AUX_RESET_CYCLES - 1)
        m.d.aux += ports.aux_reset.eq(left != 0)
        with m.If(left != 0):
            m.d.aux += left.eq(left - 1)

        reset = Signal()
        m.d.comb += [
            ports.aux.eq(ClockSignal("aux")),
            ClockSignal("sync").eq(ports.clk),
            ClockSignal("pcie").eq(pcie.clk),
            reset.eq(ports.reset | pcie.reset),
        ]
        m.submodules.sync_reset = ResetSynchronizer(reset, domain="sync")
        m.submodules.pcie_reset = ResetSynchronizer(reset, domain="pcie")

    def _join_ports(self, m, ports, pipeline):
        """Bring the lines to the pipeline, and its orders to their port."""
        m.submodules.lines = lines = LineJoin()
        receivers = [MacReceiver() for _ in range(PORTS)]
        for port, receiver in enumerate(receivers):
            m.submodules[f"receiver_{port}"] = receiver
            connect(m, ports.rx[port], receiver.beats)
        m.submodules.transmitter = transmitter = MacTransmitter()

        first, *feeds = receivers
        for line, receiver in enumerate(feeds):
            connect(m, receiver.words, lines.lines[line])
            connect(m, receiver.frame_end, lines.ends[line])
        connect(m, lines.words, pipeline.feed_rx)
        connect(m, lines.frame_end, pipeline.feed_end)
        connect(m, first.words, pipeline.order_rx)
        connect(m, first.frame_end, pipeline.order_end)
        connect(m, pipeline.order_tx, transmitter.words)
        connect(m, transmitter.beats, ports.tx)
        m.d.comb += transmitter.tready.eq(ports.tx_ready)

    def _join_host(self, m, pcie, endpoint):
        """Bring the endpoint's streams and what it has to know over from one clock to the other."""
        to_card, to_host = ({"from_domain": "pcie", "to_domain": "sync"},
                            {"from_domain": "sync", "to_domain": "pcie"})
        m.submodules.cq = cq = PacketCrossing(WIDTH, CQ_USER_BITS, **to_card)
        m.submodules.cc = cc = PacketCrossing(WIDTH, CC_USER_BITS, **to_host)
        m.submodules.rq = rq = PacketCrossing(WIDTH, RQ_USER_BITS, **to_host)
        connect(m, pcie.cq, cq.given)
        connect(m, cq.sent, endpoint.cq)
        connect(m, endpoint.cc, cc.given)
        connect(m, cc.sent, pcie.cc)
        connect(m, endpoint.rq, rq.given)
        connect(m, rq.sent, pcie.rq)

        # Each bit by itself: the host changes them one after another, long before they matter.
        here = Cat(getattr(endpoint, name) for name in SHOWN)
        there = Cat(getattr(pcie, name) for name in SHOWN)
        m.submodules.host_status = FFSynchronizer(there, here)
        m.d.comb += [pcie.rc.tready.eq(1), pcie.pcie_cq_np_req.eq(1)]

    def _join_bus(self, m, host, card):
        """Let the card's map lie at the beginning of what the host reaches."""
        ours = host.addr[len(card.addr):] == 0
        m.d.comb += [
            card.addr.eq(host.addr),
            card.w_data.eq(host.w_data),
            card.w_en.eq(host.w_en & ours),
            card.r_en.eq(host.r_en & ours),
            host.r_data.eq(card.r_data),
        ]

    def _pins(self, m, resource: str, part, names):
        """Join pairs of pins to the part that has them."""
        for name in names:
            for half in ("p", "n"):
                ours = getattr(self, f"{resource}_{name}_{half}")
                theirs = getattr(part, f"{name}_{half}")
                m.d.comb += ours.eq(theirs) if name == "tx" else theirs.eq(ours)
