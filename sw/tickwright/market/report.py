"""What a reader noticed while it read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, ip_address

from tickwright.market.errors import MarketError

__all__ = ["DROP_REASONS", "Line", "ReadReport"]

DROP_REASONS = (
    "not_ipv4",
    "ip_options",
    "bad_checksum",
    "fragments",
    "not_udp",
    "other_line",
    "runt",
    "other_session",
)
"""Why a frame is dropped, in the order in which the card asks (specification, section 2)."""


LAST_DAY_S = 253_402_300_800  # the end of the year 9999


@dataclass(frozen=True, order=True)
class Line:
    """Where one line of a feed is sent: destination address and UDP port."""

    address: int
    port: int

    @classmethod
    def parse(cls, text: str) -> Line:
        """Read ``address:port``."""
        address, colon, port = text.rpartition(":")
        try:
            parsed = ip_address(address)
        except ValueError:
            parsed = None
        if not colon or not isinstance(parsed, IPv4Address) or not port.isdecimal():
            raise MarketError(f"line {text!r}: expected ADDRESS:PORT, as 233.54.12.111:26477")
        if not 0 < int(port) < 1 << 16:
            raise MarketError(f"line {text!r}: found port {port}, expected 1 to 65535")
        return cls(int(parsed), int(port))

    def __str__(self) -> str:
        return f"{IPv4Address(self.address)}:{self.port}"


@dataclass
class ReadReport:
    """Filled while a file is read; complete when the reader is exhausted.

    ``damage`` holds a line for each place where the file could not be followed. ``dropped`` counts
    frames by reason, ``skipped_packets`` the packets of a pcapng that are not Ethernet, ``notes``
    what one should know though nothing is wrong. ``day`` is that of a capture's first packet, UTC;
    a BinaryFILE does not tell.
    """

    kind: str = ""
    pcapng: bool = False
    day: date | None = None
    compressed: bool = False
    lines: list[Line] = field(default_factory=list)
    lines_assumed: bool = False
    session: str = ""
    frames: int = 0
    frames_by_line: list[int] = field(default_factory=lambda: [0, 0])
    messages: int = 0
    heartbeats: int = 0
    ends_of_session: int = 0
    skipped_messages: int = 0
    faults: int = 0
    trailing: int = 0
    cut_frames: int = 0
    skipped_packets: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DROP_REASONS, 0))
    damage: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    position: int = 0
    size: int = 0

    def date_from(self, since_1970_s: int) -> None:
        """Note the day of a capture, of a time in seconds; one that no calendar has is none."""
        if self.day is None and 0 <= since_1970_s < LAST_DAY_S:
            self.day = datetime.fromtimestamp(since_1970_s, UTC).date()
