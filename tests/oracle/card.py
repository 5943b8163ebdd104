"""The whole card: messages in; quotes, intents, verdicts, orders and positions out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from oracle.book import BookRun, OracleError, Overflow, Quote, Trust, bit, run_book
from oracle.gate import Gate, Order, Response, Verdict
from oracle.pairs import Intent, Outcome, Strategy
from tickwright.host.records import GateState, Journal
from tickwright.host.setup import CardSetup, PairSetup

__all__ = ["CardRun", "Coalesced", "Control", "Facts", "Recorded", "run_card"]


class Facts(NamedTuple):
    """What a card decides by cycles when it judges an intent."""

    quotes_seen: int
    responses_applied: int
    state: int
    feed_ok: int
    session_ok: int


class Control(NamedTuple):
    """What the host put in force behind so many quotes."""

    quotes: int
    epoch: int
    checksum: int
    flatten: int


class Coalesced(NamedTuple):
    """A quote that was kept without its evaluations; ``quotes`` were published before it."""

    sequence: int
    quotes: int
    evaluations: int


@dataclass
class Recorded:
    """What a card decided by cycles, and what the venue said: the inputs beside the messages.

    ``facts`` are by intent id; ``applied`` has each outcome with the count of evaluations before
    it took effect.
    """

    trusts: list[Trust] = field(default_factory=list)
    overflows: list[Overflow] = field(default_factory=list)
    capacities: list[int] = field(default_factory=list)
    coalesced: list[Coalesced] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    sets: dict[int, tuple[PairSetup, ...]] = field(default_factory=dict)  # pairs by checksum
    facts: dict[int, Facts] = field(default_factory=dict)
    applied: list[tuple[Outcome, int]] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    @classmethod
    def of(cls, journal: Journal, sets: dict[int, tuple[PairSetup, ...]] | None = None) -> Recorded:
        """Return what a journal recorded of that; its other tables are not looked at."""
        return cls(
            trusts=[
                Trust(*found)
                for found in _columns(journal.trusts, "sequence", "reasons", "first", "last")
                if found[1] != bit("overflow")
            ],
            overflows=[
                Overflow(*found) for found in _columns(journal.overflows, *Overflow._fields)
            ],
            capacities=[found for (found,) in _columns(journal.capacities, "sequence")],
            coalesced=[
                Coalesced(*found) for found in _columns(journal.coalesced, *Coalesced._fields)
            ],
            controls=[Control(*found) for found in _columns(journal.controls, *Control._fields)],
            sets=sets or {},
            facts={
                number: Facts(*found)
                for number, *found in _columns(journal.verdicts, "id", *Facts._fields)
            },
            applied=[
                (Outcome(*found), evaluations)
                for *found, evaluations in _columns(
                    journal.applied, *Outcome._fields, "evaluations"
                )
            ],
            responses=[
                Response(*found) for found in _columns(journal.responses, *Response._fields)
            ],
        )


def _columns(table: np.ndarray, *names: str) -> list[tuple[int, ...]]:
    return list(zip(*(table[name].tolist() for name in names), strict=True))


@dataclass
class CardRun:
    """What came of a run."""

    books: BookRun
    intents: list[Intent]
    verdicts: list[Verdict]
    orders: list[Order]
    positions: list[int]
    evaluations: int
    ledger_fault: bool


class _Card:
    def __init__(self, setup: CardSetup, events: list[Quote | Trust], recorded: Recorded) -> None:
        self.events = events
        self.place: dict[int, int] = {}  # of the quote of each intent, among the events
        self.facts = recorded.facts
        self.strategy = Strategy(setup)
        self.gate = Gate(setup)
        self.verdicts: list[Verdict] = []
        self.waiting: deque[Intent] = deque()
        self.coalesced = deque(recorded.coalesced)
        self.controls, self.sets = deque(recorded.controls), recorded.sets
        self.applied = deque(recorded.applied)
        self.responses = deque(recorded.responses)
        self.refusals: deque[Outcome] = deque()
        self.answers: deque[Outcome] = deque()

    def run(self) -> None:
        published = 0
        for place, event in enumerate(self.events):
            if isinstance(event, Trust):
                self.strategy.trust(event.reasons)
                continue
            while self.controls and self.controls[0].quotes == published:
                control = self.controls.popleft()
                pairs = self.sets[control.checksum]
                self.strategy.control(control.epoch, pairs, bool(control.flatten))
            self.strategy.quote(event)
            listing = self.strategy.listing(event.symbol)
            if not self.left_out(event, published, len(listing)):
                self.evaluate(place, event, listing)
            published += 1
        self.settle()
        if self.coalesced:
            raise OracleError(f"{self.coalesced[0]}: found {published} quotes in all")
        if self.applied:
            raise OracleError(f"outcome {self.applied[0]} comes behind the last evaluation")
        while self.responses:
            self.respond()

    def left_out(self, quote: Quote, published: int, evaluations: int) -> bool:
        """Say whether the card kept a quote without its evaluations."""
        if not self.coalesced or self.coalesced[0].quotes != published:
            return False
        found, expected = self.coalesced.popleft(), (quote.sequence, published, evaluations)
        if found != expected:
            raise OracleError(f"recorded {found}, expected {Coalesced(*expected)}")
        return True

    def evaluate(self, place: int, quote: Quote, listing: list[int]) -> None:
        for pair in listing:
            self.settle()
            intent = self.strategy.evaluate(pair, quote.sequence, quote.feed_ns)
            if intent is not None:
                self.place[intent.id] = place
                self.waiting.append(intent)
                self.judge()

    def settle(self) -> None:
        """Apply the outcomes recorded for the present count of evaluations."""
        while self.applied and self.applied[0][1] <= self.strategy.evaluations:
            outcome, evaluations = self.applied.popleft()
            if evaluations < self.strategy.evaluations:
                raise OracleError(f"outcome {outcome} at {evaluations} evaluations: out of order")
            queue = self.refusals if outcome.refused else self.answers
            while not queue and self.responses and not outcome.refused:
                self.respond()
            expected = queue.popleft() if queue else None
            if outcome != expected:
                raise OracleError(f"recorded outcome {outcome}, expected {expected}")
            self.strategy.apply(outcome)

    def respond(self) -> None:
        outcome = self.gate.respond(self.responses.popleft())
        if outcome is not None:
            self.answers.append(outcome)

    def judge(self) -> None:
        """Judge the intents that wait, as far as the card did."""
        while self.waiting and self.waiting[0].id in self.facts:
            intent = self.waiting.popleft()
            facts = self.facts[intent.id]
            self.see(facts, intent)
            if not self.gate.fault or facts.state != GateState.KILLED:
                self.gate.state = GateState(facts.state)
            verdict = self.gate.judge(intent, feed_ok=facts.feed_ok, session_ok=facts.session_ok)
            self.verdicts.append(verdict)
            if not verdict.passed:
                self.refusals.append(Outcome(intent.pair, 1))

    def see(self, facts: Facts, intent: Intent) -> None:
        """Bring the gate to what it had seen when it judged."""
        gate = self.gate
        if gate.quotes_seen > facts.quotes_seen or gate.responses_applied > facts.responses_applied:
            raise OracleError(f"intent {intent.id}: judged on less than was known before: {facts}")
        for event in self.events[gate.quotes_seen : facts.quotes_seen]:
            if isinstance(event, Trust):
                gate.trust(event.reasons)
            else:
                gate.quote(event)
        if self.place[intent.id] >= facts.quotes_seen:
            raise OracleError(f"intent {intent.id}: judged before its own quote: {facts}")
        while gate.responses_applied < facts.responses_applied:
            self.respond()


def run_card(
    messages: Iterable[tuple[bytes, int]], setup: CardSetup, recorded: Recorded
) -> CardRun:
    """Run delivered messages, (bytes, sequence) each, through the whole card."""
    books = run_book(
        messages,
        setup.symbols,
        setup.window,
        trusts=recorded.trusts,
        overflows=recorded.overflows,
        capacities=recorded.capacities,
    )
    card = _Card(setup, books.events, recorded)
    card.run()
    return CardRun(
        books=books,
        intents=card.strategy.intents,
        verdicts=card.verdicts,
        orders=card.gate.orders,
        positions=card.gate.position,
        evaluations=card.strategy.evaluations,
        ledger_fault=card.gate.fault,
    )
