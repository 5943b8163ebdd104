"""What a desk may ask of the service, and what it is answered: each verb once.

The service, the client library, the command line and the manual derive from `VERBS`. A message is
one frame of JSON. A request carries a number that grows with each request of a key; the service
refuses a number that is not above the last it took from that key, so an old message is worth
nothing. Times are nanoseconds since the epoch (`_ns`), money is in 1/10000 dollar, shares are
signed where they may be short.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from tickwright.service.display import markup
from tickwright.service.roles import EVERYONE, STOPPERS, Role

__all__ = [
    "MOST_BYTES",
    "VERBS",
    "Answer",
    "Armed",
    "Block",
    "Change",
    "Changed",
    "Counters",
    "Empty",
    "Entries",
    "Entry",
    "Flatten",
    "Flattened",
    "JournalRange",
    "Killed",
    "LoadLimits",
    "LoadParameters",
    "LoadPositions",
    "OrderRow",
    "Orders",
    "PairRow",
    "PositionRow",
    "Positions",
    "Preflight",
    "Reason",
    "Registers",
    "Reply",
    "Report",
    "Request",
    "Rollback",
    "SetText",
    "Status",
    "StatusCode",
    "SymbolRow",
    "Verb",
    "WhichSet",
]

MOST_BYTES = 4 << 20
"""A longer message is refused unread: 512 pairs and 512 symbols take a quarter of it."""


FileName = Annotated[str, Meta(max_length=255, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]
"""Of one line, for it is shown to others."""


class StatusCode(IntEnum):
    """How a request ended; also the exit status of the command line."""

    DONE = 0
    FAILED = 1
    WRONG = 2
    UNREACHABLE = 3
    REFUSED = 4


class Answer(Struct):
    """The result of a verb; a notebook shows it as tables."""

    def _repr_html_(self) -> str:
        return markup(self)


class Request(Struct, forbid_unknown_fields=True):
    """One request; ``arguments`` are those of the verb's own structure."""

    number: int  # grows with each request of a key; nanoseconds since the epoch will do
    verb: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class Reply(Struct):
    """The answer to the request of that number."""

    number: int
    status: StatusCode
    error: str = ""  # one line: what, where, found, expected
    result: msgspec.Raw = msgspec.Raw(b"{}")
    journal: int = 0  # number of the last journal entry that this request wrote; 0: none


class Empty(Struct, forbid_unknown_fields=True):
    """No arguments."""


class LoadParameters(Struct, forbid_unknown_fields=True):
    """A desk file: pairs, symbols, feed and order session.

    The first load after a start takes all of it, and needs the card killed; while the card is not
    killed only the parameters of pairs may differ from what is loaded.
    """

    desk: str  # text of the file
    name: FileName = ""  # for messages and the journal
    dry_run: bool = False


class LoadLimits(Struct, forbid_unknown_fields=True):
    """A limits file.

    One that loosens a limit needs ``confirm``, the role risk, and a killed card.
    """

    limits: str
    name: FileName = ""
    dry_run: bool = False
    confirm: bool = False


class WhichSet(Struct, forbid_unknown_fields=True):
    """A set in force, or an earlier one by its epoch."""

    epoch: int | None = None


class Rollback(Struct, forbid_unknown_fields=True):
    """Back to the parameters of an earlier epoch, under a new one; left out: the one before."""

    epoch: int | None = None
    dry_run: bool = False


class LoadPositions(Struct, forbid_unknown_fields=True):
    """Positions as they are at the venue: they replace those of the card's ledger and confirm them.

    Symbols left out are flat. ``keep`` confirms what the card's ledger holds instead.
    """

    positions: dict[str, int] = field(default_factory=dict)  # shares by symbol
    keep: bool = False
    dry_run: bool = False


class JournalRange(Struct, forbid_unknown_fields=True):
    """Entries from a number on, oldest first; a negative number counts from the end."""

    first: int = -20
    most: int = 200


