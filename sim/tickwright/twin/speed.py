"""How fast the twin runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.setup import CardSetup
from tickwright.top.presets import Preset
from tickwright.twin.frames import Frames
from tickwright.twin.library import library
from tickwright.twin.replay import replay

__all__ = ["measure"]


def measure(
    frames: Iterable[Frames], setup: CardSetup, preset: Preset, *, clock: Callable[[], float]
) -> dict[str, object]:
    """Play frames; ``clock`` returns seconds. Building and loading the card is not counted."""
    library(preset)
    started = clock()

    def timed() -> Iterator[Frames]:
        nonlocal started
        started = clock()
        yield from frames

    result = replay(timed(), setup, preset, ScriptedVenue())
    elapsed = clock() - started
    delivered = result.counters["feed"]["delivered"]
    return {
        "cycles_per_second": result.run.cycles / elapsed,
        "messages_per_second": delivered / elapsed,
        "preset": preset.name,
        "messages": delivered,
        "cycles": result.run.cycles,
        "orders": len(result.outcome.journal.orders),
    }
