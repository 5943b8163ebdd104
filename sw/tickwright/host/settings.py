"""The two files a desk writes: parameters (the quant's) and limits (the risk officer's).

Each key is described once, in the structures below: type, unit, default and check. The commented
file of `desk new`, the check of a file and the JSON schema derive from them. Dollars are exact
decimals, written as text or as a TOML number; they are never floats.
"""

from __future__ import annotations

import difflib
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

__all__ = [
    "Assumptions",
    "Desk",
    "Feed",
    "Limits",
    "LimitsOverride",
    "OrderEntry",
    "Pair",
    "SettingsError",
    "Symbol",
    "SymbolLimits",
    "read_desk",
    "read_limits",
    "schema",
]


Kind = TypeVar("Kind", bound=Struct)


class SettingsError(ValueError):
    """A desk or limits file that cannot be used."""


Dollars = Annotated[Decimal, Meta(description="dollars")]
PositiveDollars = Annotated[Decimal, Meta(description="dollars, above 0")]
Shares = Annotated[int, Meta(ge=0, le=999_999, description="shares")]
OrderShares = Annotated[int, Meta(ge=1, le=999_999, description="shares")]
Ticks = Annotated[int, Meta(ge=0, le=10_000, description="ticks")]
Ratio = Annotated[Decimal, Meta(description="a number above 0")]
Port = Annotated[int, Meta(ge=1, le=65_535, description="port")]
Sequence = Annotated[int, Meta(ge=0, le=(1 << 32) - 1, description="a 32-bit number")]
Bytes = Annotated[int, Meta(ge=100, le=65_535, description="bytes")]
Name = Annotated[str, Meta(min_length=1, max_length=32)]
Stock = Annotated[str, Meta(min_length=1, max_length=8, pattern="^[!-~]+$")]
Line = Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+\.\d+:\d+$", description="ADDRESS:PORT")]
Address = Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+\.\d+$", description="IPv4 address")]
Mac = Annotated[
    str, Meta(pattern="^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$", description="MAC address")
]


class Card(Struct, forbid_unknown_fields=True, kw_only=True):
    """The build of the card."""

    preset: str = "twin"


class Feed(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where market data comes from."""

    line_a: Line = "233.54.12.111:26477"
    line_b: Line = "233.49.196.111:26477"
    hold_us: Annotated[int, Meta(ge=0, le=10_000_000, description="microseconds")] = 2_000
    max_age_ms: Annotated[int, Meta(ge=1, le=600_000, description="milliseconds")] = 2_000
    start_sequence: Annotated[int, Meta(ge=1, description="sequence number")] = 1


class OrderEntry(Struct, forbid_unknown_fields=True, kw_only=True):
    """The order session as the host hands it to the card."""

    local_mac: Mac = "02:00:00:00:00:01"
    peer_mac: Mac = "02:00:00:00:00:02"
    local_address: Address = "192.0.2.1"
    peer_address: Address = "192.0.2.2"
    local_port: Port = 40_001
    peer_port: Port = 15_000
    start_seq: Sequence = 1
    start_ack: Sequence = 1
    start_window: Bytes = 65_535
    window: Bytes = 65_535
    ack_timeout_ms: Annotated[int, Meta(ge=1, le=60_000, description="milliseconds")] = 1_000
    first_user_ref: Annotated[int, Meta(ge=1, le=(1 << 31) - 1, description="number")] = 1


class Assumptions(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is taken for granted where nothing measures it; reports repeat it."""

    fee_usd_per_share: Dollars = Decimal("0.0030")


class Symbol(Struct, forbid_unknown_fields=True, kw_only=True):
    """A watched symbol."""

    reference_usd: PositiveDollars | None = None
    tick_usd: PositiveDollars = Decimal("0.01")


class Pair(Struct, forbid_unknown_fields=True, kw_only=True):
    """A pair: short the spread is to sell A and buy B."""

    name: Name
    a: Stock
    b: Stock
    hedge_ratio: Ratio
    mean_usd: Dollars
    sigma_usd: PositiveDollars
    shares_a: OrderShares
    statistics_half_life_s: Annotated[Decimal, Meta(description="seconds")] = Decimal(0)
    entry_z: Ratio = Decimal("2.0")
    exit_z: Annotated[Decimal, Meta(description="a number, at least 0")] = Decimal("0.5")
    stop_z: Ratio = Decimal("6.0")
    min_edge_usd: Dollars = Decimal("0.01")
    max_spread_ticks: Ticks = 10
    aggression_ticks: Ticks = 1
    retry_ms: Annotated[int, Meta(ge=0, le=1_000_000, description="milliseconds")] = 100
    enabled: bool = True


class SymbolLimits(Struct, forbid_unknown_fields=True, kw_only=True):
    """Limits on one symbol; 0 refuses every order."""

    max_shares: Shares = 0
    max_notional_usd: Dollars = Decimal(0)
    max_position: Annotated[int, Meta(ge=0, le=(1 << 31) - 1, description="shares")] = 0
    collar_usd: Dollars = Decimal(0)


class SymbolOverride(Struct, forbid_unknown_fields=True, kw_only=True):
    """Limits on one symbol that differ from the defaults, and the position it starts with."""

    max_shares: Shares | None = None
    max_notional_usd: Dollars | None = None
    max_position: Annotated[int, Meta(ge=0, le=(1 << 31) - 1)] | None = None
    collar_usd: Dollars | None = None
    position: Annotated[int, Meta(ge=-(1 << 31), le=(1 << 31) - 1)] = 0


class LimitsOverride(Struct, forbid_unknown_fields=True, kw_only=True):
    """Limits in a desk file: they may only tighten those of the limits file."""

    max_shares: Shares | None = None
    max_notional_usd: Dollars | None = None


class Limits(Struct, forbid_unknown_fields=True, kw_only=True):
    """The risk officer's file."""

    state: str = "killed"
    max_shares: Shares = 0
    max_notional_usd: Dollars = Decimal(0)
    defaults: SymbolLimits = msgspec.field(default_factory=SymbolLimits)
    symbols: dict[Stock, SymbolOverride] = msgspec.field(default_factory=dict)


class Desk(Struct, forbid_unknown_fields=True, kw_only=True):
    """The quant's file."""

    card: Card = msgspec.field(default_factory=Card)
    feed: Feed = msgspec.field(default_factory=Feed)
    order_entry: OrderEntry = msgspec.field(default_factory=OrderEntry)
    assumptions: Assumptions = msgspec.field(default_factory=Assumptions)
    symbols: dict[Stock, Symbol] = msgspec.field(default_factory=dict)
    pair: list[Pair] = msgspec.field(default_factory=list)
    limits: LimitsOverride = msgspec.field(default_factory=LimitsOverride)


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


def _read(path: Path, kind: type[Kind]) -> Kind:
    try:
        text = path.read_bytes().decode("utf-8")
        found = tomllib.loads(text, parse_float=Decimal)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}, expected a TOML file") from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path}: byte {error.start} is not UTF-8, expected a TOML file"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}, expected TOML") from None
    _check_keys(str(path), "", found, kind)
    try:
        return msgspec.convert(found, kind, strict=True)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {_told(str(error), found)}") from None


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
    return f"{place}: found {value!r}, {what[0].lower()}{what[1:]}"


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
