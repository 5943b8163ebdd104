"""What was acknowledged is kept and verifies; whatever is done to it afterwards shows."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tickwright.service.journal import GENESIS, Journal, JournalError, entries, verify

ENTRIES = 6

WRITER = """
import itertools, sys
from pathlib import Path
from tickwright.service.journal import Journal
with Journal(Path(sys.argv[1])) as journal:
    for number in itertools.count():
        entry = journal.append("desk", "params.load", {"number": number, "text": "x" * 300})
        sys.stdout.write(f"{entry.number} {entry.hash}\\n")
        sys.stdout.flush()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a journal of a few entries."""
    path = tmp_path / "journal.jsonl"
    clock = itertools.count(1_000)
    with Journal(path, lambda: next(clock)) as journal:
        for number in range(ENTRIES):
            journal.append("ann", "params.load", {"epoch": number, "name": "cola – ü"})
    return path


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_a_new_journal_is_empty(tmp_path: Path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        assert (journal.count, journal.head) == (0, GENESIS)
    assert verify(tmp_path / "journal.jsonl").count == 0


def test_entries_are_read_as_they_were_kept(path: Path):
    found = entries(path, 1, 100)
    assert [entry.number for entry in found] == list(range(1, ENTRIES + 1))
    assert found[2].details == {"epoch": 2, "name": "cola – ü"}
    assert (found[2].by, found[2].what, found[2].time_ns) == ("ann", "params.load", 1_002)
    assert found[-1].hash == verify(path).head


@pytest.mark.parametrize(
    ("first", "most", "numbers"),
    [(1, 2, [1, 2]), (5, 9, [5, 6]), (-2, 9, [5, 6]), (-99, 1, [1]), (7, 9, []), (1, 0, [])],
)
def test_a_part_can_be_read(path: Path, first: int, most: int, numbers: list[int]):
    assert [entry.number for entry in entries(path, first, most)] == numbers


def test_the_chain_is_what_the_docstring_says(path: Path):
    before = "0" * 64
    for line in lines(path):
        entry = json.loads(line)
        own = entry.pop("hash")
        assert entry["before"] == before
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
        before = hashlib.sha256(text.encode()).hexdigest()
        assert own == before


def test_a_journal_goes_on_where_it_ended(path: Path):
    with Journal(path) as journal:
        assert journal.count == ENTRIES
        journal.append("ann", "kill", {})
    assert verify(path).count == ENTRIES + 1


class TestTampering:
    """Every edit is found, at the first place where it shows."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [("number", 3), ("time_ns", 0), ("by", "bob"), ("what", "arm"), ("details", {}),
         ("before", "f" * 64), ("hash", "f" * 64)],
    )  # fmt: skip
    def test_a_changed_field(self, path: Path, name: str, value: object):
        found = lines(path)
        entry = json.loads(found[1]) | {name: value}
        found[1] = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        path.write_bytes(b"".join(found))
        with pytest.raises(JournalError, match=r"line 2: "):
            verify(path)

    def test_a_changed_entry_with_a_hash_that_fits_breaks_the_next(self, path: Path):
        found = lines(path)
        entry = json.loads(found[1]) | {"by": "bob"}
        del entry["hash"]
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
        entry["hash"] = hashlib.sha256(text.encode()).hexdigest()
        found[1] = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        path.write_bytes(b"".join(found))
        with pytest.raises(JournalError, match=r"line 3: entry 3: found \w+ as the hash before"):
            verify(path)

    @pytest.mark.parametrize("number", range(ENTRIES - 1))
    def test_a_removed_entry(self, path: Path, number: int):
        found = lines(path)
        del found[number]
        path.write_bytes(b"".join(found))
        with pytest.raises(JournalError, match=f"line {number + 1}: found entry {number + 2}"):
            verify(path)

    def test_swapped_entries(self, path: Path):
        found = lines(path)
        found[2], found[3] = found[3], found[2]
        path.write_bytes(b"".join(found))
        with pytest.raises(JournalError, match="line 3"):
            verify(path)

    def test_an_entry_twice(self, path: Path):
        found = lines(path)
        path.write_bytes(b"".join([*found[:3], found[2], *found[3:]]))
        with pytest.raises(JournalError, match="line 4"):
            verify(path)

    @pytest.mark.parametrize("line", [b"{}\n", b"\n", b"null\n", b"text\n", b"[1]\n", b"\xff\n"])
    def test_a_line_that_is_no_entry(self, path: Path, line: bytes):
        path.write_bytes(b"".join([*lines(path)[:2], line]))
        with pytest.raises(JournalError, match=r"line 3: found .*, expected an entry"):
            verify(path)

    def test_another_way_to_write_an_entry(self, path: Path):
        found = lines(path)
        found[0] = found[0].replace(b'"by":', b'"by": ')
        path.write_bytes(b"".join(found))
        with pytest.raises(JournalError, match="line 1: entry 1 was changed"):
            verify(path)

    def test_entries_cut_off_at_the_end_are_found_by_the_head(self, path: Path):
        head = verify(path).head
        assert verify(path, head).count == ENTRIES
        path.write_bytes(b"".join(lines(path)[:-1]))
        assert verify(path).count == ENTRIES - 1
        with pytest.raises(JournalError, match=f"expected {head}"):
            verify(path, head)

    def test_a_broken_journal_is_not_opened(self, path: Path):
        path.write_bytes(b"".join(lines(path)[1:]))
        with pytest.raises(JournalError, match="line 1"):
            Journal(path)

    def test_a_random_flip_of_a_bit_is_found(self, path: Path):
        rng, whole = random.Random(7), path.read_bytes()
        head = verify(path).head
        for _ in range(300):
            text = bytearray(whole)
            text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
            path.write_bytes(text)
            with pytest.raises(JournalError):
                verify(path, head)


