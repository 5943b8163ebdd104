"""A draft is a file of its own: whatever else lies in the folder stays as it is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tickwright.market.drafts import drafted, named


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("fails", [False, True], ids=["complete", "given-up"])
def test_no_other_file_is_touched(tmp_path: Path, fails: bool):
    others = {"a.draft": "input", "a.csv.draft": "another"}
    for name, text in others.items():
        (tmp_path / name).write_text(text)
    try:
        with drafted(tmp_path / "a.csv", tmp_path / "a") as (one, other):
            one.write_text("one")
            other.write_text("other")
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert contents(tmp_path) == others | ({} if fails else {"a.csv": "one", "a": "other"})


def test_an_output_may_have_the_name_of_anothers_draft(tmp_path: Path):
    with drafted(tmp_path / "a.csv", tmp_path / "a.csv.draft") as (one, other):
        one.write_text("one")
        other.write_text("other")
    assert contents(tmp_path) == {"a.csv": "one", "a.csv.draft": "other"}


def test_two_runs_at_once_share_no_draft(tmp_path: Path):
    path = tmp_path / "a.csv"
    with drafted(path) as (first,):
        first.write_text("first")
        with drafted(path) as (second,):
            second.write_text("second")
        assert path.read_text() == "second"
        assert first.read_text() == "first"
    assert contents(tmp_path) == {"a.csv": "first"}


def test_a_draft_is_never_written_into_a_file_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tickwright.market.drafts.token_hex", lambda _: "drawn")
    (tmp_path / "a.csv.drawn.draft").write_text("theirs")
    with pytest.raises(FileExistsError) as caught, drafted(tmp_path / "b", tmp_path / "a.csv"):
        pass
    assert caught.value.filename == str(tmp_path / "a.csv")
    assert contents(tmp_path) == {"a.csv.drawn.draft": "theirs"}


def test_a_draft_is_not_there_when_its_file_is_whole(tmp_path: Path):
    with drafted(tmp_path / "a.csv") as (draft,):
        draft.write_text("one")
        assert draft.suffix == ".draft"
        assert draft.parent == tmp_path
    assert contents(tmp_path) == {"a.csv": "one"}


def test_a_file_has_the_rights_of_any_new_file(tmp_path: Path):
    before = os.umask(0o027)
    try:
        with drafted(tmp_path / "a.csv"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o640


def test_links_are_followed(tmp_path: Path):
    (tmp_path / "there").mkdir()
    (tmp_path / "a.csv").symlink_to(tmp_path / "there" / "real.csv")
    with drafted(tmp_path / "a.csv") as (draft,):
        assert draft.parent == tmp_path / "there"
        draft.write_text("one")
    assert (tmp_path / "a.csv").is_symlink()
    assert contents(tmp_path / "there") == {"real.csv": "one"}


def test_an_error_names_the_file_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught, drafted(Path("nowhere/a.csv")):
        pass
    assert caught.value.filename == "nowhere/a.csv"
    with (
        pytest.raises(OSError, match="full") as caught,
        drafted(Path("a.csv.draft")) as (draft,),
        named(draft),
    ):
        raise OSError(28, "full")
    assert caught.value.filename == "a.csv.draft"
    assert contents(tmp_path) == {}
