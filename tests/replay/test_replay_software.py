"""The model decides as a card did, and what the card recorded is checked against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tickwright.feed.messages import AddOrder, OrderCancel
from tickwright.host.records import COALESCED, TRADING, Journal
from tickwright.host.setup import CardSetup
from tickwright.market.messages_table import MessageTable
from tickwright.model.card import CardInputs, ModelCard
from tickwright.model.delivery import InputsError
from tickwright.replay.compare import compare
from tickwright.replay.numbering import Numbering
from tickwright.replay.outcome import Outcome
from tickwright.replay.software import replay_as

CENT = 100
CENTS = 1000  # of both symbols


@pytest.fixture
def traded(setup: CardSetup) -> CardSetup:
    """Return the card of the desk with locates, in which all symbols trade."""
    symbols = tuple(
        replace(symbol, locate=locate, base_tick=CENTS - 512, status=TRADING, position=0)
        for locate, symbol in enumerate(setup.symbols, 1)
    )
    pairs = tuple(replace(pair, entry_deviation=1) for pair in setup.pairs)
    return replace(setup, symbols=symbols, pairs=pairs)


@pytest.fixture
def messages() -> MessageTable:
    """Return a day in which KO is worth more than PEP from message 4 on."""
    prices = [(2, "B", 0), (2, "S", 1), (1, "B", 10), (1, "S", 11)]
    adds = [
        AddOrder(reference=number, side=side, shares=300, price=CENT * (CENTS + more), locate=at)
        for number, (at, side, more) in enumerate(prices, 1)
    ]
    ticks = [OrderCancel(reference=2, shares=1, locate=2) for _ in range(4)]
    return MessageTable.from_messages([message.pack() for message in (*adds, *ticks)])


def card_of(setup: CardSetup, messages: MessageTable, *coalesced: tuple[int, int, int]) -> Outcome:
    """Return what a card that left out evaluations made of messages."""
    inputs = CardInputs(coalesced=np.array(list(coalesced), COALESCED))
    journal = ModelCard(setup).run(messages, inputs)
    return Outcome(setup, journal, Numbering.of(journal, 1), fee=0)


def rewritten(card: Outcome, **tables: np.ndarray) -> Outcome:
    return replace(card, journal=replace(card.journal, **tables))


def followed(card: Outcome, messages: MessageTable) -> Outcome:
    return replay_as(messages, card.setup, card).outcome


def test_a_card_that_left_out_evaluations_is_followed(traded, messages):
    for coalesced, sequence in (([], 4), ([(4, 3, 2)], 5), ([(4, 3, 2), (5, 4, 1)], 6)):
        card = card_of(traded, messages, *coalesced)
        assert card.journal.intents["sequence"].tolist()[0] == sequence
        model = followed(card, messages)
        assert card.journal.first_difference(model.journal) is None
        card = replace(card, frames=model.frames, ledger=model.ledger, coalesced=card.left_out)
        assert compare(card, model) is None


def test_a_record_that_fits_no_quote_is_the_first_difference(traded, messages):
    card = card_of(traded, messages, (3, 2, 2), (4, 3, 2), (6, 5, 1))
    wrong = card.journal.coalesced.copy()
    wrong["quotes"][1] = 2
    card = rewritten(card, coalesced=wrong)
    found = compare(card, followed(card, messages))
    assert found is not None
    assert found.what == "coalesced row 1, message sequence 4"
    assert (found.ours, found.theirs) == (
        "sequence 4, quotes 2, evaluations 2", "has no such row"
    )  # fmt: skip


def test_what_differs_before_such_a_record_is_told_instead(traded, messages):
    card = card_of(traded, messages, (6, 5, 1))
    quotes = np.concatenate([card.journal.quotes[:1], card.journal.quotes])
    coalesced = card.journal.coalesced.copy()
    coalesced["quotes"] += 1
    wrong = rewritten(card, quotes=quotes, coalesced=coalesced)
    found = compare(wrong, followed(wrong, messages))
    assert found is not None
    assert found.what.startswith("quotes row 1 (")


def test_rows_that_do_not_ascend_are_refused(traded, messages):
    card = card_of(traded, messages, (3, 2, 2), (4, 3, 2))
    wrong = rewritten(card, coalesced=card.journal.coalesced[::-1].copy())
    with pytest.raises(ValueError, match="coalesced row 1: found sequence 3 behind 4, expected"):
        followed(wrong, messages)


def test_a_record_of_another_table_does_not_cut_the_coalesced_quotes(traded, messages, monkeypatch):
    card = card_of(traded, messages, (3, 2, 2), (4, 3, 2))
    run = ModelCard.run

    def refuse(model: ModelCard, messages: MessageTable, inputs: CardInputs) -> Journal:
        if len(inputs.coalesced) == 2:
            raise InputsError("overflows", 1, "sequence 2", "none")
        return run(model, messages, inputs)

    monkeypatch.setattr(ModelCard, "run", refuse)
    with pytest.raises(InputsError, match="overflows row 1: found sequence 2, expected none"):
        followed(card, messages)


def test_an_empty_journal_is_followed(traded):
    none = MessageTable.from_messages([])
    journal = Journal()
    card = Outcome(traded, journal, Numbering.of(journal, 1), fee=0)
    assert followed(card, none).journal.equal(journal)
