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

__all__ = ["opened", "tell_damage"]


def opened(
    file: Path,
    from_: str | None,
    until: str | None,
    max_messages: int | None,
    lines: Sequence[Line] | None = None,
) -> Recording:
    """Return a file to run cards on; the model's machine code is kept in the user's cache."""
    from tickwright.model.compiled import keep_in
    from tickwright.replay.recording import Recording
    from tickwright.twin.cache import cache_folder

    keep_in(cache_folder())
    return Recording(
        file, feed_time(from_), feed_time(until), max_messages, lines=lines, watch=tracked
    )


def tell_damage(recording: Recording) -> bool:
    """Say what of a file could not be read, a line for each place; return whether there was any."""
    for line in recording.report.damage:
        note(f"tickwright: {line}")
    return bool(recording.report.damage)
