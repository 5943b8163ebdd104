"""Tables as they are kept, of a part with round numbers."""

from tickwright.timing.figures import Figures, Fit, Table
from tickwright.timing.paths import CriticalPath

THERE = {"LUT4": 1_000, "FF": 1_000, "block RAM": 100, "DSP": 10}
USED = {"LUT4": 800, "FF": 300, "block RAM": 95, "DSP": 0}
CELLS = {"LUT": 700, "FF": 310, "RAMB36": 3, "RAMB18": 5, "URAM": 0, "DSP": 1}
CYCLES = {"add": 4, "delete": 4, "execute": 4, "cancel": 4, "replace": 6}
PATH = CriticalPath("session.size", ("~queue.kept", "session.ended"), "queue.late", 3, 0.62)


def fit(*fmax_mhz: float, **used: int) -> Fit:
    """Return a component in a part, with these clocks by seed and these cells."""
    names = {name.replace("_", " "): number for name, number in used.items()}
    return Fit(dict(enumerate(fmax_mhz, start=1)), {**USED, **names}, PATH)


def table(**fits: Fit) -> Table:
    """Return a table of components in the part of the card."""
    figures = {name: Figures(dict(CYCLES), {"45F": one}, CELLS) for name, one in fits.items()}
    return Table(figures, {"45F": THERE})
