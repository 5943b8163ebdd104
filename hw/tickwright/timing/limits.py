"""What a measured table may not be: slower or later than the kept one, or crowded in its part."""

from collections.abc import Iterator

from tickwright.timing.figures import Table
from tickwright.timing.targets import PART, PIPELINE, TARGETS

__all__ = ["CROWDED", "LEAST_MHZ", "LOSS", "counted", "crowding", "cycles_kept", "speed_kept"]

LOSS      = 0.07  # of a median clock against the kept one, at most
LEAST_MHZ = 80  # of the pipeline in the part of the card
CROWDED   = {"block RAM": 0.95, "LUT4": 0.80}  # of that part, at most

RENEW = "make timing STAGE=none KEEP=1"


def speed_kept(found: Table, kept: Table) -> Iterator[str]:
    """Yield a line for each clock found that is slower than the kept one, or has none to equal."""
    for name, figures in found.figures.items():
        for part, fit in figures.fits.items():
            before = kept.of(name).fits.get(part)
            if before is None:
                yield f"{name} in {part}: found no kept Fmax, expected one: make timing KEEP=1"
                continue
            least = before.median_mhz * (1 - LOSS)
            if fit.median_mhz < least:
                yield (f"{name} in {part}: found {fit.median_mhz:.2f} MHz, expected at least "
                       f"{least:.2f}, that is {LOSS:.0%} below the kept {before.median_mhz:.2f}")


def crowding(table: Table) -> Iterator[str]:
    """Yield a line for each way in which the pipeline does not fit well into the card's part."""
    fit = table.of(PIPELINE).fits.get(PART)
    if fit is None:
        yield f"{PIPELINE} in {PART}: found no measured figures, expected some"
        return
    if fit.median_mhz < LEAST_MHZ:
        yield (f"{PIPELINE} in {PART}: found {fit.median_mhz:.2f} MHz, expected at least "
               f"{LEAST_MHZ}")
    for kind, most in CROWDED.items():
        share = table.share(PIPELINE, PART, kind)
        if share > most:
            yield (f"{PIPELINE} in {PART}: found {share:.1%} of {kind} used, expected at most "
                   f"{most:.0%}")


def counted(found: Table) -> Iterator[str]:
    """Yield a line for each component that was placed, but whose cells were not counted."""
    for name, figures in found.figures.items():
        if figures.fits and not figures.xcup:
            yield f"{name} in UltraScale+: found no statistics, expected some"


def cycles_kept(found: dict[str, dict[str, int]], kept: Table) -> Iterator[str]:
    """Yield a line for each latency that is not the kept one, or has none to equal.

    ``found``: cycles by kind of message, by component. A kept one that is not found is one too.
    """
    for name in TARGETS:
        before, now = kept.of(name).cycles, found.get(name, {})
        if not before and not now:
            yield f"found no latency and none kept: {_told(name)}"
        for kind in {**before, **now}:
            yield from _compared(now.get(kind), before.get(kind), f"{_told(name)}, {kind.title()}")


def _compared(now: int | None, before: int | None, what: str) -> Iterator[str]:
    if before is None:
        yield f"found {now}, but none kept: {what}; keep it: {RENEW}"
    elif now is None:
        yield f"found none, expected at most {before}: {what}"
    elif now > before:
        yield f"found {now}, expected at most {before}: {what}"
    elif now < before:
        yield f"found {now}, better than the kept {before}: {what}; renew the table: {RENEW}"


def _told(name: str) -> str:
    return "feed to order" if name == PIPELINE else name
