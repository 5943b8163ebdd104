"""What flows between a PHY and a MAC, a byte a cycle of 125 MHz."""

from amaranth import *
from amaranth.lib import data, enum

__all__ = ["Gmii", "Rgmii", "RgmiiEdge", "RgmiiSpeed"]


class Gmii(data.Struct):
    """One cycle of the GMII, of either direction (IEEE 802.3-2022, clause 35.2)."""

    data:  unsigned(8)  # RXD, TXD
    valid: unsigned(1)  # RX_DV, TX_EN
    error: unsigned(1)  # RX_ER, TX_ER


class RgmiiEdge(data.Struct):
    """The lines of the RGMII at one edge of its clock (RGMII v2.0)."""

    data:    unsigned(4)  # RD, TD
    control: unsigned(1)  # RX_CTL, TX_CTL


class Rgmii(data.Struct):
    """One cycle of the RGMII: its rising edge, and the falling edge that follows it."""

    rising:  RgmiiEdge  # bits 3:0 of the byte, and valid
    falling: RgmiiEdge  # bits 7:4 of the byte, and valid XOR error


class RgmiiSpeed(enum.Enum, shape=2):
    """Rate of the link, as the PHY tells it between frames (RGMII v2.0, section 3.4.1)."""

    MBPS_10   = 0  # RXC has 2.5 MHz
    MBPS_100  = 1  # 25 MHz
    MBPS_1000 = 2  # 125 MHz
    RESERVED  = 3
