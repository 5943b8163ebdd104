"""The two files a desk writes: parameters (the quant's) and limits (the risk officer's).

Each key is described once, in the structures below: type, unit, help, default and check. The
commented file of `desk new`, the check of a file and the JSON schema derive from them. Dollars are
exact decimals, written as text or as a TOML number; they are never floats.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from tickwright.host.places import Place, line_of, written
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
    "desk_of",
    "keys",
    "limits_of",
    "located",
    "placed",
    "read_desk",
    "read_limits",
    "schema",
    "shown",
]


Kind = TypeVar("Kind", bound=Struct)

LONGEST = 12  # digits of a number that is shown without an exponent
LARGEST = Decimal(10) ** 12  # beyond any price, notional or ratio that makes sense
DECIMALS = 18

STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")  # of the way to a value, as msgspec tells it
MEANINGS = (  # of what msgspec says
    (r", got `\w+`$", ""),
    (r"^Invalid decimal string", "expected a decimal number"),
    (r"`decimal( \| null)?`", "a decimal number"),
    (r"`int( \| null)?`", "an integer"),
    (r"`str( \| null)?`", "a text"),
    (r"`bool( \| null)?`", "true or false"),
    (r"`object( \| null)?`", "a table"),
    (r"`array( \| null)?`", "an array of tables"),
    (r"matching regex .*", "matching"),
    (r"^Object missing required field `(\w+)`", r"found no key \1, which has to be given"),
)


class SettingsError(ValueError):
    """A desk or limits file that cannot be used; ``place`` is where in it, as far as is known."""

    def __init__(self, line: str, place: Place = ()) -> None:
        super().__init__(line)
        self.place = place


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
    return desk_of(_text_of(path), str(path))


def read_limits(path: Path) -> Limits:
    """Read a limits file. Raises SettingsError: file, key, value found, what was expected."""
    return limits_of(_text_of(path), str(path))


def desk_of(text: str, name: str) -> Desk:
    """Return what the text of a desk file says; ``name`` is the file's, for errors.

    Raises SettingsError: file, line, key, value found, what was expected.
    """
    return _read(text, name, Desk)


def limits_of(text: str, name: str) -> Limits:
    """Return what the text of a limits file says; ``name`` is the file's, for errors.

    Raises SettingsError: file, line, key, value found, what was expected.
    """
    limits = _read(text, name, Limits)
    owners: list[tuple[Place, object]] = [((), limits), (("defaults",), limits.defaults)]
    owners += [(("symbols", name), symbol) for name, symbol in limits.symbols.items()]
    for where, owner in owners:
        for key in ("max_notional_usd", "collar_usd"):
            found = getattr(owner, key, None)
            if found is not None and found < 0:
                place = (*where, key)
                raise SettingsError(
                    f"{placed(name, text, place)}: {written(place)}: found {shown(found)}, "
                    f"expected at least 0",
                    place,
                )
    return limits


def located(path: Path, place: Place) -> str:
    """Return a file and the line in it at which a place is, where it has one."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        return f"{path}"
    return placed(str(path), text, place)


def placed(name: str, text: str, place: Place) -> str:
    """Return the name of a file and the line of its text at which a place is, where it has one."""
    try:
        line = line_of(text, place)
    except ValueError:
        line = None
    return name if line is None else f"{name}, line {line}"


def shown(value: object) -> str:
    """Return a value as one types it."""
    match value:
        case bool():
            return str(value).lower()
        case Decimal() if value.is_finite() and abs(value.adjusted()) <= LONGEST:
            return f"{value:f}"
        case str():
            return repr(value)
    return str(value)


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


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise SettingsError(f"{path}: {reason}; expected a TOML file") from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path}: byte {error.start} is not UTF-8, expected a TOML file"
        ) from None


def _read(text: str, name: str, kind: type[Kind]) -> Kind:
    try:
        found = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{name}: {error}, expected TOML") from None
    try:
        _check_keys((), found, kind)
        return _settings(found, kind)
    except SettingsError as error:
        raise SettingsError(f"{placed(name, text, error.place)}: {error}", error.place) from None


