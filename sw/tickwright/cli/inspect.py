"""What one types to look into a file of market data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from tickwright.cli.arguments import AsJson, File, From, MaxMessages, Until, feed_time
from tickwright.cli.output import VerbError, emit, note, pairs, printed, tracked
from tickwright.market.times import SECOND_NS

if TYPE_CHECKING:
    from tickwright.market.inspection import Gaps, Inspection
    from tickwright.market.messages_table import MessageTable
    from tickwright.market.report import ReadReport

__all__ = ["inspect"]

WRONG_INPUT = 2
LINE_NAMES = "AB"


class _Piece:
    """A table, and how many bytes of the file it took: what progress counts."""

    def __init__(self, table: MessageTable, size: int) -> None:
        self.table = table
        self._size = size

    def __len__(self) -> int:
        return self._size


def _pieces(tables: Iterator[MessageTable], report: ReadReport) -> Iterator[_Piece]:
    before = 0
    for table in tables:
        yield _Piece(table, report.position - before)
        before = report.position


def clock(time_ns: int | None) -> str:
    """Return a feed time as people read it."""
    if time_ns is None:
        return "none"
    seconds, fraction = divmod(time_ns, SECOND_NS)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}.{fraction:09}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _describe(gaps: Gaps) -> str:
    if not gaps.gaps:
        return "no gap"
    shown = ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in gaps.ranges)
    more = ", ..." if gaps.gaps > len(gaps.ranges) else ""
    return f"{_count(gaps.gaps, 'gap')}, {_count(gaps.missing, 'message')} missing: {shown}{more}"


def _facts(file: Path, found: Inspection, report: ReadReport) -> dict[str, Any]:
    """Return what is printed, as scripts read it."""
    names = found.directory.names
    return {
        "file": str(file),
        "kind": report.kind,
        "pcapng": report.pcapng,
        "gzip": report.compressed,
        "messages": found.messages,
        "by_type": found.by_type,
        "skipped_messages": found.skipped,
        "first_ns": found.first_ns,
        "last_ns": found.last_ns,
        "first_sequence": found.first_sequence,
        "last_sequence": found.last_sequence,
        "session": report.session,
        "frames": report.frames,
        "heartbeats": report.heartbeats,
        "ends_of_session": report.ends_of_session,
        "dropped": report.dropped,
        "faults": report.faults,
        "trailing": report.trailing,
        "cut_frames": report.cut_frames,
        "skipped_packets": report.skipped_packets,
        "far_sequences": found.far_sequences,
        "lines_assumed": report.lines_assumed and report.kind == "pcap",
        "lines": [
            {
                "line": LINE_NAMES[index],
                "destination": str(line),
                "frames": report.frames_by_line[index],
                "messages": found.line_messages[index],
                "duplicates": found.duplicates[index],
                **asdict(found.lines[index]),
            }
            for index, line in enumerate(report.lines)
        ],
        "merged": asdict(found.merged),
        "bursts": [asdict(burst) for burst in found.bursts],
        "symbols": {
            "count": len(found.directory.messages),
            "named": len(names),
            "source": found.directory.source,
        },
        "busiest": [
            {
                "symbol": names.get(locate, ""),
                "locate": locate,
                "messages": messages,
                "median_price": found.directory.references.get(locate),
            }
            for locate, messages in found.busiest
        ],
        "damage": report.damage,
    }


def _about_types(found: Inspection) -> Table:
    from tickwright.feed.messages import ITCH_BY_TYPE

    table = Table(title="Messages by type", box=None, title_justify="left", pad_edge=False)
    table.add_column("type")
    table.add_column("messages", justify="right")
    table.add_column("share", justify="right")
    table.add_column("meaning")
    for kind, count in found.by_type.items():
        known = ITCH_BY_TYPE.get(kind)
        meaning = (known.__doc__ or "").partition("\n")[0] if known else "not a type of ITCH 5.0"
        table.add_row(kind, f"{count:,}", f"{100 * count / found.messages:.2f} %", meaning)
    return table


def _about_symbols(found: Inspection) -> Table:
    table = Table(title="Busiest symbols", box=None, title_justify="left", pad_edge=False)
    table.add_column("symbol")
    for heading in ("locate", "messages", "median price of adds, dollars"):
        table.add_column(heading, justify="right")
    for locate, count in found.busiest:
        price = found.directory.references.get(locate)
        shown = "" if price is None else f"{price // 10_000:,}.{price % 10_000:04}"
        table.add_row(found.directory.names.get(locate, ""), str(locate), f"{count:,}", shown)
    return table


def _about_file(file: Path, found: Inspection, report: ReadReport) -> list[tuple[str, str]]:
    kinds = {"pcap": "pcapng" if report.pcapng else "pcap", "itch": "ITCH BinaryFILE"}
    rows = [
        ("file", f"{file}"),
        ("kind", kinds[report.kind] + (", gzip" if report.compressed else "")),
        ("messages", f"{found.messages:,}" + ("" if not found.skipped else
                     f", {found.skipped:,} of them of no known type and length: skipped")),
        ("first", clock(found.first_ns)),
        ("last", clock(found.last_ns)),
        ("symbols", f"{len(found.directory.messages):,} locates, {len(found.directory.names):,} "
                    f"with a name from {found.directory.source}"),
    ]  # fmt: skip
    for burst, name in zip(found.bursts, ("microsecond", "millisecond"), strict=True):
        rows.append(
            (f"busiest {name}", f"{_count(burst.messages, 'message')} at {clock(burst.at_ns)}")
        )
    return rows


def _about_lines(found: Inspection, report: ReadReport) -> list[tuple[str, str]]:
    rows = [("session", report.session), ("frames", f"{report.frames:,}")]
    for index, line in enumerate(report.lines):
        assumed = ", assumed: seen " + ("first", "second")[index] if report.lines_assumed else ""
        rows.append((f"line {LINE_NAMES[index]}", f"{line}{assumed}"))
        rows.append(
            ("", f"{_count(report.frames_by_line[index], 'frame')}, "
                 f"{_count(found.line_messages[index], 'message')}, "
                 f"{_count(found.duplicates[index], 'duplicate')}; "
                 f"{_describe(found.lines[index])}")
        )  # fmt: skip
    rows += [
        ("both lines", _describe(found.merged)),
        ("heartbeats", f"{report.heartbeats:,}, ends of session {report.ends_of_session:,}"),
        ("framing faults", f"{report.faults:,}"),
        ("trailing bytes", f"in {_count(report.trailing, 'datagram')}"),
        ("cut by capture", _count(report.cut_frames, "frame")),
    ]
    if found.far_sequences:
        rows.append(("too far ahead", f"{_count(found.far_sequences, 'message')}, left out"))
    rows += [(f"dropped {reason}", f"{count:,}") for reason, count in report.dropped.items()]
    return rows


def inspect(
    file: File,
    from_: From = None,
    until: Until = None,
    max_messages: MaxMessages = None,
    as_json: AsJson = False,
) -> None:
    """Show what is in a file: messages by type, symbols, times, gaps and bursts.

    Example: tickwright inspect session.pcap --max-messages 100000
    """
    from tickwright.market.compiled import keep_in
    from tickwright.market.errors import MarketError
    from tickwright.market.inspection import Inspector
    from tickwright.market.reader import read_messages
    from tickwright.market.report import ReadReport
    from tickwright.twin.cache import cache_folder

    keep_in(cache_folder())
    report, inspector = ReadReport(), Inspector()
    tables = read_messages(
        file,
        from_ns=feed_time(from_),
        until_ns=feed_time(until),
        max_messages=max_messages,
        controls=True,
        report=report,
    )
    failure = None
    try:
        size = file.stat().st_size if file.is_file() else None
        for piece in tracked(_pieces(tables, report), "reading", size):
            inspector.add(piece.table)
    except MarketError as error:
        if not report.frames:  # else what the capture holds is worth showing
            raise
        failure = VerbError(WRONG_INPUT, str(error))
    found = inspector.inspection()
    if as_json:
        emit(_facts(file, found, report))
    else:
        pairs("File", _about_file(file, found, report))
        if report.kind == "pcap":
            pairs("Capture", _about_lines(found, report))
        elif found.merged.gaps:
            pairs("Sequence", [("records lost", _describe(found.merged))])
        printed(_about_types(found))
        printed(_about_symbols(found))
    if failure is not None:
        raise failure
    for line in report.damage[:-1]:
        note(f"tickwright: {line}")
    if report.damage:
        raise VerbError(WRONG_INPUT, report.damage[-1])
