"""A number is taken once, and remembered by who comes after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tickwright.service.numbers import HIGHEST, Numbers, NumbersError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "numbers"


def test_only_higher_numbers_are_taken(folder: Path):
    with Numbers(folder) as numbers:
        assert numbers.newest("ann") == 0
        taken = [numbers.take("ann", number) for number in (5, 5, 4, 6, 0, -1, 7)]
        assert taken == [True, False, False, True, False, False, True]
        assert numbers.take("bob", 1)
        assert (numbers.newest("ann"), numbers.newest("bob")) == (7, 1)


def test_up_to_the_highest(folder: Path):
    with Numbers(folder) as numbers:
        assert not numbers.take("ann", HIGHEST + 1)
        assert numbers.take("ann", HIGHEST)
        assert not numbers.take("ann", HIGHEST)


def test_who_comes_after_remembers_without_a_goodbye(folder: Path):
    with Numbers(folder) as killed:
        assert killed.take("ann", 1_700_000_000_000_000_000)
        with Numbers(folder) as numbers:
            assert numbers.newest("ann") == 1_700_000_000_000_000_000
            assert not numbers.take("ann", 1_700_000_000_000_000_000)


def test_the_folder_is_its_owners_alone(folder: Path):
    with Numbers(folder) as numbers:
        numbers.take("ann", 1)
    assert (folder.stat().st_mode & 0o777, (folder / "ann").stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )


@pytest.mark.parametrize("text", ["5\n", "x" * 20, "9" * 30])
def test_what_is_no_number_is_refused(folder: Path, text: str):
    folder.mkdir()
    (folder / "ann").write_text(text)
    with Numbers(folder) as numbers, pytest.raises(NumbersError, match="expected a number of 19"):
        numbers.take("ann", 1)


def test_a_number_that_cannot_be_kept_is_not_taken(folder: Path):
    with Numbers(folder) as numbers:
        (folder / "ann").mkdir()
        with pytest.raises(NumbersError, match="ann: is a directory"):
            numbers.take("ann", 1)


def test_a_folder_that_cannot_be_is_told(tmp_path: Path):
    (tmp_path / "numbers").write_text("")
    with pytest.raises(NumbersError, match="numbers: file exists"):
        Numbers(tmp_path / "numbers")