def _settings(found: dict[str, Any], kind: type[Kind]) -> Kind:
    """Return the structure that a file describes."""
    try:
        settings = msgspec.convert(found, kind, strict=True)
    except msgspec.ValidationError as error:
        what, place = _understood(str(error), found, kind)
        raise SettingsError(f"{written(place) or 'file'}: {what}", place) from None
    for place, number in _decimals((), settings):
        if not number.is_finite() or abs(number) > LARGEST or _places(number) > DECIMALS:
            raise SettingsError(
                f"{written(place)}: found {shown(number)}, expected a number up to {LARGEST:,f} "
                f"with at most {DECIMALS} decimals",
                place,
            )
    return settings


def _decimals(place: Place, found: Any) -> Iterator[tuple[Place, Decimal]]:
    """Yield every decimal number and the key it stands at."""
    if isinstance(found, Decimal):
        yield place, found
    elif isinstance(found, Struct):
        for name in found.__struct_fields__:
            yield from _decimals((*place, name), getattr(found, name))
    elif isinstance(found, dict):
        for name, value in found.items():
            yield from _decimals((*place, name), value)
    elif isinstance(found, list):
        for index, value in enumerate(found):
            yield from _decimals((*place, index), value)


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _understood(message: str, found: dict[str, Any], kind: type[Struct]) -> tuple[str, Place]:
    """Return msgspec's message as: value found, what was expected; and the place it is about."""
    what, _, way = message.partition(" - at `")
    if way.startswith("key`"):  # the name of a table, as a stock's
        way = way.partition("`")[2].partition("`")[2] + "[...]"
    place: Place = ()
    value: Any = found
    hint: Any = kind
    for name, index in STEP.findall(way):
        if index == "...":
            key = next(key for key in value if _refused(found, place, key, kind))
        else:
            key = int(index) if index else name
        place = (*place, key)
        value = value[key]
        hint = _hint(hint, key)
    for text, meaning in MEANINGS:
        what = re.sub(text, meaning, what)
    notes = (note.extra_json_schema for note in _notes(hint))
    unit = next((note["unit"] for note in notes if note), "")
    what = what.replace("a text matching", unit or "a name without spaces")
    told = f"{what[0].lower()}{what[1:]}"
    return (told if isinstance(value, dict | list) else f"found {shown(value)}, {told}"), place


def _refused(found: dict[str, Any], place: Place, key: str, kind: type[Struct]) -> bool:
    """Whether a file would be refused if a table of it had this entry only."""
    alone: Any = found
    for part in place:
        alone = alone[part]
    alone = {key: alone[key]}
    for part in reversed(place):
        alone = {part: alone}
    try:
        msgspec.convert(alone, kind, strict=True)
    except msgspec.ValidationError:
        return True
    return False


def _hint(hint: Any, key: str | int) -> Any:
    """Return the type, with its notes, of what a table or array of a type has under a key."""
    for one in _within(hint):
        if get_origin(one) in (dict, list):
            return get_args(one)[-1]
        if isinstance(one, type) and issubclass(one, Struct):
            return get_type_hints(one, include_extras=True)[str(key)]
    return None


def _check_keys(place: Place, found: Any, kind: Any) -> None:
    """Raise on the first key that no structure has, and name one that is meant perhaps."""
    for structure in _within(kind):
        if get_origin(structure) is dict and isinstance(found, dict):
            for key, value in found.items():
                _check_keys((*place, key), value, get_args(structure)[1])
        elif get_origin(structure) is list and isinstance(found, list):
            for index, value in enumerate(found):
                _check_keys((*place, index), value, get_args(structure)[0])
        elif isinstance(structure, type) and issubclass(structure, Struct):
            if not isinstance(found, dict):
                continue
            hints = get_type_hints(structure, include_extras=True)
            for key, value in found.items():
                if key not in hints:
                    near = difflib.get_close_matches(key, hints, 1)
                    meant = f"{near[0]} perhaps" if near else f"one of {', '.join(hints)}"
                    raise SettingsError(
                        f"{written((*place, key))}: found an unknown key, expected {meant}",
                        (*place, key),
                    )
                _check_keys((*place, key), value, hints[key])


def _within(kind: Any) -> list[Any]:
    """Return the alternatives of a type, without annotations."""
    if get_origin(kind) is Annotated:
        return _within(get_args(kind)[0])
    if get_origin(kind) in (dict, list) or isinstance(kind, type):
        return [kind]
    return [one for alternative in get_args(kind) for one in _within(alternative)]
