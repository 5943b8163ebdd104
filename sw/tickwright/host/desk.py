"""From what a desk wrote to what a card holds: every parameter quantised, none in silence."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tickwright.core.fixed import DEVIATION, HEDGE_RATIO, PRICE, SPREAD, Format
from tickwright.host.places import Place, written
from tickwright.host.settings import Desk, Limits, Pair, SettingsError, SymbolLimits, shown
from tickwright.host.setup import (
    CENT_TICK,
    DEVIATION_LIMIT,
    FINE_TICK,
    LAST_TICK,
    MAX_LEG_SHARES,
    NO_STATUS,
    CardSetup,
    FeedSetup,
    GateSetup,
    LineSetup,
    PairSetup,
    SessionSetup,
    SetupError,
    SymbolSetup,
)
from tickwright.risk.checks import STATES
from tickwright.top.presets import PRESETS, Preset

__all__ = [
    "FEE_SCALE",
    "LIMIT_UNITS",
    "Quantised",
    "base_tick",
    "card_setup",
    "fee",
    "pair_setup",
    "preset_of",
    "quantised",
    "watched",
]

US_NS = 1_000
MS_NS = 1_000_000
FEE_SCALE = 1000  # a fee is counted in 1/1000 of a price unit
COLLAR_BITS = 32
MONEY_BITS = 48  # of a mean and of an edge, in the format of a spread
ZERO = Decimal(0)
ROUND_TRIP = 2  # a position pays its fees when it is opened and when it is closed


# Key of a limit, name in the setup, scale, unit.
LIMIT_UNITS = (
    ("max_shares", "max_shares", 1, "shares"),
    ("max_notional_usd", "max_notional", PRICE.scale, "dollars"),
    ("max_position", "max_position", 1, "shares"),
    ("collar_usd", "collar", PRICE.scale, "dollars"),
    ("position", "position", 1, "shares"),
)


@dataclass(frozen=True)
class Quantised:
    """One parameter: as typed, as the card holds it, and what the card's number means.

    What is typed as a word means that word.
    """

    where: str
    name: str
    typed: str
    held: int
    meaning: Decimal | str
    unit: str

    @property
    def error(self) -> Decimal | None:
        """By how much the card misstates what was typed; None where it is not a plain number."""
        if isinstance(self.meaning, str):
            return None
        try:
            return self.meaning - Decimal(self.typed)
        except ArithmeticError:
            return None


def preset_of(desk: Desk) -> Preset:
    """Return the preset a desk file names."""
    found = desk.card.preset
    if found not in PRESETS:
        raise SettingsError(
            f"card.preset: found {found!r}, expected one of {', '.join(PRESETS)}",
            ("card", "preset"),
        )
    return PRESETS[found]


def watched(desk: Desk) -> list[str]:
    """Return the symbols a desk watches: those of its pairs, then those it only lists."""
    legs = [stock for pair in desk.pair for stock in (pair.a, pair.b)]
    return list(dict.fromkeys([*legs, *desk.symbols]))


def fee(desk: Desk) -> int:
    """Return the assumed fee of one share, in 1/10000 dollar times 1000."""
    exact = desk.assumptions.fee_usd_per_share * PRICE.scale * FEE_SCALE
    return int(exact.to_integral_value())


def base_tick(reference: int, tick_size: int, window: int) -> int:
    """Return the lowest tick of a window centred on a reference price, in 1/10000 dollar."""
    return min(max(reference // tick_size - window // 2, 0), LAST_TICK - window)


def card_setup(
    desk: Desk,
    limits: Limits,
    *,
    locates: Mapping[str, int] | None = None,
    references: Mapping[str, int] | None = None,
    status: int = NO_STATUS,
    epoch: int = 1,
) -> CardSetup:
    """Return the setup of the card for a desk under limits.

    ``locates``: symbols whose locate the host sets; the others are learned from R messages.
    ``references``: prices, in 1/10000 dollar, that centre the windows of symbols whose desk entry
    has no ``reference_usd``. ``status``: trading status until the first H message.

    Raises SettingsError or SetupError: key, value found, what was expected.
    """
    preset = preset_of(desk)
    names = watched(desk)
    index = {name: place for place, name in enumerate(names)}
    for name in limits.symbols:
        if name not in index:
            raise SettingsError(
                f"limits: {written(('symbols', name))}: expected a symbol of the desk file",
                ("symbols", name),
            )
    ticks = {name: _tick_size(desk, name) for name in names}
    try:
        return CardSetup(
            window=preset.window,
            slots=preset.slots,
            hold=preset.hold,
            epoch=epoch,
            symbols=tuple(
                SymbolSetup(
                    name=name,
                    locate=(locates or {}).get(name),
                    base_tick=base_tick(
                        _reference(desk, name, references or {}), ticks[name], preset.window
                    ),
                    cent_tick=ticks[name] == CENT_TICK,
                    status=status,
                    **_symbol_limits(limits, name),
                )
                for name in names
            ),
            pairs=tuple(pair_setup(pair, desk, index, ticks)[0] for pair in desk.pair),
            gate=_gate(desk, limits),
            feed=_feed(desk),
            session=_session(desk),
        )
    except SetupError as error:
        raise SettingsError(str(error)) from None


@dataclass(frozen=True)
class _Wish:
    """A pair as its desk typed it; whatever the card cannot take is refused by the key typed."""

    pair: Pair
    desk: Desk

    def refusal(self, name: str, expected: str, found: str = "") -> SettingsError:
        """Return the error about a key: the value as typed, unless more of it matters."""
        found = found or shown(getattr(self.pair, name))
        number = next(at for at, pair in enumerate(self.desk.pair) if pair is self.pair)
        return SettingsError(
            f"pair {self.pair.name}: {name}: found {found}, expected {expected}",
            ("pair", number, name),
        )

    def check(self) -> None:
        """Raise where a value makes no sense, however it is held."""
        pair = self.pair
        if pair.statistics_half_life_s != 0:
            raise self.refusal(
                "statistics_half_life_s",
                "0: mean and sigma are fixed as given until the card computes them",
            )
        if pair.a == pair.b:
            raise self.refusal("b", "another symbol than a")
        first = next(one for one in self.desk.pair if one.name == pair.name)
        if first is not pair:
            raise self.refusal("name", "each name once")
        for name in ("hedge_ratio", "sigma_usd", "entry_z", "stop_z"):
            if getattr(pair, name) <= 0:
                raise self.refusal(name, "above 0")
        if pair.exit_z < 0:
            raise self.refusal("exit_z", "at least 0")
        if not pair.exit_z <= pair.entry_z:
            raise self.refusal("exit_z", f"at most entry_z, which is {shown(pair.entry_z)}")

    def quantised(
        self, name: str, kind: Format, *, lowest: int | None = None, bits: int | None = None,
        more: Decimal = ZERO,
    ) -> int:  # fmt: skip
        """Return a value, and ``more``, as the card holds it: in ``bits``, if not in the format's.

        It is at least ``lowest``, if not what fits.
        """
        highest = kind.highest if bits is None else (1 << bits - 1) - 1
        lowest = -highest - 1 if lowest is None else lowest
        try:
            held = kind.quantise(getattr(self.pair, name) + more)
        except ValueError:
            held = highest + 1
        if lowest <= held <= highest:
            return held
        low, high = (Decimal(end) / kind.scale - more for end in (lowest, highest))
        raise self.refusal(name, f"{low:.6f} to {high:.6f}")

    def distances(self) -> dict[str, int]:
        """Return the distances from the mean, in the card's units, by key."""
        pair = self.pair
        distances = {}
        for name in ("entry_z", "exit_z", "stop_z"):
            distance = Fraction(getattr(pair, name)) * Fraction(pair.sigma_usd) * DEVIATION.scale
            distances[name] = round(distance)
            if distances[name] > DEVIATION_LIMIT:
                most = Decimal(DEVIATION_LIMIT) / DEVIATION.scale
                raise self.refusal(
                    name,
                    f"at most {most:.2f} dollars",
                    f"{shown(getattr(pair, name))} x {shown(pair.sigma_usd)} dollars",
                )
        if distances["entry_z"] >= distances["stop_z"] and pair.entry_z < pair.stop_z:
            raise self.refusal(
                "sigma_usd",
                f"more: to the card, entry_z {shown(pair.entry_z)} and stop_z "
                f"{shown(pair.stop_z)} times so little are one distance",
            )
        if distances["entry_z"] >= distances["stop_z"]:
            raise self.refusal("entry_z", f"less than stop_z, which is {shown(pair.stop_z)}")
        return distances

    def fees(self) -> Decimal:
        """Return what a share of A, with its shares of B, pays to open and to close, in dollars."""
        rate = ROUND_TRIP * (1 + self.pair.hedge_ratio)
        typed = self.desk.assumptions.fee_usd_per_share
        most = Decimal((1 << MONEY_BITS - 1) - 1) / SPREAD.scale / rate
        if abs(typed) > most:
            raise SettingsError(
                f"assumptions.fee_usd_per_share: found {shown(typed)}, expected -{most:.6f} to "
                f"{most:.6f}, as pair {self.pair.name} pays it {rate} times",
                ("assumptions", "fee_usd_per_share"),
            )
        return typed * rate

    def shares_b(self) -> int:
        """Return the shares of B in an entry."""
        pair = self.pair
        shares = int((pair.shares_a * pair.hedge_ratio).to_integral_value())
        if not 1 <= shares <= MAX_LEG_SHARES:
            raise self.refusal(
                "shares_a",
                f"1 to {MAX_LEG_SHARES}",
                f"{pair.shares_a} x {shown(pair.hedge_ratio)}, which is {shares} shares of B",
            )
        return shares


