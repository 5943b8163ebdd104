"""A day through the whole path, as one types it."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path

import pyarrow.parquet as pq
import pytest

REPLAY = "replay session.pcap --desk session.desk.toml --limits session.limits.toml --card model "

ORDERS = """\
date,venue,message,timestamp_ns,intent_id,epoch,cause,latency_cycles,pair,leg,symbol,side,shares,\
price,time_in_force,user_ref_num,verdict
2026-01-05,XNAS,13,34202401000000,1,1,message,,cola,0,KO,T,100,601000,IOC,1,sent
2026-01-05,XNAS,13,34202401000000,1,1,message,,cola,1,PEP,B,100,600100,IOC,2,sent
2026-01-05,XNAS,16,34203001000000,2,1,message,,cola,0,KO,B,100,600100,IOC,3,sent
2026-01-05,XNAS,16,34203001000000,2,1,message,,cola,1,PEP,S,100,600000,IOC,4,sent
"""

FILLS = """\
date,venue,timestamp_ns,user_ref_num,match,pair,leg,symbol,side,shares,price,liquidity,fee
2026-01-05,XNAS,34202401020000,1,1000000,cola,0,KO,T,100,601000,R,0.3
2026-01-05,XNAS,34202401020000,2,2000000,cola,1,PEP,B,100,600100,R,0.3
2026-01-05,XNAS,34203001020000,3,3000000,cola,0,KO,B,100,600100,R,0.3
2026-01-05,XNAS,34203001020000,4,4000000,cola,1,PEP,S,100,600000,R,0.3
"""


def records(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def told(out: str) -> dict[str, str]:
    return dict(line.split("  ", 1) for line in out.splitlines() if "  " in line)


class TestFiles:
    """What scripts read."""

    def test_orders_and_fills_are_those_of_the_story(self, folder: Path, type_in):
        done = type_in(REPLAY + "--orders o.csv --fills-out f.csv --frames f.pcap --records r.pq")
        assert (done.status, done.err) == (0, "")
        assert (folder / "o.csv").read_text() == ORDERS
        assert (folder / "f.csv").read_text() == FILLS
        assert [row["kind"] for row in pq.read_table(folder / "r.pq").to_pylist()] == [
            "enter_short", "exit"
        ]  # fmt: skip
        assert (folder / "f.pcap").stat().st_size == 24 + 4 * (16 + 104)
        assert not list(folder.glob("*.draft"))

    def test_a_file_of_fills_may_be_played_again(self, folder: Path, type_in):
        assert type_in(REPLAY + "--fills random:7 --fills-out f.csv --orders o.csv").status == 0
        done = type_in(REPLAY + "--fills f.csv --fills-out again.csv --orders o2.csv")
        assert done.status == 0
        first, second = (records(folder / name) for name in ("f.csv", "again.csv"))
        assert first == second

    def test_two_runs_write_the_same_files(self, folder: Path, type_in):
        for name in ("one", "two"):
            more = f"--orders {name}.csv --frames {name}.pcap --report {name}.html"
            assert type_in(REPLAY + more).status == 0
        for end in ("csv", "pcap", "html"):
            one, two = ((folder / f"{name}.{end}").read_bytes() for name in ("one", "two"))
            assert one == two

    def test_an_itch_file_gives_the_same_orders(self, folder: Path, type_in):
        done = type_in(REPLAY.replace(".pcap", ".itch50") + "--orders o.csv")
        assert done.status == 0
        assert (folder / "o.csv").read_text() == ORDERS.replace("2026-01-05", "")


class TestSummary:
    """What people read: the assumptions first."""

    def test_the_first_line_says_which_fills_were_assumed(self, folder: Path, type_in):
        lines = type_in(REPLAY).out.splitlines()
        assert lines[0].split(maxsplit=1) == [
            "assumed",
            "fills assumed: every order filled in full at its limit price, 20,000 ns after the "
            "order; no market impact",
        ]
        assert [line.split()[0] for line in lines[:8]] == ["assumed"] * 7 + ["card"]
        text = " ".join(lines[:5])
        for what in ("fee assumed: 0.003 $", "borrow", "no silicon", "windows centred on"):
            assert what in text

    def test_figures_are_those_of_the_story(self, folder: Path, type_in):
        rows = told(type_in(REPLAY).out)
        found = {name.strip(): value.strip() for name, value in rows.items()}
        assert found["messages delivered"] == "17"
        assert found["gaps declared"] == "0"
        assert found["intents"] == "2 (enter_short 1, exit 1)"
        assert found["orders sent"] == "4"
        assert found["fills"] == "4 (400 shares, fees 1.20 $)"
        assert found["positions"] == "all flat"
        assert found["P&L, fees taken off"] == "6.80 $"  # 9.00 gained on KO, 1.00 lost on PEP
        assert found["latency"] == "not measured"

    def test_json_is_one_object_and_nothing_else(self, folder: Path, type_in):
        done = type_in(REPLAY + "--json")
        found = json.loads(done.out)
        assert (found["orders"], found["profit_usd"], found["difference"]) == (4, "6.8", None)
        assert found["assumptions"][0].startswith("fills assumed")

    def test_no_fills_leave_no_position(self, folder: Path, type_in):
        found = json.loads(type_in(REPLAY + "--fills none --json").out)
        assert (found["fills"], found["profit_usd"]) == (0, "0")
        assert found["orders"] >= 2

    def test_the_report_stands_alone(self, folder: Path, type_in):
        assert type_in(REPLAY + "--report r.html").status == 0
        page = (folder / "r.html").read_text()
        assert page.index("fills assumed: every order filled") < page.index("<h1>")
        assert "cola: 2 intents sent" in page
        assert "src=" not in page
        assert "http" not in page.replace("http://www.w3.org", "")


class TestLimits:
    """The file may be replayed in part."""

    def test_max_messages_stops_before_the_exit(self, folder: Path, type_in):
        found = json.loads(type_in(REPLAY + "--max-messages 14 --json").out)
        assert (found["messages"], found["orders"]) == (14, 2)

    def test_until_is_a_feed_time(self, folder: Path, type_in):
        found = json.loads(type_in(REPLAY + "--until 09:30:02.5 --json").out)
        assert (found["messages"], found["orders"]) == (13, 2)

    def test_from_starts_with_empty_books_and_says_so(self, folder: Path, type_in):
        found = json.loads(type_in(REPLAY + "--from 09:30:01.1 --json").out)
        assert found["messages"] == 11
        assert "books start empty at message 7, the first that is read" in found["assumptions"]
        assert "trading status assumed T: the file has no H message" in found["assumptions"]
        assert found["gaps"] == 0

    def test_a_symbol_whose_status_nobody_tells_is_named(self, folder: Path, type_in):
        found = json.loads(type_in(REPLAY + "--from 09:30:00.6 --json").out)
        assert "not traded, as no H message tells their status: KO" in found["assumptions"]
        assert found["orders"] == 0

    def test_nothing_left_is_refused(self, folder: Path, type_in):
        done = type_in(REPLAY + "--from 10:00")
        assert done.status == 2
        assert done.err == (
            "tickwright: session.pcap: found no message within --from, --until and --max-messages\n"
        )


WRONG = [
    ("a = ", 'a = "KOO"', "session.desk.toml: pair cola: a: found KOO, expected a symbol of the"),
    ("exit_z", 'exitz = "1"', "pair[0].exitz: found an unknown key, expected exit_z perhaps"),
    ("exit_z", 'exit_z = "9"', "session.desk.toml, line 15: pair cola: exit_z: found 9, expe"),
    ("line_a", 'line_a = "233.252.0.9:1"', "found no message on lines 233.252.0.9:1, 233.252.0.2"),
]


class TestRefusals:
    """One line that says where, what was found, and what was expected."""

    @pytest.mark.parametrize(("key", "line", "why"), WRONG, ids=[why[-30:] for *_, why in WRONG])
    def test_of_a_desk_file(self, folder: Path, type_in, key: str, line: str, why: str):
        desk = folder / "session.desk.toml"
        lines = [line if old.startswith(key) else old for old in desk.read_text().splitlines()]
        desk.write_text("\n".join(lines))
        done = type_in(REPLAY)
        assert (done.status, done.out) == (2, "")
        assert why in done.err
        assert done.err.count("\n") == 1

    def test_of_a_limits_file(self, folder: Path, type_in):
        limits = folder / "session.limits.toml"
        limits.write_text(limits.read_text().replace("max_shares = 1000", "max_shares = -1", 1))
        done = type_in(REPLAY)
        assert done.status == 2
        assert done.err.startswith("tickwright: session.limits.toml, line 2: max_shares: found -1")

    @pytest.mark.parametrize(
        ("fills", "why"),
        [
            ("sometimes", "fills: found 'sometimes'"),
            ("random:x", "fills: found seed 'x', expected random:SEED"),
            ("session.desk.toml", "session.desk.toml, line 2: found"),
        ],
    )
    def test_of_fills(self, folder: Path, type_in, fills: str, why: str):
        done = type_in(REPLAY + f"--fills {fills}")
        assert done.status == 2
        assert why in done.err

    def test_of_a_lone_looser_limit(self, folder: Path, type_in):
        with (folder / "session.desk.toml").open("a") as desk:
            desk.write("[limits]\nmax_shares = 1001\n")
        done = type_in(REPLAY)
        assert done.status == 2
        assert "limits.max_shares: found 1001, expected 0 to 1000" in done.err

    def test_a_part_that_cannot_be_read_is_told_and_the_rest_replayed(self, folder, type_in):
        capture = folder / "session.pcap"
        capture.write_bytes(capture.read_bytes()[:-5])
        done = type_in(REPLAY + "--json")
        assert done.status == 2
        found = json.loads(done.out)
        assert (found["messages"], found["orders"]) == (16, 4)
        assert "the capture ends within packet 17" in done.err
        assert found["damage"] == [done.err.removeprefix("tickwright: ").strip()]


class TestBoth:
    """The twin, and the model that decides the same."""

    BOTH = REPLAY.replace("--card model", "--card both")

    def test_they_agree(self, folder: Path, type_in):
        done = type_in(self.BOTH + "--orders o.csv --fills-out f.csv")
        assert done.status == 0, done.err
        assert "and the software model: the same in all" in done.out
        rows = records(folder / "o.csv")
        assert [row.pop("latency_cycles") != "" for row in rows] == [True] * 4
        expected = list(csv.DictReader(ORDERS.splitlines()))
        for row in expected:
            row.pop("latency_cycles")
        assert rows == expected

    def test_a_difference_is_told_with_all_that_helps(self, folder, type_in, monkeypatch):
        from tickwright.replay import software
        from tickwright.twin import waves

        honest, recorded = software.replay_as, []

        def wrong(messages, setup, card, *, fee=0):
            found = honest(messages, setup, card, fee=fee)
            found.outcome.journal.intents["leg1_price"][1] += 100
            return found

        def record(frames, setup, preset, script, path, *, frame):
            recorded.append(frame)

        monkeypatch.setattr(software, "replay_as", wrong)
        monkeypatch.setattr(waves, "record_waves", record)
        done = type_in(self.BOTH + "--fills random:3 --json")
        assert done.status == 1
        assert json.loads(done.out)["difference"]["sequence"] == 16
        lines = done.err.splitlines()
        assert lines[0] == "first difference: intents row 1 (leg1_price), message sequence 16"
        assert lines[1].startswith("  twin   id 2, pair 0")
        assert "leg1_price 600000" in lines[1]
        assert lines[2].startswith("  model  id 2, pair 0")
        assert "leg1_price 600100" in lines[2]
        assert lines[3].startswith("  message 16 (A): AddOrder(locate=11")
        assert recorded == [15]
        assert lines[-2].startswith("  waveform: ")
        repro = shlex.split(lines[-1].removeprefix("  repro: tickwright "))
        assert repro[-2:] == ["--max-messages", "17"]
        assert type_in(*repro).status == 1
        monkeypatch.undo()
        monkeypatch.chdir(folder)
        assert type_in(*repro).status == 0


def test_the_twin_alone_gives_the_same_fills(folder: Path, type_in):
    done = type_in(REPLAY.replace("--card model", "--card twin") + "--fills-out f.csv")
    assert done.status == 0, done.err
    found = records(folder / "f.csv")
    expected = list(csv.DictReader(FILLS.splitlines()))
    assert [replace_time(row) for row in found] == [replace_time(row) for row in expected]


def replace_time(row: dict[str, str]) -> dict[str, str]:
    return {**row, "timestamp_ns": ""}
