"""Where the tools that set-up made are found."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["MissingToolError", "activated", "tool_environment", "verilator_bin"]


class MissingToolError(RuntimeError):
    """A tool that set-up makes is not there."""


def verilator_bin(prefix: Path | None = None) -> Path:
    """Return the repaired Verilator of the environment at ``prefix``: by default, the running one.

    >>> verilator_bin()                                               # doctest: +SKIP
    PosixPath('.venv/verilator/bin/verilator')
    """
    path = (prefix or Path(sys.prefix)) / "verilator" / "bin" / "verilator"
    if not path.is_file():
        raise MissingToolError(
            f"there is no Verilator at {path}: run `make setup`, "
            f"then use the commands in .venv/bin (this is {sys.executable})"
        )
    return path


def tool_environment(prefix: Path | None = None) -> dict[str, str]:
    """Return the process environment in which compilers and simulators of ours run.

    Our Verilator comes first on ``PATH``. ``VERILATOR_ROOT`` is absent, for it would lead that
    Verilator to the files of another. Amaranth exports with the Yosys that is pinned, not with one
    that the machine happens to have.
    """
    prefix = prefix or Path(sys.prefix)
    places = [str(verilator_bin(prefix).parent), str(prefix / "bin"), os.environ.get("PATH", "")]
    changed = {
        **os.environ,
        "PATH": os.pathsep.join(place for place in places if place),
        "AMARANTH_USE_YOSYS": "builtin",
    }
    changed.pop("VERILATOR_ROOT", None)
    return changed


@contextmanager
def activated(prefix: Path | None = None) -> Iterator[None]:
    """Give this process the tool environment for a while: for libraries that take none.

    >>> with activated():                                             # doctest: +SKIP
    ...     get_runner("verilator").build(...)
    """
    before = dict(os.environ)
    inside = tool_environment(prefix)
    _become(inside)
    try:
        yield
    finally:
        _become(before)


def _become(environment: dict[str, str]) -> None:
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
