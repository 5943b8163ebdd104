"""The alert rules and the dashboard, as files of Prometheus and Grafana, made from what is known.

``python -m tickwright.monitoring.rules`` writes both beside this file; a test fails when they are
stale.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tickwright.monitoring.alarms import ALARMS, Severity
from tickwright.monitoring.metrics import Described, described

__all__ = ["ALERTS_FILE", "DASHBOARD_FILE", "alerts", "dashboard", "main"]

FOLDER = Path(__file__).parent
ALERTS_FILE = FOLDER / "alerts.yml"
DASHBOARD_FILE = FOLDER / "dashboard.json"
COLUMNS = 24  # of Grafana's grid
ROW_HEIGHT = 8

PANELS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("State of the gate", "0 killed, 1 close-only, 2 armed", ("tickwright_gate_state",)),
    ("Feed and session", "1 good", ("tickwright_feed_ok", "tickwright_session_ok")),
    ("Untrusted symbols", "symbols", ("tickwright_untrusted_symbols",)),
    ("Messages", "per second", ("tickwright_feed_delivered_messages_total",)),
    ("Lost", "messages", ("tickwright_feed_lost_messages_total",)),
    ("Intents and orders", "per second",
     ("tickwright_strategy_intents_total", "tickwright_risk_sent_orders_total",
      "tickwright_risk_refused_intents_total")),
    ("Positions", "shares", ("tickwright_position_shares",)),
    ("Worst position over limit", "1 is at the limit", ("tickwright_position_limit_ratio",)),
    ("Money", "dollars", ("tickwright_cash_dollars", "tickwright_marked_dollars")),
    ("Telemetry comes", "1 good", ("tickwright_telemetry_ok",)),
    ("Telemetry", "per second",
     ("tickwright_telemetry_records_total", "tickwright_telemetry_lost_records_total",
      "tickwright_telemetry_disk_lost_records_total")),
    ("Clock offset", "seconds", ("tickwright_clock_offset_seconds",)),
    ("Refused messages", "per second", ("tickwright_requests_refused_total",)),
)  # fmt: skip


def alerts() -> str:
    """Return the alert rules of Prometheus, as YAML."""
    lines = ["# Made by `python -m tickwright.monitoring.rules`.", "groups:", "- name: tickwright"]
    lines.append("  rules:")
    for alarm in ALARMS:
        lines += [
            f"  - alert: {alarm.name}",
            f"    expr: {json.dumps(alarm.expression)}",
            f"    for: {alarm.for_s}s",
            "    labels:",
            f"      severity: {alarm.severity}",
            "    annotations:",
            f"      summary: {json.dumps(alarm.summary)}",
            f"      runbook: {alarm.page}",
        ]
    return "\n".join(lines) + "\n"


def dashboard() -> str:
    """Return the dashboard of Grafana, as JSON."""
    known = {metric.name: metric for metric in described()}
    width = COLUMNS // 3
    panels = [
        _panel(number, title, unit, [known[name] for name in names], width)
        for number, (title, unit, names) in enumerate(PANELS)
    ]
    board = {
        "title": "Tickwright",
        "uid": "tickwright",
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "tags": [str(severity) for severity in Severity],
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
        "panels": panels,
    }
    return json.dumps(board, indent=1) + "\n"


def _panel(
    number: int, title: str, unit: str, metrics: list[Described], width: int
) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "description": " ".join(f"{metric.name}: {metric.help}" for metric in metrics),
        "datasource": source,
        "gridPos": {
            "x": number % 3 * width,
            "y": number // 3 * ROW_HEIGHT,
            "w": width,
            "h": ROW_HEIGHT,
        },
        "fieldConfig": {"defaults": {"custom": {"axisLabel": unit}}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": source,
                "expr": f"rate({metric.name}[1m])" if metric.counter else metric.name,
                "legendFormat": "{{symbol}}" if metric.labels else metric.name,
            }
            for place, metric in enumerate(metrics)
        ],
    }


def main() -> None:
    """Write both files beside this one."""
    for path, text in ((ALERTS_FILE, alerts()), (DASHBOARD_FILE, dashboard())):
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
