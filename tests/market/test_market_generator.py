"""A synthetic session is a market: reproducible, uncrossed, and with the pairs it promises."""

from __future__ import annotations

import hashlib
import struct
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tickwright.feed.messages import ITCH_SIZES, AddOrder, SystemEvent
from tickwright.host.settings import read_desk, read_limits
from tickwright.market.errors import MarketError
from tickwright.market.generator import SessionFiles, generate_session, session_files
from tickwright.market.reader import read_frames, read_messages
from tickwright.market.report import Line, ReadReport
from tickwright.market.session import SessionSettings
from tickwright.net.headers import internet_checksum

Session = tuple[SessionFiles, dict[str, Any]]

SMALL = {"seed": 3, "symbols": 4, "pairs": 1, "messages": 3_000, "loss_a": 0.1, "duplicate": 0.1}
SMALL_SHA256 = "7e583df853f97dc118336a710397b1f9718520bd943996ee317ec4db3ed9e30a"


def records(path: Path) -> Iterator[bytes]:
    """Yield the messages of a BinaryFILE, read without the code under test."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">H", data, at)
        yield data[at + 2 : at + 2 + size]
        at += 2 + size


def stamp(message: bytes) -> int:
    return int.from_bytes(message[5:11], "big")


class Book:
    """Orders and levels in dictionaries; complains of what no exchange would send."""

    def __init__(self) -> None:
        self.orders: dict[int, list[int]] = {}
        self.levels: dict[int, tuple[dict[int, int], dict[int, int]]] = defaultdict(
            lambda: ({}, {})
        )

    def take(self, message: bytes) -> int:
        """Apply a message; return its locate."""
        kind, locate = chr(message[0]), int.from_bytes(message[1:3], "big")
        if kind in "AF":
            reference, side, shares = struct.unpack_from(">QcI", message, 11)
            self._join(reference, locate, side == b"S", shares, message[32:36])
        elif kind in "ECX":
            reference, shares = struct.unpack_from(">QI", message, 11)
            self._reduce(reference, locate, shares)
        elif kind == "D":
            (reference,) = struct.unpack_from(">Q", message, 11)
            self._reduce(reference, locate, self.orders[reference][3])
        elif kind == "U":
            old, new, shares = struct.unpack_from(">QQI", message, 11)
            side = self.orders[old][1]
            self._reduce(old, locate, self.orders[old][3])
            self._join(new, locate, side, shares, message[31:35])
        return locate

    def _join(self, reference: int, locate: int, side: int, shares: int, price: bytes) -> None:
        assert reference not in self.orders
        assert shares > 0
        tick = int.from_bytes(price, "big")
        self.orders[reference] = [locate, side, tick, shares]
        level = self.levels[locate][side]
        level[tick] = level.get(tick, 0) + shares

    def _reduce(self, reference: int, locate: int, shares: int) -> None:
        order = self.orders[reference]
        assert order[0] == locate
        assert 0 < shares <= order[3]
        order[3] -= shares
        level = self.levels[locate][order[1]]
        level[order[2]] -= shares
        if not level[order[2]]:
            del level[order[2]]
        if not order[3]:
            del self.orders[reference]

    def touch(self, locate: int) -> tuple[int, int, int, int]:
        bids, asks = self.levels[locate]
        bid, ask = max(bids, default=0), min(asks, default=0)
        return bid, bids.get(bid, 0), ask, asks.get(ask, 0)


def digest(files: SessionFiles) -> str:
    found = hashlib.sha256()
    for path in (files.capture, files.itch):
        found.update(path.read_bytes())
    return found.hexdigest()


def test_a_seed_gives_the_same_files_everywhere(tmp_path: Path):
    first, _ = generate_session(tmp_path / "a.pcap", SessionSettings(**SMALL))
    second, _ = generate_session(tmp_path / "b.pcap", SessionSettings(**SMALL))
    other, _ = generate_session(tmp_path / "c.pcap", SessionSettings(**SMALL | {"seed": 4}))
    assert digest(first) == digest(second) == SMALL_SHA256
    assert digest(other) != digest(first)


def test_the_files_lie_beside_the_capture():
    assert session_files(Path("x/day.pcap")).itch == Path("x/day.itch50")
    assert session_files(Path("x/day.one.pcap")).desk == Path("x/day.one.desk.toml")
    assert session_files(Path("x/day")).limits == Path("x/day.limits.toml")


def test_the_session_has_as_many_messages_as_asked_for(session: Session):
    files, truth = session
    found = list(records(files.itch))
    assert len(found) == truth["settings"]["messages"] == 60_000
    assert all(len(message) == ITCH_SIZES[chr(message[0])] for message in found)
    counts = Counter(chr(message[0]) for message in found)
    assert dict(counts) == truth["messages"]


def test_shares_are_those_of_a_real_day(session: Session):
    counts = session[1]["messages"]
    percent = {kind: 100 * count / 60_000 for kind, count in counts.items()}
    bounds = {
        "A": (33, 46), "F": (1, 20), "D": (30, 42), "U": (8, 22), "E": (3, 7), "X": (1, 3.5),
        "P": (0.5, 2.5), "C": (0.1, 1),
    }  # fmt: skip
    for kind, (low, high) in bounds.items():
        assert low <= percent[kind] <= high, kind


def test_the_day_has_its_events_in_order(session: Session):
    files, truth = session
    found = list(records(files.itch))
    events = [SystemEvent.unpack(message).event for message in found if message[:1] == b"S"]
    assert events == ["O", "S", "Q", "M", "E", "C"]
    listed = len(truth["watched"]) + len(truth["unwatched"])
    first_order = next(at for at, message in enumerate(found) if message[:1] in b"AF")
    before = Counter(chr(message[0]) for message in found[:first_order])
    assert before["R"] == before["H"] == listed
    crosses = [message for message in found if message[:1] == b"Q"]
    assert Counter(chr(message[39]) for message in crosses) == {"O": listed, "C": listed}
    stamps = [stamp(message) for message in found]
    assert all(one <= next_one for one, next_one in pairwise(stamps))


def test_opening_crosses_print_at_the_nanosecond_of_the_cross(session: Session):
    found = list(records(session[0].itch))
    crosses = {
        (message[1:3], stamp(message)): struct.unpack_from(">Q", message, 11)[0]
        for message in found if message[:1] == b"Q" and message[39:] == b"O"
    }  # fmt: skip
    sold: Counter[tuple[bytes, int]] = Counter()
    for message in found:
        if message[:1] == b"C" and message[31:32] == b"N":
            sold[message[1:3], stamp(message)] += struct.unpack_from(">I", message, 19)[0]
    assert sold == {cross: 2 * shares for cross, shares in crosses.items()}


def test_books_are_sound_and_never_cross(session: Session):
    files, _ = session
    book = Book()
    live = 0
    for message in records(files.itch):
        bid, _, ask, _ = book.touch(book.take(message))
        assert not (bid and ask) or bid < ask
        live = max(live, len(book.orders))
    assert live > 15 * 15  # fifteen symbols with some depth each


def test_orders_live_as_real_ones_do(session: Session):
    born: dict[int, int] = {}
    lifetimes: list[int] = []
    references: list[int] = []
    together: Counter[int] = Counter()
    busy: Counter[int] = Counter()
    for message in records(session[0].itch):
        together[stamp(message)] += 1
        busy[stamp(message) // 1000] += 1
        if message[:1] in b"AF":
            references.append(int.from_bytes(message[11:19], "big"))
            born[references[-1]] = stamp(message)
        elif message[:1] == b"D":
            reference = int.from_bytes(message[11:19], "big")
            if reference in born:
                lifetimes.append(stamp(message) - born[reference])
    within_ms = sum(lifetime < 5_000_000 for lifetime in lifetimes) / len(lifetimes)
    assert 0.15 < within_ms < 0.6
    backwards = sum(one > next_one for one, next_one in pairwise(references))
    assert 0.05 < backwards / len(references) < 0.5
    assert references[-1] > references[0] >= 1 << 29
    assert max(together.values()) >= 5
    assert max(busy.values()) >= 200


def test_some_orders_lie_far_from_the_market(session: Session):
    prices = {
        AddOrder.unpack(message).price
        for message in records(session[0].itch) if message[:1] == b"A"
    }  # fmt: skip
    assert {100, 1_999_999_900} <= prices


def test_a_line_loses_nothing_that_the_other_lacks(session: Session):
    files, truth = session
    report = ReadReport()
    seen: list[set[int]] = [set(), set()]
    copies: list[Counter[int]] = [Counter(), Counter()]
    found: dict[int, bytes] = {}
    for table in read_messages(files.capture, report=report):
        for row in range(len(table)):
            line, sequence = int(table.line[row]), int(table.sequence[row])
            seen[line].add(sequence)
            copies[line][sequence] += 1
            assert found.setdefault(sequence, table.message(row)) == table.message(row)
    everything = set(range(1, 60_001))
    both = {sequence for low, high in truth["lost_on_both"] for sequence in range(low, high + 1)}
    assert len(truth["lost_on_both"]) == 3
    assert everything - seen[0] - seen[1] == both
    lost = [everything - line - both for line in seen]
    assert not lost[0] & lost[1]
    assert all(600 < len(line) < 3000 for line in lost)  # of 60,000, 2 % and 3 % of packets
    assert all(max(line.values()) == 2 for line in copies)
    original = list(records(files.itch))
    assert all(original[sequence - 1] == message for sequence, message in found.items())
    assert report.heartbeats > 0
    assert report.ends_of_session == 6
    assert not report.damage


def test_lines_pack_and_time_apart(session: Session):
    files, truth = session
    starts: list[set[int]] = [set(), set()]
    first: list[dict[int, int]] = [{}, {}]
    last_ns = 0
    for table in read_messages(files.capture):
        for row in range(len(table)):
            line, sequence = int(table.line[row]), int(table.sequence[row])
            arrival = int(table.arrival_ns[row])
            assert arrival >= last_ns
            last_ns = arrival
            if not row or table.frame[row] != table.frame[row - 1]:
                starts[line].add(sequence)
            first[line].setdefault(sequence, arrival)
            assert arrival > stamp(table.message(row))
    assert len(starts[0] ^ starts[1]) > len(starts[0]) / 10
    later = [first[1][each] - first[0][each] for each in first[0].keys() & first[1].keys()]
    assert any(late < 0 for late in later)
    assert 500 < sum(later) / len(later) < 20_000
    assert truth["settings"]["delay_us"] == 5.0


def test_frames_leave_room_for_one_another_and_carry_right_checksums(session: Session):
    free_ns = 0
    for table in read_frames(session[0].capture):
        for row in range(len(table)):
            time_ns = int(table.time_ns[row])
            assert time_ns >= free_ns
            free_ns = time_ns + (max(60, int(table.length[row])) + 24) * 8 // 10
            if row % 50 == 0:
                frame = table.frame(row)
                assert internet_checksum(frame[14:34]) == 0
                pseudo = frame[26:34] + b"\0\x11" + frame[38:40]
                assert internet_checksum(pseudo + frame[34:]) == 0


def test_a_session_without_loss_is_whole_on_each_line(tmp_path: Path):
    settings = SessionSettings(seed=1, symbols=3, pairs=1, messages=2_000)
    files, truth = generate_session(tmp_path / "whole.pcap", settings)
    seen: list[list[int]] = [[], []]
    for table in read_messages(files.capture):
        for row in range(len(table)):
            seen[int(table.line[row])].append(int(table.sequence[row]))
    assert seen == [list(range(1, 2_001))] * 2
    assert truth["lost_on_both"] == []


class Spread:
    """A pair as a trader without a card would follow it."""

    def __init__(self, pair: Any, fee: Decimal) -> None:
        self.pair = pair
        self.hedge = float(pair.hedge_ratio)
        self.mean, self.sigma = float(pair.mean_usd), float(pair.sigma_usd)
        self.need = float(pair.min_edge_usd + 2 * fee * (1 + pair.hedge_ratio))
        self.side = 0
        self.entries: list[int] = []
        self.exits: list[int] = []
        self.widest = 0.0

    def see(self, a: tuple[int, ...], b: tuple[int, ...], at: int) -> None:
        if min(a[0], a[2], b[0], b[2]) <= 0:
            return
        deviation = (a[0] + a[2] - self.hedge * (b[0] + b[2])) / 20_000 - self.mean
        z = deviation / self.sigma
        if self.side:
            if abs(z) <= float(self.pair.exit_z) or z * self.side > 0:
                self.exits.append(at)
                self.side = 0
            return
        short = (a[0] - self.hedge * b[2]) / 10_000 - self.mean
        long = self.mean - (a[2] - self.hedge * b[0]) / 10_000
        entry = float(self.pair.entry_z)
        if z >= entry and short >= self.need:
            self.widest = max(self.widest, short)
            self.entries.append(at)
            self.side = -1
        elif z <= -entry and long >= self.need:
            self.widest = max(self.widest, long)
            self.entries.append(at)
            self.side = 1


def windowed(
    touch: tuple[int, int, int, int], reference: Decimal, levels: int = 512
) -> tuple[int, int, int, int]:
    """Return the touch as a card with a window around the reference shows it."""
    low, high = int(reference * 10_000) - 100 * levels, int(reference * 10_000) + 100 * levels
    bid, bid_shares, ask, ask_shares = touch
    if not low <= bid < high:
        bid = bid_shares = 0
    if not low <= ask < high:
        ask = ask_shares = 0
    return bid, bid_shares, ask, ask_shares


def test_pairs_above_cost_trade_and_those_below_never_do(session: Session):
    files, truth = session
    desk = read_desk(files.desk)
    spreads = [Spread(pair, desk.assumptions.fee_usd_per_share) for pair in desk.pair]
    of: dict[str, list[Spread]] = defaultdict(list)
    for spread in spreads:
        of[spread.pair.a].append(spread)
        of[spread.pair.b].append(spread)
    book, names, touches = Book(), {}, {}
    for at, message in enumerate(records(files.itch)):
        if message[:1] == b"R":
            names[int.from_bytes(message[1:3], "big")] = message[11:19].decode().rstrip()
            continue
        locate = book.take(message)
        name = names.get(locate, "")
        if name not in of or message[:1] not in b"AFECXDU":
            continue
        reference = desk.symbols[name].reference_usd
        assert reference is not None
        touches[name] = windowed(book.touch(locate), reference)
        for spread in of[name]:
            if spread.pair.a in touches and spread.pair.b in touches:
                spread.see(touches[spread.pair.a], touches[spread.pair.b], at)
    above = [each for each in spreads if truth["pairs"][each.pair.name]["above_cost"]]
    below = [each for each in spreads if not truth["pairs"][each.pair.name]["above_cost"]]
    assert len(above) >= len(spreads) / 2
    assert below
    for spread in below:
        assert not spread.entries
    for spread in above:
        assert len(spread.exits) >= 2
        half = truth["pairs"][spread.pair.name]["combined_half_spread"]
        assert float(spread.pair.entry_z * spread.pair.sigma_usd) * 10_000 >= 4 * half
    assert max(exit_at for spread in above for exit_at in spread.exits) > 54_000


def test_the_desk_and_limits_files_are_read(session: Session):
    files, truth = session
    desk, limits = read_desk(files.desk), read_limits(files.limits)
    assert list(desk.symbols) == truth["watched"]
    assert [pair.name for pair in desk.pair] == list(truth["pairs"])
    assert [str(Line.parse(line)) for line in (desk.feed.line_a, desk.feed.line_b)] == [
        line["destination"] for line in truth["lines"].values()
    ]
    assert limits.state == "armed"
    assert limits.defaults.max_position > 0
    lines = files.desk.read_text().splitlines() + files.limits.read_text().splitlines()
    parameters = [line for line in lines if " = " in line and not line.startswith("#")]
    assert len(parameters) > 100
    assert [line for line in parameters if "  # " not in line] == []


def test_halts_stop_a_symbol_and_end(session: Session):
    book = Book()
    halted: set[int] = set()
    states: list[str] = []
    for message in records(session[0].itch):
        locate = book.take(message)
        if message[:1] == b"H":
            states.append(chr(message[19]))
            (halted.add if message[19:20] == b"H" else halted.discard)(locate)
        elif locate in halted:
            assert message[:1] not in b"AFECPU"
    assert not halted
    assert states.count("H") == 2


def test_some_symbols_cost_less_than_a_dollar(tmp_path: Path):
    settings = SessionSettings(seed=5, symbols=24, pairs=4, messages=4_000)
    files, _ = generate_session(tmp_path / "cheap.pcap", settings)
    desk = read_desk(files.desk)
    paired = {name for pair in desk.pair for name in (pair.a, pair.b)}
    cheap = {name for name, symbol in desk.symbols.items() if symbol.tick_usd == Decimal("0.0001")}
    assert cheap
    assert not cheap & paired
    assert all((desk.symbols[name].reference_usd or 1) < 1 for name in cheap)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"pairs": 3, "symbols": 5}, "pairs: found 3, expected at most 2"),
        ({"messages": 10}, "messages: found 10, expected at least"),
        ({"loss_a": 1.5}, "loss_a: found 1.5, expected 0 to 1"),
        ({"symbols": 0}, "symbols: found 0"),
        ({"seed": -1}, "seed: found -1"),
        ({"open_s": 0}, "open_s: found 0"),
        ({"open_s": 86_000, "messages": 100_000}, "expected an end before midnight"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(asked: dict[str, Any], said: str):
    with pytest.raises(MarketError, match=said):
        SessionSettings(**asked)


def test_a_date_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(MarketError, match="date: found 'tomorrow'"):
        generate_session(tmp_path / "x.pcap", SessionSettings(date="tomorrow"))


def test_too_many_losses_on_both_are_refused(tmp_path: Path):
    settings = SessionSettings(symbols=2, pairs=1, messages=500, loss_both=900)
    with pytest.raises(MarketError, match="loss_both: found 900"):
        generate_session(tmp_path / "x.pcap", settings)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    settings = SessionSettings(symbols=2, pairs=1, messages=500)
    with pytest.raises(OSError, match="No such file") as refusal:
        generate_session(tmp_path / "none" / "x.pcap", settings)
    assert refusal.value.filename == str(tmp_path / "none" / "x.pcap")


def test_a_session_that_fails_in_between_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> str:
        raise KeyboardInterrupt

    files = session_files(tmp_path / "x.pcap")
    for path in files:
        path.write_text("old")
    monkeypatch.setattr("tickwright.market.generator.render_limits", fail)
    with pytest.raises(KeyboardInterrupt):
        generate_session(files.capture, SessionSettings(symbols=2, pairs=1, messages=500))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        path.name: "old" for path in files
    }
