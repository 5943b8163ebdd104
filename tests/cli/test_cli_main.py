"""How a command ends: its status, and one line that says why."""

from __future__ import annotations

import errno
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from service_party.scenario import SCENARIO

from tickwright.cli.main import app, run
from tickwright.exchange.scripted import FillsError
from tickwright.host.card import CardError
from tickwright.host.settings import SettingsError
from tickwright.host.setup import SetupError
from tickwright.market.errors import MarketError

BBO = "bbo session.itch50 --card model --out b.csv"


def verbs(group: typer.Typer = app, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every verb."""
    for one in group.registered_commands:
        callback = one.callback
        assert callback is not None
        yield (*words, one.name or callback.__name__)
    for one in group.registered_groups:
        assert one.typer_instance is not None
        yield from verbs(one.typer_instance, (*words, one.name or ""))


def docstring(words: tuple[str, ...], group: typer.Typer = app) -> str:
    for one in group.registered_groups:
        if one.name == words[0] and one.typer_instance is not None:
            return docstring(words[1:], one.typer_instance)
    for one in group.registered_commands:
        callback = one.callback
        if callback is not None and (one.name or callback.__name__) == words[0]:
            return callback.__doc__ or ""
    raise AssertionError(words)


def example(words: tuple[str, ...]) -> list[str]:
    found = re.search(r"Example: tickwright (.*)\Z", docstring(words), re.DOTALL)
    assert found, f"{' '.join(words)} has no example"
    return shlex.split(found[1])


# They run the twin, or need one: see test_cli_bench, test_cli_card and test_cli_serve.
HEAVY = {("bench", "latency"), ("bench", "twin"), ("card", "play"), ("card", "twin"), ("serve",)}
HEAVY |= {("card", "collect")}  # needs a card on PCI Express; see test_cli_collect
HEAVY |= set(SCENARIO)  # see test_cli_session


class TestExamples:
    """Every verb explains itself with a command that runs."""

    @pytest.mark.parametrize("words", list(verbs()), ids="-".join)
    def test_the_help_of_a_verb_shows_its_example(self, type_in, words: tuple[str, ...]):
        done = type_in(*words, "--help")
        assert done.status == 0
        shown = " ".join(re.sub(r"[│╭╮╰╯─]", " ", done.out).split())
        assert f"Example: tickwright {' '.join(example(words))}" in shown

    @pytest.mark.parametrize("words", [v for v in verbs() if v not in HEAVY], ids="-".join)
    def test_the_example_runs(self, folder: Path, type_in, words: tuple[str, ...]):
        typed = example(words)
        assert tuple(typed[: len(words)]) == words
        done = type_in(*typed)
        complete = words != ("doctor",) or json.loads(done.out)["complete"]
        assert done.status == (0 if complete else 1), done.err


class TestWrongCalls:
    """A call that cannot be is answered with status 2 and one line."""

    @pytest.mark.parametrize(
        ("typed", "why"),
        [
            ("fly", "fly"),
            ("bbo", "Missing argument 'file'"),
            ("bbo session.itch50 --card paper --out b.csv", "paper"),
            ("bbo session.itch50 --card model", "--out"),
            (BBO + " --colour red", "--colour"),
            (BBO + " --from noon", "found 'noon', expected 09:30:00.5 or 34200s"),
            (BBO + " --until 25:00", "found '25:00'"),
            (BBO + " --max-messages -1", "--max-messages"),
            (BBO + " --max-messages x", "x"),
            (BBO + " --symbols KO --locates 11", "expected one of the two"),
            (BBO + " --locates 1,x", "found '1,x'"),
            (BBO + " --locates 65536", "found 65536, expected 0 to 65535"),
            (BBO + " --symbols KOO", "symbols: found KOO, expected a symbol of the file, such as"),
            (BBO + " --from 10:00 --until 09:00", "until: found"),
        ],
    )
    def test_with_what_was_found(self, folder: Path, type_in, typed: str, why: str):
        done = type_in(typed)
        assert (done.status, done.out) == (2, "")
        assert why in done.err
        assert done.err.startswith("tickwright: ")
        assert done.err.count("\n") == 1
        assert not (folder / "b.csv").exists()

    @pytest.mark.parametrize("words", [[], ["desk"], ["bench"]], ids=["none", "desk", "bench"])
    def test_a_command_without_a_verb_is_told_its_verbs(self, capfd, words: list[str]):
        assert run(words) == 2
        told = capfd.readouterr()
        assert "Usage: tickwright" in told.out
        for verb in {(): "replay", ("desk",): "check", ("bench",): "latency"}[tuple(words)].split():
            assert f"│ {verb} " in told.out
        assert told.err == ""


WRONG_FILES = [
    (b"", "the file is empty; expected a pcap, a pcapng or an ITCH BinaryFILE"),
    (b"Date,Price\n" * 50, "byte 0: found 44 61 74 65, expected"),
    (bytes(range(7, 256)) * 20, "byte 0: found 07 08 09 0a, expected"),
    (b"\x1f\x8b" + bytes(30), "gzip"),
    (b"\x0a\x0d\x0d\x0a" + bytes(100), "expected the byte order magic of a pcapng"),
    (b"\xd4\xc3\xb2\xa1", "expected a pcap header of 24"),
    (b"\xd4\xc3\xb2\xa1\2\0\4\0" + bytes(12) + b"\x71\0\0\0", "found link type 113, expected 1"),
    (b"\xd4\xc3\xb2\xa1\2\0\4\0" + bytes(12) + b"\1\0\0\0", "none of them MoldUDP64"),
]


class TestWrongFiles:
    """A file that is none is refused by name, with what was found in it."""

    @pytest.mark.parametrize(("content", "why"), WRONG_FILES, ids=[why for _, why in WRONG_FILES])
    @pytest.mark.parametrize("verb", ["bbo F --card model --out b.csv", "inspect F"])
    def test_of_market_data(self, folder, type_in, verb: str, content: bytes, why: str):
        (folder / "F").write_bytes(content)
        done = type_in(verb)
        assert done.status == 2
        assert "F" in done.err
        assert why in done.err
        assert "Traceback" not in done.err
        assert not (folder / "b.csv").exists()

    def test_that_is_not_there(self, folder: Path, type_in):
        done = type_in("bbo absent --card model --out b.csv")
        assert (done.status, done.out) == (2, "")
        assert done.err == (
            "tickwright: absent: no such file or directory; expected a file of market data\n"
        )

    def test_the_rest_of_a_cut_capture_is_read(self, folder: Path, type_in):
        capture = folder / "session.pcap"
        capture.write_bytes(capture.read_bytes()[:-30])
        done = type_in("bbo session.pcap --card model --out b.csv")
        assert done.status == 2
        assert "the capture ends within packet 17" in done.err
        assert (folder / "b.csv").read_text().count("\n") > 5


class BrokenError(Exception):
    """A mistake of ours."""


BrokenError.__module__ = "elsewhere"


class TestEndings:
    """Whatever happens, there is a status and a line."""

    @pytest.mark.parametrize(
        ("error", "status", "line"),
        [
            (MarketError("day.pcap: bad"), 2, "day.pcap: bad"),
            (SettingsError("d.toml: bad"), 2, "d.toml: bad"),
            (SetupError("symbol X: bad"), 2, "symbol X: bad"),
            (FillsError("fills: bad"), 2, "fills: bad"),
            (CardError("card: refused"), 1, "card: refused"),
            (OSError(errno.ENOSPC, "No space left on device", "b.csv"), 1,
             "b.csv: no space left on device"),
            (PermissionError(errno.EACCES, "Permission denied", "b"), 1, "b: permission denied"),
            (MemoryError(), 1, "out of memory"),
            (ModuleNotFoundError("No module named 'amaranth'", name="amaranth"), 3,
             "amaranth is not installed, which the simulated card needs; see `tickwright doctor`"),
            (BrokenError("two\nlines"), 1,
             "a fault of Tickwright itself, please report it: BrokenError: two (in "),
        ],
    )  # fmt: skip
    def test_an_error_is_one_line(self, folder, type_in, monkeypatch, error, status, line):
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("tickwright.replay.bbo.write_bbo", fail)
        done = type_in(BBO)
        assert (done.status, done.out) == (status, "")
        last = done.err.splitlines()[-1]
        assert last.startswith(f"tickwright: {line}")
        assert "Traceback" not in done.err

    def test_ctrl_c_is_130(self, folder, type_in, monkeypatch):
        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("tickwright.replay.bbo.write_bbo", interrupt)
        assert type_in(BBO).status == 130

    def test_a_reader_who_leaves_is_no_error(self, folder: Path):
        command = "from tickwright.cli.main import main; main()"
        checked = ["desk", "check", "session.desk.toml", "--json"]
        process = subprocess.Popen(
            [sys.executable, "-c", command, *checked],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
        process.stderr.close()
        process.wait()
        assert told == b""

    def test_a_fault_names_the_place_that_is_ours(self, folder, type_in, monkeypatch):
        monkeypatch.setattr("tickwright.replay.watch.takes_cents", None)
        done = type_in(BBO)
        assert done.status == 1
        assert re.search(r"TypeError: .* \(in tickwright/cli/bbo\.py:\d+\)\n$", done.err)
