"""What people read of a replay: the summary, the charts, the page."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tickwright.host.records import Journal
from tickwright.replay.chart import Bars, Chart, Line, Marks, Rule, clock_ticks, svg, ticks
from tickwright.replay.numbering import Numbering
from tickwright.replay.outcome import Outcome
from tickwright.replay.report import deviations, equity, write_report
from tickwright.replay.summary import Summary, latency, untrusted_symbols

SECOND_NS = 1_000_000_000
SIGMAS = {"cola": 0.01, "idle": 0.01}


def summary(outcome: Outcome) -> Summary:
    return Summary("model", 7, ["fills assumed: <all>", "fee assumed"], outcome)


def empty(outcome: Outcome) -> Outcome:
    return Outcome(outcome.setup, Journal(), Numbering.of(Journal(), 1), fee=0)


class TestSummary:
    """Lines of name and value, the assumptions first."""

    def test_says_what_happened(self, outcome: Outcome):
        rows = summary(outcome).rows()
        assert rows[0] == ("assumed", "fills assumed: <all>")
        found = dict(rows[2:])
        assert found["gaps declared"] == "1 (2 messages lost)"
        assert found["trust"] == "3 of 3 symbols untrusted at the end (gap 3)"
        assert found["decided by cycles"].startswith("gap 1, fault 0, overflow 0, capacity 0")
        assert found["intents"] == "3 (enter_short 1, exit 2)"
        assert found["orders sent"] == "4"
        assert found["intents refused"] == "1 (trust 1, collar 1)"
        assert found["fills"] == "4 (300 shares, fees 0.90 $)"
        assert found["positions"] == "PEP +90 (gross 94.50 $ at last mids)"
        assert found["P&L, fees taken off"] == "3.50 $"
        assert found["latency"].startswith("min 21, mean 22.0, p99 23, max 23 cycles over 2")

    def test_evaluations_left_out_are_told(self, outcome: Outcome, table):
        rows = table("coalesced", {"evaluations": 200}, {"evaluations": 100})
        one = replace(outcome, journal=replace(outcome.journal, coalesced=rows))
        assert summary(one).as_json()["decided"]["coalescing"] == 300
        assert "coalescing 300" in dict(summary(one).rows())["decided by cycles"]
        assert summary(outcome).as_json()["decided"]["coalescing"] == 0

    def test_json_has_the_same_figures(self, outcome: Outcome):
        found = summary(outcome).as_json()
        assert (found["gaps"], found["lost"], found["fills"]) == (1, 2, 4)
        assert found["refused"] == {"trust": 1, "collar": 1}
        assert found["positions"] == {"KO": 0, "PEP": 90}
        assert found["profit_usd"] == "3.5"
        assert found["latency_cycles"] == {"min": 21, "mean": 22.0, "p99": 23, "max": 23}

    def test_of_a_run_in_which_nothing_happened(self, outcome: Outcome):
        found = dict(summary(empty(outcome)).rows())
        assert found["positions"] == (
            "PEP -10; valued at 0, as no mid is known: PEP (gross 0.00 $ at last mids)"
        )
        assert (found["intents"], found["intents refused"]) == ("0", "0")
        assert found["latency"] == "not measured"
        assert found["trust"] == "all 3 symbols trusted at the end"
        assert latency(empty(outcome)) is None

    def test_the_latency_of_an_intent_is_that_of_its_first_leg(self, outcome: Outcome):
        found = latency(outcome)
        assert found is not None
        assert (found.count, found.least, found.most) == (2, 21, 23)

    def test_a_reason_that_has_gone_is_no_reason(self, outcome: Outcome):
        journal = outcome.journal
        quotes = journal.quotes.copy()
        quotes["reasons"] = [2048, 0, 2048, 0, 8, 0]
        bare = replace(journal, quotes=quotes, trusts=Journal().trusts)
        assert untrusted_symbols(replace(outcome, journal=bare)) == {
            "window": ["MNST"], "unknown_reference": ["PEP"]
        }  # fmt: skip


class TestTicks:
    """Axes are labelled with round numbers."""

    @pytest.mark.parametrize(
        ("low", "high", "labels"),
        [
            (0, 10, ["0", "2", "4", "6", "8", "10"]),
            (-1.3, 0.9, ["-1.0", "-0.5", "0.0", "0.5"]),
            (99.995, 100.012, ["99.995", "100.000", "100.005", "100.010"]),
            (0, 12_345, ["0", "5,000", "10,000"]),
            (-0.001, 0.001, ["-0.0010", "-0.0005", "0.0000", "0.0005", "0.0010"]),
        ],
    )
    def test_of_numbers(self, low: float, high: float, labels: list[str]):
        assert [tick.label for tick in ticks(low, high)] == labels

    def test_of_whole_numbers(self):
        assert [tick.label for tick in ticks(0.5, 2.5, whole=True)] == ["1", "2"]

    @pytest.mark.parametrize(
        ("low", "high", "labels"),
        [
            (34_200, 34_230, ["09:30:00", "09:30:10", "09:30:20", "09:30:30"]),
            (34_190, 57_610, ["10:00:00", "12:00:00", "14:00:00", "16:00:00"]),
            (
                34_200,
                34_202,
                ["09:30:00.0", "09:30:00.5", "09:30:01.0", "09:30:01.5", "09:30:02.0"],
            ),
        ],
    )
    def test_of_times(self, low: float, high: float, labels: list[str]):
        assert [tick.label for tick in clock_ticks(low, high)] == labels


class TestChart:
    """A chart is well-formed, and everything drawn lies inside its frame."""

    def parsed(self, chart: Chart) -> ElementTree.Element:
        return ElementTree.fromstring(svg(chart).partition("<p class")[0])

    @pytest.mark.parametrize(
        "values", [[1.0, 1.0], [0.0, -5.0, 3.0], [1e12, 1e12 + 1]], ids=["flat", "signed", "large"]
    )
    def test_lines_and_marks(self, values: list[float]):
        x, y = np.arange(len(values), dtype=float), np.array(values)
        series = [Line(x, y, "red", "a & b", step=True), Marks(x, y, "blue", "m"), Rule(0.0, "r")]
        root = self.parsed(Chart(series, "x < y", "y"))
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for point in root.find("polyline").attrib["points"].split():
            at = [float(value) for value in point.split(",")]
            assert 0 <= at[0] <= width
            assert 0 <= at[1] <= height

    def test_a_step_holds_each_value_until_the_next(self):
        line = Line(np.array([0.0, 1.0]), np.array([0.0, 1.0]), "red", "s", step=True)
        points = self.parsed(Chart([line])).find("polyline").attrib["points"].split()
        assert len(points) == 3
        assert points[0].split(",")[1] == points[1].split(",")[1]
        assert points[1].split(",")[0] == points[2].split(",")[0]

    def test_thinning_keeps_every_extreme(self):
        x = np.linspace(0, 1, 100_000)
        y = np.zeros(100_000)
        y[31_415], y[59_265] = 7.0, -3.0
        points = self.parsed(Chart([Line(x, y, "red", "l")])).find("polyline").attrib["points"]
        heights = [float(point.split(",")[1]) for point in points.split()]
        assert len(heights) < 5_000
        assert len(set(heights)) == 3

    def test_bars_stand_on_zero_and_show_their_counts(self):
        bars = Bars(np.array([21, 23]), np.array([10, 2]), "red", "b")
        found = [one for one in self.parsed(Chart([bars])).iter("rect") if "fill" in one.attrib]
        assert [one.find("title").text for one in found] == ["21: 10", "23: 2"]
        feet = [float(one.attrib["y"]) + float(one.attrib["height"]) for one in found]
        assert feet[0] == pytest.approx(feet[1], abs=0.2)
        assert float(found[0].attrib["height"]) > 4 * float(found[1].attrib["height"])

    def test_nothing_to_draw_is_drawn(self):
        assert "<svg" in svg(Chart([]))


class TestPage:
    """The page says what was assumed before anything else, and escapes what it shows."""

    def test_of_a_run(self, outcome: Outcome, tmp_path: Path):
        write_report(tmp_path / "r.html", summary(outcome), SIGMAS)
        page = (tmp_path / "r.html").read_text()
        assert page.index("fills assumed: &lt;all&gt;<br>fee assumed") < page.index("<h1>")
        assert "cola: 2 intents sent" in page
        assert "Never wished to trade: idle." in page
        assert "<td>cola</td><td>1</td><td>1</td><td>1</td><td>4</td><td>3.50</td>" in page
        assert [path.name for path in tmp_path.iterdir()] == ["r.html"]

    def test_of_a_run_in_which_nothing_happened(self, outcome: Outcome, tmp_path: Path):
        write_report(tmp_path / "r.html", summary(empty(outcome)), SIGMAS)
        page = (tmp_path / "r.html").read_text()
        assert "Nothing was filled." in page
        assert "Not measured on this card." in page

    def test_deviations_are_those_of_the_specification(self, outcome: Outcome):
        times, found = deviations(outcome, outcome.setup.pairs[0])
        spreads = [0, 21_400 - 20_200, 21_400 - 21_000, 20_900 - 21_000]
        assert times.tolist() == [second * SECOND_NS for second in (2, 4, 8, 9)]
        assert found.tolist() == [spread << 8 for spread in spreads]

    def test_profit_ends_where_the_summary_says(self, outcome: Outcome):
        times, found = equity(outcome)
        assert (times[0], times[-1]) == (SECOND_NS, 9 * SECOND_NS)
        assert found[0] == 0
        assert found[-1] == pytest.approx(3.5)

    def test_at_an_entry_both_legs_count_at_once(self, outcome: Outcome):
        times, found = equity(outcome)
        row = int(np.flatnonzero(times == 4 * SECOND_NS)[0])
        ko = 100 * (10_600 - 10_700) / 10_000 - 0.3
        pep = (60 * (10_100 - 10_200) + 40 * (10_100 - 10_100)) / 10_000 - 0.3
        assert found[row] == pytest.approx(ko + pep)
