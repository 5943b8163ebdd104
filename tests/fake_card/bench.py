"""A desk over a fake card, with its journal and archive in a folder, and files to load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from fake_card.card import FakeCard
from tickwright.bus.way import Way
from tickwright.host.card import Card
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.archive import Archive, StoredSet
from tickwright.service.desk import Desk, DeskSettings
from tickwright.service.journal import Journal, entries
from tickwright.service.keys import Key
from tickwright.service.protocol import VERBS
from tickwright.service.roles import Role

__all__ = ["KEYS", "START_NS", "Bench", "desk_text", "limits_text"]

START_NS = 1_700_000_000_000_000_000
STEP_NS = 1_000  # of the host's clock, each time it is looked at
MS_NS = 1_000_000
KEYS = {role: Key(f"the-{role}", role, "x" * 40) for role in Role}

DESK = """
[card]
preset = "{preset}"

[symbols.AAA]
reference_usd = "60.00"
[symbols.BBB]
reference_usd = "170.00"
[symbols.CCC]
reference_usd = "20.00"

[[pair]]
name = "one"
a = "AAA"
b = "BBB"
hedge_ratio = "0.35"
mean_usd = "{mean}"
sigma_usd = "0.12"
shares_a = 100

[[pair]]
name = "two"
a = "CCC"
b = "AAA"
hedge_ratio = "0.33"
mean_usd = "0.20"
sigma_usd = "0.05"
shares_a = 200
entry_z = "{entry}"

{more}
"""

LIMITS = """
state = "{state}"
max_shares = {shares}
max_notional_usd = "100000.00"

[defaults]
max_shares = {shares}
max_notional_usd = "50000.00"
max_position = 1000
collar_usd = "0.50"

{more}
"""


def desk_text(mean: str = "0.50", entry: str = "2.0", more: str = "", preset: str = "twin") -> str:
    """Return a desk file of three symbols and two pairs."""
    return DESK.format(mean=mean, entry=entry, more=more, preset=preset)


def limits_text(shares: int = 400, state: str = "armed", more: str = "") -> str:
    """Return a limits file."""
    return LIMITS.format(shares=shares, state=state, more=more)


class Bench:
    """One desk at a time over one card; `start` again is a service that was started again."""

    def __init__(self, folder: Path, card: FakeCard | Way | None = None, **settings: Any) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.card = FakeCard() if card is None else card
        self.settings = DeskSettings(card="fake:", **{"disk_free_ratio": 0.0} | settings)
        self.snapshot: Snapshot | None = None
        self.sensed: dict[str, float] = {}
        self.time_ns = START_NS

    @property
    def journal_path(self) -> Path:
        return self.folder / "journal.jsonl"

    @contextmanager
    def started(self, *, recover: bool = True) -> Iterator[Self]:
        """Start a desk, which is recovered unless said; its journal is closed in the end."""
        with Journal(self.journal_path, self.now_ns) as self.journal:
            self.desk = Desk(
                Card(self.card),
                self.journal,
                Archive(self.folder / "sets"),
                self.settings,
                now_ns=self.now_ns,
                telemetry=lambda: self.snapshot,
                sense=lambda: self.sensed,
            )
            if recover:
                self.desk.recover()
            yield self

    def now_ns(self) -> int:
        self.time_ns += STEP_NS
        return self.time_ns

    def ask(self, verb: str, role: Role = Role.OPERATOR, **arguments: Any) -> Any:
        """Ask for a verb and return its result as its structure."""
        found, _ = self.desk.ask(KEYS[role], verb, msgspec.json.encode(arguments))
        return msgspec.json.decode(found, type=VERBS[verb].result)

    def load(self, **desk: str) -> None:
        """Load limits, then a desk file, then positions: all that arming needs but a market."""
        self.ask("limits.load", Role.RISK, limits=limits_text(), name="l.toml", confirm=True)
        self.ask("params.load", Role.QUANT, desk=desk_text(**desk), name="d.toml")
        self.ask("positions.load", positions={"AAA": 30})

    def ready(self) -> None:
        """Load all, feed the watchdog, and let the market come."""
        self.load()
        self.feed_watchdog()
        self.card.hear()
        self.desk.poll()

    def arm(self) -> None:
        """Let everything be ready, and arm."""
        self.ready()
        self.ask("arm")

    def feed_watchdog(self) -> None:
        Card(self.card).feed_watchdog()

    def sets(self) -> dict[str, StoredSet | None]:
        """Return what the desk takes to be in force, by kind."""
        return {kind: held.stored for kind, held in self.desk.held.items()}

    def entries(self) -> list[Any]:
        """Return the journal, which verifies."""
        return entries(self.journal_path, 1, 10_000)
