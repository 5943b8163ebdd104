"""The two files a desk writes: parameters (the quant's) and limits (the risk officer's).

Each key is described once, in the structures below: type, unit, help, default and check. The
commented file of `desk new`, the check of a file and the JSON schema derive from them. Dollars are
exact decimals, written as text or as a TOML number; they are never floats.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from tickwright.risk.checks import STATES
from tickwright.top.presets import PRESETS

__all__ = [
    "Assumptions",
    "Desk",
    "Feed",
    "Key",
    "Limits",
    "LimitsOverride",
    "OrderEntry",
    "Pair",
    "SettingsError",
    "Symbol",
    "SymbolLimits",
    "keys",
    "read_desk",
    "read_limits",
    "schema",
]


Kind = TypeVar("Kind", bound=Struct)

LARGEST = Decimal(10) ** 12  # beyond any price, notional or ratio that makes sense
DECIMALS = 18


class SettingsError(ValueError):
    """A desk or limits file that cannot be used."""


def _unit(unit: str, **checks: Any) -> Meta:
    return Meta(extra_json_schema={"unit": unit}, **checks)


def _help(text: str, *examples: Any) -> Meta:
    return Meta(description=text, examples=list(examples) or None)


Dollars = Annotated[Decimal, _unit("dollars")]
Shares = Annotated[int, _unit("shares", ge=0, le=999_999)]
OrderShares = Annotated[int, _unit("shares", ge=1, le=999_999)]
Position = Annotated[int, _unit("shares", ge=0, le=(1 << 31) - 1)]
HeldShares = Annotated[int, _unit("shares", ge=-(1 << 31), le=(1 << 31) - 1)]
Ticks = Annotated[int, _unit("ticks", ge=0, le=10_000)]
Deviations = Annotated[Decimal, _unit("standard deviations")]
Ratio = Annotated[Decimal, _unit("dollars of A per dollar of B")]
Seconds = Annotated[Decimal, _unit("seconds")]
Port = Annotated[int, _unit("port", ge=1, le=65_535)]
Sequence = Annotated[int, _unit("number of a byte", ge=0, le=(1 << 32) - 1)]
Bytes = Annotated[int, _unit("bytes", ge=100, le=65_535)]
Name = Annotated[str, _unit("text", min_length=1, max_length=32)]
Stock = Annotated[str, _unit("stock symbol", min_length=1, max_length=8, pattern="^[!-~]+$")]
Line = Annotated[str, _unit("ADDRESS:PORT", pattern=r"^\d+\.\d+\.\d+\.\d+:\d+$")]
Address = Annotated[str, _unit("IPv4 address", pattern=r"^\d+\.\d+\.\d+\.\d+$")]
Mac = Annotated[str, _unit("MAC address", pattern="^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$")]
PresetName = Annotated[str, _unit("one of " + ", ".join(PRESETS))]
StateName = Annotated[str, _unit("one of " + ", ".join(STATES))]
Switch = Annotated[bool, _unit("true or false")]


class _Section(Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class Card(_Section):
    """The build of the card."""

    preset: Annotated[PresetName, _help("Sizes of the card: symbols, orders, window, pairs.")] = (
        "twin"
    )


class Feed(_Section):
    """Where market data comes from."""

    line_a: Annotated[Line, _help("Destination of line A.")] = "233.54.12.111:26477"
    line_b: Annotated[Line, _help("Destination of line B.")] = "233.49.196.111:26477"
    hold_us: Annotated[
        int,
        _unit("microseconds", ge=0, le=10_000_000),
        _help("How long a missing message may take on the other line before the gap is declared."),
    ] = 2_000
    max_age_ms: Annotated[
        int,
        _unit("milliseconds", ge=1, le=600_000),
        _help("Time without a datagram after which the gate refuses."),
    ] = 2_000
    start_sequence: Annotated[
        int,
        _unit("sequence number", ge=1, le=(1 << 63) - 1),
        _help("First message that is expected."),
    ] = 1


class OrderEntry(_Section):
    """The order session as the host hands it to the card."""

    local_mac: Annotated[Mac, _help("Of the card's order port.")] = "02:00:00:00:00:01"
    peer_mac: Annotated[Mac, _help("Of the next hop to the venue.")] = "02:00:00:00:00:02"
    local_address: Annotated[Address, _help("Of the card.")] = "192.0.2.1"
    peer_address: Annotated[Address, _help("Of the venue.")] = "192.0.2.2"
    local_port: Annotated[Port, _help("TCP port of the card.")] = 40_001
    peer_port: Annotated[Port, _help("TCP port of the venue.")] = 15_000
    start_seq: Annotated[Sequence, _help("TCP number of the first byte the card sends.")] = 1
    start_ack: Annotated[Sequence, _help("TCP number of the first byte the venue sends.")] = 1
    start_window: Annotated[Bytes, _help("What the venue takes at the start.")] = 65_535
    window: Annotated[Bytes, _help("What the card says it takes.")] = 65_535
    ack_timeout_ms: Annotated[
        int,
        _unit("milliseconds", ge=1, le=60_000),
        _help("Time without an acknowledgement after which the gate refuses."),
    ] = 1_000
    first_user_ref: Annotated[
        int, _unit("number", ge=1, le=(1 << 31) - 1), _help("UserRefNum of the first order.")
    ] = 1


class Assumptions(_Section):
    """What is taken for granted where nothing measures it; reports repeat it."""

    fee_usd_per_share: Annotated[
        Dollars, _help("Paid on each share filled; negative for a rebate.")
    ] = Decimal("0.0030")


class Symbol(_Section):
    """A watched symbol; those of the pairs are watched without being listed here."""

    reference_usd: Annotated[
        Dollars | None,
        _help("Price to centre the window on; left out: the median of the file replayed.", "60.00"),
    ] = None
    tick_usd: Annotated[Dollars, _help("Price step: 0.01, or 0.0001 below a dollar.")] = Decimal(
        "0.01"
    )


class Pair(_Section):
    """A pair: spread = price of A - hedge_ratio x price of B; short the spread sells A, buys B."""

    name: Annotated[Name, _help("Of the pair; each name once.", "cola")]
    a: Annotated[Stock, _help("Symbol A.", "KO")]
    b: Annotated[Stock, _help("Symbol B.", "PEP")]
    hedge_ratio: Annotated[Ratio, _help("Above 0.", "0.35")]
    mean_usd: Annotated[Dollars, _help("What the spread returns to.", "1.50")]
    sigma_usd: Annotated[Dollars, _help("Standard deviation of the spread; above 0.", "0.12")]
    shares_a: Annotated[OrderShares, _help("Of A in an entry; of B: times hedge_ratio.", 100)]
    statistics_half_life_s: Annotated[
        Seconds, _help("0: mean_usd and sigma_usd stay as given; the card takes no other yet.")
    ] = Decimal(0)
    entry_z: Annotated[Deviations, _help("Distance from the mean to enter at.")] = Decimal("2.0")
    exit_z: Annotated[Deviations, _help("Distance from the mean to exit at.")] = Decimal("0.5")
    stop_z: Annotated[Deviations, _help("Distance from the mean at which to give up.")] = Decimal(
        "6.0"
    )
    min_edge_usd: Annotated[
        Dollars, _help("What a share of A must earn at executable prices after fees both ways.")
    ] = Decimal("0.01")
    max_spread_ticks: Annotated[
        Ticks, _help("Between bid and ask of either symbol, above which none enters.")
    ] = 10
    aggression_ticks: Annotated[
        Ticks, _help("Beyond the opposite best price that an order may pay.")
    ] = 1
    retry_ms: Annotated[
        int,
        _unit("milliseconds", ge=0, le=1_000_000),
        _help("Feed time before the pair may wish again."),
    ] = 100
    enabled: Annotated[Switch, _help("While false, the pair does not enter.")] = True


class SymbolLimits(_Section):
    """Limits on one symbol; 0 refuses every order."""

    max_shares: Annotated[Shares, _help("Of one order.")] = 0
    max_notional_usd: Annotated[Dollars, _help("Of one order.")] = Decimal(0)
    max_position: Annotated[Position, _help("Long or short, with all that is open.")] = 0
    collar_usd: Annotated[
        Dollars, _help("How far a price may lie beyond the best price that it meets.")
    ] = Decimal(0)


class SymbolOverride(_Section):
    """Limits on one symbol that differ from the defaults, and the position it starts with."""

    max_shares: Annotated[Shares | None, _help("Of one order.", 100)] = None
    max_notional_usd: Annotated[Dollars | None, _help("Of one order.", "10000.00")] = None
    max_position: Annotated[
        Position | None, _help("Long or short, with all that is open.", 500)
    ] = None
    collar_usd: Annotated[
        Dollars | None,
        _help("How far a price may lie beyond the best price that it meets.", "0.25"),
    ] = None
    position: Annotated[HeldShares, _help("Held at the start.")] = 0


class LimitsOverride(_Section):
    """Limits in a desk file: they may only tighten those of the limits file."""

    max_shares: Annotated[Shares | None, _help("Of one order.", 100)] = None
    max_notional_usd: Annotated[Dollars | None, _help("Of one order.", "10000.00")] = None


class Limits(_Section):
    """The risk officer's file. A limit of 0 refuses every order."""

    state: Annotated[StateName, _help("State the gate is raised to.")] = "killed"
    max_shares: Annotated[Shares, _help("Of one order, whatever the symbol.")] = 0
    max_notional_usd: Annotated[Dollars, _help("Of one order, whatever the symbol.")] = Decimal(0)
    defaults: Annotated[SymbolLimits, _help("Of every symbol.")] = msgspec.field(
        default_factory=SymbolLimits
    )
    symbols: Annotated[dict[Stock, SymbolOverride], _help("Of single symbols, by name.", "KO")] = (
        msgspec.field(default_factory=dict)
    )


