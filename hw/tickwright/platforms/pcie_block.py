"""The PCI Express hard block of UltraScale+, as the core of Vivado's catalogue shows it.

Source: AMD, UltraScale+ Devices Integrated Block for PCI Express (PG213), core interfaces of the
PCIE4C block; names and values of the settings as in public projects for the same core (Corundum,
`fpga/mqnic/AU50`). Generated, not run: no Vivado has seen it.
"""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.pcie.regs import BAR_BYTES, MSIX_PENDING_BASE, MSIX_TABLE_BASE
from tickwright.pcie.types import (
    CC_USER_BITS,
    CQ_USER_BITS,
    RC_USER_BITS,
    RQ_USER_BITS,
    AxiStream,
)
from tickwright.platforms.hard_block import HardBlock

__all__ = ["LANES", "PCIE", "WIDTH", "PcieBlock"]

LANES, WIDTH = 8, 256  # Gen3: 8 lanes bring 256 bits at 250 MHz
READY_BITS   = 4       # of the streams towards the block; all bits are alike
STREAM       = ("tdata", "tkeep", "tlast", "tuser", "tvalid")

SHOWN = {  # outputs of the block that are passed on
    "cfg_max_payload": 2, "cfg_function_status": 16, "cfg_interrupt_msix_enable": 4,
    "cfg_interrupt_msix_mask": 4,
}

PCIE = HardBlock(
    module="pcie_block_ip",
    source="PG213",
    outputs=("pci_exp_tx?", "user_*", "m_axis_*_t[!r]*", "s_axis_*_tready", *SHOWN),
    serial=("pci_exp_*",),
    clocks={"user_clk": "sys_clk_gt"},
    domains={"user_clk": ("user_reset", "s_axis_*", "m_axis_*", "cfg_*", "pcie_cq_np_req")},
    ip="pcie4c_uscale_plus",
    settings={
        "PL_LINK_CAP_MAX_LINK_SPEED":  "8.0_GT/s",
        "PL_LINK_CAP_MAX_LINK_WIDTH":  f"X{LANES}",
        "axisten_if_width":            f"{WIDTH}_bit",
        "axisten_freq":                "250",
        "pf0_dev_cap_max_payload":     "1024_bytes",
        "pf0_bar0_64bit":              "true",
        "pf0_bar0_scale":              "Kilobytes",
        "pf0_bar0_size":               f"{BAR_BYTES // 1024}",
        "pf0_msi_enabled":             "false",
        "pf0_msix_enabled":            "true",
        "PF0_MSIX_CAP_TABLE_SIZE":     "001",  # one less than the vectors
        "PF0_MSIX_CAP_TABLE_BIR":      "BAR_1:0",
        "PF0_MSIX_CAP_TABLE_OFFSET":   f"{MSIX_TABLE_BASE:08X}",
        "PF0_MSIX_CAP_PBA_BIR":        "BAR_1:0",
        "PF0_MSIX_CAP_PBA_OFFSET":     f"{MSIX_PENDING_BASE:08X}",
        "MSI_X_OPTIONS":               "MSI-X_External",
    },
)

UNUSED = {  # inputs of the block that stay at one value, and their bits
    "cfg_mgmt_addr": (10, 0), "cfg_mgmt_function_number": (8, 0), "cfg_mgmt_write": (1, 0),
    "cfg_mgmt_write_data": (32, 0), "cfg_mgmt_byte_enable": (4, 0), "cfg_mgmt_read": (1, 0),
    "cfg_mgmt_debug_access": (1, 0), "cfg_msg_transmit": (1, 0), "cfg_msg_transmit_type": (3, 0),
    "cfg_msg_transmit_data": (32, 0), "cfg_fc_sel": (3, 0), "cfg_dsn": (64, 0),
    "cfg_power_state_change_ack": (1, 1), "cfg_err_cor_in": (1, 0), "cfg_err_uncor_in": (1, 0),
    "cfg_flr_done": (4, 0), "cfg_vf_flr_func_num": (8, 0), "cfg_vf_flr_done": (1, 0),
    "cfg_link_training_enable": (1, 1), "cfg_interrupt_int": (4, 0),
    "cfg_interrupt_pending": (4, 0), "cfg_interrupt_msix_address": (64, 0),
    "cfg_interrupt_msix_data": (32, 0), "cfg_interrupt_msix_int": (1, 0),
    "cfg_interrupt_msix_vec_pending": (2, 0), "cfg_interrupt_msi_function_number": (8, 0),
    "cfg_pm_aspm_l1_entry_reject": (1, 0), "cfg_pm_aspm_tx_l0s_entry_disable": (1, 0),
    "cfg_config_space_enable": (1, 1), "cfg_req_pm_transition_l23_ready": (1, 0),
    "cfg_hot_reset_in": (1, 0), "cfg_ds_port_number": (8, 0), "cfg_ds_bus_number": (8, 0),
    "cfg_ds_device_number": (5, 0),
}


