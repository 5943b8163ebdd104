"""The figures that are kept of the card, and their file: TOML, a fact a line."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median_low

from tickwright.timing.ecp5 import Routed
from tickwright.timing.paths import CriticalPath, critical_path
from tickwright.timing.targets import PART

__all__ = ["Figures", "Fit", "Table", "fit_of", "read", "write"]

HEAD = "# Written by `make timing KEEP=1`; docs/timing.md is made of it.\n"
PARTS, CYCLES, COUNTS = "parts", "cycles", "xcup"


@dataclass(frozen=True)
class Fit:
    """A component in a part: how fast by seed, and the rest with the seed of the median."""

    fmax_mhz: dict[int, float]
    used: dict[str, int]
    path: CriticalPath

    @property
    def median_mhz(self) -> float:
        """Return the middle of the seeds' clocks, the lower of two."""
        return median_low(self.fmax_mhz.values())


@dataclass(frozen=True)
class Figures:
    """All that is known of a component; what is empty was not measured yet."""

    cycles: dict[str, int] = field(default_factory=dict)  # by kind of message
    fits: dict[str, Fit] = field(default_factory=dict)  # by part
    xcup: dict[str, int] = field(default_factory=dict)  # cells of UltraScale+, by kind

    @property
    def median_mhz(self) -> float | None:
        """Return how fast it is in the part of the card."""
        return self.fits[PART].median_mhz if PART in self.fits else None


@dataclass(frozen=True)
class Table:
    """The figures of every component that was measured, and what the parts have of each kind."""

    figures: dict[str, Figures] = field(default_factory=dict)
    parts: dict[str, dict[str, int]] = field(default_factory=dict)

    def of(self, name: str) -> Figures:
        """Return the figures of a component, of which there may be none."""
        return self.figures.get(name, Figures())

    def share(self, name: str, part: str, kind: str) -> float:
        """Return how much of a part a component takes of a kind."""
        return self.of(name).fits[part].used[kind] / self.parts[part][kind]

    def renewed(self, found: "Table") -> "Table":
        """Return this table with all that was found in its place."""
        figures = {}
        for name in (*self.figures, *(name for name in found.figures if name not in self.figures)):
            old, new = self.of(name), found.of(name)
            figures[name] = Figures(new.cycles or old.cycles, {**old.fits, **new.fits},
                                    new.xcup or old.xcup)
        return Table(figures, {**self.parts, **found.parts})


def fit_of(routed: Mapping[int, Routed]) -> Fit:
    """Return the figures of a component that was routed with these seeds."""
    fmax_mhz = {seed: round(routed[seed].fmax_mhz, 2) for seed in sorted(routed)}
    middle = median_low(fmax_mhz.values())
    median = next(routed[seed] for seed, mhz in fmax_mhz.items() if mhz == middle)
    return Fit(fmax_mhz, median.used, critical_path(median.path))


def read(path: Path) -> Table:
    """Return what a file keeps; of one that is not there, nothing."""
    if not path.exists():
        return Table()
    kept = tomllib.loads(path.read_text())
    parts = kept.pop(PARTS, {})
    return Table({name: _figures(facts) for name, facts in kept.items()}, parts)


def write(table: Table, path: Path) -> None:
    """Keep a table."""
    path.write_text(HEAD + "".join(f"{line}\n" for line in _lines(table)))


def _figures(facts: dict) -> Figures:
    cycles, xcup = facts.pop(CYCLES, {}), facts.pop(COUNTS, {})
    return Figures(cycles, {part: _fit(kept) for part, kept in facts.items()}, xcup)


def _fit(kept: dict) -> Fit:
    path = kept["path"]
    return Fit(
        {int(seed): mhz for seed, mhz in kept["fmax_mhz"].items()}, kept["used"],
        CriticalPath(**{**path, "between": tuple(path["between"])}))


def _lines(table: Table) -> Iterator[str]:
    for part, there in sorted(table.parts.items()):
        yield from _section(f"{PARTS}.{part}", there)
    for name, figures in table.figures.items():
        yield from _section(f"{name}.{CYCLES}", figures.cycles)
        for part, fit in sorted(figures.fits.items()):
            yield from _section(f"{name}.{part}.fmax_mhz", fit.fmax_mhz)
            yield from _section(f"{name}.{part}.used", fit.used)
            yield from _section(f"{name}.{part}.path", vars(fit.path))
        yield from _section(f"{name}.{COUNTS}", figures.xcup)


def _section(name: str, facts: Mapping) -> Iterator[str]:
    if not facts:
        return
    yield from ("", f"[{name}]")
    for key, value in facts.items():
        key = f'"{key}"' if " " in str(key) else key
        if isinstance(value, tuple):
            yield from (f"{key} = [", *(f"    {_text(one)}," for one in value), "]")
        else:
            yield f"{key} = {_text(value) if isinstance(value, str) else value}"


def _text(name: str) -> str:
    return f"'{name}'"  # as it is; no name of a signal has a quote
