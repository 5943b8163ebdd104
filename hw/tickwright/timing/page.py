"""The table of kept figures as people read it: a page of the manual, and differences."""

from collections.abc import Iterable, Iterator

from tickwright.timing.ecp5 import KINDS, PACKAGE, SPEED
from tickwright.timing.figures import Fit, Table
from tickwright.timing.limits import CROWDED, LEAST_MHZ, LOSS
from tickwright.timing.paths import CriticalPath
from tickwright.timing.targets import PART, PRESET, TARGETS
from tickwright.timing.xcup import KINDS as CELLS

__all__ = ["differences", "page"]

MISSING = "not measured yet"
KINDS_OF_MESSAGE = ("add", "delete", "execute", "cancel", "replace")

HEAD = f"""\
# Timing

How fast and how large the card of preset `{PRESET.name}` is: each stage by itself between
registers, and the whole pipeline without its record streams, which nothing takes on its board. This
page is made of `docs/timing.toml`, and both by `make timing KEEP=1`. Nothing was measured on
silicon: the clocks are by the delays that the tools know of the part.
"""

CLOCK = f"""\
In MHz, by Yosys and nextpnr for ECP5: LFE5UM5G-{PART}, package {PACKAGE}, speed grade {SPEED}.
Another seed is another placement; all are kept, and the median counts. The same netlist in the
larger part tells what the fabric allows where nothing is crowded. The card has one clock: its limit
is that of the pipeline.
"""

SIZE = """\
With the seed of the median, and as a share of the part.
"""

LATENCY = f"""\
In cycles, of an isolated message: in a stage from what it is shown to what it shows, in the
pipeline from the word with the last byte of the message to word 0 of the order's frame. Each stage
is measured within the whole card. An Add improves the best price, a Delete, a Cancel or an Execute
empties it. Cycles do not depend on the sizes of a card: `make test` measures them on the card of
the twin and fails where one is larger than here, or smaller, for then this page is to be renewed;
`make timing` measures them on the card of preset `{PRESET.name}`. The last column is an Add at
the median clock of its row in the {PART}.
"""

PATHS = """\
With the seed of the median, from the first register or memory to the last; between them the signals
on the way, by their names in the gateware. `~` before a name: an expression without a name, beside
that signal. Cells that no wire joins, as in a chain of carries, are one level of logic.
"""

XCUP = f"""\
Cells of UltraScale+ as Yosys maps them (`synth_xilinx -family xcup`). They are counts only: nothing
is placed, so they say nothing of a clock, and no check fails on them. The vendor's tool maps on its
own and will count otherwise. No memory is made of LUTs here: the small ones are FF, or blocks. The
sizes are those of preset `{PRESET.name}`, not of a card for such a part.
"""


def page(table: Table) -> str:
    """Return the page of the manual, in Markdown."""
    return "\n".join([
        HEAD,
        "## Clock\n", CLOCK,
        *_rows(("", "part", "median", "best", "worst", "by seed"), _clocks(table)),
        "## Size\n", SIZE,
        *_rows(("", "part", *KINDS), _sizes(table)),
        "## Latency\n", LATENCY,
        *_rows(("", *KINDS_OF_MESSAGE, "ns, add"), _latencies(table)),
        "## Critical paths\n", PATHS, *_paths(table),
        "## UltraScale+\n", XCUP,
        *_rows(("", *CELLS), _counts(table)),
        "## What fails\n", _limits(),
    ])


def differences(found: Table, kept: Table) -> str:
    """Return what was found as lines of text, each with its difference to what is kept."""
    lines = []
    for name, figures in found.figures.items():
        before = kept.of(name)
        for part, fit in figures.fits.items():
            old = before.fits.get(part)
            clock = _against(fit.median_mhz, old and old.median_mhz, ".2f")
            seeds = " ".join(f"{mhz:.2f}" for mhz in fit.fmax_mhz.values())
            used = ", ".join(f"{kind} {_against(number, old and old.used[kind], ',')}"
                             for kind, number in fit.used.items())
            lines += [f"{name} in {part}: {clock} MHz (seeds {seeds}); {used}",
                      f"    {_way(fit.path)}"]
        if figures.xcup:
            cells = ", ".join(f"{kind} {_against(number, before.xcup.get(kind), ',')}"
                              for kind, number in figures.xcup.items())
            lines.append(f"{name} in UltraScale+: {cells}")
        if figures.cycles:
            cycles = ", ".join(f"{kind} {_against(number, before.cycles.get(kind), '')}"
                               for kind, number in figures.cycles.items())
            lines.append(f"{name}, cycles: {cycles}")
    return "\n".join(lines)


def _against(now: float, before: float | None, form: str) -> str:
    if before is None:
        return f"{now:{form}} (none kept)"
    change = f"{now - before:+{form}}" if now != before else "="
    return f"{now:{form}} ({change})"


def _rows(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    heads = tuple(heads)
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'--:|' * (len(heads) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _fits(table: Table) -> Iterator[tuple[str, str, Fit | None]]:
    for name, target in TARGETS.items():
        for part in target.parts:
            yield name, part, table.of(name).fits.get(part)


def _clocks(table: Table) -> Iterator[tuple[str, ...]]:
    for name, part, fit in _fits(table):
        if fit is None:
            yield name, part, MISSING, "", "", ""
            continue
        by_seed = fit.fmax_mhz.values()
        figures = (fit.median_mhz, max(by_seed), min(by_seed))
        yield (name, part, *(f"{mhz:.2f}" for mhz in figures),
               ", ".join(f"{mhz:.2f}" for mhz in by_seed))


def _sizes(table: Table) -> Iterator[tuple[str, ...]]:
    for name, part, fit in _fits(table):
        if fit is None:
            yield name, part, MISSING, *[""] * (len(KINDS) - 1)
            continue
        yield (name, part, *(f"{fit.used[kind]:,} ({table.share(name, part, kind):.1%})"
                             for kind in KINDS))


def _latencies(table: Table) -> Iterator[tuple[str, ...]]:
    for name in TARGETS:
        cycles, mhz = table.of(name).cycles, table.of(name).median_mhz
        if not cycles:
            yield name, MISSING, *[""] * len(KINDS_OF_MESSAGE)
            continue
        ns = f"{1e3 * cycles['add'] / mhz:.0f}" if mhz else MISSING
        yield (name, *(str(cycles[kind]) for kind in KINDS_OF_MESSAGE), ns)


def _counts(table: Table) -> Iterator[tuple[str, ...]]:
    for name in TARGETS:
        cells = table.of(name).xcup
        yield (name, *(f"{cells[kind]:,}" for kind in CELLS)) if cells else (
            name, MISSING, *[""] * (len(CELLS) - 1))


def _paths(table: Table) -> Iterator[str]:
    for name, part, fit in _fits(table):
        yield f"* {name} in {part}: {_way(fit.path) if fit else MISSING}"
    yield ""


def _way(path: CriticalPath) -> str:
    way = " → ".join(f"`{signal}`" for signal in (path.first, *path.between, path.last))
    return f"{way}; {path.levels} levels of logic, {path.routing:.0%} of the delay is routing"


def _limits() -> str:
    crowded = " or ".join(f"{most:.0%} of the {kind}" for kind, most in CROWDED.items())
    return (
        "`make timing` exits with 1, and a line for each reason:\n\n"
        f"* a median clock is more than {LOSS:.0%} below the one kept here, or none is kept;\n"
        f"* the pipeline in the {PART} is below {LEAST_MHZ} MHz or takes more than {crowded};\n"
        "* a latency is not the one kept here, or none is kept;\n"
        "* the cells of UltraScale+ could not be counted.\n")
