"""A synthetic session, from its seed to its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tickwright.feed.messages import (
    DeclineLevels,
    ItchMessage,
    NetImbalance,
    ParticipantPosition,
    ShortSaleRestriction,
    StockDirectory,
    SystemEvent,
    TradingAction,
)
from tickwright.market.agenda import make_agenda
from tickwright.market.big_endian import read_stamps
from tickwright.market.captures import write_capture
from tickwright.market.desk_files import render_desk, render_limits
from tickwright.market.dice import Dice
from tickwright.market.drafts import drafted, named
from tickwright.market.errors import MarketError
from tickwright.market.flow import (
    ACTOR,
    FRACTION,
    STATE,
    SYMBOL,
    Actors,
    Halts,
    Market,
    Symbols,
    close_market,
    open_market,
    seed_books,
    trade,
)
from tickwright.market.itch_files import SIZES, write_itch
from tickwright.market.lines import Recording, record_lines
from tickwright.market.messages_table import MessageTable
from tickwright.market.resting import LEVELS, make_books
from tickwright.market.session import (
    WALK_STEP,
    SessionPlan,
    SessionSettings,
    plan_session,
    step_of,
)
from tickwright.market.tape import Tape, make_tape
from tickwright.market.times import SECOND_NS

__all__ = ["SessionFiles", "generate_messages", "generate_session", "session_files"]

Progress = Callable[[int, int], None]  # messages done, messages to do

PIECE = 100_000  # messages between two reports of progress
AFTER_FLOW = 3  # system events behind the last order
PLANS_PER_ORDER = 4
DAY_FORMAT = "%Y-%m-%d"


@dataclass(frozen=True)
class SessionFiles:
    """The files of one session, named after the first."""

    capture: Path
    itch: Path
    desk: Path
    limits: Path
    truth: Path

    def __iter__(self) -> Iterator[Path]:
        return iter((self.capture, self.itch, self.desk, self.limits, self.truth))


def session_files(capture: Path) -> SessionFiles:
    """Return the names of the files that lie beside a capture: its name without ``.pcap``."""
    stem = capture.with_suffix("") if capture.suffix == ".pcap" else capture
    beside = [
        stem.with_name(stem.name + end)
        for end in (".itch50", ".desk.toml", ".limits.toml", ".truth.json")
    ]
    return SessionFiles(capture, *beside)


def _write(tape: Tape, message: ItchMessage) -> None:
    """Write one message that is not part of the flow."""
    data = message.pack()
    at = int(tape.clock["end"][0])
    tape.data[at : at + len(data)] = np.frombuffer(data, dtype=np.uint8)
    tape.offset[int(tape.clock["rows"][0])] = at
    tape.clock["rows"][0] += 1
    tape.clock["end"][0] += len(data)


def _system_event(tape: Tape, event: str) -> None:
    _write(tape, SystemEvent(event=event, timestamp_ns=int(tape.clock["now_ns"][0])))


def _open_day(tape: Tape, plan: SessionPlan, dice: Dice) -> None:
    """Write what comes before the first order."""

    def now() -> int:
        tape.clock["now_ns"][0] += dice.between(200, 90_000)
        return int(tape.clock["now_ns"][0])

    _system_event(tape, "O")
    for listing in plan.listings:
        _write(
            tape,
            StockDirectory(
                locate=listing.locate, timestamp_ns=now(), stock=listing.name, market_category="Q",
                financial_status="N", round_lot=100, round_lots_only="N", classification="C",
                subtype="Z", authenticity="T", short_sale_threshold="N", ipo=" ", luld_tier="1",
                etp="N", inverse="N",
            ),
        )  # fmt: skip
    _write(tape, DeclineLevels(timestamp_ns=now(), level_1=3_000 * 10**8, level_2=2_800 * 10**8,
                               level_3=2_500 * 10**8))  # fmt: skip
    for listing in plan.listings:
        stock, locate = listing.name, listing.locate
        _write(tape, ShortSaleRestriction(locate=locate, timestamp_ns=now(), stock=stock,
                                          action="0"))  # fmt: skip
        _write(tape, ParticipantPosition(locate=locate, timestamp_ns=now(), stock=stock,
                                         participant="TWMM", primary="Y", mode="N",
                                         standing="A"))  # fmt: skip
        _write(tape, TradingAction(locate=locate, timestamp_ns=now(), stock=stock, state="T",
                                   reserved=" "))  # fmt: skip
    now()
    _system_event(tape, "S")


def _imbalances(tape: Tape, plan: SessionPlan, dice: Dice) -> None:
    """Write what interest there is in the opening crosses."""
    for listing in plan.listings:
        tape.clock["now_ns"][0] += dice.between(200, 9_000)
        _write(
            tape,
            NetImbalance(
                locate=listing.locate, timestamp_ns=int(tape.clock["now_ns"][0]),
                stock=listing.name,
                paired=100 * dice.between(1, 90), imbalance=100 * dice.between(0, 9),
                direction="B", far=listing.reference, near=listing.reference,
                reference_price=listing.reference, cross_type="O", variation="1",
            ),
        )  # fmt: skip


def _symbols(plan: SessionPlan) -> Symbols:
    listed = np.zeros(len(plan.listings), dtype=SYMBOL)
    for row, listing in zip(listed, plan.listings, strict=True):
        row["tick"] = listing.tick
        row["base"] = listing.reference // listing.tick - LEVELS // 2
        row["half"] = listing.half_spread << FRACTION
        row["fair"] = listing.reference << FRACTION
        row["careful"] = listing.careful
    return Symbols(listed, np.zeros((len(listed), 2), dtype=np.int64))


def _actors(plan: SessionPlan) -> Actors:
    """Return the pairs, then the symbols that stand alone."""
    alone = range(2 * len(plan.pairs), len(plan.listings))
    cast = np.zeros(len(plan.pairs) + len(alone), dtype=ACTOR)
    for row, pair in zip(cast, plan.pairs, strict=False):
        row["a"], row["b"] = pair.a, pair.b
        row["hedge_percent"] = pair.hedge_percent
        row["mean"] = pair.mean << FRACTION
        row["walk_step"] = WALK_STEP << FRACTION
        row["deviation_step"] = step_of(pair.sigma << FRACTION, plan.memory)
        row["deviation_clamp"] = pair.clamp << FRACTION
    for row, index in zip(cast[len(plan.pairs) :], alone, strict=True):
        row["a"] = row["b"] = index
        row["walk_step"] = (plan.listings[index].tick << FRACTION) * 2 // 3
    for row in cast:
        row["reference"] = plan.listings[int(row["b"])].reference << FRACTION
    turns = [*range(len(plan.pairs)), *range(len(cast))]  # a pair twice as often
    return Actors(
        cast=cast,
        memory=np.array([plan.memory, plan.walk_memory], dtype=np.int64),
        turn=np.array(turns, dtype=np.int64),
    )


def _halts(plan: SessionPlan, dice: Dice) -> Halts:
    """Plan halts of watched symbols: each for a fiftieth of the day, in its middle part."""
    day = plan.close_ns - plan.open_ns
    states: list[tuple[int, int, int]] = []
    for halt in range(plan.settings.halts):
        symbol = halt % plan.settings.symbols
        begin = plan.open_ns + dice.between(day // 5, day * 4 // 5)
        states += [(begin, symbol, ord("H")), (begin + day // 50, symbol, ord("T"))]
    return Halts(np.array(sorted(states), dtype=STATE), np.zeros(1, dtype=np.int64))


def generate_messages(plan: SessionPlan, progress: Progress | None = None) -> MessageTable:
    """Return the messages of a session, exactly as many as its settings ask for."""
    total = plan.settings.messages
    dice = Dice(plan.settings.seed + 1)
    tape = make_tape(
        messages=total,
        names=[listing.name for listing in plan.listings],
        locates=[listing.locate for listing in plan.listings],
        seed=dice.roll(),
        start_ns=plan.start_ns,
    )
    books = make_books(len(plan.listings))
    market = Market(
        tape=tape, books=books, agenda=make_agenda(PLANS_PER_ORDER * len(books.orders)),
        symbols=_symbols(plan), actors=_actors(plan),
    )  # fmt: skip
    halts = _halts(plan, dice)
    _open_day(tape, plan, dice)
    seed_books(market, plan.open_ns - SECOND_NS)
    _imbalances(tape, plan, dice)
    tape.clock["now_ns"][0] = plan.open_ns
    _system_event(tape, "Q")
    open_market(market)
    tape.clock["budget"][0] = total - AFTER_FLOW - len(plan.listings)
    while not trade(market, halts, plan.close_ns, PIECE):
        if progress is not None:
            progress(int(tape.clock["rows"][0]), total)
    tape.clock["budget"][0] = total
    tape.clock["now_ns"][0] = max(int(tape.clock["now_ns"][0]) + 1, plan.close_ns)
    _system_event(tape, "M")
    close_market(market)
    tape.clock["now_ns"][0] = max(int(tape.clock["now_ns"][0]) + 1, plan.end_ns - SECOND_NS)
    _system_event(tape, "E")
    tape.clock["now_ns"][0] = max(int(tape.clock["now_ns"][0]) + 1, plan.end_ns)
    _system_event(tape, "C")
    if progress is not None:
        progress(total, total)
    return _table(tape)


def _table(tape: Tape) -> MessageTable:
    rows, end = int(tape.clock["rows"][0]), int(tape.clock["end"][0])
    offset = tape.offset[:rows]
    stamps = np.empty(rows, dtype=np.uint64)
    read_stamps(tape.data, offset, stamps)
    return MessageTable(
        data=tape.data[:end],
        offset=offset,
        length=SIZES[tape.data[offset]].astype(np.uint16),
        sequence=np.arange(1, rows + 1, dtype=np.uint64),
        arrival_ns=stamps,
        frame=np.arange(rows, dtype=np.uint32),
        line=np.zeros(rows, dtype=np.uint8),
    )


def _truth(plan: SessionPlan, messages: MessageTable, recording: Recording) -> dict[str, object]:
    """Return what is known of a session that its files do not say: for tests."""
    kinds, counts = np.unique(messages.data[messages.offset], return_counts=True)
    return {
        "settings": asdict(plan.settings),
        "messages": {chr(kind): int(count) for kind, count in zip(kinds, counts, strict=True)},
        "pairs": {
            pair.name: {
                "a": plan.listings[pair.a].name,
                "b": plan.listings[pair.b].name,
                "above_cost": pair.above_cost,
                "sigma": pair.sigma,
                "combined_half_spread": pair.half_spread,
            }
            for pair in plan.pairs
        },
        "watched": [listing.name for listing in plan.listings if listing.watched],
        "unwatched": [listing.name for listing in plan.listings if not listing.watched],
        "lines": {
            name: {"destination": str(line), **asdict(sent)}
            for name, line, sent in zip("AB", recording.lines, recording.sent, strict=True)
        },
        "lost_on_both": [list(span) for span in recording.lost_on_both],
    }


def _write_text(path: Path, text: str) -> None:
    with named(path):
        path.write_text(text, encoding="utf-8")


def generate_session(
    capture: Path, settings: SessionSettings, progress: Progress | None = None
) -> tuple[SessionFiles, dict[str, object]]:
    """Write the files of a session, all or none; return their names and what is known of it."""
    try:
        day = datetime.strptime(settings.date, DAY_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise MarketError(f"date: found {settings.date!r}, expected YYYY-MM-DD") from None
    files = session_files(capture)
    plan = plan_session(settings)
    messages = generate_messages(plan, progress)
    recording = record_lines(
        messages, seed=settings.seed, loss_a=settings.loss_a, loss_b=settings.loss_b,
        loss_both=settings.loss_both, duplicate=settings.duplicate, delay_us=settings.delay_us,
        gbps=settings.gbps, end_ns=plan.end_ns,
    )  # fmt: skip
    truth = _truth(plan, messages, recording)
    with drafted(*files) as drafts:
        into = SessionFiles(*drafts)
        write_capture(into.capture, [recording.frames], day_s=int(day.timestamp()))
        write_itch(into.itch, messages)
        _write_text(into.desk, render_desk(plan, recording.lines))
        _write_text(into.limits, render_limits(plan))
        _write_text(into.truth, json.dumps(truth, indent=2) + "\n")
    return files, truth
