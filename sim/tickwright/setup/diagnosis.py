"""What is there, what is missing, and how to get it."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tickwright.setup.__main__ import OLDEST
from tickwright.setup.machine import PROGRAMS
from tickwright.setup.steps import project_root
from tickwright.setup.toolchain import MissingToolError, tool_environment, verilator_bin
from tickwright.setup.webassembly import TOOLS, Tool

__all__ = ["Finding", "diagnose"]

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)
REQUIREMENT = re.compile(r"^[A-Za-z0-9._-]+")
SET_UP = "run `make setup` in a clone of Tickwright, then use .venv/bin/tickwright."


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for."""

    name: str
    present: bool
    detail: str
    remedy: str = ""  # only where it is not present


def diagnose(root: Path | None = None) -> Iterator[Finding]:
    """Look for everything that set-up makes or needs, in the running Python and on the machine."""
    lock = (root or project_root()) / "requirements.lock"
    yield _python()
    yield from _programs()
    yield _packages(lock.read_text()) if lock.is_file() else _requirements()
    yield _libpython()
    yield _verilator()
    yield from map(_webassembly, TOOLS)


def _python() -> Finding:
    oldest = ".".join(map(str, OLDEST))
    detail = f"{platform.python_version()} at {sys.executable}"
    present = sys.version_info >= OLDEST
    return Finding(
        "Python", present, detail, "" if present else f"install Python {oldest} or later."
    )


def _programs() -> Iterator[Finding]:
    for program in PROGRAMS:
        version = program.version()
        if version is None:
            what = "does not work" if program.present else "not on PATH"
            yield Finding(program.name, False, what, program.remedy)
        else:
            yield Finding(program.name, True, version)


def _packages(lock: str, version_of: Callable[[str], str] = metadata.version) -> Finding:
    """Compare what is installed with the pins of a lock file."""
    pins = PIN.findall(lock)
    wrong = []
    for name, pin in pins:
        try:
            found = version_of(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} {pin} is not installed")
            continue
        if found != pin:
            wrong.append(f"{name} is {found}, not {pin}")
    if wrong:
        return Finding("packages", False, "; ".join(wrong), SET_UP)
    return Finding("packages", True, f"all {len(pins)} as pinned")


def _requirements() -> Finding:
    """Look, outside a clone, for what a plain install requires."""
    wanted = [each for each in metadata.requires("tickwright") or () if "extra ==" not in each]
    installed = {_normal(each.metadata["Name"]) for each in metadata.distributions()}
    names = [match.group() for each in wanted if (match := REQUIREMENT.match(each))]
    absent = [name for name in names if _normal(name) not in installed]
    if absent:
        remedy = "install Tickwright again with pip, without --no-deps."
        return Finding("packages", False, f"not installed: {', '.join(absent)}", remedy)
    return Finding("packages", True, f"all {len(names)} that a host needs")


def _libpython() -> Finding:
    try:
        from find_libpython import find_libpython
    except ImportError:
        return Finding("libpython", False, "cocotb is not installed", SET_UP)
    library = find_libpython()
    if library is None:
        remedy = "cocotb needs a Python with its shared library: make clean setup PYTHON=..."
        return Finding("libpython", False, "this Python has no shared library", remedy)
    return Finding("libpython", True, library)


def _verilator() -> Finding:
    try:
        program, tools = verilator_bin(), tool_environment()
    except MissingToolError as error:
        return Finding("Verilator", False, str(error).partition(":")[0], SET_UP)
    try:
        subprocess.run(
            [program, "--version"], env=tools, capture_output=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        remedy = "get what is missing above; if nothing is, run `make clean setup`."
        return Finding("Verilator", False, f"{program} does not run: {error}", remedy)
    return Finding("Verilator", True, f"{metadata.version('verilator')}, repaired")


def _webassembly(tool: Tool) -> Finding:
    compiled = tool.compiled_file()
    if compiled is None:
        return Finding(tool.name, False, "not installed", SET_UP)
    if not compiled.is_file():
        return Finding(tool.name, False, "installed, not yet compiled for this machine", SET_UP)
    size = compiled.stat().st_size >> 20
    return Finding(tool.name, True, f"compiled for this machine, {size} MiB")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