def pair_setup(
    pair: Pair, desk: Desk, index: Mapping[str, int], ticks: Mapping[str, int]
) -> tuple[PairSetup, list[Quantised]]:
    """Return a pair as the card holds it, and each parameter with what became of it."""
    wish = _Wish(pair, desk)
    rows: list[Quantised] = []

    def note(name: str, held: int, meaning: Decimal, unit: str, typed: object = None) -> int:
        text = shown(getattr(pair, name) if typed is None else typed)
        rows.append(Quantised(f"pair {pair.name}", name, text, held, meaning, unit))
        return held

    wish.check()
    hedge = wish.quantised("hedge_ratio", HEDGE_RATIO, lowest=1)
    note("hedge_ratio", hedge, HEDGE_RATIO.value(hedge), "dollars of A per dollar of B")
    mean = wish.quantised("mean_usd", SPREAD, bits=MONEY_BITS)
    note("mean_usd", mean, SPREAD.value(mean), "dollars")
    distances = wish.distances()
    for name, distance in distances.items():
        deviation = Decimal(distance) / DEVIATION.scale
        note(name, distance, deviation / pair.sigma_usd, "standard deviations")
    fees = wish.fees()
    edge = wish.quantised("min_edge_usd", SPREAD, bits=MONEY_BITS, more=fees)
    note("min_edge_usd", edge, SPREAD.value(edge) - fees, "dollars per share of A, after fees")
    shares_b = wish.shares_b()
    note("shares_a", pair.shares_a, Decimal(pair.shares_a), "shares")
    note("shares_b", shares_b, Decimal(shares_b), "shares", pair.shares_a * pair.hedge_ratio)
    sizes = {"a": ticks[pair.a], "b": ticks[pair.b]}
    widths = {leg: pair.max_spread_ticks * size for leg, size in sizes.items()}
    reaches = {leg: pair.aggression_ticks * size for leg, size in sizes.items()}
    for leg, size in sizes.items():
        for name, held in (("max_spread_ticks", widths[leg]), ("aggression_ticks", reaches[leg])):
            note(name, held, Decimal(held) / size, f"ticks of {leg.upper()}")
    note("retry_ms", pair.retry_ms * MS_NS, Decimal(pair.retry_ms), "milliseconds")
    setup = PairSetup(
        name=pair.name,
        enabled=pair.enabled,
        symbol_a=index[pair.a],
        symbol_b=index[pair.b],
        hedge=hedge,
        mean=mean,
        entry_deviation=distances["entry_z"],
        exit_deviation=distances["exit_z"],
        stop_deviation=distances["stop_z"],
        min_edge=edge,
        shares_a=pair.shares_a,
        shares_b=shares_b,
        max_spread_a=widths["a"],
        max_spread_b=widths["b"],
        aggression_a=reaches["a"],
        aggression_b=reaches["b"],
        retry_ns=pair.retry_ms * MS_NS,
    )
    return setup, rows


