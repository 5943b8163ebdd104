"""The plan of a synthetic session: which symbols, which pairs, when.

Everything is planned in integers from the seed: prices in 1/10000 dollar, times in nanoseconds
since midnight.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from tickwright.market.dice import Dice
from tickwright.market.errors import MarketError
from tickwright.market.times import DAY_S, SECOND_NS

__all__ = ["CENT", "Listing", "PlantedPair", "SessionPlan", "SessionSettings", "plan_session"]

CENT = 100  # 1/10000 dollar
DOLLAR = 10_000
SUB_PENNY_TICK = 1

LONGEST_DAY_S = 23_400  # from 09:30 to 16:00
SHORTEST_DAY_S = 10
MESSAGES_PER_S = 43  # a day of a million messages at its full length
PREOPEN_S = 60  # from the start of messages to the open
AFTER_CLOSE_S = 5

MESSAGES_PER_SYMBOL = 48  # least: directory, first book, opening, closing, and some trading
SYMBOLS_FOR_SUB_DOLLAR = 20
BURST_MESSAGES = 12  # messages that one turn of a pair makes, about

ABOVE_SIGMA_PERCENT = 220  # of the combined half-spread: an entry at 2 sigma is 4.4 of them
ABOVE_CLAMP_PERCENT = 310  # of sigma: below the stop
BELOW_SIGMA_PERCENT = 30  # of the combined half-spread
BELOW_CLAMP_PERCENT = 80  # of the combined half-spread: crossing costs more, always
WALK_STEP = 35  # 1/10000 dollar, standard deviation of a step of a pair's B
REVERSIONS = 100  # times that a spread's memory fits into the session
SHORTEST_MEMORY = 20  # turns

CONSONANTS = "BCDFGHKLMNPRSTVZ"
VOWELS = "AEIOU"


@dataclass(frozen=True, kw_only=True)
class SessionSettings:
    """What a user may ask of a session; checked as it is made."""

    seed: int = 1
    symbols: int = 40
    pairs: int = 20
    messages: int = 1_000_000
    loss_a: float = 0.0
    loss_b: float = 0.0
    loss_both: int = 0
    duplicate: float = 0.0
    delay_us: float = 5.0
    halts: int = 0
    open_s: int = 9 * 3600 + 30 * 60
    duration_s: int = 0
    gbps: float = 10.0
    date: str = "2026-01-05"

    def __post_init__(self) -> None:
        for name, low, high in (
            ("seed", 0, (1 << 63) - 1), ("symbols", 1, 4096), ("pairs", 0, 2048),
            ("loss_a", 0, 1), ("loss_b", 0, 1), ("duplicate", 0, 1), ("loss_both", 0, 1000),
            ("delay_us", 0, 1_000_000), ("halts", 0, 1000),
            ("open_s", PREOPEN_S, DAY_S - SHORTEST_DAY_S - 2 * AFTER_CLOSE_S),
            ("duration_s", 0, DAY_S), ("gbps", 0.1, 1000),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:
                raise MarketError(f"{name}: found {value}, expected {low} to {high}")
        if 2 * self.pairs > self.symbols:
            raise MarketError(
                f"pairs: found {self.pairs}, expected at most {self.symbols // 2}, two symbols of "
                f"{self.symbols} each"
            )
        least = MESSAGES_PER_SYMBOL * (self.symbols + unwatched(self.symbols)) + 20
        if not least <= self.messages <= 1 << 31:
            raise MarketError(
                f"messages: found {self.messages}, expected at least {least} for {self.symbols} "
                f"symbols"
            )
        if self.day_s + self.open_s + AFTER_CLOSE_S >= DAY_S:
            raise MarketError(
                f"duration: found {self.day_s} s from second {self.open_s} on, expected an end "
                f"before midnight"
            )

    @property
    def day_s(self) -> int:
        """Length of the market's hours."""
        fitting = min(LONGEST_DAY_S, max(SHORTEST_DAY_S, self.messages // MESSAGES_PER_S))
        return self.duration_s or fitting


def unwatched(symbols: int) -> int:
    """Return how many more symbols the feed carries than the desk watches."""
    return max(2, symbols // 4)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A symbol of the day; prices in 1/10000 dollar."""

    name: str
    locate: int
    tick: int
    reference: int  # prior close
    half_spread: int  # that its market makers keep from the fair price, before they round outwards
    watched: bool
    careful: bool  # nobody trades inside its touch

    @property
    def shown_half_spread(self) -> int:
        """Half the spread that is shown on average, rounding included."""
        return self.half_spread + self.tick // 2


@dataclass(frozen=True, kw_only=True)
class PlantedPair:
    """Two symbols with A = hedge * B + mean + a deviation that returns to 0; 1/10000 dollar."""

    name: str
    a: int
    b: int
    hedge_percent: int
    mean: int
    sigma: int
    clamp: int  # the deviation stays within
    half_spread: int  # combined: that of A plus hedge times that of B
    above_cost: bool


@dataclass(frozen=True, kw_only=True)
class SessionPlan:
    """The day before it happens."""

    settings: SessionSettings
    listings: tuple[Listing, ...]
    pairs: tuple[PlantedPair, ...]
    memory: int  # turns a deviation needs to revert
    walk_memory: int

    @property
    def start_ns(self) -> int:
        """Return when messages start."""
        return (self.settings.open_s - PREOPEN_S) * SECOND_NS

    @property
    def open_ns(self) -> int:
        """Return when the market opens."""
        return self.settings.open_s * SECOND_NS

    @property
    def close_ns(self) -> int:
        """Return when the market closes."""
        return (self.settings.open_s + self.settings.day_s) * SECOND_NS

    @property
    def end_ns(self) -> int:
        """Return when messages end."""
        return self.close_ns + AFTER_CLOSE_S * SECOND_NS


def ticker(index: int) -> str:
    """Return a pronounceable symbol of four letters."""
    letters = ""
    for alphabet in (CONSONANTS, VOWELS, CONSONANTS, VOWELS):
        index, place = divmod(index, len(alphabet))
        letters += alphabet[place]
    return letters


def _locates(dice: Dice, count: int) -> list[int]:
    """Return distinct locates, in no order, as the feed numbers far more symbols than these."""
    found: list[int] = []
    while len(found) < count:
        locate = dice.between(1, 11_900)
        if locate not in found:
            found.append(locate)
    return found


def _plan_pair(dice: Dice, index: int, above: bool) -> tuple[PlantedPair, tuple[int, int], tuple]:
    """Return a pair, the references of its symbols, and their half-spreads."""
    hedge = dice.between(60, 150)
    reference_b = dice.between(2_000, 12_000) * CENT
    mean = dice.between(-500, 500) * CENT
    reference_a = hedge * reference_b // 100 + mean
    spreads = (CENT // 2 * dice.between(1, 2), CENT // 2 * dice.between(1, 2))
    shown = [spread + CENT // 2 for spread in spreads]
    combined = shown[0] + hedge * shown[1] // 100
    if above:
        sigma = combined * ABOVE_SIGMA_PERCENT // 100
        clamp = sigma * ABOVE_CLAMP_PERCENT // 100
    else:
        sigma = combined * BELOW_SIGMA_PERCENT // 100
        clamp = combined * BELOW_CLAMP_PERCENT // 100
    pair = PlantedPair(
        name=f"pair-{index:02}", a=2 * index, b=2 * index + 1, hedge_percent=hedge, mean=mean,
        sigma=sigma, clamp=clamp, half_spread=combined, above_cost=above,
    )  # fmt: skip
    return pair, (reference_a, reference_b), spreads


def plan_session(settings: SessionSettings) -> SessionPlan:
    """Plan the symbols and pairs of a session from its seed."""
    dice = Dice(settings.seed)
    count = settings.symbols + unwatched(settings.symbols)
    locates = _locates(dice, count)
    start = dice.between(0, 2000)
    pairs: list[PlantedPair] = []
    listings: list[Listing] = []

    def list_symbol(reference: int, half_spread: int, *, careful: bool = False) -> None:
        index = len(listings)
        sub_dollar = reference < DOLLAR
        listings.append(
            Listing(
                name=ticker(start + index),
                locate=locates[index],
                tick=SUB_PENNY_TICK if sub_dollar else CENT,
                reference=reference // CENT * CENT,
                half_spread=half_spread,
                watched=index < settings.symbols,
                careful=careful,
            )
        )

    for index in range(settings.pairs):
        above = index % 5 not in (2, 4)  # three of five
        pair, references, spreads = _plan_pair(dice, index, above)
        pairs.append(pair)
        for reference, spread in zip(references, spreads, strict=True):
            list_symbol(reference, spread, careful=not above)
    for index in range(2 * settings.pairs, count):
        if settings.symbols >= SYMBOLS_FOR_SUB_DOLLAR and index % 4 == 1:
            list_symbol(dice.between(20, 90) * CENT, dice.between(4, 20))
        else:
            list_symbol(dice.between(500, 30_000) * CENT, CENT // 2 * dice.between(1, 4))
    actors = settings.pairs * 2 + count - 2 * settings.pairs
    turns = settings.messages * 2 // (BURST_MESSAGES * actors)
    return SessionPlan(
        settings=settings,
        listings=tuple(listings),
        pairs=tuple(pairs),
        memory=max(SHORTEST_MEMORY, turns // REVERSIONS),
        walk_memory=max(SHORTEST_MEMORY, turns // 3),
    )


def step_of(sigma: int, memory: int) -> int:
    """Return the standard deviation of a step whose sum, forgotten so, has that of ``sigma``."""
    return isqrt(2 * sigma * sigma // memory)
