"""How far the card's clock is from the host's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from tickwright.core.regs import Bus
from tickwright.market.times import DAY_S, SECOND_NS
from tickwright.top.memory_map import IdentityRegs, base

__all__ = ["ClockError", "ClockOffset", "measure_offset"]

READS = 8
DAY_NS = DAY_S * SECOND_NS


class ClockError(RuntimeError):
    """The offset cannot be told; one line: what, found, expected."""


@dataclass(frozen=True)
class ClockOffset:
    """Card time less host time, as it was when the host's clock showed ``host_ns``.

    The true offset lies within ``uncertainty_ns`` of ``offset_ns``, as far as the host's clock ran
    evenly for the time of one read.
    """

    offset_ns: int  # from -12 hours up to, but not, 12 hours
    uncertainty_ns: int
    host_ns: int  # since 1970, UTC


def measure_offset(
    bus: Bus, host_now_ns: Callable[[], int], *, zone: tzinfo = UTC, reads: int = READS
) -> ClockOffset:
    """Read card time ``reads`` times and return the offset by the quickest of the reads.

    ``host_now_ns`` tells nanoseconds since 1970, UTC. Card time counts nanoseconds from a midnight
    in ``zone``, and goes on counting after the next; so both are compared as times of day, and an
    offset of whole days shows as none. A read during which the host's clock was set back is left
    out. Raises ClockError if no read is left, and what the bus raises.
    """
    if reads < 1:
        raise ClockError(f"reads of card time: found {reads}, expected at least 1")
    found = [_read(bus, host_now_ns) for _ in range(reads)]
    sound = [each for each in found if each[1] >= each[0]]
    if not sound:
        raise ClockError(
            f"host clock: found it set back in each of {reads} reads, expected one that runs"
        )
    before_ns, after_ns, card_ns = min(sound, key=lambda each: each[1] - each[0])
    host_ns = (before_ns + after_ns) // 2
    apart = card_ns - _since_midnight(host_ns, zone)
    return ClockOffset(
        offset_ns=(apart + DAY_NS // 2) % DAY_NS - DAY_NS // 2,
        uncertainty_ns=(after_ns - before_ns) // 2 + 1,
        host_ns=host_ns,
    )


def _read(bus: Bus, host_now_ns: Callable[[], int]) -> tuple[int, int, int]:
    """Return host time before and after the read of card time, and card time."""
    timed = _Timed(bus, base("identity") + IdentityRegs.now_ns.offset, host_now_ns)
    card_ns = IdentityRegs(timed, base("identity")).now_ns
    return timed.before_ns, timed.after_ns, card_ns


class _Timed:
    """A bus that tells the host time before and after the last read of one word.

    Of card time that is the low word: the high ones around it only make it whole.
    """

    def __init__(self, bus: Bus, addr: int, host_now_ns: Callable[[], int]) -> None:
        self._bus = bus
        self._addr = addr
        self._now_ns = host_now_ns
        self.before_ns = self.after_ns = 0

    def read(self, addr: int) -> int:
        if addr != self._addr:
            return self._bus.read(addr)
        self.before_ns = self._now_ns()
        found = self._bus.read(addr)
        self.after_ns = self._now_ns()
        return found

    def write(self, addr: int, value: int) -> None:
        self._bus.write(addr, value)


def _since_midnight(host_ns: int, zone: tzinfo) -> int:
    """Return the time of day in the zone."""
    shift = datetime.fromtimestamp(host_ns // SECOND_NS, zone).utcoffset()
    shift_ns = 0 if shift is None else round(shift.total_seconds()) * SECOND_NS
    return (host_ns + shift_ns) % DAY_NS