class Change(Struct):
    """One value that a load changes."""

    where: str  # "pair COLA-POPA", "symbol COLA", "limits"
    name: str
    old: str  # as the card holds it, in the units of the file; empty: was not there
    new: str  # empty: is gone
    loosens: bool = False  # of a limit


class Changed(Answer):
    """What a load changed, or would change."""

    dry_run: bool
    epoch: int  # in force afterwards
    checksum: int
    changes: list[Change]
    seconds: float = 0.0  # on the bus


class SetText(Answer):
    """A set as its file had it, and where it stands."""

    epoch: int
    checksum: int
    in_force: bool
    name: str
    loaded_ns: int
    by: str
    text: str


class Reason(Struct):
    """Why arming is refused now, and what to do about it."""

    code: str  # stable: "limits_missing", "positions_unconfirmed", "watchdog", ...
    found: str
    remedy: str


class Preflight(Answer):
    """Empty reasons: `arm` would be taken."""

    reasons: list[Reason]
    checked: list[str]  # what was looked at and found good


class SymbolRow(Struct):
    """A watched symbol: its touch as last published, and what the gate thinks of it."""

    symbol: str
    index: int
    bid: int
    bid_shares: int
    ask: int
    ask_shares: int
    status: str  # H messages: T trading, H halted, P paused, Q quotation only; "-" before the first
    trusted: bool
    reasons: list[str]
    position: int
    max_position: int
    worst_long: int
    worst_short: int


class PairRow(Struct):
    """A pair: its phase, what it holds, how far its spread is from its mean."""

    pair: str
    index: int
    a: str
    b: str
    enabled: bool
    phase: str  # flat, pending, holding
    stopped: bool
    held_a: int
    held_b: int
    z: float | None  # standard deviations; None where a touch is missing or not trusted


class Status(Answer):
    """All that fits one screen."""

    card: str  # the way to the card
    preset: str
    state: str  # killed, close_only, armed
    kill_reasons: list[str]
    parameters_epoch: int
    parameters_checksum: int
    limits_epoch: int
    limits_checksum: int
    positions_confirmed: bool
    flatten: bool
    feed_ok: bool
    gap_open: bool
    delivered: int
    gaps: int
    lost: int
    session_ok: bool
    open_orders: int
    sent: int
    refused: int
    refusals: dict[str, int]  # by check, those above 0
    watchdog_ms: int
    clock_offset_ns: int | None
    clock_uncertainty_ns: int | None
    records: int | None  # None: there are no records to go by
    records_lost: int | None
    cash: int | None  # of the fills recorded, before fees; None: there are no records to go by
    fees: int | None  # of the same fills; None: no records, or no desk file that says what they are
    marked: int | None  # cash and positions at trusted mids; None: no records, or no trusted mid
    assumptions: list[str]
    alarms: list[str]
    symbols: list[SymbolRow]
    pairs: list[PairRow]
    journal: int  # its newest entry
    uptime_s: float


class PositionRow(Struct):
    """What the card's ledger holds of a symbol, and the most that open orders could make of it."""

    symbol: str
    position: int
    worst_long: int
    worst_short: int
    mid: int | None  # twice the mid, in 1/20000 dollar; None: no trusted two-sided touch


class Positions(Answer):
    """The card's ledger."""

    confirmed: bool
    rows: list[PositionRow]


class OrderRow(Struct):
    """An order that left the card."""

    user_ref: int
    intent: int
    symbol: str
    side: str  # B, S, T
    shares: int
    price: int
    filled: int
    state: str  # sent, accepted, filled, canceled, rejected
    card_ns: int


class Orders(Answer):
    """The newest orders, newest last."""

    rows: list[OrderRow]


class Killed(Answer):
    """The card confirmed that it is killed."""

    state: str
    card_cycles: int  # core clocks from the request's acceptance to the card's word, at most
    reasons: list[str]


class Armed(Answer):
    """State of the gate afterwards."""

    state: str


class Flatten(Struct, forbid_unknown_fields=True):
    """Begin to flatten, or stop it and let pairs enter again."""

    off: bool = False


