"""The alarms, each once: the rule of Prometheus, the service's own check and the runbook page.

An alarm looks at one metric: at its level, or at whether a counter rose lately. It names a page of
the runbook that says what it means, what to do, and when it is over.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import gt, lt

__all__ = ["ALARMS", "Alarm", "AlarmWatch", "Severity"]

RISE_S = 300  # how long ago a counter may have risen
OPERATORS: dict[str, Callable[[float, float], bool]] = {">": gt, "<": lt}


class Severity(StrEnum):
    """How soon somebody has to look."""

    PAGE = "page"  # now
    TICKET = "ticket"  # today


@dataclass(frozen=True)
class Alarm:
    """One alarm: ``metric operator bound`` for that long, or a counter that rose within 5 min.

    A metric whose value is not known raises no alarm of its own; `service_down` covers that.
    """

    name: str  # also of its page: docs/runbook/NAME.md
    metric: str
    operator: str
    bound: float
    for_s: int
    severity: Severity
    summary: str
    rises: bool = False
    absolute: bool = False  # the metric's size matters, not its sign

    @property
    def page(self) -> str:
        """Path of its runbook page from the project's root."""
        return f"docs/runbook/{self.name}.md"

    @property
    def expression(self) -> str:
        """The condition in PromQL."""
        metric = f"increase({self.metric}[{RISE_S}s])" if self.rises else self.metric
        if self.absolute:
            metric = f"abs({metric})"
        return f"{metric} {self.operator} {self.bound:g}"


ALARMS: tuple[Alarm, ...] = (
    Alarm("service_down", 'up{job="tickwright"}', "<", 1, 10, Severity.PAGE,
          "The service does not answer; its card kills itself."),
    Alarm("sample_stale", "tickwright_sample_age_seconds", ">", 60, 0, Severity.PAGE,
          "The service does not get to look at its card: nothing of it is known."),
    Alarm("gate_killed", "tickwright_gate_state", "<", 1, 30, Severity.PAGE,
          "The gate is killed: no order leaves."),
    Alarm("ledger_fault", "tickwright_risk_ledger_fault", ">", 0, 0, Severity.PAGE,
          "An answer of the venue did not fit the ledger: positions on the card may be wrong."),
    Alarm("feed_stale", "tickwright_feed_ok", "<", 1, 5, Severity.PAGE,
          "A gap is open or no market data comes: the gate refuses."),
    Alarm("messages_lost", "tickwright_feed_lost_messages_total", ">", 0, 0, Severity.PAGE,
          "Messages were lost on both lines: no symbol is trusted.", rises=True),
    Alarm("symbols_untrusted", "tickwright_untrusted_symbols", ">", 0, 60, Severity.TICKET,
          "Some symbols are not trusted and do not trade."),
    Alarm("book_overflow", "tickwright_book_overflows_events_total", ">", 0, 0, Severity.PAGE,
          "The book's queue was full: events were dropped, no symbol is trusted.", rises=True),
    Alarm("order_table_full", "tickwright_book_capacity_orders_total", ">", 0, 0, Severity.TICKET,
          "An order found no place in the table: its symbol is not trusted.", rises=True),
    Alarm("session_down", "tickwright_session_ok", "<", 1, 5, Severity.PAGE,
          "The order session lets no order pass."),
    Alarm("position_near_limit", "tickwright_position_limit_ratio", ">", 0.9, 0, Severity.TICKET,
          "A worst-case position is above nine tenths of its limit."),
    Alarm("telemetry_stale", "tickwright_telemetry_ok", "<", 1, 5, Severity.PAGE,
          "Records do not come: quotes, orders, cash and marks are not known."),
    Alarm("telemetry_lost", "tickwright_telemetry_lost_records_total", ">", 0, 0, Severity.TICKET,
          "Records were lost on their way: the record of decisions has holes.", rises=True),
    Alarm("recording_lost", "tickwright_telemetry_disk_lost_records_total", ">", 0, 0,
          Severity.TICKET, "The disk did not take records: what is kept of the day has holes.",
          rises=True),
    Alarm("clock_offset", "tickwright_clock_offset_seconds", ">", 0.001, 60, Severity.TICKET,
          "Card time and host time are more than a millisecond apart.", absolute=True),
    Alarm("journal_fault", "tickwright_journal_ok", "<", 1, 0, Severity.PAGE,
          "An entry of the journal could not be kept: nothing is carried out but a kill."),
    Alarm("disk_nearly_full", "tickwright_disk_free_ratio", "<", 0.05, 0, Severity.PAGE,
          "The journal's disk is nearly full: a command that cannot be journalled is refused."),
    Alarm("requests_refused", "tickwright_requests_refused_total", ">", 100, 0, Severity.TICKET,
          "Many messages were refused: a wrong key, or somebody who should not be there.",
          rises=True),
)  # fmt: skip


class AlarmWatch:
    """The service's own look at the alarms, so that a desk sees them without a Prometheus."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}  # when an alarm's condition began to hold
        self._rises: dict[str, deque[tuple[float, float]]] = {}

    def raised(self, values: Mapping[str, float], at_s: float) -> list[str]:
        """Return the names of the alarms that are on.

        ``values`` by metric, without labels; ``at_s`` is of a clock that does not go back.
        """
        found = []
        for alarm in ALARMS:
            value = values.get(alarm.metric, math.nan)
            if math.isnan(value):
                self._since.pop(alarm.name, None)
                continue
            level = self._risen(alarm, value, at_s) if alarm.rises else value
            if alarm.absolute:
                level = abs(level)
            if not OPERATORS[alarm.operator](level, alarm.bound):
                self._since.pop(alarm.name, None)
                continue
            if at_s - self._since.setdefault(alarm.name, at_s) >= alarm.for_s:
                found.append(alarm.name)
        return found

    def _risen(self, alarm: Alarm, value: float, at_s: float) -> float:
        """Return by how much a counter rose within the time that counts, a restart from 0."""
        kept = self._rises.setdefault(alarm.name, deque())
        if kept and value < kept[-1][1]:
            kept.clear()
            kept.append((at_s, 0.0))
        kept.append((at_s, value))
        while len(kept) > 1 and kept[1][0] <= at_s - RISE_S:
            kept.popleft()
        return value - kept[0][1]
