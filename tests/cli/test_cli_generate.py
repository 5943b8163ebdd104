"""`generate` writes the files of a session beside one another and says what they hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tickwright.cli.generate import generate
from tickwright.market.errors import MarketError
from tickwright.market.reader import recognise

SMALL = ["--seed", "3", "--symbols", "4", "--pairs", "2", "--messages", "2000"]

app = typer.Typer()
app.command()(generate)


def run(*arguments: str | Path):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_files_lie_beside_the_capture(tmp_path: Path):
    found = run(tmp_path / "day.pcap", *SMALL)
    assert found.exit_code == 0, found.output
    names = {"day.pcap", "day.itch50", "day.desk.toml", "day.limits.toml", "day.truth.json"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert recognise(tmp_path / "day.pcap") == "pcap"
    assert recognise(tmp_path / "day.itch50") == "itch"
    for expected in ("2,000: ", "4 watched, 2 more", "233.252.0.1:26477", "day.limits.toml"):
        assert expected in found.stdout
    assert "\x1b" not in found.output


def test_json_is_one_object(tmp_path: Path):
    found = run(tmp_path / "day.pcap", *SMALL, "--loss-both", "2", "--json")
    told = json.loads(found.stdout)
    assert told["files"]["itch"] == str(tmp_path / "day.itch50")
    assert told["settings"]["loss_both"] == len(told["lost_on_both"]) == 2
    assert sum(told["messages"].values()) == 2000
    assert found.stderr == ""


def test_options_reach_the_session(tmp_path: Path):
    found = run(
        tmp_path / "day.pcap", *SMALL, "--start-time", "10:15", "--duration-s", "30",
        "--loss-a", "0.5", "--duplicate", "0.25", "--date", "2025-02-03", "--json",
    )  # fmt: skip
    told = json.loads(found.stdout)
    assert told["settings"]["open_s"] == 36_900
    assert told["settings"]["duration_s"] == 30
    assert told["settings"]["date"] == "2025-02-03"
    assert told["lines"]["A"]["lost"] > told["lines"]["A"]["packets"] / 3
    assert told["lines"]["B"]["lost"] == 0
    assert told["lines"]["B"]["duplicated"] > 0


def test_pairs_left_out_are_half_of_the_symbols(tmp_path: Path):
    found = run(tmp_path / "day.pcap", "--symbols", "5", "--messages", "2000", "--json")
    assert json.loads(found.stdout)["settings"]["pairs"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pairs", "9", "--symbols", "4"], "pairs: found 9, expected at most 2"),
        (["--messages", "5"], "messages: found 5"),
        (["--date", "monday"], "date: found 'monday'"),
    ],
)
def test_a_wrong_wish_is_an_error_of_the_market(tmp_path: Path, arguments: list[str], said: str):
    found = run(tmp_path / "day.pcap", *arguments)
    assert isinstance(found.exception, MarketError)
    assert said in str(found.exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["--loss-a", "2"], ["--seed", "x"], ["--start-time", "noon"]]
)
def test_a_wrong_option_is_a_wrong_call(tmp_path: Path, arguments: list[str]):
    assert run(tmp_path / "day.pcap", *arguments).exit_code == 2


def test_the_help_shows_an_example():
    found = run("--help")
    assert "tickwright generate day.pcap --seed 1" in found.stdout
