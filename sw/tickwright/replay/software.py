"""A recording through the software model: alone, or deciding as a card did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.records import Journal
from tickwright.host.sets import ParameterSet
from tickwright.host.setup import CardSetup
from tickwright.market.messages_table import MessageTable
from tickwright.model.arbiter import Arbiter, Delivered
from tickwright.model.card import CardInputs, ModelCard
from tickwright.model.delivery import InputsError
from tickwright.model.frames import order_frames
from tickwright.net.headers import Ethernet, Ipv4, Tcp
from tickwright.replay.numbering import Numbering
from tickwright.replay.outcome import Outcome
from tickwright.replay.recording import Recording

__all__ = ["ModelReplay", "delivered_rows", "replay_alone", "replay_as"]


@dataclass(frozen=True, eq=False)
class ModelReplay:
    """What the model made of a recording."""

    outcome: Outcome
    messages: int  # delivered


def replay_alone(
    recording: Recording, setup: CardSetup, script: ScriptedVenue, *, fee: int = 0
) -> ModelReplay:
    """Run the model by itself: it arbitrates, and decides each intent at once.

    ``fee`` is that of one share, in 1/10000 dollar times 1000.
    """
    delivered = 0

    def counted() -> Iterator[Delivered]:
        nonlocal delivered
        for part in Arbiter(setup).deliver(recording.messages()):
            delivered += len(part.messages)
            yield part

    card = ModelCard(setup)
    journal = card.run(counted(), venue=script)
    return ModelReplay(_outcome(setup, card, journal, fee, acks=None), delivered)


def replay_as(
    messages: MessageTable,
    setup: CardSetup,
    card: Outcome,
    *,
    fee: int = 0,
    sets: Mapping[int, ParameterSet] | None = None,
) -> ModelReplay:
    """Run the model with what a card decided by cycles, as its journal and its frames have it.

    ``messages`` are all of the recording, by sequence; ``sets`` the parameters, by checksum, that
    came in force meanwhile. From the first coalesced quote on that is
    none of the model's the model leaves such records aside, so that a comparison tells which it is,
    and what came before it.
    """
    model, inputs = ModelCard(setup, sets), CardInputs.of(card.journal)
    try:
        journal = model.run(messages, inputs)
    except InputsError as error:
        if error.table != "coalesced":
            raise
        inputs = replace(inputs, coalesced=inputs.coalesced[: error.row])
        journal = model.run(messages, inputs)
    acks = [_ack(frame) for frame in card.frames]
    outcome = _outcome(setup, model, journal, fee, acks=acks)
    return ModelReplay(outcome, int(delivered_rows(messages, outcome.numbering).sum()))


def delivered_rows(messages: MessageTable, numbering: Numbering) -> np.ndarray:
    """Say which messages were delivered: not before the first expected, nor declared lost."""
    sequences = messages.sequence.astype(np.int64)
    place = np.searchsorted(numbering.lost_first, sequences, side="right")
    lasts = np.concatenate([[-1], numbering.lost_last])
    return (sequences >= numbering.start) & (sequences > lasts[place])


def _outcome(
    setup: CardSetup, card: ModelCard, journal: Journal, fee: int, acks: list[int] | None
) -> Outcome:
    orders = len(journal.orders)
    if acks is not None:  # a card that sent more or fewer differs in that
        acks = (acks + [setup.session.start_ack] * orders)[:orders]
    return Outcome(
        setup=setup,
        journal=journal,
        numbering=Numbering.of(journal, setup.feed.start_sequence),
        fee=fee,
        frames=list(order_frames(setup, journal.orders, acks)),
        ledger=[int(position) for position in card.positions],
    )


def _ack(frame: bytes) -> int:
    """Return how much the card had received when it sent a frame: it decides that by cycles."""
    return Tcp.unpack(frame, Ethernet.size + Ipv4.size).acknowledgment
