"""How long the card takes is a figure, not a distribution; no change may make it longer."""

from __future__ import annotations

import pytest

from tickwright.top.presets import PRESETS
from tickwright.twin.latency import KINDS, Measured, isolated

ROUNDS = 8  # every place of a word
MOST = {"add": 24, "delete": 24, "execute": 24, "cancel": 24, "replace": 26}
"""What is required: cycles from the last byte of an isolated message to word 0 of the frame."""

ISOLATED = {"quotes": 12, "intents": 19, "orders": 20, "frames": 21}
REPLACE = {"quotes": 14, "intents": 21, "orders": 22, "frames": 23}
"""What is reached, stage by stage; a change that lowers a figure lowers it here."""


@pytest.fixture(scope="module")
def paths() -> dict[str, list[dict[str, int]]]:
    return isolated(PRESETS["twin"], ROUNDS)


def test_every_kind_of_message_caused_orders(paths):
    assert set(paths) == set(MOST) == set(KINDS.values())
    assert all(len(found) >= ROUNDS for found in paths.values())


@pytest.mark.parametrize("kind", MOST)
def test_latency_is_one_number_within_its_bound(paths, kind):
    [path] = {tuple(found.items()) for found in paths[kind]}
    assert dict(path) == (REPLACE if kind == "replace" else ISOLATED)
    assert dict(path)["frames"] <= MOST[kind]


def test_figures_of_a_sample():
    found = Measured.of([30, *[21] * 997, 25, 40])
    assert found.as_json() == {
        "min": 21, "mean": 21.032, "p99": 21, "p999": 40, "max": 40, "count": 1000,
    }  # fmt: skip
