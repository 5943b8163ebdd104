"""Each alarm is raised by what it names, ends with it, and has its rule and its page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tickwright.monitoring.alarms import ALARMS, RISE_S, Alarm, AlarmWatch
from tickwright.monitoring.metrics import described
from tickwright.monitoring.rules import ALERTS_FILE, DASHBOARD_FILE, alerts, dashboard

ROOT = Path(__file__).parents[2]
METRICS = {metric.name: metric for metric in described()}
OWN = [alarm for alarm in ALARMS if alarm.metric in METRICS]


def named(name: str) -> Alarm:
    return next(alarm for alarm in ALARMS if alarm.name == name)


def beyond(alarm: Alarm) -> float:
    """Return a value of the metric that raises the alarm."""
    return alarm.bound + 1 if alarm.operator == ">" else alarm.bound - 1


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_an_alarm_has_its_page(alarm: Alarm):
    text = (ROOT / alarm.page).read_text(encoding="utf-8")
    assert text.startswith(f"# {alarm.name}\n")
    assert "## What to do\n" in text
    assert "## Over when\n" in text


def test_no_page_is_without_its_alarm():
    pages = {path.stem for path in (ROOT / "docs" / "runbook").glob("*.md")}
    assert pages == {alarm.name for alarm in ALARMS}


def test_an_alarm_looks_at_a_metric_that_is_there_and_a_rise_at_a_counter():
    assert [alarm.name for alarm in ALARMS if alarm not in OWN] == ["service_down"]
    for alarm in OWN:
        assert METRICS[alarm.metric].counter == alarm.rises, alarm.name


@pytest.mark.parametrize("alarm", [one for one in OWN if not one.rises], ids=lambda one: one.name)
def test_a_level_raises_its_alarm_after_its_time_and_not_before(alarm: Alarm):
    watch = AlarmWatch()
    bad = {alarm.metric: beyond(alarm)}
    if alarm.for_s:
        assert watch.raised(bad, 100.0) == []
        assert watch.raised(bad, 99.9 + alarm.for_s) == []
    else:
        assert watch.raised(bad, 100.0) == [alarm.name]
    assert watch.raised(bad, 100.0 + alarm.for_s) == [alarm.name]
    assert watch.raised({alarm.metric: alarm.bound}, 101.0 + alarm.for_s) == []


@pytest.mark.parametrize("alarm", [one for one in OWN if one.rises], ids=lambda one: one.name)
def test_a_rise_raises_its_alarm_for_five_minutes(alarm: Alarm):
    watch = AlarmWatch()
    rise = alarm.bound + 1
    assert watch.raised({alarm.metric: 1000.0}, 0.0) == []
    assert watch.raised({alarm.metric: 1000.0 + rise}, 10.0) == [alarm.name]
    assert watch.raised({alarm.metric: 1000.0 + rise}, RISE_S - 1.0) == [alarm.name]
    assert watch.raised({alarm.metric: 1000.0 + rise}, RISE_S + 11.0) == []


def test_a_counter_that_starts_anew_counts_from_0():
    watch, alarm = AlarmWatch(), named("messages_lost")
    assert watch.raised({alarm.metric: 5000.0}, 0.0) == []
    assert watch.raised({alarm.metric: 0.0}, 1.0) == []
    assert watch.raised({alarm.metric: 1.0}, 2.0) == [alarm.name]


def test_a_sign_does_not_matter_to_an_absolute_alarm():
    alarm = named("clock_offset")
    watch = AlarmWatch()
    watch.raised({alarm.metric: -2 * alarm.bound}, 0.0)
    assert watch.raised({alarm.metric: -2 * alarm.bound}, alarm.for_s) == [alarm.name]


def test_what_is_not_known_raises_nothing():
    watch = AlarmWatch()
    nothing = dict.fromkeys(METRICS, float("nan"))
    assert watch.raised(nothing, 0.0) == watch.raised(nothing, 1e6) == watch.raised({}, 2e6) == []


def test_an_unknown_value_starts_the_time_anew():
    watch, alarm = AlarmWatch(), named("feed_stale")
    watch.raised({alarm.metric: 0.0}, 0.0)
    watch.raised({alarm.metric: float("nan")}, 4.0)
    assert watch.raised({alarm.metric: 0.0}, 5.0) == []


class TestFiles:
    """What is kept is what would be made now."""

    def test_the_alert_rules_are_fresh(self):
        assert ALERTS_FILE.read_text(encoding="utf-8") == alerts()

    def test_the_dashboard_is_fresh(self):
        assert DASHBOARD_FILE.read_text(encoding="utf-8") == dashboard()

    def test_prometheus_reads_a_rule_for_each_alarm(self):
        (group,) = yaml.safe_load(alerts())["groups"]
        rules = {rule["alert"]: rule for rule in group["rules"]}
        assert list(rules) == [alarm.name for alarm in ALARMS]
        for alarm in ALARMS:
            assert rules[alarm.name]["expr"] == alarm.expression
            assert rules[alarm.name]["annotations"]["runbook"] == alarm.page

    def test_rules_and_panels_ask_for_metrics_that_are_there(self):
        board = json.loads(dashboard())
        asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
        asked += [alarm.expression for alarm in OWN]
        for expression in asked:
            names = re.findall(r"tickwright_\w+", expression)
            assert names, expression
            assert set(names) <= set(METRICS), expression

    def test_panels_do_not_overlap(self):
        places = [panel["gridPos"] for panel in json.loads(dashboard())["panels"]]
        cells = [
            (x, y)
            for place in places
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(cells) == len(set(cells))
