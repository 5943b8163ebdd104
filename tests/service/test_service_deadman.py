"""A kill takes the card a cycle; a service that dies leaves a killed card in time; none else does.

The card is a twin that trades, on a market that keeps it busy. What is measured is printed; with
``pytest -s`` it is seen.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from service_party.process import DEADLINE_S, Served, desk_of
from service_party.trading import PATIENT_MS, Floor, trading, until

from tickwright.recorder.publication import Batch, Subscriber
from tickwright.recorder.records import column, split
from tickwright.risk.checks import STATES
from tickwright.risk.regs import RiskRegs
from tickwright.service.journal import entries, verify
from tickwright.service.keys import service_key
from tickwright.service.roles import Role
from tickwright.telemetry.messages import RECORD_BYTES
from tickwright.top.memory_map import base

SEED = 1
MARKET_S = 300.0  # for all that a normal run does here
WATCHDOG_MS = 250
MS_NS = 1_000_000
EASY_MS = 1000  # where a machine may be busy with other tests
KILL, STATE = (base("risk") + register.offset for register in (RiskRegs.kill, RiskRegs.state))

SMOKE_KILLS, SOAK_KILLS = 2, 100
SMOKE_DEATHS, SOAK_DEATHS = 3, 100
MANY_CYCLES = 1 << 30  # seconds of card time: a count whose words are of two moments is more
A_KILL_S, A_DEATH_S = 2.0, 12.0  # with what is around it, at most, on a busy machine
TRADING_S = 0.4  # before a death, at most

SMOKE_S = 1.0
SOAK_S = float(os.environ.get("TICKWRIGHT_SOAK_S", "3600"))
LEAD_S = 60.0  # that the market lasts longer than the load
BUSY_MS = 2.0  # between two messages of the market of a soak
PAUSES_S = {"card.info": 0.005, "status": 0.05, "flatten": 0.2}
ROLES = {"card.info": Role.QUANT, "status": Role.VIEWER, "flatten": Role.RISK}


@pytest.fixture(scope="module")
def floor(tmp_path_factory) -> Iterator[Floor]:
    with trading(tmp_path_factory.mktemp("floor"), MARKET_S) as one:
        yield one


def shown(**found: Any) -> None:
    sys.stderr.write(f"{json.dumps(found)}\n")


class TestKill:
    """From the write to the refusal it takes a cycle; from acceptance to the card's word some."""

    @staticmethod
    def check(floor: Floor, count: int) -> None:
        passed = []
        floor.wire.watch(KILL, (STATE, STATES.index("killed")))
        with floor.serve(PATIENT_MS), desk_of(floor.state, Role.QUANT) as desk:
            for _ in range(count):
                floor.arm()
                until(lambda before=floor.orders: floor.orders > before)
                found = desk.done("kill")
                assert (found.state, found.reasons) == ("killed", ["host"])
                passed.append(found.card_cycles)
        taken = [reached - cycle for cycle, _, reached in floor.wire.seen() if reached is not None]
        shown(kills=count, card_cycles_from_write=sorted(set(taken)),
              card_cycles_from_acceptance=np.percentile(passed, [0, 50, 100]).tolist())  # fmt: skip
        assert len(taken) >= count
        assert set(taken) == {1}
        assert min(passed) > 1
        assert max(passed) < MANY_CYCLES

    def test_a_kill_reaches_the_card_at_once(self, floor: Floor):
        self.check(floor, SMOKE_KILLS)

    @pytest.mark.soak
    def test_each_of_many_kills_does(self, tmp_path: Path):
        with trading(tmp_path, SOAK_KILLS * A_KILL_S + LEAD_S) as floor:
            self.check(floor, SOAK_KILLS)


@dataclass(frozen=True)
class Death:
    """Card times: of arming at the earliest, before the service died, of the card's own kill."""

    armed_ns: int
    died_ns: int
    killed_ns: int