class TestCrash:
    """What a crash leaves is mended, and nothing acknowledged is missing."""

    def test_an_unfinished_last_line_is_cut_and_told(self, path: Path):
        found = lines(path)
        whole = b"".join(found[:-1])
        for size in range(1, len(found[-1])):
            path.write_bytes(whole + found[-1][:size])
            assert verify(path).torn == size
            with Journal(path) as journal:
                assert journal.count == ENTRIES
            newest = entries(path, -1, 1)[0]
            assert (newest.what, newest.details) == ("journal.repaired", {"cut_bytes": size})

    def test_a_killed_writer_loses_nothing_that_it_acknowledged(self, tmp_path: Path):
        rng, path = random.Random(11), tmp_path / "journal.jsonl"
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        for _ in range(12):
            with subprocess.Popen(
                [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, env=environment
            ) as writer:
                assert writer.stdout is not None
                told = [writer.stdout.readline() for _ in range(rng.randrange(1, 40))]
                writer.send_signal(signal.SIGKILL)
                told += writer.stdout.readlines()
            acknowledged = [line.split() for line in told if line.endswith(b"\n")]
            with Journal(path) as journal:
                count = journal.count
            kept = {entry.number: entry.hash for entry in entries(path, 1, count)}
            assert acknowledged
            for number, own in acknowledged:
                assert kept[int(number)] == own.decode()

    def test_a_second_owner_is_refused(self, path: Path):
        with Journal(path), pytest.raises(JournalError, match="owns it already"):
            Journal(path)
        Journal(path).close()

    def test_a_full_disk_refuses_the_entry_and_leaves_none_of_it(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        whole = path.read_bytes()
        with Journal(path) as journal:
            room = [17]

            def write(file: int, data: bytes) -> int:
                if not room:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return real(file, data[: room.pop()])

            real = os.write
            monkeypatch.setattr(os, "write", write)
            with pytest.raises(JournalError, match=r"entry 7 \(arm\): no space left on device"):
                journal.append("ann", "arm", {})
            monkeypatch.undo()
            assert path.read_bytes() == whole
            assert journal.append("ann", "kill", {}).number == ENTRIES + 1
        assert verify(path).count == ENTRIES + 1

    def test_what_json_cannot_hold_is_refused_and_nothing_is_kept(self, path: Path):
        with Journal(path) as journal:
            with pytest.raises(ValueError, match="JSON"):
                journal.append("ann", "arm", {"z": float("nan")})
            assert journal.count == ENTRIES
        assert verify(path).count == ENTRIES


def test_a_disk_that_fails_at_the_cut_too_is_told_and_leaves_a_whole_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def bad(*given: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.append("ann", "one", {})
        for name in ("fdatasync", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, bad)
        with pytest.raises(JournalError, match="input/output error"):
            journal.append("ann", "lost", {})
        monkeypatch.undo()
        journal.append("ann", "two", {})
    assert [entry.what for entry in entries(path, 1, 10)] == ["one", "two"]
    assert verify(path).torn == 0
