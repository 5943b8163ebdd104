"""Figures of components come from the tools, once for each seed; what is finished is kept."""

from pathlib import Path

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.timing import ecp5, flow, xcup
from tickwright.timing.ecp5 import Clock, FlowError, Hop, Routed
from tickwright.timing.figures import Fit, Table
from tickwright.timing.harness import Harness
from tickwright.timing.limits import speed_kept
from tickwright.top.build import verilog

SEEDS = (1, 2, 3)
PARTS = {"sum": ("45F", "85F"), "product": ("45F",)}
SOURCES = {"sum": "module top; // a sum", "product": "module top; // a product"}


class Sum(wiring.Component):
    """Adds two numbers; with ``slow`` three times in a cycle."""

    left: In(12)
    right: In(12)
    total: Out(12)

    def __init__(self, slow: bool):
        self.slow = slow
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        total = self.left + self.right
        if self.slow:
            total = ((total ^ (total >> 3)) + self.left)[:12] * self.right
        m.d.sync += self.total.eq(total)
        return m


def real(dut: Sum, build: Path) -> Table:
    sources = {"sum": verilog(Harness(dut), "top")}
    return flow.measured(sources, {"sum": ["45F"]}, [1], build, lambda line: None)


def test_a_slower_component_fails_against_the_table_kept_of_a_faster_one(build):
    fast, slow = (real(Sum(slow), build) for slow in (False, True))
    assert slow.of("sum").fits["45F"].path.last == "total"
    assert fast.of("sum").xcup["FF"] >= 3 * 12
    assert fast.parts == {"45F": {"LUT4": 43_848, "FF": 43_848, "block RAM": 108, "DSP": 72}}
    assert list(speed_kept(fast, fast)) == list(speed_kept(fast, slow)) == []
    (line,) = speed_kept(slow, fast)
    found, kept = (table.of("sum").median_mhz for table in (slow, fast))
    assert line.startswith(f"sum in 45F: found {found:.2f} MHz, expected at least ")
    assert line.endswith(f", that is 7% below the kept {kept:.2f}")


class Tools:
    """Tools that note what they are asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple] = []
        self.refused: list[tuple] = []
        monkeypatch.setattr(ecp5, "synthesize", self.synthesize)
        monkeypatch.setattr(ecp5, "route", self.route)
        monkeypatch.setattr(xcup, "counts", self.counts)

    def _ask(self, *what) -> None:
        self.asked.append(what)
        if what in self.refused:
            raise FlowError(f"no way: {what}")

    def synthesize(self, source: str, folder: Path, name: str) -> Path:
        self._ask("synthesize", name)
        folder.mkdir(parents=True, exist_ok=True)
        netlist = folder / f"{name}.json"
        netlist.write_text(source)
        return netlist

    def route(self, netlist: Path, part: str, seed: int) -> Routed:
        self._ask("route", netlist.stem, part, seed)
        path = (Hop("dut.total_TRELLIS_FF_Q", "", 1.0), Hop("dut.seen_TRELLIS_FF_Q", "net", 1.0))
        there = {"LUT4": 1_000 if part == "45F" else 2_000}
        return Routed({"clk": Clock(100.0 + seed, 100.0, path)}, {"LUT4": 10}, there)

    def counts(self, source: str, folder: Path, name: str) -> dict[str, int]:
        self._ask("counts", name)
        return {"LUT": len(source)}

    def measured(self, folder: Path, sources: dict[str, str] = SOURCES) -> Table:
        self.asked.clear()
        return flow.measured(sources, PARTS, SEEDS, folder, lambda line: None)


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Tools:
    return Tools(monkeypatch)


def test_each_component_is_measured_in_its_parts_with_each_seed(tools, tmp_path):
    found = tools.measured(tmp_path)
    assert found.parts == {"45F": {"LUT4": 1_000}, "85F": {"LUT4": 2_000}}
    assert found.of("product").xcup == {"LUT": len(SOURCES["product"])}
    assert {name: set(found.of(name).fits) for name in SOURCES} == {
        name: set(parts) for name, parts in PARTS.items()
    }
    for name in SOURCES:
        for one in found.of(name).fits.values():
            assert isinstance(one, Fit)
            assert one.fmax_mhz == {1: 101.0, 2: 102.0, 3: 103.0}
    assert len(tools.asked) == len(set(tools.asked)) == 2 + 2 + 3 * len(SEEDS)


def test_an_interrupted_run_goes_on_where_it_was(tools, tmp_path):
    tools.refused = [("route", "product", "45F", 2)]
    with pytest.raises(FlowError, match="no way"):
        tools.measured(tmp_path)
    done = {what for what in tools.asked if what[0] != "counts" and what not in tools.refused}
    tools.refused = []
    found = tools.measured(tmp_path)
    assert ("route", "product", "45F", 2) in tools.asked
    assert done.isdisjoint(tools.asked)
    tools.refused = list(tools.asked)
    assert tools.measured(tmp_path) == found
    assert tools.asked == []


def test_cells_that_are_not_counted_are_left_out_until_they_are(tools, tmp_path):
    tools.refused = [("counts", "sum")]
    found = tools.measured(tmp_path)
    assert {name: bool(found.of(name).xcup) for name in SOURCES} == {"sum": False, "product": True}
    tools.refused = []
    assert tools.measured(tmp_path).of("sum").xcup == {"LUT": len(SOURCES["sum"])}
    assert tools.asked == [("counts", "sum")]


def test_what_a_component_or_its_flow_is_changed_in_is_measured_anew(tools, tmp_path, monkeypatch):
    tools.measured(tmp_path)
    tools.measured(tmp_path, {**SOURCES, "sum": "module top; // another sum"})
    assert {what[1] for what in tools.asked} == {"sum"}
    monkeypatch.setattr(flow, "version", lambda tool: f"{tool} of tomorrow")
    tools.measured(tmp_path)
    assert len(tools.asked) == 2 + 2 + 3 * len(SEEDS)


def test_counts_without_statistics_are_refused(build, monkeypatch):
    monkeypatch.setattr(ecp5, "_run", lambda *arguments: None)  # stops, with a status of 0
    with pytest.raises(FlowError, match="found nothing after synthesis, expected"):
        xcup.counts("module top; endmodule", build, "stopped")
