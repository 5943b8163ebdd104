"""Two replays of one recording, compared: the first place where they differ, if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tickwright.feed.messages import ITCH_BY_TYPE, ITCH_SIZES
from tickwright.market.messages_table import MessageTable
from tickwright.replay.outcome import Outcome

__all__ = ["Mismatch", "compare", "decoded"]

HEX_BYTES = 16  # of a frame, shown around the first byte that differs


@dataclass(frozen=True)
class Mismatch:
    """The first difference: what differs and where, and both sides of it.

    ``sequence`` is that of the message concerned, None where nothing tells.
    """

    what: str
    ours: str
    theirs: str
    sequence: int | None

    def lines(self, ours: str, theirs: str) -> list[str]:
        """Return the lines to print, with the names of the two cards."""
        width = max(len(ours), len(theirs))
        return [
            f"first difference: {self.what}",
            f"  {ours:<{width}}  {self.ours}",
            f"  {theirs:<{width}}  {self.theirs}",
        ]


def compare(ours: Outcome, theirs: Outcome) -> Mismatch | None:
    """Compare best prices, intents, verdicts, orders, frames, fills and positions.

    Positions are compared as the two ledgers kept them, and as the fills add up; a card's count of
    the evaluations it left out, with what it recorded of them.
    """
    found = ours.journal.first_difference(theirs.journal)
    if found is not None:
        sequence = found.sequence
        where = "" if sequence is None else f", message sequence {sequence}"
        columns = f" ({', '.join(found.columns)})" if found.columns else ""
        what = f"{found.table} row {found.row}{columns}{where}"
        return Mismatch(what, _row(found.ours), _row(found.theirs), sequence)
    return (
        _frames(ours, theirs)
        or _listed("fills row", ours.fills, theirs.fills)
        or _listed("positions row", ours.results, theirs.results)
        or _listed("position in the ledger, symbol", ours.ledger, theirs.ledger)
        or _ledger(ours)
        or _left_out(ours)
    )


def decoded(messages: MessageTable, sequence: int) -> str:
    """Return the message of a sequence as text."""
    row = int(np.searchsorted(messages.sequence, np.uint64(sequence)))
    if row == len(messages) or int(messages.sequence[row]) != sequence:
        return f"no message of the recording has sequence {sequence}"
    data = messages.message(row)
    kind = chr(data[0])
    if ITCH_SIZES.get(kind) != len(data):
        return f"message {sequence}: {data.hex(' ')} (skipped: no type {kind!r} of that length)"
    try:
        text = repr(ITCH_BY_TYPE[kind].unpack(data))
    except ValueError as error:
        text = f"{data.hex(' ')} ({error})"
    return f"message {sequence} ({kind}): {text}"


def _row(values: dict[str, int] | None) -> str:
    if values is None:
        return "has no such row"
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _frames(ours: Outcome, theirs: Outcome) -> Mismatch | None:
    for number, (one, other) in enumerate(zip(ours.frames, theirs.frames, strict=False)):
        if one != other:
            pairs = zip(one, other, strict=False)
            at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
            begin = max(0, at - HEX_BYTES // 2)
            shown = [frame[begin : begin + HEX_BYTES].hex(" ") for frame in (one, other)]
            sequence = int(ours.journal.orders["sequence"][number])
            what = f"frame {number}, byte {at} ({len(one)} and {len(other)} bytes), from {begin}"
            return Mismatch(what, shown[0], shown[1], sequence)
    if len(ours.frames) != len(theirs.frames):
        return Mismatch(
            "number of frames", str(len(ours.frames)), str(len(theirs.frames)), sequence=None
        )
    return None


def _ledger(one: Outcome) -> Mismatch | None:
    """Compare the ledger of a card, where it was read, with the sum of its fills."""
    if not one.ledger:
        return None
    summed = {result.symbol: result.position for result in one.results}
    for symbol, kept in zip(one.setup.symbols, one.ledger, strict=True):
        if kept != summed.get(symbol.name, 0):
            what = f"position of {symbol.name}: ledger, and the sum of the fills"
            return Mismatch(what, str(kept), str(summed.get(symbol.name, 0)), sequence=None)
    return None


def _left_out(one: Outcome) -> Mismatch | None:
    if one.coalesced in (None, one.left_out):
        return None
    what = "evaluations left out: counted, and recorded"
    return Mismatch(what, str(one.coalesced), str(one.left_out), sequence=None)


def _listed(what: str, ours: Sequence[object], theirs: Sequence[object]) -> Mismatch | None:
    for number in range(max(len(ours), len(theirs))):
        one, other = (rows[number] if number < len(rows) else None for rows in (ours, theirs))
        if one != other:
            return Mismatch(f"{what} {number}", str(one), str(other), sequence=None)
    return None
