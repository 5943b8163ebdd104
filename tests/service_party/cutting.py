"""A service over a twin, killed by SIGKILL while it loads a set, and started again, many times."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from fake_card.bench import limits_text

from service_party.process import DEADLINE_S, Served, desk_of, kept_twin
from service_party.quiet_market import FEED, write_market
from tickwright.bus.opening import open_bus
from tickwright.bus.twin_wire import TwinWire
from tickwright.host.card import Card
from tickwright.host.desk import card_setup
from tickwright.host.sets import ParameterSet
from tickwright.host.settings import Limits
from tickwright.host.settings import desk_of as desk_file
from tickwright.risk.checks import STATES
from tickwright.service.archive import SetKind
from tickwright.service.caller import Caller
from tickwright.service.errors import ServiceError
from tickwright.service.journal import entries, verify
from tickwright.service.keys import read_secret, service_key
from tickwright.service.protocol import VERBS, Changed, Entry, SetText, StatusCode
from tickwright.service.roles import Role

__all__ = ["CutOffs", "Point"]

SYMBOLS, PAIRS = 8, 12
MOST_SHARES = 100_000
FIRST_S = 0.1  # that a load takes, until it is known better
BEYOND = 1.2  # a load ends before this part of its time, most often
GRACE_S = 0.3  # for an answer that was sent before the end
ALL = 1_000_000  # entries
LATELY = 20  # entries since a service began, at most
BEGUN = "set.begun"

SYMBOL = '[symbols.S{index}]\nreference_usd = "60.00"\n'
PAIR = """
[[pair]]
name = "pair-{index}"
a = "S{a}"
b = "S{b}"
hedge_ratio = "0.5"
mean_usd = "{mean}"
sigma_usd = "0.12"
shares_a = 100
"""

Named = tuple[int, int]
"""A set by epoch and checksum."""


@dataclass(frozen=True)
class Point:
    """What a service was killed in, and what came of it."""

    load: str  # whole, pairs, rollback, limits
    armed: bool
    kept: str  # the newest entry of the journal that the load left; empty: none
    changed: bool  # the card has the new set
    answered: bool


class CutOffs:
    """Services in one folder over twins; each of their loads is cut off at a random moment.

    What must hold after each is asserted, as soon as it can be seen.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._state = folder / "state"
        self._journal = self._state / "journal.jsonl"
        self._market = folder / "market.pcap"
        self._random = random.Random(seed)
        self._usual_s: dict[str, float] = {}  # that a load takes
        self._loads = 0
        self._desks: dict[str, str] = {}  # every desk file that was to be loaded, by its hash
        self._acknowledged: list[tuple[int, str]] = []  # entries that answers told of
        write_market(self._market)

    def life(self, points: int) -> list[Point]:
        """Cut so many services off, over one card that was just reset."""
        found = []
        self._playing = False
        with kept_twin(self._folder / "card") as self._path, open_bus(f"twin:{self._path}") as way:
            self._card = Card(way)
            _until(lambda: bool(self._card.risk.ready), pause_s=0)  # a twin gets on as it is asked
            for _ in range(points):
                with Served(self._path, self._state) as service:
                    self._check_start()
                    found.append(self._cut_off(service))
            with Served(self._path, self._state):
                self._check_start()
        return found

    def _cut_off(self, service: Served) -> Point:
        load = self._choose()
        armed = load != "whole" and self._random.random() < 0.5
        self._prepare(armed=armed)
        count, before = verify(self._journal).count, self._in_force()
        acknowledged = self._ask_and_kill(service, load)
        since = entries(self._journal, count + 1, ALL)
        if armed:
            _until(lambda: self._card.state == STATES[0])
            assert "watchdog" in self._card.kill_reasons
        after = self._in_force()
        for kind, named in after.items():
            assert named in {before[kind]} | _begun(since, kind)
        for number, what in self._acknowledged:
            assert [entry.what for entry in entries(self._journal, number, 1)] == [what]
        kind = SetKind.LIMITS if load == "limits" else SetKind.PARAMETERS
        if acknowledged is not None:
            assert after[kind] == acknowledged
        self._check_parameters()
        kept = since[-1].what if since else ""
        return Point(load, armed, kept, after[kind] != before[kind], acknowledged is not None)

    def _choose(self) -> str:
        """Return what to load: all of a desk file as long as none was loaded to its end."""
        if not (self._card.feed.enable and self._card.order.open):
            return "whole"
        with desk_of(self._state) as desk:
            known = desk.ask("params.rollback", dry_run=True).status == StatusCode.DONE
        return self._random.choice(["pairs", "limits", "rollback" if known else "pairs"])

    def _prepare(self, *, armed: bool) -> None:
        """Load limits where there are none for all symbols, and arm, if that is wanted."""
        with desk_of(self._state) as desk, desk_of(self._state, Role.RISK) as risk:
            codes = {reason.code for reason in desk.done("preflight").reasons}
            if codes & {"limits_missing", "limits_without_symbols"}:
                risk.done("limits.load", limits=self._limits(), confirm=True)
            if not armed:
                return
            desk.done("positions.load", keep=self._playing)  # a card that was reset is flat
            if not self._playing:
                with TwinWire(str(self._path)) as wire:
                    wire.play(self._market)
                self._playing = True
            _until(lambda: not desk.done("preflight").reasons)
            desk.done("arm")

    def _arguments(self, load: str) -> tuple[str, dict[str, Any]]:
        if load == "limits":
            return "limits.load", {"limits": self._limits()}
        if load == "rollback":
            return "params.rollback", {}
        self._loads += 1
        pairs = "".join(
            PAIR.format(index=index, a=index % SYMBOLS, b=(index + 1) % SYMBOLS,
                        mean=f"{index}.{self._loads:04}")
            for index in range(PAIRS)
        )  # fmt: skip
        symbols = "".join(SYMBOL.format(index=index) for index in range(SYMBOLS))
        desk = FEED + symbols + pairs
        self._desks[hashlib.sha256(desk.encode()).hexdigest()] = desk
        return "params.load", {"desk": desk}

    def _limits(self) -> str:
        """Return a limits file that is tighter than all before."""
        self._loads += 1
        return limits_text(MOST_SHARES - self._loads)

    def _ask_and_kill(self, service: Served, load: str) -> Named | None:
        """Ask for a load and kill the service at a random moment; return what was acknowledged."""
        verb, arguments = self._arguments(load)
        usual_s = self._usual_s.setdefault(load, FIRST_S)
        delay_s = self._random.uniform(0, BEYOND * usual_s)
        key = read_secret(self._state / "keys" / f"the-{Role.OPERATOR}.toml")
        public = service_key(self._state).public
        killing = threading.Timer(delay_s, service.process.kill)
        with Caller(service.endpoint, public, key, timeout_s=delay_s + GRACE_S) as caller:
            killing.start()
            begun_s = time.monotonic()
            try:
                reply = caller.ask(verb, VERBS[verb].arguments(**arguments))
                took_s = time.monotonic() - begun_s  # the load alone, not the wait for the kill
            except ServiceError:  # no answer came
                return None
            finally:
                killing.join()
                service.wait()
        assert reply.status == StatusCode.DONE, reply.error
        self._usual_s[load] = took_s
        self._acknowledged.append((reply.journal, f"{verb}.done"))
        found = msgspec.json.decode(reply.result, type=Changed)
        return found.epoch, found.checksum

    def _check_start(self) -> None:
        """Check what a service says that it found on the card."""
        assert self._card.state == STATES[0]
        assert verify(self._journal).torn == 0
        since = entries(self._journal, -LATELY, LATELY)
        at = max(place for place, entry in enumerate(since) if entry.what == "recovered")
        recovered, started = since[at : at + 2]  # of what the card does there may be more since
        assert started.what == "service.started"
        for kind, (epoch, checksum) in self._in_force().items():
            found = recovered.details[kind]
            assert found["found"] in ({"old", "new"} if epoch else {"none"})
            assert (found["epoch"], int(found["checksum"], 16)) == (epoch, checksum)
            assert found["doubt"] == ""
        with desk_of(self._state, Role.VIEWER) as desk:
            shown = desk.ask("params.show")
        text = self._check_parameters()
        assert (shown.status == StatusCode.DONE) is bool(text)
        if text:
            assert msgspec.json.decode(shown.result, type=SetText).text == text

    def _check_parameters(self) -> str:
        """Check that the card holds what a desk file says, whole; return its text."""
        epoch, checksum = self._in_force()[SetKind.PARAMETERS]
        if not epoch:
            assert checksum == 0
            return ""
        (begun,) = (
            entry.details
            for entry in entries(self._journal, 1, ALL)
            if entry.what == BEGUN and entry.details["kind"] == SetKind.PARAMETERS
            and entry.details["epoch"] == epoch
        )  # fmt: skip
        text = self._desks[begun["text"]]
        setup = card_setup(desk_file(text, "desk"), Limits(), epoch=epoch)
        found = ParameterSet(epoch=epoch, pairs=setup.pairs)
        assert found.checksum(self._card.sizes) == checksum
        return text

    def _in_force(self) -> dict[SetKind, Named]:
        """Return what is in force, by the card's own registers."""
        strategy, risk = self._card.strategy, self._card.risk
        return {
            SetKind.PARAMETERS: (strategy.active_epoch, strategy.active_checksum),
            SetKind.LIMITS: (risk.active_limits_epoch, risk.active_limits_checksum),
        }


def _begun(since: list[Entry], kind: SetKind) -> set[Named]:
    return {
        (entry.details["epoch"], int(entry.details["checksum"], 16))
        for entry in since
        if entry.what == BEGUN and entry.details["kind"] == kind
    }


def _until(holds: Callable[[], bool], pause_s: float = 0.02) -> None:
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(pause_s)
