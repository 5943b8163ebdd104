"""The best prices of a recording, by the twin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tickwright.exchange.scripted import ScriptedVenue
from tickwright.market.messages_table import MessageTable
from tickwright.market.reader import stamps_of
from tickwright.replay.bbo import Delivered, journal_rows, merged
from tickwright.replay.recording import Recording
from tickwright.replay.software import delivered_rows
from tickwright.replay.watch import Watched, feed_setup, watch_setup
from tickwright.top.presets import Preset
from tickwright.twin.replay import replay

__all__ = ["twin_rows"]


def twin_rows(
    recording: Recording, watched: Sequence[Watched], preset: Preset, *, at_once: int | None = None
) -> np.ndarray:
    """Return the rows of the file of best prices.

    The file is played once for each batch of symbols: as many as the preset holds, or ``at_once``.
    """
    size = preset.symbols if at_once is None else at_once
    batches = [watched[first : first + size] for first in range(0, len(watched), size)]
    return merged(_runs(recording, batches, preset, recording.by_sequence()))


def _runs(
    recording: Recording,
    batches: Sequence[Sequence[Watched]],
    preset: Preset,
    messages: MessageTable,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    first = 0
    stamps = stamps_of(messages)
    feed = feed_setup(recording.found_lines, recording.survey.first_sequence)
    for batch in batches:
        setup = watch_setup(batch, preset, feed)
        outcome = replay(recording.frames(), setup, preset, ScriptedVenue("none")).outcome
        kept = delivered_rows(messages, outcome.numbering)
        delivered = Delivered(messages.sequence[kept], stamps[kept])
        rows, by_trust = journal_rows(outcome.journal, setup, outcome.numbering, delivered)
        rows["symbol"] += first
        first += len(batch)
        yield rows, by_trust
