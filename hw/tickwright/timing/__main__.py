"""Measures the card and compares it with the kept table: ``make timing``."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tickwright.timing.ecp5 import FlowError
from tickwright.timing.figures import Figures, Table, read, write
from tickwright.timing.flow import measured
from tickwright.timing.limits import counted, crowding, cycles_kept, speed_kept
from tickwright.timing.page import differences, page
from tickwright.timing.targets import PIPELINE, TARGETS

__all__ = ["main"]

KEPT   = Path("docs/timing.toml")
FOLDER = Path("build/timing")
SEEDS  = 3  # at least, for a median that is kept
NONE   = "none"


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and keep or compare; return the exit status."""
    chosen = _chosen(words)
    kept = read(chosen.kept)
    cycles = json.loads(chosen.latency.read_text())["stage_cycles"]
    names = [name for name in TARGETS if chosen.stage in (None, name)]
    try:
        fits = measured({name: TARGETS[name].source() for name in names},
                        {name: TARGETS[name].parts for name in names},
                        range(1, chosen.seeds + 1), FOLDER, _say)
    except FlowError as error:
        _say(f"error: {error}")
        return 1
    found = Table({name: Figures(cycles=figures) for name, figures in cycles.items()}).renewed(fits)
    _say(differences(found, kept))
    if chosen.keep:
        kept = kept.renewed(found)
        write(kept, chosen.kept)
        chosen.kept.with_suffix(".md").write_text(page(kept))
    faults = [*speed_kept(found, kept), *counted(found), *cycles_kept(cycles, kept)]
    if PIPELINE in names:
        faults += crowding(found)
    for fault in faults:
        _say(f"error: {fault}")
    return 1 if faults else 0


def _chosen(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tickwright.timing", description=__doc__)
    parser.add_argument("latency", type=Path, help="what `bench latency --json` printed")
    parser.add_argument("--stage", choices=[*TARGETS, NONE], help="only this one; none: latencies")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="placements of each")
    parser.add_argument("--keep", action="store_true", help="write the kept table and its page")
    parser.add_argument("--kept", type=Path, default=KEPT, help="the kept table")
    chosen = parser.parse_args(words)
    if chosen.seeds < (SEEDS if chosen.keep else 1):
        parser.error(f"--seeds: found {chosen.seeds}, expected at least "
                     f"{SEEDS if chosen.keep else 1}")
    return chosen


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
