"""The Alveo UL3524. Generated, not run: no Vivado and no board has seen it.

Source
------
AMD, UL3524 - Master XDC, revision 1.02 (2023-08-18), of AMD's reference designs for the card: part,
clocks, PCI Express, QSFP-DD.

Not at hand: AMD's user guide of the board (UG1585) and the transceivers' (UG1649). That the part
has the PCIe block that is named here was not verified; the list of the parts in PG213 tells it.
"""

from amaranth.build import Clock, DiffPairs, Pins, Resource, Subsignal

from tickwright.platforms.alveo import LVCMOS18, LVDS, AlveoPlatform
from tickwright.platforms.gtf_ports import GTF, GtfPorts

__all__ = ["AlveoUl3524"]

SYNCE_HZ = 161_134_386.1  # of the jitter cleaner, as it wakes up


class AlveoUl3524(AlveoPlatform):
    """The board with four QSFP-DD cages: lanes 1 to 3 of cage 3 are the three ports.

    Its transceivers (GTF) have a MAC of their own; see `gtf_ports` for what has to be supplied.
    """

    name = "alveo_ul3524"
    sources = ("UL3524 Master XDC 1.02 (2023-08-18)",)
    device, package, speed = "xcvu2p", "fsvj2104", "3-e"
    aux_mhz = 300

    resources = (
        Resource("aux", 0, Subsignal("clk", DiffPairs("AW19", "AW18", dir="i"), LVDS,
                                     Clock(300e6))),
        Resource("qsfp", 0,
                 Subsignal("refclk", DiffPairs("AJ11", "AJ10", dir="i"), Clock(SYNCE_HZ)),
                 Subsignal("rx", DiffPairs("AK4 AJ2 AH4", "AK3 AJ1 AH3", dir="i")),
                 Subsignal("tx", DiffPairs("AM9 AL7 AK9", "AM8 AL6 AK8", dir="o"))),
        Resource("pcie", 0,
                 Subsignal("refclk", DiffPairs("AV9", "AV8", dir="i"), Clock(100e6)),
                 Subsignal("perst_n", Pins("AT19", dir="i"), LVCMOS18),
                 Subsignal("rx", DiffPairs("AT4 AU2 AV4 AW2 AY4 BA2 BB4 BC2",
                                           "AT3 AU1 AV3 AW1 AY3 BA1 BB3 BC1", dir="i")),
                 Subsignal("tx", DiffPairs("AW7 BA7 BC7 BD9 BD5 BE7 BF9 BF5",
                                           "AW6 BA6 BC6 BD8 BD4 BE6 BF8 BF4", dir="o"))),
    )

    ethernet = GTF

    def ports(self):
        """Return the ports."""
        return GtfPorts()
