"""The card in software: from messages to books, intents, verdicts and orders."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from tickwright.host.records import (
    APPLIED,
    CAPACITY,
    FRAME_MODULUS,
    OVERFLOW,
    QUOTE,
    RESPONSE,
    TRUST,
    Journal,
    ResponseKind,
)
from tickwright.host.sets import ParameterSet
from tickwright.host.setup import CardSetup
from tickwright.market.messages_table import MessageTable
from tickwright.model.book import PUBLICATION, Books
from tickwright.model.delivery import CardInputs, Delivery, InputsError, Messages, bbo_rows
from tickwright.model.gate import Gate
from tickwright.model.strategy import Strategy, listed

__all__ = ["Answer", "CardInputs", "MessageTable", "ModelCard", "Venue", "bbo_rows"]

BATCH = 1024  # intents taken from the strategy at once


class Answer(Protocol):
    """One message of a venue about an order; see `tickwright.exchange.scripted`."""

    @property
    def kind(self) -> ResponseKind: ...
    @property
    def user_ref(self) -> int: ...
    @property
    def shares(self) -> int: ...
    @property
    def price(self) -> int: ...
    @property
    def match(self) -> int: ...


class Venue(Protocol):
    """Whoever answers orders where no card and no exchange does."""

    delay_ns: int

    def answers(self, user_ref: int, shares: int, price: int) -> Iterable[Answer]:
        """Return all that it says of an order, in order, so long after the order left."""
        ...


class _Published(NamedTuple):
    """What the book published, and when, of which frame and line, each message was delivered."""

    publications: np.ndarray
    clock_ns: np.ndarray
    frame: np.ndarray
    line: np.ndarray


class ModelCard:
    """A card that runs a setup over messages, bit for bit as the gateware does.

    With the inputs that a card recorded it decides what that card decided, at the same places.
    Alone, an intent is judged at once on the quote it came from, with the feed and the session
    sound, and a refusal applies at once. The venue's answers apply before the first message behind
    the order's own that arrives, on the capture's clock, so much later; those left, at the end.

    After a run, `positions` is what each symbol holds and `held` what each pair does, a column a
    leg, both in shares.
    """

    def __init__(self, setup: CardSetup, sets: Mapping[int, ParameterSet] | None = None) -> None:
        """Make a card; ``sets`` are those that may come in force in a run, by their checksums."""
        self._setup = setup
        self._sets = dict(sets or {})
        self._start()

    def _start(self) -> None:
        most = max((len(one.pairs) for one in self._sets.values()), default=0)
        self._strategy, self._gate = Strategy(self._setup, most), Gate(self._setup)
        self._tables: dict[str, list[np.ndarray]] = defaultdict(list)

    @property
    def positions(self) -> np.ndarray:
        """What is held of each symbol, in shares."""
        return self._gate.positions

    @property
    def held(self) -> np.ndarray:
        """What each pair holds, in shares: a row a pair, a column a leg."""
        return self._strategy.held

    def run(
        self,
        messages: Messages,
        inputs: CardInputs | None = None,
        *,
        venue: Venue | None = None,
    ) -> Journal:
        """Run over messages from the start; return the journal.

        Without inputs, messages come in the order of their delivery. With those of a card they are
        all messages, by sequence; what it declared lost is left out here. Raises InputsError where
        the card left out evaluations that nothing published asks for, or put in force a set that
        was not given.
        """
        self._start()
        published = self._publish(messages, inputs)
        if inputs is not None and inputs.decided:
            self._decide_as(inputs, published)
        else:
            self._decide_alone(venue, published)
        return Journal(
            **{
                name: np.concatenate(self._tables[name]) if self._tables[name] else empty
                for name, empty in vars(Journal()).items()
            }
        )

    def _publish(self, messages: Messages, inputs: CardInputs | None) -> _Published:
        delivery = Delivery(
            Books(self._setup, rows=False),
            messages,
            inputs,
            start_sequence=self._setup.feed.start_sequence,
        )
        parts: list[_Published] = []
        seen, clock, latest = None, np.zeros(1, np.int64), 0
        for publications, _ in delivery:
            table = delivery.table
            if table is not seen and len(table):
                seen, clock = (
                    table,
                    np.maximum(np.maximum.accumulate(table.arrival_ns.astype(np.int64)), latest),
                )
                latest = int(clock[-1])
            if len(publications):
                rows = publications["message"]
                parts.append(
                    _Published(
                        publications.copy(), clock[rows], table.frame[rows], table.line[rows]
                    )
                )
        published = _Published(
            *(
                np.concatenate([part[column] for part in parts] or [np.zeros(0, kind)])
                for column, kind in enumerate((PUBLICATION, np.int64, np.uint32, np.uint8))
            )
        )
        places = np.flatnonzero(published.publications["trust"] == 0)
        quotes = np.zeros(len(places), QUOTE)
        for name in QUOTE.names or ():
            quotes[name] = published.publications[name][places]
        self._tables["quotes"] = [quotes]
        self._tables["trusts"] = [np.array(delivery.trusts, TRUST)]
        self._tables["overflows"] = [np.array(delivery.overflows, OVERFLOW)]
        self._tables["capacities"] = [np.array([(item,) for item in delivery.capacities], CAPACITY)]
        if inputs is not None:
            self._check_controls(inputs.controls, len(quotes))
            inputs.check_coalesced(quotes, partial(self._listed, inputs.controls))
            published.publications["coalesced"][places[inputs.coalesced["quotes"]]] = 1
            self._tables["coalesced"] = [inputs.coalesced.copy()]
            self._tables["controls"] = [inputs.controls.copy()]
        return published

    def _check_controls(self, controls: np.ndarray, quotes: int) -> None:
        """Raise InputsError where what came in force is no set that is known, or came too late."""
        for row, control in enumerate(controls):
            parameters = self._sets.get(int(control["checksum"]))
            if parameters is None or parameters.epoch != control["epoch"]:
                known = ", ".join(f"{one:#010x}" for one in self._sets) or "none"
                found = f"epoch {control['epoch']} with checksum {control['checksum']:#010x}"
                raise InputsError("controls", row, found, f"a set that was given: {known}")
            if control["quotes"] > quotes:
                found = f"{control['quotes']} quotes before it"
                raise InputsError("controls", row, found, f"at most the {quotes} published")

    def _listed(self, controls: np.ndarray, quotes: int) -> np.ndarray:
        """Return how many pairs list each symbol behind so many quotes."""
        row = int(np.searchsorted(controls["quotes"], quotes, side="right")) - 1
        parameters = ParameterSet(epoch=self._setup.epoch, pairs=self._setup.pairs)
        if row >= 0:
            parameters = self._sets[int(controls[row]["checksum"])]
        return listed(parameters, self._strategy.symbols)

    def _judge(
        self, intent: np.void, published: _Published, publication: int, **facts: int
    ) -> np.ndarray | None:
        """Judge an intent; return its orders, or None where it is refused."""
        verdict, orders = self._gate.judge(intent, **facts)
        orders["frame"] = published.frame[publication] % FRAME_MODULUS
        orders["line"] = published.line[publication]
        self._tables["verdicts"].append(verdict)
        self._tables["orders"].append(orders)
        return orders if verdict[0]["passed"] else None

    # As a card decided.

    def _decide_as(self, inputs: CardInputs, published: _Published) -> None:
        self._tables["intents"] = list(self._intents_as(inputs, published))
        outcomes: dict[int, deque[np.ndarray]] = defaultdict(deque)
        for outcome in self._outcomes_as(inputs, published):
            outcomes[int(outcome[0]["pair"])].append(outcome)
        # Those of one pair apply in their order; which pair's is first, the card decides.
        for recorded in inputs.applied:
            waiting = outcomes[int(recorded["pair"])]
            if waiting:
                outcome = waiting.popleft()
                outcome["evaluations"] = recorded["evaluations"]
                self._tables["applied"].append(outcome)
        for pair in sorted(outcomes):
            for outcome in outcomes[pair]:
                outcome["evaluations"] = self._strategy.evaluations
                self._tables["applied"].append(outcome)

    def _intents_as(self, inputs: CardInputs, published: _Published) -> Iterator[np.ndarray]:
        """Let the strategy walk through what was published.

        Outcomes apply, and sets come in force, as recorded; the order of the two at one place does
        not matter.
        """
        strategy, publications = self._strategy, published.publications
        quotes = np.flatnonzero(publications["trust"] == 0)
        places = np.append(quotes, len(publications))
        controls = deque(inputs.controls)
        for outcome in (*inputs.applied, None):
            limit = (
                -1 if outcome is None else max(int(outcome["evaluations"]), strategy.evaluations)
            )
            while True:
                stop = int(places[controls[0]["quotes"]]) if controls else len(publications)
                while len(
                    intents := strategy.walk(publications, stop=stop, limit=limit, most=BATCH)
                ):
                    yield intents
                if not controls or strategy.publication < stop:
                    break
                control = controls.popleft()
                strategy.switch(
                    self._sets[int(control["checksum"])], flatten=bool(control["flatten"])
                )
            if outcome is not None:
                strategy.apply(outcome)

    def _outcomes_as(self, inputs: CardInputs, published: _Published) -> Iterator[np.ndarray]:
        """Let the gate judge each intent where it was judged; return what comes of it."""
        gate, publications = self._gate, published.publications
        verdicts = {int(verdict["id"]): verdict for verdict in inputs.verdicts}
        quotes = np.flatnonzero(publications["trust"] == 0)
        responses = iter(inputs.responses)
        for intent in (row for rows in self._tables["intents"] for row in rows):
            recorded = verdicts.get(int(intent["id"]))
            if recorded is None:
                break
            while gate.responses_applied < recorded["responses_applied"]:
                response = next(responses, None)
                if response is None:
                    break
                yield from self._respond(response)
            gate.take_quotes(publications, int(recorded["quotes_seen"]))
            place = np.searchsorted(publications["sequence"][quotes], intent["sequence"])
            facts = {name: int(recorded[name]) for name in ("state", "feed_ok", "session_ok")}
            if self._judge(intent, published, int(quotes[place]), **facts) is None:
                yield self._refusal(intent)
        for response in responses:
            yield from self._respond(response)

    # Alone.

    def _decide_alone(self, venue: Venue | None, published: _Published) -> None:
        """Let strategy and gate go on together, and a venue answer."""
        strategy, gate, publications = self._strategy, self._gate, published.publications
        due: list[tuple[int, int, np.ndarray]] = []  # time, order of asking, response
        asked = ordered_at = 0
        while True:
            stop = len(publications)
            if due:
                stop = max(int(np.searchsorted(published.clock_ns, due[0][0])), ordered_at)
            intents = strategy.walk(publications, stop=stop)
            if len(intents):
                self._tables["intents"].append(intents)
                at = strategy.publication
                gate.take_quotes(publications, at + 1)
                orders = self._judge(intents[0], published, at)
                if orders is None:
                    self._apply(self._refusal(intents[0]))
                    continue
                ordered_at = at + 1
                for order in orders:
                    for response in self._asked(venue, order, int(published.clock_ns[at])):
                        asked += 1
                        heapq.heappush(due, (int(response["card_ns"][0]), asked, response))
            elif due:
                for outcome in self._respond(heapq.heappop(due)[2][0]):
                    self._apply(outcome)
            else:
                return

    @staticmethod
    def _asked(venue: Venue | None, order: np.void, sent_ns: int) -> Iterator[np.ndarray]:
        """Return what a venue answers to an order, each a table of one row."""
        if venue is None:
            return
        columns = (int(order[name]) for name in ("user_ref", "shares", "price"))
        for answer in venue.answers(*columns):
            row = (answer.kind, answer.user_ref, answer.shares, answer.price, answer.match)
            yield np.array([(*row, sent_ns + venue.delay_ns)], RESPONSE)

    def _apply(self, outcome: np.ndarray) -> None:
        outcome["evaluations"] = self._strategy.evaluations
        self._tables["applied"].append(outcome)
        self._strategy.apply(outcome[0])

    # Both.

    def _respond(self, response: np.void) -> Iterator[np.ndarray]:
        self._tables["responses"].append(np.array([response], RESPONSE))
        outcome = self._gate.respond(response)
        if len(outcome):
            yield outcome

    @staticmethod
    def _refusal(intent: np.void) -> np.ndarray:
        refusal = np.zeros(1, APPLIED)
        refusal["pair"], refusal["refused"] = intent["pair"], 1
        return refusal
