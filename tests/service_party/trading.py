"""A service whose card trades: a market that swings, limits, parameters, and it is armed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from service_party.cola import LIMITS
from service_party.market import DESK, swinging
from service_party.process import DEADLINE_S, Served, desk_of, kept_twin
from tickwright.bus.opening import open_bus
from tickwright.bus.twin_wire import TwinWire
from tickwright.host.card import Card
from tickwright.service.roles import Role

__all__ = ["PATIENT_MS", "Floor", "trading", "until"]

STEP_MS = 10.0
PATIENT_MS = 10_000


@dataclass
class Floor:
    """A card that outlives services, the market on its wires, and where the services keep."""

    path: Path
    state: Path
    card: Card  # by a way that no service has
    wire: TwinWire

    def serve(self, watchdog_ms: int) -> Served:
        """Begin a service whose silence the card endures for so long."""
        return Served(self.path, self.state, "--watchdog-ms", str(watchdog_ms))

    def arm(self) -> int:
        """Have the card armed; return a card time before which it was not."""
        with desk_of(self.state, Role.OPERATOR) as operator:
            until(lambda: not self.card.risk.open_orders)
            operator.done("positions.load", keep=True)
            until(lambda: not operator.done("preflight").reasons)
            before_ns = self.card.identity.now_ns
            assert operator.done("arm").state == "armed"
        return before_ns

    def load(self) -> None:
        """Load parameters and limits."""
        with desk_of(self.state, Role.OPERATOR) as operator, desk_of(self.state, Role.RISK) as risk:
            operator.done("params.load", desk=DESK)
            risk.done("limits.load", limits=LIMITS, confirm=True)

    @property
    def orders(self) -> int:
        """How many orders the venue has seen."""
        return self.wire.playing()["orders"]


@contextmanager
def trading(folder: Path, seconds: float, step_ms: float = STEP_MS) -> Iterator[Floor]:
    """Keep a card and play a market of so many seconds to it; `Floor.serve` begins a service.

    The market has a message every ``step_ms``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    capture = folder / "market.pcap"
    swinging(capture, seconds, step_ms)
    with (
        kept_twin(folder / "card") as path,
        open_bus(f"twin:{path}") as way,
        TwinWire(str(path), timeout_s=DEADLINE_S) as wire,
    ):
        floor = Floor(path, folder / "state", Card(way), wire)
        with floor.serve(PATIENT_MS):
            floor.load()
        wire.play(capture, 1)
        yield floor
        assert wire.playing()["state"] == "playing", wire.playing()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.005)
