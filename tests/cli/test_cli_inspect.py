"""`inspect` shows what is in a file, and what of it could not be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tickwright.cli.inspect import clock, inspect
from tickwright.cli.output import VerbError
from tickwright.market.errors import MarketError
from tickwright.market.generator import SessionFiles, generate_session
from tickwright.market.session import SessionSettings

app = typer.Typer()
app.command()(inspect)


def run(*arguments: str | Path):
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SessionFiles:
    """Return a small session with losses."""
    settings = SessionSettings(
        symbols=4, pairs=2, messages=2_000, loss_a=0.05, loss_both=1, duplicate=0.05
    )
    return generate_session(tmp_path_factory.mktemp("day") / "day.pcap", settings)[0]


def test_the_recorded_sample_is_shown(shared_data: Path):
    found = run(shared_data / "nasdaq-20191230-093000.itch50")
    assert found.exit_code == 0
    for line in ("A          367  36.70 %", "322 locates, 185 with a name from added orders"):
        assert line in found.stdout
    told = json.loads(run(shared_data / "nasdaq-20191230-093000.itch50", "--json").stdout)
    assert told["by_type"]["A"] == 367
    assert told["symbols"] == {"count": 322, "named": 185, "source": "added orders"}
    assert told["first_ns"] == 34_200_000_000_230
    assert told["bursts"][0]["messages"] == 39


def test_a_capture_is_shown_line_by_line(files: SessionFiles):
    found = run(files.capture)
    assert found.exit_code == 0, found.output
    for expected in (
        "233.252.0.1:26477, assumed: seen first",
        "both lines",
        "1 gap, ",
        "dropped fragments",
        "busiest microsecond",
        "from stock directory",
    ):
        assert expected in found.stdout
    assert "\x1b" not in found.stdout


def test_json_is_one_object(files: SessionFiles):
    found = run(files.capture, "--json")
    told = json.loads(found.stdout)
    truth = json.loads(files.truth.read_text())
    assert told["merged"]["ranges"] == truth["lost_on_both"]
    assert told["lines"][0]["gaps"] > 1
    assert told["lines"][1]["destination"] == truth["lines"]["B"]["destination"]
    assert told["lines_assumed"]
    assert told["damage"] == []
    assert told["dropped"]["bad_checksum"] == 0
    assert found.stderr == ""


def test_limits_are_those_of_every_verb(files: SessionFiles):
    assert json.loads(run(files.itch, "--max-messages", "7", "--json").stdout)["messages"] == 7
    later = json.loads(run(files.itch, "--from", "09:30", "--json").stdout)
    assert later["first_ns"] >= 34_200_000_000_000
    early = json.loads(run(files.itch, "--until", "09:30", "--json").stdout)
    assert early["last_ns"] < 34_200_000_000_000
    assert early["messages"] + later["messages"] == 2_000


def test_nothing_in_the_limits_is_no_error(files: SessionFiles):
    found = run(files.itch, "--from", "23:00")
    assert found.exit_code == 0
    assert "first                none" in found.stdout


def test_a_damaged_file_is_shown_and_then_complained_of(tmp_path: Path, files: SessionFiles):
    path = tmp_path / "cut.itch50"
    path.write_bytes(files.itch.read_bytes()[:-3])
    found = run(path, "--json")
    assert json.loads(found.stdout)["messages"] == 1_999
    assert isinstance(found.exception, VerbError)
    assert found.exception.status == 2
    assert "the file ends within a message" in str(found.exception)


def test_a_capture_of_something_else_shows_its_counters(tmp_path: Path, files: SessionFiles):
    header = files.capture.read_bytes()[:24]
    record = bytes(8) + (60).to_bytes(4, "little") * 2 + bytes(60)
    path = tmp_path / "other.pcap"
    path.write_bytes(header + record * 5)
    found = run(path, "--json")
    assert json.loads(found.stdout)["dropped"]["not_ipv4"] == 5
    assert isinstance(found.exception, VerbError)
    assert "found 5 frames, none of them MoldUDP64" in str(found.exception)


def test_what_is_no_market_data_is_refused(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("nothing of the kind")
    found = run(path)
    assert isinstance(found.exception, MarketError)
    assert found.stdout == ""


def test_times_are_shown_as_a_clock():
    assert clock(34_200_000_000_230) == "09:30:00.000000230"
    assert clock(None) == "none"


def test_the_help_shows_an_example():
    assert "tickwright inspect session.pcap --max-messages 100000" in run("--help").stdout