class TestDeath:
    """A service that is killed leaves a card that kills itself in time, and sends no order then."""

    @staticmethod
    def die(floor: Floor, rng: random.Random, watchdog_ms: int) -> Death:
        """Have a service arm and trade, and kill it at a random moment."""
        served = floor.serve(watchdog_ms)
        armed_ns = floor.arm()
        until(lambda before=floor.orders: floor.orders > before)
        time.sleep(rng.uniform(0, TRADING_S))
        assert floor.card.state == "armed"
        died_ns = floor.card.identity.now_ns
        os.kill(served.process.pid, signal.SIGKILL)
        until(lambda: floor.card.state == "killed")
        assert served.wait() == -signal.SIGKILL
        assert list(floor.card.kill_reasons) == ["watchdog"]
        return Death(armed_ns, died_ns, floor.card.risk.killed_at_ns)

    def check(self, floor: Floor, count: int, watchdog_ms: int) -> None:
        rng = random.Random(SEED)
        deaths = [self.die(floor, rng, watchdog_ms) for _ in range(count)]
        with floor.serve(PATIENT_MS):
            orders = recorded_orders(floor)
        silences = [death.killed_ns - death.died_ns for death in deaths]
        shown(
            deaths=count,
            orders=len(orders),
            silence_ms=(np.percentile(silences, [0, 50, 100]) / 1e6).round(1).tolist(),
        )
        assert max(silences) <= watchdog_ms * MS_NS
        armed = [death.armed_ns for death in deaths]
        for death, again_ns in zip(deaths, [*armed[1:], 1 << 62], strict=True):
            assert ((death.armed_ns < orders) & (orders <= death.killed_ns)).any()
            assert not ((death.killed_ns < orders) & (orders < again_ns)).any()
        assert verify(floor.state / "journal.jsonl").count > 5 * count

    def test_a_service_that_dies_leaves_a_killed_card(self, floor: Floor):
        self.check(floor, SMOKE_DEATHS, EASY_MS)

    @pytest.mark.soak
    def test_each_of_many_that_die_does(self, tmp_path: Path):
        with trading(tmp_path, SOAK_DEATHS * A_DEATH_S) as floor:
            self.check(floor, SOAK_DEATHS, WATCHDOG_MS)


def recorded_orders(floor: Floor) -> np.ndarray:
    """Return the card time of each order that the card decided, when all are recorded."""
    found = np.zeros(0, np.int64)

    def all_there() -> bool:
        nonlocal found
        segments = sorted((floor.state / "segments").iterdir())
        found = np.concatenate([of_segment(path) for path in segments])
        return len(found) == floor.card.order.orders

    def of_segment(path: Path) -> np.ndarray:
        records = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, RECORD_BYTES)[1:]
        orders = split(records)[0].get("orders", records[:0])
        return column(orders, "decided_ns").astype(np.int64)

    until(all_there)
    return found


class TestLife:
    """A service that lives keeps its card armed, however much is asked of it."""

    @staticmethod
    def check(floor: Floor, seconds: float, watchdog_ms: int) -> None:
        with floor.serve(watchdog_ms) as served:
            floor.arm()
            orders, records = loaded(floor, served, seconds)
            rows = entries(floor.state / "journal.jsonl", 1, 1_000_000)
        gates = [row.details["now"]["state"] for row in rows if row.what == "card.gate"]
        assert gates[-1] == "armed"
        assert orders > 0
        assert records > 0

    def test_no_kill_that_nobody_asked_for(self, floor: Floor):
        self.check(floor, SMOKE_S, PATIENT_MS)

    @pytest.mark.soak
    def test_none_in_an_hour_either(self, tmp_path: Path):
        """TICKWRIGHT_SOAK_S says how many seconds instead."""
        with trading(tmp_path, SOAK_S + LEAD_S, BUSY_MS) as floor:
            self.check(floor, SOAK_S, WATCHDOG_MS)


def loaded(floor: Floor, served: Served, seconds: float) -> tuple[int, int]:
    """Have desks ask, and one follow, while the card must stay armed; return orders and records."""
    trips: dict[str, list[float]] = {verb: [] for verb in ROLES}
    records = [0]

    def ask(verb: str) -> Callable[[threading.Event], None]:
        def load(over: threading.Event) -> None:
            with desk_of(floor.state, ROLES[verb]) as desk:
                while not over.wait(PAUSES_S[verb]):
                    begun = time.monotonic()
                    desk.done(verb, **({"off": True} if verb == "flatten" else {}))
                    trips[verb].append(time.monotonic() - begun)

        return load

    def follow(over: threading.Event) -> None:
        key = service_key(floor.state)
        endpoint = f"ipc://{floor.state / 'telemetry.sock'}"
        with Subscriber(endpoint, key=key, server=key.public) as subscriber:
            while not over.is_set():
                found = subscriber.receive(100)
                records[0] += len(found.records) if isinstance(found, Batch) else 0

    before = floor.orders
    with running(*map(ask, ROLES), follow):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert floor.card.state == "armed", floor.card.kill_reasons
            assert served.process.poll() is None
            time.sleep(0.05)
    orders = floor.orders - before
    shown(seconds=seconds, orders=orders, records=records[0],
          asked={verb: len(each) for verb, each in trips.items()},
          p99_ms={verb: round(float(np.percentile(each, 99)) * 1000, 1)
                  for verb, each in trips.items() if each})  # fmt: skip
    return orders, records[0]


@contextmanager
def running(*loads: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run loads in threads until the end of the context; none may fail."""
    over, failed = threading.Event(), []

    def run(load: Callable[[threading.Event], None]) -> None:
        try:
            load(over)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(load,)) for load in loads]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(DEADLINE_S)
    assert not failed, failed
