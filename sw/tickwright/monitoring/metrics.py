"""Metrics in the text form of Prometheus.

Those of the card derive from its register descriptions: name, unit and help are written there and
nowhere else. ``tickwright_feed_lost_messages_total`` is the register `lost` of the block `feed`,
which counts messages. The rest, of the service and its host, are listed here.

Source of the form: Prometheus, "Exposition formats", text format 0.0.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from tickwright.core.regs import Register, Status
from tickwright.top.memory_map import BLOCKS

__all__ = ["SERVICE", "Described", "Sample", "described", "exposition", "of_register"]

PREFIX = "tickwright"
NO_UNIT = {"", "index", "two's complement"}
COUNTED = frozenset(
    {
        "commits",
        "datagrams",
        "evaluations",
        "events",
        "frames",
        "gaps",
        "intents",
        "messages",
        "orders",
        "quotes",
        "records",
        "requests",
        "segments",
        "writes",
    }
)
"""Units of what is counted since reset, but for the registers named in LEVELS."""

LEVELS = frozenset({("book", "orders"), ("risk", "open_orders"), ("identity", "orders"),
                    ("identity", "hold"), ("identity", "slots")})  # fmt: skip
"""Registers with such a unit that go down as well as up, or never change."""

UNMEASURED = frozenset({("risk", "position"), ("risk", "worst_long"), ("risk", "worst_short"),
                        ("strategy", "held_a"), ("strategy", "held_b"), ("strategy", "phase"),
                        ("strategy", "stopped"), ("book", "reasons"),
                        ("feed", "session_low"), ("feed", "session_high")})  # fmt: skip
"""Registers that show one row of a table, that of the index written last, or that are text."""


@dataclass(frozen=True)
class Described:
    """A metric before it has a value; a counter only grows until the card or service restarts."""

    name: str
    help: str
    counter: bool = False
    labels: tuple[str, ...] = ()


SERVICE: dict[str, Described] = {
    one.name: one
    for one in (
        Described("tickwright_gate_state", "State of the gate: 0 killed, 1 close-only, 2 armed."),
        Described("tickwright_feed_ok", "No gap is open and the feed is not stale."),
        Described("tickwright_session_ok", "The order session lets orders pass."),
        Described("tickwright_untrusted_symbols", "Watched symbols that are not trusted."),
        Described("tickwright_position_shares", "Shares held, short below 0.", labels=("symbol",)),
        Described(
            "tickwright_position_limit_ratio",
            "Largest worst-case position over its limit, of all symbols; 1 is at the limit.",
        ),
        Described(
            "tickwright_cash_dollars",
            "Cash of the fills recorded, before fees; not a number without records.",
        ),
        Described(
            "tickwright_marked_dollars",
            "Cash and positions at trusted mids, before fees; not a number while a mid lacks.",
        ),
        Described("tickwright_watchdog_seconds", "Silence of the host after which the card kills."),
        Described(
            "tickwright_clock_offset_seconds", "Card time less host time; not a number if unknown."
        ),
        Described(
            "tickwright_telemetry_ok",
            "Records come as the card publishes quotes; not a number where nothing records.",
        ),
        Described(
            "tickwright_telemetry_records_total", "Telemetry records read from the card.", True
        ),
        Described(
            "tickwright_telemetry_lost_records_total",
            "Telemetry records lost on their way from the card: their numbers are missing.",
            True,
        ),
        Described(
            "tickwright_telemetry_disk_lost_records_total",
            "Telemetry records that the disk did not take.",
            True,
        ),
        Described("tickwright_journal_ok", "The newest entry of the journal could be kept."),
        Described("tickwright_journal_entries_total", "Entries of the journal.", True),
        Described("tickwright_uptime_seconds", "Time since the service started."),
        Described(
            "tickwright_sample_age_seconds",
            "Time since these values were taken; they are not numbers once it is too long.",
        ),
        Described("tickwright_disk_free_ratio", "Free part of the disk that holds the journal."),
        Described(
            "tickwright_requests_refused_total",
            "Messages refused: no key, no role, replayed, malformed.",
            True,
        ),
    )
}
"""The metrics that no register describes, by name."""


@dataclass(frozen=True)
class Sample:
    """All values at one moment. What is not known is left out, and is then exposed as NaN."""

    registers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by block and name
    service: Mapping[str, float] = field(default_factory=dict)  # by name of SERVICE
    positions: Mapping[str, int] = field(default_factory=dict)  # shares by symbol


def of_register(block: str, register: Register) -> Described | None:
    """Return the metric of a register; None for one that is no measurement."""
    if not isinstance(register, Status) or (block, register.name) in UNMEASURED:
        return None
    unit = register.unit.split(" of ")[0].strip()
    counter = unit in COUNTED and (block, register.name) not in LEVELS
    name = f"{PREFIX}_{block}_{register.name}"
    words = "".join(letter if letter.isalnum() else "_" for letter in unit)
    if unit not in NO_UNIT and not name.endswith(f"_{words}"):
        name += f"_{words}"
    return Described(f"{name}_total" if counter else name, register.doc, counter)


def described() -> Iterator[Described]:
    """Yield every metric: those of the card by block and register, then those of the service."""
    for block, kind in BLOCKS.items():
        for register in kind.registers:
            if (found := of_register(block, register)) is not None:
                yield found
    yield from SERVICE.values()


def exposition(sample: Sample) -> bytes:
    """Return what a scrape is answered."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(sample))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, sample: Sample) -> None:
        self._sample = sample

    def collect(self) -> Iterator[Metric]:
        """Yield the families of one scrape."""
        for block, kind in BLOCKS.items():
            values = self._sample.registers.get(block, {})
            for register in kind.registers:
                if (metric := of_register(block, register)) is not None:
                    yield _family(metric, values.get(register.name, math.nan))
        for metric in SERVICE.values():
            if metric.labels:
                family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
                for symbol, shares in self._sample.positions.items():
                    family.add_metric([symbol], shares)
                yield family
            else:
                yield _family(metric, self._sample.service.get(metric.name, math.nan))


def _family(metric: Described, value: float) -> Metric:
    kind = CounterMetricFamily if metric.counter else GaugeMetricFamily
    family = kind(metric.name, metric.help)
    family.add_metric([], value)
    return family
