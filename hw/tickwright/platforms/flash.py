"""Writes a bitstream to the flash of a board: ``make flash BOARD=versa``."""

import shutil
import subprocess
import sys

from tickwright.platforms.build import BOARDS, bitstream_path

__all__ = ["main"]

PROGRAMMERS = {
    "openFPGALoader": ("--cable", "ft2232", "--write-flash"),
    "ecpprog":        (),
}
"""What can write it, the first that is found, and how: both know the FT2232H on the board."""


def main(*arguments: str) -> int:
    """Write the bitstream of the one board that is named; return the status of the process."""
    if len(arguments) != 1 or arguments[0] not in BOARDS:
        return _refused(f"BOARD: found {' '.join(arguments)!r}, expected one of "
                        f"{', '.join(sorted(BOARDS))}")
    (board,) = arguments
    path = bitstream_path(board)
    if not path.exists():
        return _refused(f"{path}: found no bitstream; make bitstream BOARD={board} makes it")
    for name, options in PROGRAMMERS.items():
        if program := shutil.which(name):
            return int(subprocess.run([program, *options, str(path)]).returncode != 0)
    return _refused(f"flash: found neither {' nor '.join(PROGRAMMERS)} on PATH")


def _refused(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
