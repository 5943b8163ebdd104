"""What is slower, later or more crowded than it may be is told, and so is what is not known."""

import pytest
from fake_figures.tables import fit, table

from tickwright.timing.figures import Figures, Table
from tickwright.timing.limits import crowding, cycles_kept, speed_kept
from tickwright.timing.targets import TARGETS

KEPT = {name: Figures({"add": 20, "replace": 22}) for name in TARGETS}


@pytest.mark.parametrize(
    ("fmax_mhz", "lines"),
    [
        pytest.param((93.0, 93.0, 50.0), [], id="as-slow-as-may-be"),
        pytest.param((110.0, 120.0, 130.0), [], id="faster"),
        pytest.param(
            (92.99, 92.0, 120.0),
            [
                "feed in 45F: found 92.99 MHz, expected at least 93.00, "
                "that is 7% below the kept 100.00"
            ],
            id="slower",
        ),
    ],
)
def test_a_clock_that_is_slower_than_the_kept_one_is_told(fmax_mhz, lines):
    kept = table(feed=fit(100.0, 90.0, 110.0), book=fit(1.0, 1.0, 1.0))
    assert list(speed_kept(table(feed=fit(*fmax_mhz)), kept)) == lines


def test_a_clock_without_a_kept_one_is_told():
    found = table(feed=fit(100.0, 90.0, 110.0))
    (line,) = speed_kept(found, Table({"feed": Figures({"add": 4})}))
    assert line == "feed in 45F: found no kept Fmax, expected one: make timing KEEP=1"


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        pytest.param(fit(80.0, 80.0, 70.0), [], id="at-every-limit"),
        pytest.param(
            fit(79.99, 70.0, 90.0),
            ["pipeline in 45F: found 79.99 MHz, expected at least 80"],
            id="slow",
        ),
        pytest.param(
            fit(90.0, 90.0, 90.0, block_RAM=96),
            ["pipeline in 45F: found 96.0% of block RAM used, expected at most 95%"],
            id="memories",
        ),
        pytest.param(
            fit(90.0, 90.0, 90.0, LUT4=801),
            ["pipeline in 45F: found 80.1% of LUT4 used, expected at most 80%"],
            id="logic",
        ),
    ],
)
def test_a_crowded_part_is_told(found, lines):
    assert list(crowding(table(pipeline=found))) == lines


def test_a_pipeline_without_figures_is_told():
    (line,) = crowding(table(feed=fit(100.0, 90.0, 110.0)))
    assert line == "pipeline in 45F: found no measured figures, expected some"


def latencies(**changes: dict[str, int]) -> dict[str, dict[str, int]]:
    return {name: {**figures.cycles, **changes.get(name, {})} for name, figures in KEPT.items()}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"book": {"replace": 23}}, "found 23, expected at most 22: book, Replace"),
        ({"pipeline": {"add": 21}}, "found 21, expected at most 20: feed to order, Add"),
        (
            {"pipeline": {"add": 19}},
            "found 19, better than the kept 20: feed to order, Add; "
            "renew the table: make timing STAGE=none KEEP=1",
        ),
        (
            {"risk": {"cancel": 20}},
            "found 20, but none kept: risk, Cancel; keep it: make timing STAGE=none KEEP=1",
        ),
    ],
)
def test_a_latency_that_is_not_the_kept_one_is_told(changes, line):
    assert list(cycles_kept(latencies(), Table(KEPT))) == []
    assert list(cycles_kept(latencies(**changes), Table(KEPT))) == [line]


def test_a_latency_that_is_not_found_is_told():
    found = latencies()
    del found["order"], found["feed"]["replace"]
    assert list(cycles_kept(found, Table(KEPT))) == [
        "found none, expected at most 22: feed, Replace",
        "found none, expected at most 20: order, Add",
        "found none, expected at most 22: order, Replace",
    ]
    assert list(cycles_kept({}, Table()))[-1] == "found no latency and none kept: feed to order"
