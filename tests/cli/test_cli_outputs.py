"""A verb writes where it may, and says so before the work where it may not."""

from __future__ import annotations

import errno
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tickwright.cli.outputs import writable
from tickwright.market.itch_files import CHUNK_BYTES
from tickwright.market.source import Source


def test_a_new_file_in_a_folder_is_taken(tmp_path: Path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    for path in (tmp_path / "a.csv", tmp_path / "link.csv", None):
        writable("--out", path, [tmp_path / "b.pcap", None])
    assert [path.name for path in tmp_path.iterdir()] == ["link.csv"]


def test_an_input_is_never_overwritten(tmp_path: Path):
    (tmp_path / "day.pcap").write_bytes(b"capture")
    (tmp_path / "link.csv").symlink_to(tmp_path / "day.pcap")
    for path in (tmp_path / "day.pcap", tmp_path / "link.csv"):
        with pytest.raises(typer.BadParameter, match="also reads or writes"):
            writable("--out", path, [tmp_path / "day.pcap"])


def test_a_device_or_a_folder_is_no_file(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(typer.BadParameter, match="which is no file"):
            writable("--out", path, [])


def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(typer.BadParameter, match="a folder that exists"):
        writable("--out", tmp_path / "nowhere" / "a.csv", [])


LIMITED = """
import resource, sys
from tickwright.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
main()
"""


def typed_with_room_for(size: int, words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Type a command in a process that may write no file beyond so many bytes: a full disk."""
    command = [sys.executable, "-c", LIMITED, str(size), *words.split()]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def contents(folder: Path) -> dict[str, bytes]:
    """Return what the files of a folder hold, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


class TestAFullDisk:
    """A file is whole, as it was, or absent; the error names the file that was asked for."""

    def test_harms_no_run_whose_machine_code_finds_no_room(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        done = typed_with_room_for(1_000, "inspect session.itch50 --json", folder)
        assert (done.returncode, done.stderr) == (0, "")
        assert any((tmp_path / "tickwright").rglob("market-*"))
        assert not any(tmp_path.rglob("*.nbc"))

    @pytest.mark.parametrize(
        ("words", "size", "file"),
        [
            ("generate day.pcap --symbols 4 --messages 2000", 150_000, "day.pcap"),
            ("bbo session.itch50 --card model --out b.csv", 200, "b.csv"),
            ("desk new d.desk.toml", 300, "d.desk.toml"),
        ],
    )
    def test_leaves_what_was_there(self, folder: Path, type_in, words: str, size: int, file: str):
        assert type_in(words).status == 0
        made = {path.name for path in folder.iterdir() if path.is_file()}
        for old in (None, b"old"):
            for name in made - {"session.itch50"}:
                (folder / name).unlink(missing_ok=True)
                if old is not None and not words.startswith("desk"):
                    (folder / name).write_bytes(old)
            before = contents(folder)
            done = typed_with_room_for(size, words, folder)
            assert (done.returncode, done.stdout) == (1, "")
            last = done.stderr.splitlines()[-1]
            assert last == f"tickwright: {file}: file too large"
            assert contents(folder) == before


@pytest.mark.parametrize(
    "words",
    [
        "generate nowhere/day.pcap --symbols 4 --messages 2000",
        "desk new nowhere/d.desk.toml",
        "desk new d.desk.toml --limits nowhere/l.toml",
        "desk new d.desk.toml --limits d.desk.toml",
    ],
)
def test_what_cannot_be_written_is_told_before_the_work(folder: Path, type_in, words: str):
    before = sorted(folder.iterdir())
    done = type_in(words)
    assert (done.status, done.out) == (2, "")
    assert re.search(r"^tickwright: .*expected a (folder that exists|file of its own)", done.err)
    assert done.err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_generate_follows_links_and_replaces_what_was_there(folder: Path, type_in):
    (folder / "elsewhere").mkdir()
    (folder / "day.itch50").symlink_to(folder / "elsewhere" / "real.itch50")
    (folder / "day.pcap").write_bytes(b"old")
    (folder / "day.limits.toml").mkdir()
    words = "generate day.pcap --symbols 4 --messages 2000"
    done = type_in(words)
    assert (done.status, (folder / "day.pcap").read_bytes()) == (2, b"old")
    assert "day.limits.toml, which is no file" in done.err
    (folder / "day.limits.toml").rmdir()
    assert type_in(words).status == 0
    assert (folder / "day.itch50").is_symlink()
    assert (folder / "elsewhere" / "real.itch50").stat().st_size > 1000
    assert (folder / "day.pcap").stat().st_size > 1000


@pytest.mark.parametrize("name", ["b.csv.draft", "b.csv"])
def test_an_error_names_the_file_and_not_its_draft(
    folder: Path, type_in, monkeypatch: pytest.MonkeyPatch, name: str
):
    def fail(draft: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(draft))

    monkeypatch.setattr(Path, "replace", fail)
    done = type_in(f"bbo session.itch50 --card model --out {name}")
    assert (done.status, done.err.splitlines()[-1]) == (1, f"tickwright: {name}: permission denied")


@pytest.mark.parametrize("words", ["s.draft --out s", "s.draft --out b.csv"])
def test_an_input_named_as_a_draft_is_kept(folder: Path, type_in, words: str):
    (folder / "session.itch50").rename(folder / "s.draft")
    before = (folder / "s.draft").read_bytes()
    assert type_in(f"bbo {words} --card model").status == 0
    assert (folder / "s.draft").read_bytes() == before


def test_an_output_named_as_the_draft_of_another_is_kept(folder: Path, type_in):
    words = "--desk session.desk.toml --limits session.limits.toml --card model"
    done = type_in(f"replay session.pcap {words} --fills-out z.csv --orders z.csv.draft")
    assert done.status == 0, done.err
    assert "user_ref_num,match" in (folder / "z.csv").read_text()
    assert "verdict" in (folder / "z.csv.draft").read_text()


class Failing:
    """A file that the system stops reading."""

    def read(self, _: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("words", "at_pass"),
    [("inspect {}", 1), ("bbo {} --card model --out b.csv", 1),
     ("bbo {} --card model --out b.csv", 2)],
)  # fmt: skip
def test_an_input_that_fails_as_it_is_read_is_named_and_no_output(
    folder: Path, type_in, monkeypatch: pytest.MonkeyPatch, words: str, at_pass: int
):
    plain, passes = Source.read, itertools.count(1)

    def read(source: Source, count: int) -> bytes:
        if count == CHUNK_BYTES and next(passes) == at_pass:
            vars(source)["_file"].close()
            monkeypatch.setattr(source, "_file", Failing())
        return plain(source, count)

    monkeypatch.setattr(Source, "read", read)
    done = type_in(words.format("session.itch50"))
    told = "tickwright: session.itch50: input/output error; expected a file of market data"
    assert (done.status, done.err.splitlines()[-1]) == (2, told)
    assert not list(folder.glob("b.csv*"))


def test_an_error_while_rows_are_made_does_not_blame_the_output(
    folder: Path, type_in, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> Iterator:
        yield from ()
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr("tickwright.replay.best.model_rows", fail)
    done = type_in("bbo session.itch50 --card model --out b.csv")
    assert done.err.splitlines()[-1] == "tickwright: session.itch50: cannot allocate memory"
    assert not list(folder.glob("b.csv*"))