class PcieBlock(wiring.Component):
    """Joins the hard block to the pins of the connector. ::

        refclk ─▶ IBUFDS_GTE4 ─▶ ┌────────┐ ─▶ cq, rc, cfg_*
        perst_n ───────────────▶ │  core  │ ◀─ cc, rq
        rx, tx ◀───────────────▶ └────────┘ ─▶ clk, reset

    Members
    -------
    refclk_p, refclk_n, perst_n, rx_p, rx_n : ``In``, tx_p, tx_n : ``Out``
        Pins of the connector.
    clk, reset : ``Out(1)``
        The clock of all else, and its reset: the link is down or the host resets the card.
    cq, rc, cc, rq : ``AxiStream(256, ...)``
        The streams of the block.
    pcie_cq_np_req : ``In(2)``
        Requests that want an answer may come.
    cfg_max_payload, cfg_function_status, cfg_interrupt_msix_enable,
    cfg_interrupt_msix_mask : ``Out``
        As the host configured the card.
    """

    refclk_p: In(1)
    refclk_n: In(1)
    perst_n:  In(1)
    rx_p:     In(LANES)
    rx_n:     In(LANES)
    tx_p:     Out(LANES)
    tx_n:     Out(LANES)
    clk:      Out(1)
    reset:    Out(1)
    cq:       Out(AxiStream(WIDTH, CQ_USER_BITS))
    rc:       Out(AxiStream(WIDTH, RC_USER_BITS))
    cc:       In(AxiStream(WIDTH, CC_USER_BITS))
    rq:       In(AxiStream(WIDTH, RQ_USER_BITS))

    pcie_cq_np_req:            In(2)
    cfg_max_payload:           Out(2)
    cfg_function_status:       Out(16)
    cfg_interrupt_msix_enable: Out(4)
    cfg_interrupt_msix_mask:   Out(4)

    def elaborate(self, platform):
        m = Module()

        refclk, halved = Signal(), Signal()
        m.submodules.refclk = Instance(
            "IBUFDS_GTE4", i_I=self.refclk_p, i_IB=self.refclk_n, i_CEB=0,
            o_O=refclk, o_ODIV2=halved, p_REFCLK_HROW_CK_SEL=Const(0, 2))
        ports = {f"i_{name}": Const(value, bits) for name, (bits, value) in UNUSED.items()}
        ports |= {f"o_{name}": getattr(self, name) for name in SHOWN}
        for name in ("cq", "rc"):
            end = getattr(self, name)
            ports |= {f"o_m_axis_{name}_{part}": getattr(end, part) for part in STREAM}
            ports[f"i_m_axis_{name}_tready"] = end.tready
        for name in ("cc", "rq"):
            end, ready = getattr(self, name), Signal(READY_BITS, name=f"{name}_ready")
            ports |= {f"i_s_axis_{name}_{part}": getattr(end, part) for part in STREAM}
            ports[f"o_s_axis_{name}_tready"] = ready
            m.d.comb += end.tready.eq(ready[0])
        m.submodules.block = Instance(
            PCIE.module, **ports,
            i_sys_clk=halved, i_sys_clk_gt=refclk, i_sys_reset=self.perst_n,
            i_pci_exp_rxp=self.rx_p, i_pci_exp_rxn=self.rx_n,
            o_pci_exp_txp=self.tx_p, o_pci_exp_txn=self.tx_n,
            i_pcie_cq_np_req=self.pcie_cq_np_req, o_user_clk=self.clk, o_user_reset=self.reset)

        return m
