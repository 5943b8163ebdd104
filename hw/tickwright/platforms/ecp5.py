"""The primitives of an ECP5 between the pins of a board and its gateware.

Sources: Lattice, "ECP5 and ECP5-5G sysCLOCK PLL/DLL Design and Usage Guide" (FPGA-TN-02200) and
"ECP5 and ECP5-5G High-Speed I/O Interface" (FPGA-TN-02035).
"""

from fractions import Fraction

from amaranth import *
from amaranth.lib import data, io, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["GatedClock", "InputDdr", "OutputDdr", "Pll"]

MIN_COMPARED_HZ = 10_000_000   # of the phase detector
VCO_HZ          = 600_000_000  # the middle of what the oscillator does, 400 to 800 MHz
DELAY_STEPS     = 128          # of a DELAYG, 25 ps each


class Pll(wiring.Component):
    """Makes a clock of another frequency, with no phase in common.

    Members
    -------
    clk_in : ``In(1)``
        The clock there is.
    clk_out : ``Out(1)``
        The clock that is wanted; it may be anything while not `locked`.
    locked : ``Out(1)``
        It has its frequency; of no domain.
    """

    clk_in:  In(1)
    clk_out: Out(1)
    locked:  Out(1)

    def __init__(self, *, input_hz: int, output_hz: int):
        ratio = Fraction(output_hz, input_hz)
        if input_hz < MIN_COMPARED_HZ * ratio.denominator:
            raise ValueError(f"output_hz: found {output_hz}, which is no simple multiple of "
                             f"{input_hz} Hz")
        self.input_hz, self.output_hz = input_hz, output_hz
        self.input_divider, self.feedback_divider = ratio.denominator, ratio.numerator
        self.output_divider = round(VCO_HZ / output_hz)
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        m.submodules.pll = Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=f"{self.input_hz / 1e6:g}",
            a_FREQUENCY_PIN_CLKOP=f"{self.output_hz / 1e6:g}",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            p_PLLRST_ENA="DISABLED",
            p_INTFB_WAKE="DISABLED",
            p_STDBY_ENABLE="DISABLED",
            p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA",
            p_CLKI_DIV=self.input_divider,
            p_CLKFB_DIV=self.feedback_divider,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=self.output_divider,
            p_CLKOP_CPHASE=self.output_divider - 1,
            p_CLKOP_FPHASE=0,
            p_FEEDBK_PATH="CLKOP",
            i_CLKI=self.clk_in,
            i_CLKFB=self.clk_out,
            i_RST=Const(0),
            i_STDBY=Const(0),
            i_PHASESEL0=Const(0),
            i_PHASESEL1=Const(0),
            i_PHASEDIR=Const(1),
            i_PHASESTEP=Const(1),
            i_PHASELOADREG=Const(1),
            i_PLLWAKESYNC=Const(0),
            i_ENCLKOP=Const(0),
            o_CLKOP=self.clk_out,
            o_LOCK=self.locked,
        )

        return m


class GatedClock(wiring.Component):
    """Lets a clock run, or holds it low.

    The gate opens and closes after a falling edge, so no pulse is cut short.

    Latency: 2 cycles of the clock from `enable` to the gate.

    Members
    -------
    clk_in : ``In(1)``
        A clock that runs by itself.
    enable : ``In(1)``
        Whether it is let through; of another clock.
    clk_out : ``Out(1)``
        The clock, or 0.
    """

    clk_in:  In(1)
    enable:  In(1)
    clk_out: Out(1)

    def elaborate(self, platform):
        m = Module()

        m.domains.ungated = ClockDomain(local=True, clk_edge="neg", reset_less=True)
        enable = Signal()
        m.d.comb += ClockSignal("ungated").eq(self.clk_in)
        m.submodules.sync = FFSynchronizer(self.enable, enable, o_domain="ungated")
        m.submodules.gate = Instance("DCCA", i_CLKI=self.clk_in, i_CE=enable, o_CLKO=self.clk_out)

        return m


class InputDdr(wiring.Component):
    """Takes what pins carry at both edges of a clock.

    Latency: 1 cycle from a rising edge to `edges`. Throughput: 2 bits per pin and cycle.

    ``delay_steps``: how much later than the clock a pin is seen, in steps of 25 ps. ``domain``:
    the clock.

    Members
    -------
    edges : ``Out(ArrayLayout(width, 2))``
        What the pins carried at a rising edge, and at the falling edge after it.
    """

    def __init__(self, port, *, domain: str, delay_steps: int):
        if delay_steps not in range(DELAY_STEPS):
            raise ValueError(f"delay_steps: found {delay_steps}, expected 0 to {DELAY_STEPS - 1}")
        self._port, self._domain, self._delay_steps = port, domain, delay_steps
        super().__init__({"edges": Out(data.ArrayLayout(len(port), 2))})

    def elaborate(self, platform):
        m = Module()

        m.submodules.buffer = buffer = io.Buffer("i", self._port)
        for bit, pin in enumerate(buffer.i):
            late = Signal(name=f"late_{bit}")
            m.submodules[f"delay_{bit}"] = Instance(
                "DELAYG", p_DEL_MODE="USER_DEFINED", p_DEL_VALUE=self._delay_steps, i_A=pin,
                o_Z=late)
            m.submodules[f"ddr_{bit}"] = Instance(
                "IDDRX1F", i_SCLK=ClockSignal(self._domain), i_RST=Const(0), i_D=late,
                o_Q0=self.edges[0][bit], o_Q1=self.edges[1][bit])

        return m


class OutputDdr(wiring.Component):
    """Lets pins change at both edges of a clock.

    Throughput: 2 bits per pin and cycle.

    Members
    -------
    edges : ``In(ArrayLayout(width, 2))``
        What the pins are to carry from a rising edge on, and from the falling edge after it on.
    """

    def __init__(self, port, *, domain: str):
        self._port, self._domain = port, domain
        super().__init__({"edges": In(data.ArrayLayout(len(port), 2))})

    def elaborate(self, platform):
        m = Module()

        m.submodules.buffer = buffer = io.Buffer("o", self._port)
        for bit in range(len(self._port)):
            m.submodules[f"ddr_{bit}"] = Instance(
                "ODDRX1F", i_SCLK=ClockSignal(self._domain), i_RST=Const(0),
                i_D0=self.edges[0][bit], i_D1=self.edges[1][bit], o_Q=buffer.o[bit])

        return m
