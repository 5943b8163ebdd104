"""`make timing` compares, exits with 1 and says why; with KEEP=1 it writes the table first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_figures.tables import CELLS, fit, table

import tickwright.timing.__main__ as command
from tickwright.timing.ecp5 import FlowError
from tickwright.timing.figures import Figures, Table, read, write
from tickwright.timing.page import page
from tickwright.timing.targets import TARGETS, Target

CYCLES = {
    name: {"add": 4, "delete": 4, "execute": 4, "cancel": 4, "replace": 6} for name in TARGETS
}


class Bench:
    """The command in a folder of its own, with components that the tools have no work with."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
        self.kept, self.capsys = folder / "timing.toml", capsys
        self.latency = folder / "latency.json"
        self.latency.write_text(json.dumps({"stage_cycles": CYCLES}))
        self.found = {name: fit(100.0, 101.0, 102.0) for name in TARGETS}
        self.cells = CELLS
        self.asked: list[tuple] = []
        monkeypatch.setattr(Target, "source", lambda target: "module top")
        monkeypatch.setattr(command, "measured", self.measured)

    def measured(self, sources, parts, seeds, folder, told) -> Table:
        self.asked.append((list(sources), list(seeds)))
        figures = {
            name: Figures(fits={part: self.found[name] for part in parts[name]}, xcup=self.cells)
            for name in sources
        }
        there = {part: table().parts["45F"] for name in parts for part in parts[name]}
        return Table(figures, there)

    def typed(self, words: str = "") -> tuple[int, list[str]]:
        """Return the exit status, and the errors told."""
        status = command.main([str(self.latency), "--kept", str(self.kept), *words.split()])
        lines = self.capsys.readouterr().out.splitlines()
        return status, [line for line in lines if line.startswith("error: ")]


@pytest.fixture
def bench(tmp_path, monkeypatch, capsys) -> Bench:
    return Bench(tmp_path, monkeypatch, capsys)


def test_what_is_kept_is_found_again(bench):
    assert bench.typed("--keep") == (0, [])
    assert (bench.kept.with_suffix(".md")).read_text() == page(read(bench.kept))
    assert read(bench.kept).of("pipeline").fits.keys() == {"45F", "85F"}
    assert bench.typed() == (0, [])
    assert bench.asked == [(list(TARGETS), [1, 2, 3])] * 2


def test_a_missing_table_is_refused(bench):
    status, errors = bench.typed()
    assert status == 1
    assert len(errors) == len(TARGETS) + 1 + sum(map(len, CYCLES.values()))
    assert "error: feed in 45F: found no kept Fmax, expected one: make timing KEEP=1" in errors
    assert not bench.kept.exists()


def test_each_reason_to_fail_is_a_line(bench):
    bench.typed("--keep")
    kept = bench.kept.read_text()
    bench.found["feed"] = fit(90.0, 91.0, 92.0)
    bench.found["pipeline"] = fit(97.0, 98.0, 99.0, block_RAM=97)
    bench.latency.write_text(json.dumps({"stage_cycles": {**CYCLES, "risk": {"add": 5}}}))
    status, errors = bench.typed()
    assert status == 1
    assert errors == [
        "error: feed in 45F: found 91.00 MHz, expected at least 93.93, "
        "that is 7% below the kept 101.00",
        "error: found 5, expected at most 4: risk, Add",
        *(
            f"error: found none, expected at most {CYCLES['risk'][kind]}: risk, {kind.title()}"
            for kind in ("delete", "execute", "cancel", "replace")
        ),
        "error: pipeline in 45F: found 97.0% of block RAM used, expected at most 95%",
    ]
    assert bench.kept.read_text() == kept


def test_a_crowded_pipeline_fails_when_it_is_kept_too(bench):
    bench.found["pipeline"] = fit(70.0, 71.0, 72.0)
    status, errors = bench.typed("--keep")
    assert status == 1
    assert errors == ["error: pipeline in 45F: found 71.00 MHz, expected at least 80"]


def test_cells_that_were_not_counted_fail_and_what_was_measured_is_kept(bench):
    bench.cells = {}
    status, errors = bench.typed("--keep --stage book")
    assert status == 1
    assert errors == ["error: book in UltraScale+: found no statistics, expected some"]
    assert set(read(bench.kept).of("book").fits) == {"45F"}


def test_one_stage_is_measured_with_as_many_seeds_as_one_likes(bench):
    write(table(feed=fit(100.0, 101.0, 102.0)), bench.kept)
    bench.typed("--keep --stage none")
    assert bench.typed("--stage feed --seeds 1") == (0, [])
    assert bench.asked == [([], [1, 2, 3]), (["feed"], [1])]
    assert read(bench.kept).of("feed").fits == {"45F": fit(100.0, 101.0, 102.0)}
    assert {name: read(bench.kept).of(name).cycles for name in TARGETS} == CYCLES


@pytest.mark.parametrize("words", ["--keep --seeds 2", "--seeds 0", "--stage wire"])
def test_what_cannot_be_measured_is_refused(bench, words):
    with pytest.raises(SystemExit):
        bench.typed(words)


def test_a_tool_that_refuses_is_an_error(bench, monkeypatch):
    def refused(*_) -> None:
        raise FlowError("no way")

    monkeypatch.setattr(command, "measured", refused)
    assert bench.typed("--keep") == (1, ["error: no way"])
    assert not bench.kept.exists()
