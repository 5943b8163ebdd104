"""Bundles of the boards with a pipeline that is only its ports, for they are quickly made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth import *

from tickwright.bundle.build import BOARDS
from tickwright.bundle.check import Report, check
from tickwright.platforms import alveo_card
from tickwright.platforms.alveo_card import SYNCHRONIZERS
from tickwright.platforms.bundle import write_bundle
from tickwright.top.pipeline import Pipeline
from tickwright.top.presets import Preset

SMALL = Preset(
    name="small", symbols=4, orders=64, window=64, pairs=4, fanout=2, hold=64, queue=16, slots=8
)  # fmt: skip


class HollowPipeline(Pipeline):
    """The ports of the pipeline, and hardly anything behind them."""

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.order_tx.payload.eq(self.feed_rx.payload)
        m.d.sync += self.order_tx.valid.eq(self.feed_rx.valid)
        m.d.sync += self.bus.r_data.eq(self.bus.w_data)
        return m


@pytest.fixture
def small() -> Preset:
    return SMALL


@pytest.fixture(scope="session")
def hollow(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the bundle of a board; it must be left as it is."""
    made: dict[str, Path] = {}

    def folder(board: str) -> Path:
        if board not in made:
            made[board] = tmp_path_factory.mktemp(board)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(alveo_card, "Pipeline", HollowPipeline)
                constraints = Path(__file__).parents[2] / "constraints"
                write_bundle(BOARDS[board](), SMALL, made[board], constraints)
        return made[board]

    return folder


@pytest.fixture
def looked_over() -> Callable[..., Report]:
    """Return a function that looks a bundle over."""

    def report(board: str, folder: Path, **other) -> Report:
        platform = BOARDS[board]()
        given = {
            "blocks": platform.blocks,
            "synchronizers": SYNCHRONIZERS,
            "unverified": platform.unverified,
        }
        return check(folder, board, **given | other)

    return report
