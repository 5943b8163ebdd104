"""Runs the benches of a module against the compiled Verilog of a component."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from xml.etree import ElementTree

import cocotb
from amaranth.lib.wiring import Component
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb_tools.runner import get_runner

from tickwright.setup.toolchain import MissingToolError, activated
from tickwright.top.build import verilog
from tickwright.twin.cache import cache_folder, kept

__all__ = ["CLOCK_NS", "run_bench", "start"]

TOP = "top"
CLOCK_NS = 4
RESET_CYCLES = 2
# Amaranth's Verilog is full of harmless width warnings; a shift past the width is an error there.
BUILD_ARGS = ("-Wno-fatal", "-Wno-lint", "-Wno-style", "--x-assign", "fast", "-CFLAGS", "-O1")
RANDOM_MEMORIES = ("+verilator+rand+reset+2", "+verilator+seed+2026")


def run_bench(
    component: Component,
    module: str,
    *,
    plusargs: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    testcase: str | Sequence[str] | None = None,
    waves: bool | None = None,
) -> None:
    """Run the cocotb tests of ``module`` against the component, and raise if one of them fails.

    Memories start with random contents, as on a card. The compiled component is kept in the user's
    cache. With ``waves`` (left out: if the environment variable ``WAVES`` asks for them) signals
    are recorded, and the path of the record is printed.
    """
    waves = os.environ.get("WAVES", "") not in ("", "0") if waves is None else waves
    file = Path(str(sys.modules[module].__file__))
    with _tools(), tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ.update(env or {})  # the runner prefers the process's own
        built = _compiled(verilog(component, TOP), waves)
        place = _wave_folder(file.stem) if waves else Path(folder)
        results = Path(folder) / "results.xml"
        # A failure is told below, by the message of the test that failed.
        with _importable(file.parent), suppress(RuntimeError, SystemExit):
            get_runner("verilator").test(
                test_module=file.stem,
                hdl_toplevel=TOP,
                hdl_toplevel_lang="verilog",
                build_dir=built,
                test_dir=place,
                results_xml=str(results),
                plusargs=[*RANDOM_MEMORIES, *plusargs],
                extra_env=dict(env or {}),
                testcase=testcase,
                waves=waves,
            )
        if waves:
            sys.stdout.write(f"waveform: {place / 'dump.vcd'}\n")
        _check(results)


async def start(dut) -> None:
    """Start the clock of the component and take it out of reset."""
    dut.rst.value = 1
    cocotb.start_soon(Clock(dut.clk, CLOCK_NS, unit="ns").start())
    await ClockCycles(dut.clk, RESET_CYCLES)
    dut.rst.value = 0
    await RisingEdge(dut.clk)


def _compiled(source: str, waves: bool) -> Path:
    """Return the folder that holds the executable of this Verilog."""
    tools = (str(shutil.which("verilator")), sys.prefix, cocotb.__version__)
    digest = hashlib.sha256("\0".join((*BUILD_ARGS, str(waves), *tools, source)).encode())

    def build(draft: Path) -> None:
        path = draft / f"{TOP}.v"
        path.write_text(source)
        get_runner("verilator").build(
            sources=[path],
            hdl_toplevel=TOP,
            build_dir=draft,
            build_args=list(BUILD_ARGS),
            timescale=("1ns", "1ps"),
            waves=waves,
            log_file=draft / "build.log",
        )
        for file in draft.iterdir():
            if file.name not in (TOP, path.name, "build.log"):
                file.unlink()

    return kept(cache_folder() / "benches" / digest.hexdigest()[:32], build)


def _wave_folder(name: str) -> Path:
    folder = cache_folder() / "waves" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _tools() -> Iterator[None]:
    """Use the Verilator of set-up if there is one, else that on ``PATH``."""
    try:
        with activated():
            os.environ.pop("WAVES", None)  # cocotb reads it too
            yield
    except MissingToolError:
        yield


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the simulator's Python, which gets our ``sys.path``, find the module of the benches."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _check(results: Path) -> None:
    """Raise AssertionError unless tests ran and all of them passed."""
    if not results.is_file():
        raise AssertionError("the simulation ended without results; its output is above")
    cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    failures = [
        f"{case.get('name')}: {'; '.join(_reason(fault) for fault in faults)}"
        for case in cases
        if (faults := [*case.findall("failure"), *case.findall("error")])
    ]
    if failures:
        raise AssertionError("\n".join(failures))
    if not any(case.find("skipped") is None for case in cases):
        raise AssertionError("no test ran")


def _reason(fault: ElementTree.Element) -> str:
    return fault.get("error_msg") or fault.get("message") or (fault.text or "").strip() or "failed"
