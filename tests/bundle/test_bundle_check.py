"""A bundle is sound as it is made, and each way to break it is noticed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tickwright.bundle.build import BOARDS, build
from tickwright.top.presets import PRESETS

U50 = "alveo_u50"
FILES = {"README.md", "pins.xdc", "clocks.xdc", "configuration.xdc"}

CLOCKS, PINS, VERILOG, PROJECT = "clocks.xdc", "pins.xdc", "alveo_u50.v", "alveo_u50.tcl"
CARD, HOST = "ports/block/tx_clk_out_0", "pcie/block/user_clk"


@pytest.mark.parametrize("board", BOARDS)
def test_a_bundle_is_sound_as_it_is_made(board, hollow, looked_over):
    folder = hollow(board)
    assert {path.name for path in folder.iterdir()} == FILES | {f"{board}.v", f"{board}.tcl"}
    report = looked_over(board, folder)
    assert report.errors == ()
    missing = [block.module for block in BOARDS[board]().blocks if block.missing]
    assert [line.split()[3] for line in report.open] == [f"{name}.v:" for name in missing]


@pytest.mark.parametrize("board", BOARDS)
def test_the_readme_says_that_nothing_was_run(board, hollow):
    text = (hollow(board) / "README.md").read_text()
    assert "**Generated, not run**" in text
    assert f"vivado -mode batch -source {board}.tcl" in text
    for block in BOARDS[board]().blocks:
        assert (block.missing or block.ip) in text


PARTS = {"alveo_u50": "xcu50-fsvh2104-2-e", "alveo_ul3524": "xcvu2p-fsvj2104-3-e"}


@pytest.mark.parametrize("board", BOARDS)
def test_the_project_is_for_the_part_and_says_that_it_was_not_run(board, hollow):
    text = (hollow(board) / f"{board}.tcl").read_text()
    assert f"create_project -force {board} project -part {PARTS[board]}\n" in text
    assert "Generated, not run" in text


BROKEN = [
    pytest.param(PROJECT, "wait_on_run impl_1", "wait_on_run {impl_1", "is not closed",
                 id="no-tcl"),
    pytest.param(CLOCKS, "set_false_path -to", 'set_false_path "-to', "a quote is not closed",
                 id="no-tcl-in-constraints"),
    pytest.param(PINS, "PACKAGE_PIN AW27 ", "", "pcie_perst_n: has no pin", id="no-pin"),
    pytest.param(PINS, "PACKAGE_PIN AP4", "PULLUP TRUE", "pcie_rx_p[4]: has no pin",
                 id="no-pin-of-a-bit"),
    pytest.param(PINS, "PACKAGE_PIN AP4", "PACKAGE_PIN AP3", "pin AP3: 2 ports",
                 id="one-pin-twice"),
    pytest.param(PINS, " IOSTANDARD LVCMOS18 PULLUP", " PULLUP",
                 "pcie_perst_n: has no I/O standard", id="no-standard"),
    pytest.param(PINS, "create_clock -name pcie_refclk", "# ",
                 "clock pcie_refclk_p of pcie/block: is not defined", id="no-reference-clock"),
    pytest.param(PINS, "create_clock -name aux_clk", "# ",
                 "clock aux_clk_p of left: is not defined", id="no-clock"),
    pytest.param(VERILOG, ".tx_clk_out_0(", ".tx_clk_0(", "nothing says that this is a clock",
                 id="clock-of-nowhere"),
    pytest.param(CLOCKS, f"-from [get_clocks -of_objects [get_pins {HOST}]] \\\n", "",
                 f"from clock {HOST} to {CARD}: no constraint", id="no-constraint-of-a-crossing"),
    pytest.param(CLOCKS, "set_max_delay -datapath_only", "set_max_delay",
                 f"from clock {CARD} to {HOST}: no constraint", id="paths-that-are-still-timed"),
    pytest.param(CLOCKS, " rq/*/*_cdc/stage*_reg*", "",
                 "rq/beats/produce_cdc/stage0: is not marked", id="unmarked-flip-flop"),
    pytest.param(CLOCKS, "get_ports pcie_perst_n", "get_ports pcie_perst",
                 "clocks.xdc, line 16: there is no ports pcie_perst", id="no-such-port"),
    pytest.param(CLOCKS, " host_status/stage", " status/stage",
                 "there is no cells status/stage*_reg*", id="no-such-cell"),
    pytest.param(CLOCKS, f"get_pins {HOST}", "get_pins pcie/block/clk",
                 "there is no pins pcie/block/clk", id="no-such-pin"),
    pytest.param(CLOCKS, f"get_pins {HOST}", "get_pins pcie/block/user_reset",
                 "pcie/block/user_reset is no clock", id="pin-that-is-no-clock"),
    pytest.param(PROJECT, "get_files clocks.xdc", "get_files timing.xdc",
                 "there is no files timing.xdc", id="no-such-file"),
    pytest.param(PROJECT, "{pins.xdc ", "{pins.xdc more.xdc ",
                 "the project adds more.xdc, which is not there", id="added-and-not-there"),
    pytest.param(PROJECT, "[get_ips pcie_block_ip]", "[get_ips pcie_block]",
                 "there is no ips pcie_block", id="no-such-core"),
    pytest.param(PROJECT, "create_ip -name xxv_ethernet", "create_ip -name cmac",
                 "ports/block: the project makes no gty_ports_ip of xxv_ethernet", id="other-core"),
    pytest.param(VERILOG, "  IBUFDS aux_buffer (", "  IBUFGDS aux_buffer (",
                 "aux_buffer: nothing is known of IBUFGDS", id="unknown-instance"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "error"), BROKEN)
def test_what_is_broken_is_noticed(file, old, new, error, hollow, looked_over, tmp_path):
    folder = Path(shutil.copytree(hollow(U50), tmp_path / "bundle"))
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    assert any(error in found for found in looked_over(U50, folder).errors)


def test_a_signal_that_crosses_in_no_synchroniser_is_noticed(hollow, looked_over):
    found = looked_over(U50, hollow(U50), synchronizers=("cq", "cc", "rq", "sync_reset")).errors
    assert {line.split(":")[0] for line in found} == {
        "host_status/stage0", "pcie_reset/stage0", "pcie_reset/stage1",
    }  # fmt: skip


def test_a_part_in_the_wrong_clock_is_noticed(hollow, looked_over, tmp_path):
    folder = Path(shutil.copytree(hollow(U50), tmp_path / "bundle"))
    text = (folder / VERILOG).read_text()
    time = "\\alveo_u50.time  \\time  (\n    .clk("
    assert time in text
    (folder / VERILOG).write_text(text.replace(f"{time}clk)", f"{time}pcie_clk)"))
    found = looked_over(U50, folder).errors
    assert f"time/now_ns: takes a signal of clock {CARD}, in no synchroniser" in found  # its reset
    assert any(f"takes a signal of clock {HOST}" in line for line in found)  # the time of a record


def test_a_port_that_no_document_places_is_told_and_no_error(hollow, looked_over, tmp_path):
    folder = Path(shutil.copytree(hollow(U50), tmp_path / "bundle"))
    lines = (folder / PINS).read_text().splitlines()
    (folder / PINS).write_text("\n".join(line for line in lines if "hbm_cattrip" not in line))
    report = looked_over(U50, folder, unverified=("hbm_cattrip",))
    assert report.errors == ()
    assert report.open == ("to be constrained: hbm_cattrip: no document at hand gives its pin",)


def test_what_has_to_be_supplied_must_be_added(hollow, looked_over, tmp_path):
    folder = Path(shutil.copytree(hollow("alveo_ul3524"), tmp_path / "bundle"))
    project = folder / "alveo_ul3524.tcl"
    project.write_text(
        project.read_text().replace("{alveo_ul3524.v gtf_ports.v}", "alveo_ul3524.v")
    )
    errors = looked_over("alveo_ul3524", folder).errors
    assert errors == ("ports/block: the project adds no gtf_ports.v",)


def test_the_card_as_a_whole_is_sound(small, tmp_path):
    assert build(U50, small, tmp_path).errors == ()


@pytest.mark.soak
@pytest.mark.parametrize("board", BOARDS)
def test_the_card_is_sound_at_its_own_size(board, tmp_path):
    assert build(board, PRESETS["alveo"], tmp_path).errors == ()
