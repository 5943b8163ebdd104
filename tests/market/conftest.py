"""What the tests of market data share: compiled loops, small messages, one synthetic session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tickwright.feed.messages import AddOrder, OrderDelete
from tickwright.market.compiled import keep_in
from tickwright.market.generator import SessionFiles, generate_session
from tickwright.market.session import SessionSettings
from tickwright.twin.cache import cache_folder


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> None:
    """Keep machine code between runs, as the command line does."""
    keep_in(cache_folder())


@pytest.fixture
def messages() -> list[bytes]:
    """Return forty messages of two kinds."""
    made: list[bytes] = []
    for number in range(20):
        stamp = 34_200_000_000_000 + number * 1000
        made.append(
            AddOrder(
                locate=number % 3 + 1, timestamp_ns=stamp, reference=number + 1, side="B",
                shares=100, stock="TICK", price=100_000 + number,
            ).pack()
        )  # fmt: skip
        made.append(
            OrderDelete(
                locate=number % 3 + 1, timestamp_ns=stamp + 400, reference=number + 1
            ).pack()
        )
    return made


@pytest.fixture
def binary_file(tmp_path: Path) -> Callable[[list[bytes]], Path]:
    """Return what writes records as a BinaryFILE."""

    def write(records: list[bytes]) -> Path:
        path = tmp_path / "some.itch50"
        path.write_bytes(b"".join(len(each).to_bytes(2, "big") + each for each in records))
        return path

    return write


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[SessionFiles, dict[str, Any]]:
    """Return a synthetic session with every trouble its lines may have."""
    folder = tmp_path_factory.mktemp("session")
    settings = SessionSettings(
        seed=7, symbols=12, pairs=5, messages=60_000, loss_a=0.02, loss_b=0.03, loss_both=3,
        duplicate=0.01, halts=2,
    )  # fmt: skip
    return generate_session(folder / "day.pcap", settings)
