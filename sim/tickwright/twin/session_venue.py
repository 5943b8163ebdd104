"""A venue at the end of whatever session the card's registers tell."""

from __future__ import annotations

from dataclasses import fields

from tickwright.core.regs import Bus
from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.setup import SessionSetup
from tickwright.net.headers import Ethernet, Ipv4, Tcp
from tickwright.order.regs import OrderRegs
from tickwright.top.memory_map import base
from tickwright.twin.venue import Arrival, VenueError, VenuePeer

__all__ = ["SessionVenue"]


class SessionVenue:
    """Answers as `VenuePeer` does; a frame that bears ``start_seq`` begins a session.

    What a venue would not take is no answer, and `fault` tells it.
    """

    def __init__(self, bus: Bus, script: ScriptedVenue) -> None:
        self._order = OrderRegs(bus, base("order"))
        self._script = script
        self._peer: VenuePeer | None = None
        self.fault: str | None = None

    def take(self, frame: bytes, at_ns: int) -> list[Arrival]:
        """Take an order that reached the venue; return the frames of its answers."""
        sequence = Tcp.unpack(frame, Ethernet.size + Ipv4.size).sequence
        try:
            return self._at(sequence).take(frame, at_ns)
        except VenueError as error:
            self.fault = str(error)
            return []

    def _at(self, sequence: int) -> VenuePeer:
        if self._peer is None or sequence != self._peer.expected:
            names = [column.name for column in fields(SessionSetup)]
            session = SessionSetup(**{name: getattr(self._order, name) for name in names})
            if self._peer is None or sequence == session.start_seq:
                self._peer = VenuePeer(session, self._script)
        return self._peer
