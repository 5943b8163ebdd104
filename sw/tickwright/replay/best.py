"""The best prices of a recording, by the software model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tickwright.host.setup import CardSetup
from tickwright.model.arbiter import Arbiter
from tickwright.model.card import bbo_rows
from tickwright.replay.recording import Recording

__all__ = ["model_rows"]


def model_rows(recording: Recording, setup: CardSetup) -> Iterator[np.ndarray]:
    """Yield the rows of the file of best prices, a chunk at a time."""
    arbiter = Arbiter(setup)
    yield from bbo_rows(setup, arbiter.deliver(recording.messages()))