class Desk(_Section):
    """The quant's file."""

    card: Annotated[Card, _help("The build of the card.")] = msgspec.field(default_factory=Card)
    feed: Annotated[Feed, _help("Market data.")] = msgspec.field(default_factory=Feed)
    order_entry: Annotated[OrderEntry, _help("The order session.")] = msgspec.field(
        default_factory=OrderEntry
    )
    assumptions: Annotated[Assumptions, _help("Taken for granted.")] = msgspec.field(
        default_factory=Assumptions
    )
    symbols: Annotated[dict[Stock, Symbol], _help("Watched symbols, by name.", "KO")] = (
        msgspec.field(default_factory=dict)
    )
    pair: Annotated[list[Pair], _help("Pairs.")] = msgspec.field(default_factory=list)
    limits: Annotated[LimitsOverride, _help("Tighter limits.")] = msgspec.field(
        default_factory=LimitsOverride
    )


class Key(Struct, frozen=True):
    """One key of a structure: what one has to know to write it."""

    name: str
    kind: Any  # type without annotations
    help: str
    unit: str
    example: Any
    default: Any  # NODEFAULT where it has to be given


def keys(kind: type[Struct]) -> Iterator[Key]:
    """Yield the keys of a structure in order."""
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        notes = list(_notes(hints[field.name]))
        made = field.default_factory is not msgspec.NODEFAULT
        yield Key(
            name=field.name,
            kind=_within(hints[field.name])[0],
            help=next((note.description for note in notes if note.description), ""),
            unit=next(
                (note.extra_json_schema["unit"] for note in notes if note.extra_json_schema), ""
            ),
            example=next((note.examples[0] for note in notes if note.examples), None),
            default=field.default_factory() if made else field.default,
        )


