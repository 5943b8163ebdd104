"""The Alveo U50. Generated, not run: no Vivado and no board has seen it.

Sources
-------
AMD, Alveo U50 master XDC (`alveo-u50-xdc`, 2021-05-05), as quoted by a Vivado project on GitHub
(LeEmperor/FinancialAccleration): clocks, PERSTN, configuration, power. A. Forencich,
verilog-ethernet, `example/AU50/fpga_25g/fpga.xdc` (5d349c9): the same, and the pins of the lanes,
with the channels that they belong to.

Not at hand: AMD's user guide of the board (UG1371).
"""

from amaranth.build import Attrs, Clock, DiffPairs, Pins, Resource, Subsignal

from tickwright.platforms.alveo import LVCMOS18, LVDS, AlveoPlatform
from tickwright.platforms.gty_ports import GtyPorts, gty_block

__all__ = ["AlveoU50"]

SYNCE_HZ = 161_132_812.5  # OUT0 of the SI5394


class AlveoU50(AlveoPlatform):
    """The board with one QSFP28 cage: lanes 1 to 3 are the order port, line A and line B.

    PCI Express has lanes 0 to 7 of the connector, with the reference clock of the quad of lanes 0
    to 3. The order port and the lines need a cable or a switch that gives each lane a connector.
    """

    name = "alveo_u50"
    sources = ("alveo-u50-xdc 2021-05-05", "verilog-ethernet AU50 5d349c9")
    device, package, speed = "xcu50", "fsvh2104", "2-e"
    aux_mhz = 100
    low = ("hbm_cattrip",)  # high would tell the satellite controller to cut the power

    resources = (
        Resource("aux", 0, Subsignal(
            "clk", DiffPairs("G17", "G16", dir="i"), LVDS, Attrs(DQS_BIAS="TRUE"), Clock(100e6))),
        Resource("hbm_cattrip", 0, Pins("J18", dir="o"), LVCMOS18),
        Resource("qsfp", 0,
                 Subsignal("refclk", DiffPairs("N36", "N37", dir="i"), Clock(SYNCE_HZ)),
                 Subsignal("rx", DiffPairs("J45 G45 F43", "J46 G46 F44", dir="i")),
                 Subsignal("tx", DiffPairs("D42 C40 B42", "D43 C41 B43", dir="o"))),
        Resource("pcie", 0,
                 Subsignal("refclk", DiffPairs("AB9", "AB8", dir="i"), Clock(100e6)),
                 Subsignal("perst_n", Pins("AW27", dir="i"), LVCMOS18, Attrs(PULLUP="TRUE")),
                 Subsignal("rx", DiffPairs("AL2 AM4 AK4 AN2 AP4 AR2 AT4 AU2",
                                           "AL1 AM3 AK3 AN1 AP3 AR1 AT3 AU1", dir="i")),
                 Subsignal("tx", DiffPairs("Y5 AA7 AB5 AC7 AD5 AF5 AE7 AH5",
                                           "Y4 AA6 AB4 AC6 AD4 AF4 AE6 AH4", dir="o"))),
    )

    ethernet = gty_block(quad="Quad_X0Y7", channels=("X0Y28", "X0Y29", "X0Y30"),
                         refclk_mhz="161.1328125")

    def ports(self):
        """Return the ports."""
        return GtyPorts(self.ethernet)
