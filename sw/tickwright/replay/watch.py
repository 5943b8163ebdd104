"""Which symbols of a file to watch, and the card that watches them: no desk file is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from tickwright.core.fixed import PRICE
from tickwright.host.desk import US_NS, base_tick
from tickwright.host.records import TRADING
from tickwright.host.settings import Feed
from tickwright.host.setup import (
    CENT_TICK,
    FINE_TICK,
    LOCATES,
    UNNAMED,
    CardSetup,
    FeedSetup,
    LineSetup,
    SymbolSetup,
)
from tickwright.market.errors import MarketError
from tickwright.market.report import Line
from tickwright.replay.survey import Survey
from tickwright.top.presets import Preset

__all__ = [
    "Watched",
    "expected_symbol",
    "feed_setup",
    "takes_cents",
    "watch",
    "watch_setup",
]

DOLLAR = PRICE.scale
HOLD_NS = Feed().hold_us * US_NS  # a line may be so late, as for a desk that does not say


@dataclass(frozen=True)
class Watched:
    """A symbol by the two names it has in a file, and its median price in 1/10000 dollar."""

    locate: int
    name: str  # as the setup has it: begins with `UNNAMED` where only the locate is known
    median: int | None
    learned: bool  # the card learns the locate from an R message


def expected_symbol(name: str, survey: Survey) -> str:
    """Return what an error says of a symbol that a file does not have."""
    near = get_close_matches(name, survey.locates, 1, 0)
    return f"a symbol of the file, such as {near[0]}" if near else "a file that names its symbols"


def watch(
    survey: Survey, *, symbols: Sequence[str] = (), locates: Sequence[int] = ()
) -> list[Watched]:
    """Return the symbols asked for, in that order; if none are, all the file names, by locate.

    Raises MarketError where the file does not have one.
    """
    chosen = list(locates)
    for name in symbols:
        if name not in survey.locates:
            raise MarketError(f"symbols: found {name}, expected {expected_symbol(name, survey)}")
        chosen.append(survey.locates[name])
    for locate in locates:
        if not 0 <= locate < LOCATES:
            raise MarketError(f"locates: found {locate}, expected 0 to {LOCATES - 1}")
    if not chosen and not survey.names:
        raise MarketError("the file names no symbol (no R, A or F message), expected --locates")
    taken: set[str] = set()
    found = []
    for locate in dict.fromkeys(chosen or sorted(survey.names)):
        name = survey.names.get(locate, "")
        if not _fits(name) or name in taken:
            name = f"{UNNAMED}{locate}"
        taken.add(name)
        learned = locate in survey.listed and not name.startswith(UNNAMED)
        found.append(Watched(locate, name, survey.medians.get(locate), learned))
    return found


def takes_cents(one: Watched) -> bool:
    """Say whether the ticks of a symbol are cents."""
    return not 0 < (one.median or 0) < DOLLAR


def watch_setup(watched: Sequence[Watched], preset: Preset, feed: FeedSetup) -> CardSetup:
    """Return a card that follows the books of symbols and trades nothing.

    Windows are centred on the median price; where that is below a dollar, a tick is 1/10000
    dollar. Every symbol counts as trading, which shows in no book.
    """
    symbols = []
    for one in watched:
        cents = takes_cents(one)
        symbols.append(
            SymbolSetup(
                name=one.name,
                locate=None if one.learned else one.locate,
                base_tick=base_tick(
                    one.median or 0, CENT_TICK if cents else FINE_TICK, preset.window
                ),
                cent_tick=cents,
                status=TRADING,
            )
        )
    return CardSetup(
        window=preset.window,
        slots=preset.slots,
        hold=preset.hold,
        symbols=tuple(symbols),
        feed=feed,
    )


def feed_setup(lines: Sequence[Line], start_sequence: int) -> FeedSetup:
    """Return the feed of a file: its lines, and the first message it holds."""
    setups = [LineSetup(destination=line.address, port=line.port) for line in lines[:2]]
    setups += [LineSetup(destination=0, port=0)] * (2 - len(setups))
    return FeedSetup(
        line_a=setups[0],
        line_b=setups[1],
        start_sequence=start_sequence,
        hold_ns=HOLD_NS,
        max_age_ns=(1 << 48) - 1,
    )


def _fits(name: str) -> bool:
    """Say whether a setup can hold a name."""
    return 0 < len(name) <= 8 and name.isascii() and name.isprintable() and name == name.strip()
