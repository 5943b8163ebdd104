"""How long the card takes is a figure, not a distribution, and within what is required."""

from __future__ import annotations

import pytest

from tickwright.top.presets import PRESETS
from tickwright.twin.latency import KINDS, Measured, isolated

ROUNDS = 8  # every place of a word
MOST = {"add": 24, "delete": 24, "execute": 24, "cancel": 24, "replace": 26}
"""What is required: cycles from the last byte of an isolated message to word 0 of the frame."""


@pytest.fixture(scope="module")
def paths() -> dict[str, list[dict[str, int]]]:
    return isolated(PRESETS["twin"], ROUNDS)


def test_every_kind_of_message_caused_orders(paths):
    assert set(paths) == set(MOST) == set(KINDS.values())
    assert all(len(found) >= ROUNDS for found in paths.values())


@pytest.mark.parametrize("kind", MOST)
def test_latency_is_one_number_within_its_bound(paths, kind):
    [items] = {tuple(found.items()) for found in paths[kind]}
    path = dict(items)
    assert path["quotes"] < path["intents"] < path["orders"] < path["frames"] <= MOST[kind]


@pytest.mark.parametrize("kind", MOST)
def test_stages_are_seen_where_their_records_pass(paths, kind):
    """An intent is shown a cycle before the gate takes it; all else is taken when it is shown."""
    path = paths[kind][0]
    assert path["quotes"] == path["feed"] + path["book"]
    assert path["intents"] == path["quotes"] + path["strategy"] + 1
    assert path["orders"] == path["quotes"] + path["strategy"] + path["risk"]
    assert path["frames"] == path["orders"] + path["order"] == path["pipeline"]


def test_figures_of_a_sample():
    found = Measured.of([30, *[21] * 997, 25, 40])
    assert found.as_json() == {
        "min": 21, "mean": 21.032, "p99": 21, "p999": 40, "max": 40, "count": 1000,
    }  # fmt: skip
