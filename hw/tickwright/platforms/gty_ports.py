"""The ports of a card with GTY transceivers: MAC, PCS and PMA of Vivado's catalogue.

Source: AMD, 10G/25G High Speed Ethernet Subsystem (PG210), MAC with PCS/PMA, 64 bits at 10 Gb/s,
shared logic in the core; names of ports and settings as in public projects for the same core. Its
MAC needs a licence that is bought; only the PCS/PMA is free. Generated, not run: no Vivado has seen
it.
"""

from amaranth import *
from amaranth.lib import wiring

from tickwright.platforms.hard_block import HardBlock
from tickwright.platforms.port_trio import ORDER, PORTS, PortTrio

__all__ = ["GtyPorts", "gty_block"]

LONGEST_BYTES, SHORTEST_BYTES = 1522, 64  # with the FCS; one VLAN tag
FROM_PROGRAMMABLE_DIVIDER = 5             # choice of TXOUTCLK and RXOUTCLK
GAP_BYTES = 12

UNUSED = {  # inputs of each core that stay at one value, and their bits
    "gt_loopback_in": (3, 0), "rx_reset": (1, 0), "tx_reset": (1, 0),
    "txoutclksel_in": (3, FROM_PROGRAMMABLE_DIVIDER),
    "rxoutclksel_in": (3, FROM_PROGRAMMABLE_DIVIDER),
    "gtwiz_reset_tx_datapath": (1, 0), "gtwiz_reset_rx_datapath": (1, 0),
    "qpllreset_in": (1, 0),
    "ctl_rx_enable": (1, 1), "ctl_rx_check_preamble": (1, 1), "ctl_rx_check_sfd": (1, 1),
    "ctl_rx_force_resync": (1, 0), "ctl_rx_delete_fcs": (1, 1), "ctl_rx_ignore_fcs": (1, 0),
    "ctl_rx_max_packet_len": (15, LONGEST_BYTES), "ctl_rx_min_packet_len": (8, SHORTEST_BYTES),
    "ctl_rx_process_lfi": (1, 0), "ctl_rx_test_pattern": (1, 0),
    "ctl_rx_data_pattern_select": (1, 0), "ctl_rx_test_pattern_enable": (1, 0),
    "ctl_rx_custom_preamble_enable": (1, 0),
    "ctl_tx_send_rfi": (1, 0), "ctl_tx_send_lfi": (1, 0), "ctl_tx_send_idle": (1, 0),
    "ctl_tx_fcs_ins_enable": (1, 1), "ctl_tx_ignore_fcs": (1, 0), "ctl_tx_test_pattern": (1, 0),
    "ctl_tx_test_pattern_enable": (1, 0), "ctl_tx_test_pattern_select": (1, 0),
    "ctl_tx_data_pattern_select": (1, 0), "ctl_tx_test_pattern_seed_a": (58, 0),
    "ctl_tx_test_pattern_seed_b": (58, 0), "ctl_tx_ipg_value": (4, GAP_BYTES),
    "ctl_tx_custom_preamble_enable": (1, 0), "tx_preamblein": (56, 0),
}
PARTS = {"tdata": 64, "tkeep": 8, "tlast": 1, "tuser": 1, "tvalid": 1}


def gty_block(*, quad: str, channels: tuple[str, ...], refclk_mhz: str) -> HardBlock:
    """Return the block for a quad of transceivers, with the channel of each port."""
    return HardBlock(
        module="gty_ports_ip",
        source="PG210",
        outputs=("gt_tx?_out_*", "tx_clk_out_*", "user_*", "rx_axis_*", "tx_axis_tready_*"),
        serial=("gt_rx?_in_*", "gt_tx?_out_*", "gt_refclk_?"),
        clocks={f"tx_clk_out_{port}": "gt_refclk_p" for port in range(PORTS)},
        domains={
            **{f"tx_clk_out_{port}": (f"tx_axis_*_{port}", f"user_tx_reset_{port}",
                                      f"ctl_tx_*_{port}", f"tx_preamblein_{port}")
               for port in range(PORTS)},
            **{f"rx_core_clk_{port}": (f"rx_axis_*_{port}",) for port in range(PORTS)},
        },
        ip="xxv_ethernet",
        licence="; its MAC needs a licence that is bought, only the PCS/PMA is free",
        settings={
            "CORE":                   "Ethernet MAC+PCS/PMA 64-bit",
            "NUM_OF_CORES":           str(PORTS),
            "LINE_RATE":              "10",
            "BASE_R_KR":              "BASE-R",
            "INCLUDE_AXI4_INTERFACE": "0",
            "INCLUDE_SHARED_LOGIC":   "1",
            "ENABLE_PIPELINE_REG":    "1",
            "GT_REF_CLK_FREQ":        refclk_mhz,
            "GT_DRP_CLK":             "100",
            "GT_GROUP_SELECT":        quad,
            **{f"LANE{port + 1}_GT_LOC": channel for port, channel in enumerate(channels)},
        },
    )


class GtyPorts(wiring.Component):
    """Three ports of one quad, all by the clock in which the order port sends.

    What the lines bring passes from the clock of each wire to this one in the core's own queues,
    so nothing else has to cross.

    Members are those of `PortTrio`.
    """

    def __init__(self, block: HardBlock):
        self._block = block
        super().__init__(PortTrio())

    def elaborate(self, platform):
        m = Module()

        ports = {}
        for port in range(PORTS):
            ports |= {f"i_{name}_{port}": Const(value, bits)
                      for name, (bits, value) in UNUSED.items()}
            ports |= {f"o_rx_axis_{part}_{port}": getattr(self.rx[port], part) for part in PARTS}
            ports |= {f"i_tx_axis_{part}_{port}":
                      getattr(self.tx, part) if port == ORDER else Const(0, bits)
                      for part, bits in PARTS.items()}
            ports |= {
                f"i_ctl_tx_enable_{port}": Const(port == ORDER, 1),
                f"i_rx_core_clk_{port}":   self.clk,
                f"i_gt_rxp_in_{port}":     self.rx_p[port],
                f"i_gt_rxn_in_{port}":     self.rx_n[port],
                f"o_gt_txp_out_{port}":    self.tx_p[port],
                f"o_gt_txn_out_{port}":    self.tx_n[port],
            }
        ports |= {
            f"o_tx_clk_out_{ORDER}":     self.clk,
            f"o_user_tx_reset_{ORDER}":  self.reset,
            f"o_tx_axis_tready_{ORDER}": self.tx_ready,
        }
        m.submodules.block = Instance(
            self._block.module, **ports, i_gt_refclk_p=self.refclk_p, i_gt_refclk_n=self.refclk_n,
            i_dclk=self.aux, i_sys_reset=self.aux_reset)

        return m
