"""The ports of a card with GTF transceivers, whose MAC is part of the transceiver.

The core of Vivado's catalogue (`gtfwizard`, preset GTF-10G-MAC, as in AMD's designs for the card)
has hundreds of ports, and needs logic around it that AMD gives as an example design only; how its
MAC marks the bytes of a frame is told in AMD's Virtex UltraScale+ GTF Transceivers User Guide
(UG1649), which was not at hand. So what is between the pins and the beats is not written here but
has to be supplied, as a module of the name and with the ports below. Generated, not run.
"""

from amaranth import *
from amaranth.lib import wiring

from tickwright.platforms.hard_block import HardBlock
from tickwright.platforms.port_trio import PORTS, PortTrio

__all__ = ["GTF", "GtfPorts"]

GTF = HardBlock(
    module="gtf_ports",
    source="none",
    outputs=("gtf_tx_?", "clk", "reset", "rx_*", "tx_tready"),
    serial=("gtf_*", "refclk_?"),
    clocks={"clk": "refclk_p"},
    domains={"clk": ("reset", "rx_*", "tx_t*")},
    missing="the GTF transceivers with their MAC, to beats of 64 bits at 156.25 MHz, "
            "its constraints, and what powers the QSFP-DD cages over I2C",
)
PARTS = ("tdata", "tkeep", "tlast", "tuser", "tvalid")


class GtfPorts(wiring.Component):
    """Three ports of one quad, as a module that has to be supplied.

    Members are those of `PortTrio`; the module has a port for each, of the names ``rx_tdata_0``
    (and so on, by port), ``tx_tdata``, ``tx_tready``, ``gtf_rx_p``, ``gtf_tx_p``, and the rest as
    they are called here.
    """

    def __init__(self):
        super().__init__(PortTrio())

    def elaborate(self, platform):
        m = Module()

        ports = {f"o_rx_{part}_{port}": getattr(self.rx[port], part)
                 for port in range(PORTS) for part in PARTS}
        ports |= {f"i_tx_{part}": getattr(self.tx, part) for part in PARTS}
        m.submodules.block = Instance(
            GTF.module, **ports, o_tx_tready=self.tx_ready,
            i_refclk_p=self.refclk_p, i_refclk_n=self.refclk_n,
            i_gtf_rx_p=self.rx_p, i_gtf_rx_n=self.rx_n,
            o_gtf_tx_p=self.tx_p, o_gtf_tx_n=self.tx_n,
            i_aux=self.aux, i_aux_reset=self.aux_reset, o_clk=self.clk, o_reset=self.reset)

        return m
