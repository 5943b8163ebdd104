"""From a board's gateware to its bitstream, by open tools: ``make bitstream BOARD=versa``."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from tickwright.platforms.versa import Versa, VersaTop
from tickwright.platforms.versa_core import VersaCore
from tickwright.platforms.versa_gateware import VersaGateware
from tickwright.platforms.versa_loopback import VersaLoopback
from tickwright.timing.ecp5 import FlowError, Routed, pack, route, synthesize
from tickwright.top.build import NO_CONTENTS
from tickwright.top.presets import PRESETS

__all__ = ["BOARDS", "bitstream", "bitstream_path", "main", "sources"]

BOARDS: dict[str, Callable[[], VersaGateware]] = {
    "versa":          lambda: VersaCore(PRESETS["versa"]),
    "versa_loopback": VersaLoopback,
}
"""What is made for which board, by the name that BOARD has."""

PART = "45F"
SEED = 1
TOP  = "top"
MHZ  = 1e6

FREQUENCY = re.compile(r"^FREQUENCY .* ([0-9.]+) HZ;$", re.MULTILINE)


def bitstream_path(board: str) -> Path:
    """Return where the bitstream of a board goes, below the working directory."""
    return Path("build") / board / f"tickwright_{board}.bit"


def sources(gateware: VersaGateware) -> tuple[str, str]:
    """Return the RTLIL of the gateware on its board, and the preferences of its pins and clocks."""
    plan = Versa().build(VersaTop(gateware), name=TOP, do_build=False, emit_src=False)
    rtlil, preferences = (plan.files[f"{TOP}.{kind}"] for kind in ("il", "lpf"))
    return NO_CONTENTS.sub("", rtlil), preferences


def bitstream(board: str, gateware: VersaGateware) -> Path:
    """Make the bitstream of a board and print what it took.

    Raises FlowError: a tool refuses, or a clock is not as fast as it has to be; then there is no
    bitstream, not even one from before.
    """
    path = bitstream_path(board)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    rtlil, preferences = sources(gateware)
    pins, config = path.with_suffix(".lpf"), path.with_suffix(".config")
    pins.write_text(preferences)
    netlist = synthesize(rtlil, path.parent, path.stem, language="rtlil")
    routed = route(netlist, PART, SEED, pins=pins, config=config)
    for line in table(routed):
        sys.stdout.write(f"{line}\n")
    check(routed, preferences)
    pack(config, path)
    sys.stdout.write(f"{path}: {path.stat().st_size} bytes\n")
    return path


def table(routed: Routed) -> list[str]:
    """Return what a design uses of the part, and how fast its clocks may be."""
    return [
        f"{'':34}{'used':>8}{'there':>8}",
        *(f"{kind:34}{used:8}{routed.there[kind]:8}" for kind, used in routed.used.items()),
        f"{'':34}{'MHz':>8}{'target':>8}",
        *(f"{_plain(name)[-33:]:34}{clock.fmax_mhz:8.1f}{clock.target_mhz:8.1f}"
          for name, clock in sorted(routed.clocks.items())),
    ]


def check(routed: Routed, preferences: str) -> None:
    """Raise FlowError where a clock is too slow, or has another target than the board gave it."""
    wanted = sorted(float(hertz) / MHZ for hertz in FREQUENCY.findall(preferences))
    found = sorted(clock.target_mhz for clock in routed.clocks.values())
    if [round(mhz) for mhz in found] != [round(mhz) for mhz in wanted]:
        raise FlowError(f"targets of clocks: found {found} MHz, expected {wanted} MHz")
    for name, clock in sorted(routed.clocks.items()):
        if clock.fmax_mhz < clock.target_mhz:
            raise FlowError(f"clock {_plain(name)}: found {clock.fmax_mhz:.1f} MHz, expected "
                            f"{clock.target_mhz:.1f} MHz")


def main(*arguments: str) -> int:
    """Make the bitstream of the one board that is named; return the status of the process."""
    match arguments:
        case (board,) if board in BOARDS:
            try:
                bitstream(board, BOARDS[board]())
            except FlowError as error:
                sys.stderr.write(f"{board}: {_reason(str(error))}\n")
                return 1
            return 0
    sys.stderr.write(f"BOARD: found {' '.join(arguments)!r}, expected one of "
                     f"{', '.join(sorted(BOARDS))}\n")
    return 1


def _plain(net: str) -> str:
    """Return the name of a clock's net without what the router puts before it."""
    return net.removeprefix("$glbnet$")


def _reason(message: str) -> str:
    """Return the line of a tool's message that tells why it ended."""
    lines = message.splitlines() or [""]
    return next((line for line in lines if "ERROR" in line), lines[-1])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