def read_desk(path: Path) -> Desk:
    """Read a desk file. Raises SettingsError: file, key, value found, what was expected."""
    return _read(path, Desk)


def read_limits(path: Path) -> Limits:
    """Read a limits file. Raises SettingsError: file, key, value found, what was expected."""
    limits = _read(path, Limits)
    for where, owner in (
        ("", limits),
        ("defaults.", limits.defaults),
        *((f"symbols.{name}.", symbol) for name, symbol in limits.symbols.items()),
    ):
        for key in ("max_notional_usd", "collar_usd"):
            found = getattr(owner, key, None)
            if found is not None and found < 0:
                raise SettingsError(f"{path}: {where}{key}: found {found}, expected at least 0")
    return limits


def schema(kind: type[Struct]) -> dict[str, Any]:
    """Return the JSON schema of a file: `Desk` or `Limits`."""
    return msgspec.json.schema(kind)


def _notes(hint: Any) -> Iterator[Meta]:
    """Yield the notes on a type and on its alternatives."""
    if get_origin(hint) is Annotated:
        yield from (note for note in get_args(hint)[1:] if isinstance(note, Meta))
        yield from _notes(get_args(hint)[0])
    elif get_origin(hint) not in (dict, list):
        for alternative in get_args(hint):
            yield from _notes(alternative)


