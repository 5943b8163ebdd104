"""The journal is verified and read from the command line, without its service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

JOURNAL = "journal.jsonl"


def edited(folder: Path) -> None:
    path = folder / JOURNAL
    path.write_text(path.read_text().replace('"epoch":2', '"epoch":9'))


def test_a_whole_chain_is_0_and_tells_its_head(folder: Path, type_in):
    done = type_in(f"journal verify {JOURNAL} --json")
    found = json.loads(done.out)
    assert (done.status, found["entries"], found["torn_bytes"]) == (0, 3, 0)
    assert type_in(f"journal verify {JOURNAL} --head {found['head']}").status == 0
    assert found["head"] in type_in(f"journal verify {JOURNAL}").out


@pytest.mark.parametrize("verb", ["verify", "show"])
def test_a_broken_chain_is_1_and_names_the_entry(folder: Path, type_in, verb: str):
    edited(folder)
    done = type_in(f"journal {verb} {JOURNAL}")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"tickwright: {JOURNAL}: line 2: entry 2 was changed: found hash ")
    assert done.err.count("\n") == 1


def test_entries_cut_off_are_1_where_the_head_is_known(folder: Path, type_in):
    head = json.loads(type_in(f"journal verify {JOURNAL} --json").out)["head"]
    path = folder / JOURNAL
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    assert type_in(f"journal verify {JOURNAL}").status == 0
    assert type_in(f"journal verify {JOURNAL} --head {head}").status == 1


def test_an_unfinished_line_is_told_and_is_no_fault(folder: Path, type_in):
    with (folder / JOURNAL).open("a") as file:
        file.write('{"number":4')
    done = type_in(f"journal verify {JOURNAL}")
    assert done.status == 0
    assert "an unfinished last line of 11 bytes" in done.err


def test_a_file_that_is_not_there_is_2(folder: Path, type_in):
    done = type_in("journal verify nothing.jsonl")
    assert (done.status, done.err) == (
        2,
        "tickwright: nothing.jsonl: found no file, expected a journal\n",
    )


def test_entries_are_shown(folder: Path, type_in):
    done = type_in(f"journal show {JOURNAL} --first 2 --most 1")
    assert done.status == 0
    assert len(done.out.splitlines()) == 2
    assert "2026-01-05 00:00:00.000000  ann  params.load  epoch=2" in done.out
    found = json.loads(type_in(f"journal show {JOURNAL} --json").out)["entries"]
    assert [entry["details"]["epoch"] for entry in found] == [1, 2, 3]
