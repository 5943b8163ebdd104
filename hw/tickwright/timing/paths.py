"""Critical paths in the names of the gateware."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from tickwright.timing.ecp5 import Hop

__all__ = ["CriticalPath", "critical_path", "named"]

DUT      = re.compile(r"^(?:dut\.)?(?:pipeline\.)?")  # in the harness, in `BarePipeline`
CELL     = re.compile(r"_(?:TRELLIS_[A-Z]+|LUT4|CCU2C|PFUMX|L6MUX21|DP16KD|PDPW16KD|MULT18X18D"
                      r"|ALU54B)")
REGISTER = re.compile(r"_TRELLIS_FF_Q(?:_\d+)?$")
MEMORY   = re.compile(r"(?:\.\d+)+(?:_[A-Z]\w*)?$")  # a piece of one, and perhaps its port
PACKED   = re.compile(r"\$(?:CCU2|DPRAM|PFUMX|MUX)\w*$")
BIT      = re.compile(r"\[\d+\]$")
AGAIN    = re.compile(r"(?<=[^.$])\$\d+")  # `quotes$145`: the name was there before
UNNAMED  = "$"
BESIDE   = "~"


@dataclass(frozen=True)
class CriticalPath:
    """What limits a clock: from one register to another, or to a memory."""

    first: str
    between: tuple[str, ...]
    last: str
    levels: int  # of logic; cells that no wire joins, as in a chain of carries, are one
    routing: float  # share of the delay


def critical_path(hops: Iterable[Hop]) -> CriticalPath:
    """Return a critical path as `Routed` has it in the names of the gateware."""
    hops = tuple(hops)
    if not hops:
        raise ValueError("found a path of no steps, expected one from a register to another")
    first, last = named(hops[0].cell), named(hops[-1].cell)
    told, between = {"", first, last}, []
    for net in (named(hop.net) for hop in hops):
        if net.removeprefix(BESIDE) not in told:
            between.append(net)
            told.add(net.removeprefix(BESIDE))
    routing_ns = sum(hop.delay_ns for hop in hops if hop.net)
    return CriticalPath(
        first=first,
        between=tuple(between),
        last=last,
        levels=_levels(hops),
        routing=round(routing_ns / sum(hop.delay_ns for hop in hops), 2),
    )


def named(name: str) -> str:
    """Return the signal that a cell or net of the tools stands for, with its components.

    What the tools made of an expression without a name is called by a signal beside it, with a
    ``~`` before. A signal without a name is its component. What stands for no component at all is
    empty.
    """
    name = BIT.sub("", PACKED.sub("", DUT.sub("", name)))
    made = CELL.search(name)
    signal = name[: made.start()] if made else name
    exact = made is None or REGISTER.fullmatch(name[made.start() :]) is not None
    parts = AGAIN.sub("", MEMORY.sub("", signal)).replace("__", ".").split(".")
    if parts[-1].startswith(UNNAMED):
        parts.pop()
    return ("" if exact or not parts else BESIDE) + ".".join(parts)


def _levels(hops: tuple[Hop, ...]) -> int:
    """Return how many cells between the registers are reached over a wire that takes time."""
    between = pairwise(hops[1:-1])
    return sum(bool(wire.net and wire.delay_ns and not cell.net) for wire, cell in between)