def quantised(desk: Desk, limits: Limits, setup: CardSetup) -> list[Quantised]:
    """Return every parameter that is a quantity, with what became of it in a setup made of both."""
    rows: list[Quantised] = []

    def note(where: str, name: str, typed: object, held: int, scale: int, unit: str) -> None:
        rows.append(Quantised(where, name, shown(typed), held, Decimal(held) / scale, unit))

    note("feed", "hold_us", desk.feed.hold_us, setup.feed.hold_ns, US_NS, "microseconds")
    note("feed", "max_age_ms", desk.feed.max_age_ms, setup.feed.max_age_ns, MS_NS, "milliseconds")
    timeout = desk.order_entry.ack_timeout_ms
    note(
        "order_entry", "ack_timeout_ms", timeout, setup.session.ack_timeout_ns, MS_NS,
        "milliseconds",
    )  # fmt: skip
    typed_fee = desk.assumptions.fee_usd_per_share
    note("assumptions", "fee_usd_per_share", typed_fee, fee(desk), PRICE.scale * FEE_SCALE,
         "dollars")  # fmt: skip
    for held in setup.symbols:
        own = desk.symbols.get(held.name)
        if own is None:
            continue
        where, half = f"symbol {held.name}", setup.window // 2
        note(where, "tick_usd", own.tick_usd, held.tick_size, PRICE.scale, "dollars")
        if own.reference_usd is not None and held.base_tick not in (0, LAST_TICK - setup.window):
            middle = (held.base_tick + half) * held.tick_size
            note(where, "reference_usd", own.reference_usd, middle, PRICE.scale, "dollars")
    index = {symbol.name: place for place, symbol in enumerate(setup.symbols)}
    ticks = {symbol.name: symbol.tick_size for symbol in setup.symbols}
    for pair in desk.pair:
        rows += pair_setup(pair, desk, index, ticks)[1]
    state = limits.state
    rows.append(
        Quantised("limits", "state", state, STATES.index(state), state, "state of the gate")
    )
    for where, owner, held in (
        ("limits", limits, _gate(Desk(), limits)),
        ("limits of the desk", desk.limits, setup.gate),
        *(
            (f"limits of {symbol.name}", limits.symbols[symbol.name], symbol)
            for symbol in setup.symbols
            if symbol.name in limits.symbols
        ),
        ("defaults", limits.defaults, _defaults(limits)),
    ):
        for name, register, scale, unit in LIMIT_UNITS:
            typed = getattr(owner, name, None)
            if typed is not None:
                note(where, name, typed, getattr(held, register), scale, unit)
    return rows


