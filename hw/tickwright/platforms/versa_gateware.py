"""What the gateware of the Versa sees of its board."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.ethernet.types import Rgmii

__all__ = ["CORE_HZ", "RGMII_HZ", "UART_BAUD", "VersaGateware"]

CORE_HZ   = 80_000_000
RGMII_HZ  = 125_000_000
UART_BAUD = 1_000_000


class VersaGateware(wiring.Component):
    """Stands between the registers of the pins; what it is, those who inherit from it say.

    There are four clock domains, without resets: ``sync`` of `CORE_HZ`, and of `RGMII_HZ` each
    ``rx_feed`` and ``rx_order``, the RXC of the two PHYs, and ``tx``, that of both TXC.

    ``cycles_per_bit``: of the UART.

    Members
    -------
    feed_rx, order_rx : ``In(Rgmii)``
        What the PHYs of port 0 and port 1 received, each in the domain of its clock.
    order_tx : ``Out(Rgmii)``
        What the PHY of port 1 is to send, in the domain ``tx``.
    feed_up, order_up : ``Out(1)``
        The PHY told that its link is up at 1 Gb/s, in the domain of its clock.
    uart_rx, uart_tx : ``In(1)``, ``Out(1)``
        The serial lines, 1 when idle; ``uart_rx`` of no domain.
    """

    feed_rx:  In(Rgmii)
    order_rx: In(Rgmii)
    order_tx: Out(Rgmii)
    feed_up:  Out(1)
    order_up: Out(1)
    uart_rx:  In(1, init=1)
    uart_tx:  Out(1, init=1)

    def __init__(self, *, cycles_per_bit: int = CORE_HZ // UART_BAUD):
        self.cycles_per_bit = cycles_per_bit
        super().__init__()
