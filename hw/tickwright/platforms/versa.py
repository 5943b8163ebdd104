"""Lattice ECP5-5G Versa: its clocks, its two PHYs, its UART."""

from amaranth import *
from amaranth.lib import io
from amaranth_boards.versa_ecp5_5g import VersaECP55GPlatform

from tickwright.ethernet.types import Rgmii
from tickwright.platforms.ecp5 import GatedClock, InputDdr, OutputDdr, Pll
from tickwright.platforms.startup import Startup
from tickwright.platforms.versa_gateware import CORE_HZ, RGMII_HZ, VersaGateware
from tickwright.top.build import Compiled

__all__ = ["Versa", "VersaTop"]

BOARD_HZ    = 100_000_000
LOCK_CYCLES = 1 << 10  # 10 us, of the board's clock
PHY_CYCLES  = 1 << 20  # 10.5 ms; the PHY asks for 10
DELAY_STEPS = 80       # 2 ns: the PHYs delay TXC themselves, but send RD in step with RXC


class Versa(VersaECP55GPlatform):
    """The board, with memories as the rest of the project compiles them."""

    get_memory = Compiled.get_memory


class VersaTop(Elaboratable):
    """Puts the gateware on the board. ::

        clk100 ─┬─▶ Pll ──▶ GatedClock ──▶ sync       RXC of port 0 ──▶ rx_feed
                ├─▶ Pll ──▶ GatedClock ──▶ tx         RXC of port 1 ──▶ rx_order
                └─▶ Startup, which opens both gates, then ends the reset of the PHYs

    There is no reset: registers begin with what the bitstream gave them. `Startup` says in which
    order, and why nothing runs on after a lost lock. RXC is not gated: it may pulse in any way
    before its PHY has a link, and then the receiver is idle and keeps its state whether or not it
    is clocked.

    Port 0 sends nothing, and its PHY gets TXC all the same. The MDIO of both PHYs is left alone:
    they do what their straps tell them, 1 Gb/s by auto-negotiation. Two LEDs show the link of
    port 0 and of port 1 at 1 Gb/s, where the PHY tells it between frames.
    """

    def __init__(self, gateware: VersaGateware):
        self.gateware = gateware

    def elaborate(self, platform):
        m = Module()

        m.submodules.gateware = gateware = self.gateware
        phys_run = self._clocks(m, platform)
        feed, order = (platform.request("eth_rgmii", port, dir="-") for port in (0, 1))
        feed_ctl  = (feed.rx_ctl, feed.tx_ctl)
        order_ctl = (order.rx_ctrl, order.tx_ctrl)
        for name, port, (rx_ctl, tx_ctl), domain, received, sent in (
            ("feed",  feed,  feed_ctl,  "rx_feed",  gateware.feed_rx,  Rgmii.const({})),
            ("order", order, order_ctl, "rx_order", gateware.order_rx, gateware.order_tx),
        ):
            self._reset(m, name, port, phys_run)
            self._receive(m, platform, name, port, rx_ctl, domain, received)
            self._transmit(m, name, port, tx_ctl, sent)
        self._uart(m, platform)
        self._leds(m, platform)

        return m

    def _clocks(self, m, platform) -> Signal:
        """Make the clocks of the card; return whether the PHYs may run."""
        m.submodules.board_clock = board_clock = io.Buffer("i", platform.request("clk100", dir="-"))
        m.domains.boot = ClockDomain(reset_less=True)
        m.d.comb += ClockSignal("boot").eq(board_clock.i)
        startup = Startup(lock_cycles=LOCK_CYCLES, phy_cycles=PHY_CYCLES)
        m.submodules.startup = DomainRenamer("boot")(startup)

        locked = []
        for name, frequency in (("sync", CORE_HZ), ("tx", RGMII_HZ)):
            m.submodules[f"pll_{name}"]  = pll  = Pll(input_hz=BOARD_HZ, output_hz=frequency)
            m.submodules[f"gate_{name}"] = gate = GatedClock()
            m.domains += ClockDomain(name, reset_less=True)
            m.d.comb += [
                pll.clk_in.eq(board_clock.i),
                gate.clk_in.eq(pll.clk_out),
                gate.enable.eq(startup.clocks_run),
                ClockSignal(name).eq(gate.clk_out),
            ]
            platform.add_clock_constraint(pll.clk_out, frequency)
            platform.add_clock_constraint(gate.clk_out, frequency)
            locked.append(pll.locked)
        m.d.comb += startup.locked.eq(Cat(locked).all())
        return startup.phys_run

    def _reset(self, m, name, port, phys_run):
        m.submodules[f"{name}_reset"] = buffer = io.Buffer("o", port.rst)
        m.d.comb += buffer.o.eq(~phys_run)

    def _receive(self, m, platform, name, port, control, domain, received):
        m.submodules[f"{name}_rxc"] = rxc = io.Buffer("i", port.rx_clk)
        m.domains += ClockDomain(domain, reset_less=True)
        m.d.comb += ClockSignal(domain).eq(rxc.i)
        platform.add_clock_constraint(port.rx_clk.io, RGMII_HZ)

        for of, pins in (("data", port.rx_data), ("control", control)):
            m.submodules[f"{name}_rx_{of}"] = ddr = InputDdr(
                pins, domain=domain, delay_steps=DELAY_STEPS)
            m.d.comb += Cat(received.rising[of], received.falling[of]).eq(ddr.edges)

    def _transmit(self, m, name, port, control, sent):
        m.submodules[f"{name}_txc"] = txc = OutputDdr(port.tx_clk, domain="tx")
        m.d.comb += txc.edges.as_value().eq(Cat(C(1), C(0)))

        for of, pins in (("data", port.tx_data), ("control", control)):
            m.submodules[f"{name}_tx_{of}"] = ddr = OutputDdr(pins, domain="tx")
            m.d.comb += ddr.edges.as_value().eq(Cat(sent.rising[of], sent.falling[of]))

    def _uart(self, m, platform):
        uart = platform.request("uart", dir="-")
        m.submodules.uart_rx = rx = io.Buffer("i", uart.rx)
        m.submodules.uart_tx = tx = io.Buffer("o", uart.tx)
        m.d.comb += [self.gateware.uart_rx.eq(rx.i), tx.o.eq(self.gateware.uart_tx)]

    def _leds(self, m, platform):
        for number, name in enumerate(("feed_up", "order_up")):
            m.submodules[f"led_{name}"] = led = io.Buffer(
                "o", platform.request("led", number, dir="-"))
            m.d.comb += led.o.eq(getattr(self.gateware, name))
