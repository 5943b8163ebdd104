"""The files that people script against, byte by byte."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tickwright.host.records import BBO_ROW
from tickwright.market.drafts import named
from tickwright.market.reader import CAPTURE, recognise
from tickwright.replay.bbo import write_bbo
from tickwright.replay.files import dollars, write_fills, write_frames, write_orders
from tickwright.replay.flight import write_flight
from tickwright.replay.outcome import Outcome
from tickwright.replay.report import write_report
from tickwright.replay.summary import Summary
from tickwright.risk.checks import CHECKS

DAY = date(2026, 1, 5)

ORDERS = """\
date,venue,message,timestamp_ns,intent_id,epoch,cause,latency_cycles,pair,leg,symbol,side,shares,\
price,time_in_force,user_ref_num,verdict
2026-01-05,XNAS,4,4000000000,1,1,message,21,cola,0,KO,T,100,10600,IOC,7,sent
2026-01-05,XNAS,4,4000000000,1,1,message,38,cola,1,PEP,B,100,10200,IOC,8,sent
2026-01-05,XNAS,6,8000000000,2,1,message,,cola,0,KO,B,100,10800,IOC,,trust+collar
2026-01-05,XNAS,6,8000000000,2,1,message,,cola,1,PEP,S,100,10400,IOC,,trust+collar
2026-01-05,XNAS,7,9000000000,3,1,message,23,cola,0,KO,B,100,10500,IOC,9,sent
2026-01-05,XNAS,7,9000000000,3,1,message,40,cola,1,PEP,S,100,10400,IOC,10,sent
"""

FILLS = """\
date,venue,timestamp_ns,user_ref_num,match,pair,leg,symbol,side,shares,price,liquidity,fee
,XNAS,5000000000,7,70,cola,0,KO,T,100,10600,R,0.3
,XNAS,5000000000,8,80,cola,1,PEP,B,60,10200,R,0.18
,XNAS,6000000000,8,80,cola,1,PEP,B,40,10100,R,0.12
,XNAS,10000000000,9,90,cola,0,KO,B,100,10500,R,0.3
"""


def test_orders(outcome: Outcome, tmp_path: Path):
    write_orders(tmp_path / "o.csv", outcome, DAY)
    assert (tmp_path / "o.csv").read_text() == ORDERS


def test_fills(outcome: Outcome, tmp_path: Path):
    write_fills(tmp_path / "f.csv", outcome, None)
    assert (tmp_path / "f.csv").read_text() == FILLS


def test_a_file_is_whole_or_as_it_was(
    outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "o.csv").write_text("before")
    rows = outcome.order_rows
    monkeypatch.setattr(rows[-1].__class__, "verdict", property(lambda _: 1 / 0), raising=False)
    with pytest.raises(ZeroDivisionError):
        write_orders(tmp_path / "o.csv", outcome, None)
    assert [path.name for path in tmp_path.iterdir()] == ["o.csv"]
    assert (tmp_path / "o.csv").read_text() == "before"


WRITERS: dict[str, Callable[[Path, Outcome], object]] = {
    "orders": lambda path, outcome: write_orders(path, outcome, DAY),
    "fills": lambda path, outcome: write_fills(path, outcome, DAY),
    "frames": lambda path, outcome: write_frames(path, outcome.frames, [1, 2, 3, 4], DAY),
    "records": lambda path, outcome: write_flight(path, outcome, DAY),
    "report": lambda path, outcome: write_report(
        path, Summary("model", 7, [], outcome), {"cola": 0.01, "idle": 0.01}
    ),
    "best prices": lambda path, outcome: write_bbo(path, [np.zeros(9, BBO_ROW)], [("KO", 1)], DAY),
}


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow beyond some bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_is_told_in_plain_words(outcome: Outcome, tmp_path: Path, what: str):
    path = tmp_path / "out"
    path.write_text("before")
    with pytest.raises(OSError, match="File too large") as caught, full_disk(), named(path):
        WRITERS[what](path, outcome)
    assert (caught.value.filename, caught.value.strerror) == (str(path), "File too large")
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert path.read_text() == "before"


@pytest.mark.parametrize("what", WRITERS)
def test_an_error_names_the_file_and_not_its_draft(outcome: Outcome, tmp_path: Path, what: str):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "file").touch()
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(IsADirectoryError) as caught:
        WRITERS[what](tmp_path / "link", outcome)
    assert caught.value.filename == str(tmp_path / "link")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "link"]


@pytest.mark.parametrize(
    ("amount", "expected"), [(30_000, "0.003"), (-1, "-0.0000001"), (0, "0"), (10**19, "1E+12")]
)
def test_dollars_are_exact(amount: int, expected: str):
    assert dollars(amount) == Decimal(expected)


def test_frames_are_a_capture_that_scapy_reads(outcome: Outcome, tmp_path: Path):
    scapy = pytest.importorskip("scapy.utils")
    path = tmp_path / "f.pcap"
    write_frames(path, outcome.frames, [1, 2, 3, 4_000_000_000], DAY)
    assert recognise(path) == CAPTURE
    with scapy.RawPcapReader(str(path)) as reader:
        packets = list(reader)
    assert [data for data, _ in packets] == outcome.frames
    midnight = 1_767_571_200
    assert [(meta.sec, meta.usec) for _, meta in packets] == [
        (midnight, 1), (midnight, 2), (midnight, 3), (midnight + 4, 0)
    ]  # fmt: skip


def test_no_frame_makes_an_empty_capture(tmp_path: Path):
    write_frames(tmp_path / "f.pcap", [], [], None)
    assert (tmp_path / "f.pcap").stat().st_size == 24


class TestFlight:
    """A row a decision, with all that it was made on."""

    def test_a_decision_has_both_quotes_and_the_verdict(self, outcome: Outcome, tmp_path: Path):
        assert write_flight(tmp_path / "r.parquet", outcome, DAY) == 3
        rows = pq.read_table(tmp_path / "r.parquet").to_pylist()
        first, second, third = rows
        assert (first["pair"], first["kind"], first["message"]) == ("cola", "enter_short", 4)
        assert (first["bid_a"], first["ask_a"], first["bid_b"], first["ask_b"]) == (
            10_600, 10_800, 10_000, 10_200
        )  # fmt: skip
        assert (first["quote_sequence_a"], first["quote_sequence_b"]) == (4, 2)
        assert first["deviation"] == (21_400 - 20_200) << 8
        assert (first["leg0_user_ref_num"], first["leg1_latency_cycles"]) == (7, 38)
        assert (first["verdict"], first["passed"], first["state"]) == ("sent", True, "armed")
        assert (second["verdict"], second["check_trust"], second["check_collar"]) == (
            "trust+collar", True, True
        )  # fmt: skip
        refused = [name for name in CHECKS if second[f"check_{name}"]]
        assert refused == ["trust", "collar"]
        assert (second["leg0_user_ref_num"], second["feed_ok"]) == (None, False)
        assert (second["reasons_a"], second["reasons_b"]) == ("gap", "gap")
        assert (third["bid_a"], third["responses_applied"]) == (10_400, 4)

    def test_before_any_quote_there_is_none(self, outcome: Outcome, tmp_path: Path):
        outcome.journal.quotes["symbol"] = 2
        write_flight(tmp_path / "r.parquet", outcome, None)
        first = pq.read_table(tmp_path / "r.parquet").to_pylist()[0]
        assert (first["bid_a"], first["quote_sequence_b"], first["status_a"]) == (0, 0, "")
        assert first["date"] is None
