"""A venue that answers by rule: it has no book, so every fill it reports is an assumption."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tickwright.host.records import ResponseKind

__all__ = ["Answer", "FillsError", "ScriptedVenue"]

MATCH_BASE = 1_000_000  # match numbers are the user reference times this, counted up


class FillsError(ValueError):
    """A wrong choice of fills."""


@dataclass(frozen=True)
class Answer:
    """One message of the venue about an order. Shares, 1/10000 dollar."""

    kind: ResponseKind
    user_ref: int
    shares: int = 0
    price: int = 0
    match: int = 0


Rule = Callable[[int, int], "list[tuple[int, int]] | None"]
"""From user reference and shares: executions (shares, price or 0 for the limit); None: reject."""


class ScriptedVenue:
    """Answers every order after a fixed time: accept, then the fills of its rule, then cancel.

    Orders are immediate-or-cancel, so what is not filled is canceled at once. The answers to an
    order depend on the rule and on the order alone, never on what came before.

    ``fills`` is ``full`` (all at the limit price), ``none`` (all canceled), ``random:SEED`` (full,
    in part, in two parts, not at all, or rejected), or the path of a file of fills as `replay
    --fills-out` writes it (orders that it does not name are canceled).
    """

    def __init__(self, fills: str = "full", delay_ns: int = 20_000) -> None:
        if delay_ns < 1:
            raise FillsError(f"fill delay: found {delay_ns} ns, expected at least 1")
        self.fills = fills
        self.delay_ns = delay_ns
        self._rule = _rule(fills)

    @property
    def assumption(self) -> str:
        """What a report must say about the fills."""
        how = {
            "full": "every order filled in full at its limit price",
            "none": "no order filled",
        }.get(self.fills)
        if how is None:
            seed = self.fills.startswith("random:")
            how = "fills drawn at random" if seed else "fills as the file lists them"
            how += f" ({self.fills})"
        return f"fills assumed: {how}, {self.delay_ns:,} ns after the order; no market impact"

    def answers(self, user_ref: int, shares: int, price: int) -> list[Answer]:
        """Return all that the venue says of an order, in order."""
        executions = self._rule(user_ref, shares)
        if executions is None:
            return [Answer(ResponseKind.REJECTED, user_ref)]
        answers = [Answer(ResponseKind.ACCEPTED, user_ref)]
        open_shares = shares
        for number, (filled, at) in enumerate(executions):
            filled = min(filled, open_shares)
            if filled:
                open_shares -= filled
                match = user_ref * MATCH_BASE + number
                answers.append(Answer(ResponseKind.EXECUTED, user_ref, filled, at or price, match))
        if open_shares:
            answers.append(Answer(ResponseKind.CANCELED, user_ref, open_shares))
        return answers


def _rule(fills: str) -> Rule:
    if fills == "full":
        return lambda user_ref, shares: [(shares, 0)]
    if fills == "none":
        return lambda user_ref, shares: []
    if fills.startswith("random:"):
        return _random_rule(fills.removeprefix("random:"))
    return _file_rule(Path(fills))


def _random_rule(seed: str) -> Rule:
    if not seed.isdigit():
        raise FillsError(f"fills: found seed {seed!r}, expected random:SEED with a whole number")

    def rule(user_ref: int, shares: int) -> list[tuple[int, int]] | None:
        draw = random.Random(f"{seed}/{user_ref}")
        part = draw.randint(1, shares)
        return draw.choice(
            [[(shares, 0)], [(shares, 0)], [(part, 0)], _two(part, shares), [], None]
        )

    return rule


def _two(part: int, shares: int) -> list[tuple[int, int]]:
    return [(part, 0), (shares - part, 0)]


def _file_rule(path: Path) -> Rule:
    executions: dict[int, list[tuple[int, int]]] = {}
    try:
        with path.open(newline="") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                try:
                    found = [int(row[name]) for name in ("user_ref_num", "shares", "price")]
                    if not all(1 <= number < 1 << 32 for number in found):
                        raise ValueError
                    executions.setdefault(found[0], []).append((found[1], found[2]))
                except (KeyError, TypeError, ValueError):
                    raise FillsError(
                        f"{path}, line {line}: found {row}, expected whole numbers from 1 to "
                        f"{(1 << 32) - 1} in the columns user_ref_num, shares and price"
                    ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise FillsError(
            f"fills: found {str(path)!r} ({error}), expected full, none, random:SEED or a file"
        ) from None
    return lambda user_ref, shares: executions.get(user_ref, [])
