"""Figures are kept whole, a fact a line; the page says what the file says, and what it lacks."""

from itertools import pairwise
from pathlib import Path

import pytest
from fake_figures.tables import CYCLES, PATH, fit, table

from tickwright.timing.ecp5 import Clock, Hop, Routed
from tickwright.timing.figures import Figures, Table, fit_of, read, write
from tickwright.timing.page import MISSING, differences, page


def test_what_is_written_is_read(tmp_path: Path):
    kept = table(feed=fit(101.25, 99.5, 103.0), pipeline=fit(81.0, 82.0, 83.0))
    kept.figures["pipeline"].fits["85F"] = fit(90.0, 91.0, 92.0)
    kept.parts["85F"] = kept.parts["45F"]
    write(kept, tmp_path / "timing.toml")
    assert read(tmp_path / "timing.toml") == kept


def test_a_changed_fact_is_a_changed_line(tmp_path: Path):
    texts = []
    for mhz, late in ((99.5, 6), (98.0, 6), (98.0, 7)):
        kept = table(feed=fit(101.25, mhz, 103.0), book=fit(1.0, 2.0, 3.0))
        kept.figures["feed"].cycles.update(replace=late)
        write(kept, tmp_path / "timing.toml")
        texts.append((tmp_path / "timing.toml").read_text().splitlines())
    for old, new in pairwise(texts):
        assert len(old) == len(new)
        assert sum(a != b for a, b in zip(old, new, strict=True)) == 1


def test_no_file_is_an_empty_table(tmp_path: Path):
    assert read(tmp_path / "timing.toml") == Table()


def test_what_is_found_takes_the_place_of_what_is_kept_and_of_nothing_else():
    kept = table(feed=fit(100.0, 101.0, 102.0), book=fit(90.0, 91.0, 92.0))
    found = Table({"book": Figures(fits={"85F": fit(1.0, 2.0, 3.0)}), "risk": Figures({"add": 2})})
    renewed = kept.renewed(found)
    assert list(renewed.figures) == ["feed", "book", "risk"]
    assert renewed.of("feed") == kept.of("feed")
    assert renewed.of("book").cycles == CYCLES
    assert renewed.of("book").fits == {
        "45F": kept.of("book").fits["45F"],
        "85F": found.of("book").fits["85F"],
    }
    assert renewed.of("risk").cycles == {"add": 2}


def routed(mhz: float) -> Routed:
    hops = tuple(Hop(f"dut.seen_{name}_TRELLIS_FF_Q", "", 1.0) for name in ("a", f"at_{mhz:.0f}"))
    return Routed({"clk": Clock(mhz, 100.0, hops)}, {"LUT4": int(mhz)}, {"LUT4": 1_000})


@pytest.mark.parametrize(("clocks", "middle"), [((93, 97, 95), 95), ((98, 92, 94, 96), 94)])
def test_all_but_the_clocks_is_of_the_median_seed(clocks: tuple[int, ...], middle: int):
    found = fit_of({seed: routed(mhz) for seed, mhz in enumerate(clocks, start=1)})
    assert found.fmax_mhz == dict(enumerate(clocks, start=1))
    assert (found.median_mhz, found.used["LUT4"]) == (middle, middle)
    assert found.path.last == f"seen_at_{middle}"


def test_the_page_is_what_the_file_gives(project: Path):
    docs = project / "docs"
    assert (docs / "timing.md").read_text() == page(read(docs / "timing.toml"))


def test_the_page_tells_every_figure():
    shown = page(table(feed=fit(101.25, 99.5, 103.0)))
    assert "| feed | 45F | 101.25 | 103.00 | 99.50 | 101.25, 99.50, 103.00 |" in shown
    assert "| feed | 45F | 800 (80.0%) | 300 (30.0%) | 95 (95.0%) | 0 (0.0%) |" in shown
    assert "| feed | 4 | 4 | 4 | 4 | 6 | 40 |" in shown  # 4 cycles at 101.25 MHz
    assert "| feed | 700 | 310 | 3 | 5 | 0 | 1 |" in shown
    assert (
        "* feed in 45F: `session.size` → `~queue.kept` → `session.ended` → `queue.late`; "
        "3 levels of logic, 62% of the delay is routing" in shown
    )


def test_the_page_says_what_was_not_measured():
    shown = page(Table({"feed": Figures(CYCLES)}))
    assert f"| feed | 4 | 4 | 4 | 4 | 6 | {MISSING} |" in shown
    for row in (f"| feed | 45F | {MISSING} |", f"| feed | {MISSING} |", f"| book | {MISSING} |"):
        assert row in shown
    assert f"* pipeline in 85F: {MISSING}" in shown


def test_differences_are_told_against_what_is_kept():
    kept = table(feed=fit(100.0, 101.0, 102.0))
    found = table(feed=fit(99.0, 98.5, 104.0, LUT4=790), book=fit(90.0, 91.0, 92.0))
    told = differences(found, kept)
    assert "feed in 45F: 99.00 (-2.00) MHz (seeds 99.00 98.50 104.00); LUT4 790 (-10)" in told
    assert "book in 45F: 91.00 (none kept) MHz" in told
    assert f"`{PATH.first}` → " in told
    assert "feed, cycles: add 4 (=), " in told
