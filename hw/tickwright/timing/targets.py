"""What is measured of the card, and in which parts."""

from collections.abc import Callable
from dataclasses import dataclass

from amaranth.lib import wiring

from tickwright.book.stage import BookStage
from tickwright.feed.stage import FeedStage
from tickwright.order.stage import OrderStage
from tickwright.risk.stage import RiskStage
from tickwright.strategy.stage import StrategyStage
from tickwright.timing.bare import BarePipeline
from tickwright.timing.harness import Harness
from tickwright.top.build import verilog
from tickwright.top.presets import PRESETS, Preset

__all__ = ["PART", "PIPELINE", "PRESET", "TARGETS", "Target"]

PRESET   = PRESETS["versa"]
PART     = "45F"  # of the card
PIPELINE = "pipeline"


@dataclass(frozen=True)
class Target:
    """A component to be measured by itself, between registers."""

    build: Callable[[Preset], wiring.Component]
    parts: tuple[str, ...] = (PART,)

    def source(self) -> str:
        """Return its Verilog; the module is called ``top``."""
        return verilog(Harness(self.build(PRESET)), "top")


TARGETS = {
    "feed":     Target(FeedStage),
    "book":     Target(BookStage),
    "strategy": Target(StrategyStage),
    "risk":     Target(RiskStage),
    "order":    Target(OrderStage),
    PIPELINE:   Target(BarePipeline, (PART, "85F")),
}
"""All that is measured. The pipeline is in a larger part too, where nothing is crowded."""
