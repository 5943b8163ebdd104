"""A bitstream is made when every clock is fast enough, and not there when one is not."""

from __future__ import annotations

import pytest

from tickwright.platforms import build
from tickwright.timing.ecp5 import KINDS, Clock, FlowError, Routed

TARGETS = {
    "$glbnet$board_clock.buf.i": 100,
    "gate_sync.clk_out": 80,
    "pll_sync.clk_out": 80,
    "gate_tx.clk_out": 125,
    "pll_tx.clk_out": 125,
    "$glbnet$feed_rxc.i": 125,
    "$glbnet$order_rxc.i": 125,
}


def routed(**changed: Clock) -> Routed:
    clocks = {name: Clock(mhz + 1, mhz, ()) for name, mhz in TARGETS.items()}
    counts = dict.fromkeys(KINDS, 0)
    return Routed({**clocks, **changed}, counts | {"LUT4": 1_234}, counts | {"LUT4": 43_848})


@pytest.fixture
def tools(monkeypatch, tmp_path, echo):
    """Let the tools say what a test wants of them; return that, and put the board's folder away."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(build, "BOARDS", {"echo": echo})
    said = {"routed": routed()}

    def route(netlist, part, seed, *, pins, config):
        if isinstance(said["routed"], Exception):
            raise said["routed"]
        config.write_text(f"{part} {seed} {pins.name}")
        return said["routed"]

    monkeypatch.setattr(build, "synthesize", lambda source, folder, name, language: folder / name)
    monkeypatch.setattr(build, "route", route)
    monkeypatch.setattr(build, "pack", lambda config, path: path.write_text(config.read_text()))
    return said


def test_the_bitstream_and_what_it_took(tools, capsys):
    assert build.main("echo") == 0
    path = build.bitstream_path("echo")
    assert path.read_text() == "45F 1 tickwright_echo.lpf"
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["LUT4", "1234", "43848"]
    assert ["gate_sync.clk_out", "81.0", "80.0"] in [line.split() for line in lines]
    assert lines[-1] == f"{path}: {path.stat().st_size} bytes"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            routed(**{"gate_sync.clk_out": Clock(79.94, 80, ())}),
            "echo: clock gate_sync.clk_out: found 79.9 MHz, expected 80.0 MHz",
        ),
        (
            routed(**{"$glbnet$order_rxc.i": Clock(190, 100, ())}),
            "echo: targets of clocks: found [80, 80, 100, 100, 125, 125, 125] MHz, "
            "expected [80.0, 80.0, 100.0, 125.0, 125.0, 125.0, 125.0] MHz",
        ),
        (
            FlowError("Info: placing\nERROR: Unable to place cell 'x'\n2 warnings, 1 error"),
            "echo: ERROR: Unable to place cell 'x'",
        ),
    ],
)
def test_what_went_wrong_is_one_line_and_no_bitstream_is_left(tools, capsys, said, reason):
    assert build.main("echo") == 0
    tools["routed"] = said
    assert build.main("echo") == 1
    assert capsys.readouterr().err == f"{reason}\n"
    assert not build.bitstream_path("echo").exists()


@pytest.mark.parametrize("arguments", [(), ("nexys",), ("echo", "echo")])
def test_a_board_that_is_not_there_is_refused(tools, capsys, arguments):
    assert build.main(*arguments) == 1
    assert capsys.readouterr().err == (
        f"BOARD: found {' '.join(arguments)!r}, expected one of echo\n"
    )


def test_the_tools_make_a_bitstream_of_the_board(monkeypatch, project, echo):
    """All of the flow, with gateware that is small."""
    monkeypatch.chdir(project)
    path = build.bitstream("echo", echo())
    assert path.stat().st_size > 10_000