def _defaults(limits: Limits) -> SymbolSetup:
    return SymbolSetup(name="-", cent_tick=True, **_symbol_limits(limits, "-"))


def _tick_size(desk: Desk, name: str) -> int:
    symbol = desk.symbols.get(name)
    if symbol is None:
        return CENT_TICK
    size = symbol.tick_usd * PRICE.scale
    if size not in (CENT_TICK, FINE_TICK):
        place = ("symbols", name, "tick_usd")
        raise SettingsError(
            f"{written(place)}: found {shown(symbol.tick_usd)}, expected 0.01 or 0.0001", place
        )
    return int(size)


def _reference(desk: Desk, name: str, references: Mapping[str, int]) -> int:
    symbol = desk.symbols.get(name)
    place = ("symbols", name, "reference_usd")
    if symbol is not None and symbol.reference_usd is not None:
        try:
            return PRICE.quantise(symbol.reference_usd)
        except ValueError:
            raise SettingsError(
                f"{written(place)}: found {shown(symbol.reference_usd)}, expected 0 to "
                f"{PRICE.value(PRICE.highest)}",
                place,
            ) from None
    if name in references:
        return references[name]
    if symbol is not None:
        raise SettingsError(
            f"{written(place)}: found nothing, expected a price to centre the window on", place
        )
    pair = next(pair for pair in desk.pair if name in (pair.a, pair.b))
    raise _Wish(pair, desk).refusal(
        "a" if name == pair.a else "b",
        f"a price to centre its window on, as {written(place)}",
    )


