"""Opens a file of market data for a verb, and tells what was wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tickwright.cli.arguments import feed_time
from tickwright.cli.output import note, tracked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tickwright.market.report import Line
    from tickwright.replay.recording import Recording

__all__ = ["keep_machine_code", "opened", "tell_damage"]


def keep_machine_code() -> None:
    """Keep what readers and model are compiled to in the user's cache, for later runs."""
    from tickwright.market import compiled as readers
    from tickwright.model import compiled as model
    from tickwright.twin.cache import cache_folder

    for compiled in (readers, model):
        compiled.keep_in(cache_folder())


def opened(
    file: Path,
    from_: str | None,
    until: str | None,
    max_messages: int | None,
    lines: Sequence[Line] | None = None,
) -> Recording:
    """Return a file to run cards on."""
    from tickwright.replay.recording import Recording

    keep_machine_code()
    return Recording(
        file, feed_time(from_), feed_time(until), max_messages, lines=lines, watch=tracked
    )


def tell_damage(recording: Recording) -> None:
    """Say what of a file could not be read, a line for each place."""
    for line in recording.report.damage:
        note(f"tickwright: {line}")