def _read(path: Path, kind: type[Kind]) -> Kind:
    try:
        text = path.read_bytes().decode("utf-8")
        found = tomllib.loads(text, parse_float=Decimal)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise SettingsError(f"{path}: {reason}; expected a TOML file") from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path}: byte {error.start} is not UTF-8, expected a TOML file"
        ) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{path}: {error}, expected TOML") from None
    _check_keys(str(path), "", found, kind)
    try:
        settings = msgspec.convert(found, kind, strict=True)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {_told(str(error), found)}") from None
    for place, number in _decimals("", settings):
        if not number.is_finite() or abs(number) > LARGEST or _places(number) > DECIMALS:
            raise SettingsError(
                f"{path}: {place}: found {number}, expected a number up to {LARGEST:,f} with at "
                f"most {DECIMALS} decimals"
            )
    return settings


def _decimals(place: str, found: Any) -> Iterator[tuple[str, Decimal]]:
    """Yield every decimal number and the key it stands at."""
    if isinstance(found, Decimal):
        yield place, found
    elif isinstance(found, Struct):
        for name in found.__struct_fields__:
            yield from _decimals(f"{place}.{name}".lstrip("."), getattr(found, name))
    elif isinstance(found, dict):
        for name, value in found.items():
            yield from _decimals(f"{place}.{name}", value)
    elif isinstance(found, list):
        for index, value in enumerate(found):
            yield from _decimals(f"{place}[{index}]", value)


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _told(message: str, found: Any) -> str:
    """Turn msgspec's message into: key, value found, what was expected."""
    what, _, place = message.partition(" - at `$")
    place = place.rstrip("`").lstrip(".")
    value: Any = found
    for key in place.replace("[", ".").replace("]", "").split("."):
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, TypeError, ValueError, IndexError):
            return f"{place or 'file'}: {what[0].lower()}{what[1:]}"
    shown = "" if isinstance(value, dict | list) else f"found {value!r}, "
    return f"{place}: {shown}{what[0].lower()}{what[1:]}"


def _check_keys(path: str, place: str, found: Any, kind: Any) -> None:
    """Raise on the first key that no structure has, and name the nearest that one has."""
    for structure in _within(kind):
        if get_origin(structure) is dict and isinstance(found, dict):
            for key, value in found.items():
                _check_keys(path, f"{place}{key}.", value, get_args(structure)[1])
        elif get_origin(structure) is list and isinstance(found, list):
            for index, value in enumerate(found):
                _check_keys(path, f"{place[:-1]}[{index}].", value, get_args(structure)[0])
        elif isinstance(structure, type) and issubclass(structure, Struct):
            if not isinstance(found, dict):
                continue
            hints = get_type_hints(structure, include_extras=True)
            for key, value in found.items():
                if key not in hints:
                    near = difflib.get_close_matches(key, hints, 1, 0)
                    raise SettingsError(
                        f"{path}: unknown key {place}{key}, expected one such as {near[0]}"
                    )
                _check_keys(path, f"{place}{key}.", value, hints[key])


def _within(kind: Any) -> list[Any]:
    """Return the alternatives of a type, without annotations."""
    if get_origin(kind) is Annotated:
        return _within(get_args(kind)[0])
    if get_origin(kind) in (dict, list) or isinstance(kind, type):
        return [kind]
    return [one for alternative in get_args(kind) for one in _within(alternative)]