def _notional(file: str, place: Place, dollars: Decimal, bits: int = 63) -> int:
    held = int(dollars * PRICE.scale)  # downwards: a limit is never looser than typed
    if not 0 <= held < 1 << bits:
        most = Decimal((1 << bits) - 1) / PRICE.scale
        raise SettingsError(
            f"{file}: {written(place)}: found {shown(dollars)}, expected 0 to {most}", place
        )
    return held


def _symbol_limits(limits: Limits, name: str) -> dict[str, int]:
    own = limits.symbols.get(name)

    def value(key: str):
        found = getattr(own, key, None)
        return getattr(limits.defaults, key) if found is None else found

    def notional(key: str, bits: int = 63) -> int:
        typed = getattr(own, key, None) is not None
        place = ("symbols", name, key) if typed else ("defaults", key)
        return _notional("limits", place, value(key), bits)

    keys = SymbolLimits.__struct_fields__
    found = {key: value(key) for key in keys}
    return {
        "max_shares": found["max_shares"],
        "max_notional": notional("max_notional_usd"),
        "max_position": found["max_position"],
        "collar": notional("collar_usd", COLLAR_BITS),
        "position": own.position if own else 0,
    }


def _gate(desk: Desk, limits: Limits) -> GateSetup:
    if limits.state not in STATES:
        raise SettingsError(
            f"limits: state: found {limits.state!r}, expected one of {', '.join(STATES)}",
            ("state",),
        )
    for key in ("max_shares", "max_notional_usd"):
        ours, theirs = getattr(desk.limits, key), getattr(limits, key)
        if ours is not None and not 0 <= ours <= theirs:
            raise SettingsError(
                f"desk: limits.{key}: found {shown(ours)}, expected 0 to {shown(theirs)}: a desk "
                f"file may only tighten the limits file",
                ("limits", key),
            )
    shares, notional = desk.limits.max_shares, desk.limits.max_notional_usd
    notional = limits.max_notional_usd if notional is None else notional
    return GateSetup(
        max_shares=limits.max_shares if shares is None else shares,
        max_notional=_notional("limits", ("max_notional_usd",), notional),
        state=limits.state,
        first_user_ref=desk.order_entry.first_user_ref,
    )


def _address(place: Place, text: str) -> int:
    try:
        return int(ipaddress.IPv4Address(text))
    except ValueError:
        raise SettingsError(
            f"{written(place)}: found {text!r}, expected an IPv4 address", place
        ) from None


def _line(place: Place, text: str) -> LineSetup:
    address, _, port = text.rpartition(":")
    if not 0 < int(port) < 1 << 16:
        raise SettingsError(f"{written(place)}: found port {port}, expected 1 to 65535", place)
    return LineSetup(destination=_address(place, address), port=int(port))


def _feed(desk: Desk) -> FeedSetup:
    feed = desk.feed
    return FeedSetup(
        line_a=_line(("feed", "line_a"), feed.line_a),
        line_b=_line(("feed", "line_b"), feed.line_b),
        start_sequence=feed.start_sequence,
        hold_ns=feed.hold_us * US_NS,
        max_age_ns=feed.max_age_ms * MS_NS,
    )


def _session(desk: Desk) -> SessionSetup:
    entry = desk.order_entry
    return SessionSetup(
        local_mac=int(entry.local_mac.replace(":", ""), 16),
        peer_mac=int(entry.peer_mac.replace(":", ""), 16),
        local_address=_address(("order_entry", "local_address"), entry.local_address),
        peer_address=_address(("order_entry", "peer_address"), entry.peer_address),
        local_port=entry.local_port,
        peer_port=entry.peer_port,
        start_seq=entry.start_seq,
        start_ack=entry.start_ack,
        start_window=entry.start_window,
        window=entry.window,
        ack_timeout_ns=entry.ack_timeout_ms * MS_NS,
    )