class Flattened(Answer):
    """What is still held: by pairs, which close it, or by none, so that nothing does."""

    holding: list[PositionRow]
    unpaired: dict[str, int]  # shares that no pair holds, by symbol; moves while orders are open


class Block(Struct, forbid_unknown_fields=True):
    """One block of registers, or all."""

    block: str | None = None


class Registers(Answer):
    """Values of registers, by block and name."""

    values: dict[str, dict[str, int]]


class Counters(Answer):
    """Counts of what the card met, by block and name; those above 0 unless all are asked for."""

    values: dict[str, dict[str, int]]


class Entry(Struct):
    """An entry of the journal."""

    number: int
    time_ns: int
    by: str
    what: str
    details: dict[str, Any]
    hash: str


class Entries(Answer):
    """Entries of the journal, oldest first."""

    rows: list[Entry]
    head: str  # hash of the newest entry of all


class Report(Answer):
    """The day so far, or at its end, as Markdown and as numbers."""

    text: str
    numbers: dict[str, Any]


@dataclass(frozen=True)
class Verb:
    """One thing that may be asked for."""

    name: str
    arguments: type[Struct]
    result: type[Struct]
    roles: frozenset[Role]
    changes: bool  # the card or what is kept: journalled
    help: str


_OPERATORS = frozenset({Role.OPERATOR})
_STEERERS = frozenset({Role.OPERATOR, Role.RISK})

VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("status", Empty, Status, EVERYONE, False, "All that fits one screen."),
        Verb("preflight", Empty, Preflight, EVERYONE, False, "Every reason why arming is refused."),
        Verb("positions", Empty, Positions, EVERYONE, False, "The card's ledger."),
        Verb("orders", Empty, Orders, EVERYONE, False, "The newest orders."),
        Verb("params.show", WhichSet, SetText, EVERYONE, False, "A parameter set."),
        Verb("params.diff", LoadParameters, Changed, EVERYONE, False, "What a load would change."),
        Verb("params.load", LoadParameters, Changed, frozenset({Role.QUANT, Role.OPERATOR}), True,
             "Put the parameters of a desk file in force, between two quotes."),
        Verb("params.rollback", Rollback, Changed, frozenset({Role.QUANT, Role.OPERATOR}), True,
             "Put an earlier parameter set in force again."),
        Verb("limits.show", WhichSet, SetText, EVERYONE, False, "A limit set."),
        Verb("limits.diff", LoadLimits, Changed, EVERYONE, False, "What a load would change."),
        Verb("limits.load", LoadLimits, Changed, frozenset({Role.RISK, Role.OPERATOR}), True,
             "Put limits in force; loosening one takes the role risk, confirm, and a killed card."),
        Verb("positions.load", LoadPositions, Positions, _STEERERS, True,
             "Say what the positions are, and confirm them; only while killed."),
        Verb("arm", Empty, Armed, _OPERATORS, True, "Let orders pass within the limits."),
        Verb("close-only", Empty, Armed, _STEERERS, True, "Let only orders pass that reduce."),
        Verb("disarm", Empty, Killed, STOPPERS, True, "Stop orders, as a planned act."),
        Verb("kill", Empty, Killed, STOPPERS, True, "Stop orders at once; journalled afterwards."),
        Verb("flatten", Flatten, Flattened, _STEERERS, True, "Let pairs only exit, at once."),
        Verb("cancel-all", Empty, Orders, _STEERERS, True, "Withdraw every open order."),
        Verb("card.info", Empty, Registers, EVERYONE, False, "What card this is."),
        Verb("card.registers", Block, Registers, EVERYONE, False, "Registers as they read now."),
        Verb("card.counters", Block, Counters, EVERYONE, False, "Counts of what the card met."),
        Verb("journal.show", JournalRange, Entries, EVERYONE, False, "Entries of the journal."),
        Verb("report", Empty, Report, EVERYONE, False, "The day, as it ends."),
        Verb("stop", Empty, Killed, _OPERATORS, True, "Disarm, and end the service."),
    )
}  # fmt: skip
"""Every verb, by name."""
