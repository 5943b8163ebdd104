"""The Verilated pipeline as a shared library, built once and kept."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tickwright.setup.toolchain import tool_environment
from tickwright.top.presets import Preset
from tickwright.twin.cache import cache_folder, kept

__all__ = ["BuildError", "library"]

NAME = "card.so"
HARNESS = Path(__file__).with_name("harness.cpp")
MODEL = "Vcard"
CXX_FLAGS = ("-std=gnu++17", "-O3", "-march=native", "-fPIC", "-DVL_IGNORE_UNKNOWN_ARCH")
TARGET = ["g++", "-march=native", "-Q", "--help=target"]  # what native means on this machine
# Amaranth's Verilog is full of harmless width warnings.
VERILATOR_FLAGS = (
    "--cc",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--no-assert",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "--output-split",
    "20000",
    "--prefix",
    MODEL,
    "--top-module",
    "card",
)
JOBS = 2


class BuildError(RuntimeError):
    """A tool failed while the twin was built; the message is its own."""


def library(
    preset: Preset, *, tracing: bool = False, told: Callable[[str], None] | None = None
) -> ctypes.CDLL:
    """Return the library of the pipeline at this size; the first time, build it (a minute or two).

    It is kept in the user's cache under a hash of all that goes into it: the sources of the
    gateware, the preset, the harness, the versions of Amaranth and of the compiler. Two builds at
    once do no harm: one waits for the other. ``told`` is given a line to show before a build.
    """
    folder = cache_folder() / "twins" / _digest(preset, tracing)
    if told is not None and not folder.is_dir():
        told("building the twin, once for this version (a minute or two) ...")
    kept(folder, lambda draft: _build(preset, draft, tracing))
    return ctypes.CDLL(str(folder / NAME))


def _digest(preset: Preset, tracing: bool) -> str:
    import amaranth

    digest = hashlib.sha256()
    for part in (
        repr(preset),
        str(tracing),
        *CXX_FLAGS,
        *VERILATOR_FLAGS,
        amaranth.__version__,
        sys.prefix,
        _run(["g++", "--version"]),
        _run(TARGET),
    ):
        digest.update(part.encode() + b"\0")
    for path in (*_gateware(), HARNESS, HARNESS.with_name("taps.py"), HARNESS.with_name("top.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]


def _gateware() -> list[Path]:
    """Return every source file of the gateware, in a fixed order."""
    import tickwright.top

    roots = {Path(entry).parent for entry in tickwright.top.__path__}
    return sorted(path for root in roots for path in root.rglob("*.py"))


def _build(preset: Preset, folder: Path, tracing: bool) -> None:
    from tickwright.top.build import verilog
    from tickwright.twin.taps import header
    from tickwright.twin.top import TwinTop

    (folder / "card.v").write_text(verilog(TwinTop(preset), "card"))
    (folder / "taps.h").write_text(header())
    trace = ["--trace"] if tracing else []
    _run(["verilator", *VERILATOR_FLAGS, *trace, "--Mdir", "model", "card.v"], folder)

    include = Path(_run(["verilator", "--getenv", "VERILATOR_ROOT"], folder).strip()) / "include"
    runtime = ["verilated.cpp", "verilated_threads.cpp"]
    if tracing:
        runtime.append("verilated_vcd_c.cpp")
    flags = [*CXX_FLAGS, f"-I{include}", f"-I{include / 'vltstd'}", "-Imodel", "-I."]
    flags += ["-DCARD_TRACE", "-DVM_TRACE=1", "-DVM_TRACE_VCD=1"] if tracing else ["-DVM_TRACE=0"]
    sources = [*sorted((folder / "model").glob("*.cpp")), HARNESS]
    sources += [include / name for name in runtime]
    _compile([str(path) for path in sources], flags, folder)
    _run(
        ["g++", "-shared", "-o", NAME, *sorted(p.name for p in folder.glob("*.o")), "-pthread"],
        folder,
    )


def _compile(sources: list[str], flags: list[str], folder: Path) -> None:
    """Compile every source to an object file, some at a time."""
    waiting = [["g++", "-c", *flags, source] for source in sources]
    running: list[tuple[list[str], subprocess.Popen[str]]] = []
    while waiting or running:
        while waiting and len(running) < JOBS:
            command = waiting.pop(0)
            running.append((command, _start(command, folder)))
        command, process = running.pop(0)
        output, _ = process.communicate()
        _check(command, process.returncode, output)


def _run(command: list[str], folder: Path | None = None) -> str:
    process = _start(command, folder)
    output, _ = process.communicate()
    _check(command, process.returncode, output)
    return output


def _start(command: list[str], folder: Path | None) -> subprocess.Popen[str]:
    environment = tool_environment() if command[0] == "verilator" else dict(os.environ)
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _check(command: list[str], status: int, output: str) -> None:
    if status:
        tail = "\n".join(output.strip().splitlines()[-20:])
        raise BuildError(f"building the twin: {command[0]} ended with status {status}:\n{tail}")
