"""Two lines, one sequence: section 3 of the specification, and the framing of section 2."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from oracle.book import Trust, bit

__all__ = ["Arbitration", "Datagram", "arbitrate", "cut", "udp_payload"]

SHORTEST = 12  # bytes of a message whose framing can be followed
END_OF_SESSION = 0xFFFF


@dataclass(frozen=True)
class Datagram:
    """A datagram that was accepted, cut into its messages.

    ``heartbeat``: its count was 0 or that of the end of the session. ``fault``: its framing could
    not be followed behind its last message.
    """

    at_ns: int
    sequence: int
    messages: tuple[bytes, ...] = ()
    heartbeat: bool = False
    fault: bool = False


@dataclass
class Arbitration:
    """What left the arbiter: messages as (bytes, sequence), Trust records, what was dropped."""

    delivered: list[tuple[bytes, int]] = field(default_factory=list)
    trusts: list[Trust] = field(default_factory=list)
    duplicates: int = 0
    hold_overflow: int = 0
    expected: int = 1


def udp_payload(frame: bytes) -> bytes:
    """Return what a UDP datagram carries; the frame is one that section 2 accepts."""
    at = 18 if frame[12:14] == b"\x81\x00" else 14
    length = int.from_bytes(frame[at + 24 : at + 26], "big")
    return frame[at + 28 : at + 20 + length]


def cut(payload: bytes, at_ns: int) -> Datagram:
    """Cut a MoldUDP64 payload into messages, as far as its framing can be followed."""
    sequence = int.from_bytes(payload[10:18], "big")
    count = int.from_bytes(payload[18:20], "big")
    if count in (0, END_OF_SESSION):
        return Datagram(at_ns, sequence, heartbeat=True)
    messages = []
    place = 20
    for _ in range(count):
        length = int.from_bytes(payload[place : place + 2], "big")
        if place + 2 > len(payload) or length < SHORTEST or place + 2 + length > len(payload):
            return Datagram(at_ns, sequence, tuple(messages), fault=True)
        messages.append(payload[place + 2 : place + 2 + length])
        place += 2 + length
    return Datagram(at_ns, sequence, tuple(messages))


class _Arbiter:
    def __init__(self, hold_ns: int, ring: int, expected: int) -> None:
        self.hold_ns = hold_ns
        self.ring = ring
        self.out = Arbitration(expected=expected)
        self.known = expected
        self.held: dict[int, bytes] = {}
        self.opened_ns: int | None = None

    def deliver(self, data: bytes) -> None:
        self.out.delivered.append((data, self.out.expected))
        self.out.expected += 1

    def drain(self) -> None:
        while self.out.expected in self.held:
            self.deliver(self.held.pop(self.out.expected))

    def declare(self, first_behind: int) -> None:
        """Declare the gap from what is expected up to before ``first_behind``."""
        first, last = self.out.expected, first_behind - 1
        self.out.expected = first_behind
        self.out.trusts.append(Trust(first_behind, bit("gap"), first, last))
        self.drain()
        self.opened_ns = None  # the hold time starts anew

    def declare_open(self) -> None:
        self.declare(min(self.held, default=self.known))

    def watch(self, now_ns: int) -> None:
        """Note whether a gap is open now."""
        is_open = self.known > self.out.expected and self.out.expected not in self.held
        if not is_open:
            self.opened_ns = None
        elif self.opened_ns is None:
            self.opened_ns = now_ns

    def advance(self, until_ns: int | None) -> None:
        """Let time pass; what is due by then is declared, all of it where there is no end."""
        while self.opened_ns is not None:
            due_ns = self.opened_ns + self.hold_ns
            if until_ns is not None and due_ns > until_ns:
                return
            self.declare_open()
            self.watch(due_ns)

    def message(self, sequence: int, data: bytes) -> None:
        expected = self.out.expected
        self.known = max(self.known, sequence + 1)
        if sequence < expected:
            self.out.duplicates += 1
        elif sequence == expected:
            self.deliver(data)
            self.drain()
        elif sequence < expected + self.ring:
            if sequence in self.held:
                self.out.duplicates += 1
            else:
                self.held[sequence] = data
        elif not self.held:
            self.declare(sequence)
            self.deliver(data)
        else:
            self.out.hold_overflow += 1
            self.declare_open()

    def take(self, datagram: Datagram) -> None:
        self.advance(datagram.at_ns)
        if datagram.heartbeat:
            self.known = max(self.known, datagram.sequence)
        for offset, data in enumerate(datagram.messages):
            self.message(datagram.sequence + offset, data)
            self.watch(datagram.at_ns)
        if datagram.fault:
            self.out.trusts.append(Trust(self.out.expected, bit("fault")))
        self.watch(datagram.at_ns)


def arbitrate(
    datagrams: Iterable[Datagram],
    *,
    hold_ns: int,
    ring: int,
    expected: int = 1,
    until_ns: int | None = None,
) -> Arbitration:
    """Merge datagrams, in the order of arrival, into one sequence.

    Behind the last one time goes on until ``until_ns``; without it, until no gap is open.
    """
    arbiter = _Arbiter(hold_ns, ring, expected)
    for datagram in datagrams:
        arbiter.take(datagram)
    arbiter.advance(until_ns)
    return arbiter.out
