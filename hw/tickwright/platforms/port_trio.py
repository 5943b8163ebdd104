"""The three Ethernet ports of a card: the order port and the two feed lines."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.platforms.mac_streams import MacBeat

__all__ = ["ORDER", "PORTS", "PortTrio"]

ORDER, PORTS = 0, 3  # ports 1 and 2 are lines A and B


class PortTrio(wiring.Signature):
    """What a card sees of its ports; all of it goes by ``clk``.

    Members
    -------
    aux : ``In(1)``
        A clock of 100 MHz that runs always, for what brings the ports up.
    aux_reset : ``In(1)``
        In that clock: begin anew.
    refclk_p, refclk_n, rx_p, rx_n : ``In``, tx_p, tx_n : ``Out``
        Pins of the transceivers; bit n belongs to port n.
    clk, reset : ``Out(1)``
        156.25 MHz, made of the reference clock; the clock is not steady yet.
    rx : ``Out(MacBeat())``, one for each port
        What was received.
    tx : ``In(MacBeat())``, tx_ready : ``Out(1)``
        What is to be sent at the order port; the feed lines only listen.
    """

    def __init__(self):
        super().__init__({
            "aux":       In(1),
            "aux_reset": In(1),
            "refclk_p":  In(1),
            "refclk_n":  In(1),
            "rx_p":      In(PORTS),
            "rx_n":      In(PORTS),
            "tx_p":      Out(PORTS),
            "tx_n":      Out(PORTS),
            "clk":       Out(1),
            "reset":     Out(1),
            "rx":        Out(MacBeat()).array(PORTS),
            "tx":        In(MacBeat()),
            "tx_ready":  Out(1),
        })
