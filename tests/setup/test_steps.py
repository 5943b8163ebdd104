"""Set-up does what is missing, once, and survives being killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tickwright.setup import machine, steps
from tickwright.setup.steps import Clone, SetupError, Step, make

WAIT = 20  # seconds


class Interrupted(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.fixture
def clone(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Return a clone whose environment is quickly made, without packages."""
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(project / name, tmp_path / name)

    def create(folder: Path, **_: object) -> None:
        (folder / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
        (folder / "bin").mkdir()
        (folder / "bin" / "python").touch()

    monkeypatch.setattr(steps.venv, "create", create)
    monkeypatch.setattr(Clone, "_pip", lambda self, *arguments: None)
    return Clone(tmp_path)


def by_title(clone: Clone, word: str) -> Step:
    return next(step for step in clone.steps if word in step.title)


class TestMake:
    """The loop over the steps."""

    @pytest.fixture
    def happened(self) -> list[str]:
        return []

    @pytest.fixture
    def three(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happened: list[str]) -> Clone:
        def step(name: str) -> Step:
            return Step(name, lambda: name in happened, lambda: happened.append(name))

        monkeypatch.setattr(Clone, "steps", (step("a"), step("b"), step("c")))
        (tmp_path / "requirements.lock").touch()
        return Clone(tmp_path)

    def test_runs_the_steps_in_order(self, three: Clone, happened: list[str]):
        make(three)
        assert happened == ["a", "b", "c"]

    def test_skips_what_is_done(self, three: Clone, happened: list[str]):
        happened.append("b")
        make(three)
        assert happened == ["b", "a", "c"]

    def test_says_what_it_does(self, three: Clone, capsys: pytest.CaptureFixture[str]):
        make(three)
        first = capsys.readouterr().out
        assert first.index("1/3 a ...") < first.index("1/3 done in") < first.index("2/3 b ...")
        make(three)
        assert capsys.readouterr().out.startswith("setup: everything is there")

    def test_leaves_a_folder_alone_that_is_no_clone(self, three: Clone, happened: list[str]):
        three.lock.unlink()
        with pytest.raises(SetupError, match="not a clone"):
            make(three)
        assert happened == []

    def test_names_each_missing_program(self, three: Clone, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(machine.shutil, "which", lambda name: None)
        with pytest.raises(SetupError, match=r"g\+\+ is missing.*\n.*make is missing"):
            make(three)


class TestPackages:
    """The environment and the pins in it."""

    def test_done_only_after_the_last_act(self, clone: Clone, monkeypatch: pytest.MonkeyPatch):
        step = by_title(clone, "requirements.lock")

        def killed(self: Clone, *arguments: str) -> None:
            raise Interrupted

        with monkeypatch.context() as patch:
            patch.setattr(Clone, "_pip", killed)
            with pytest.raises(Interrupted):
                step.run()
        assert clone.python.exists()
        assert not step.done()
        step.run()
        assert step.done()

    def test_an_interrupted_environment_is_made_anew(self, clone: Clone):
        half = clone.venv / "lib" / "python3.11" / "site-packages" / "half"
        half.mkdir(parents=True)
        by_title(clone, "requirements.lock").run()
        assert not half.exists()

    def test_an_environment_being_removed_is_not_taken_for_whole(
        self, clone: Clone, monkeypatch: pytest.MonkeyPatch
    ):
        step = by_title(clone, "requirements.lock")
        step.run()

        def killed(*_: object, **__: object) -> None:
            raise Interrupted

        with monkeypatch.context() as patch:
            patch.setattr(steps.shutil, "rmtree", killed)
            with pytest.raises(Interrupted):
                step.run()
        assert not step.done()

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda clone: clone.lock.write_text("other==1\n"), id="another-lock"),
            pytest.param(lambda clone: clone.python.unlink(), id="python-gone"),
        ],
    )
    def test_wanted_again_after(self, clone: Clone, change: Callable[[Clone], object]):
        step = by_title(clone, "requirements.lock")
        step.run()
        assert step.done()
        change(clone)
        assert not step.done()

    def test_a_moved_clone_is_noticed(self, clone: Clone):
        by_title(clone, "requirements.lock").run()
        moved = clone.root / "moved"
        moved.mkdir()
        for name in ("requirements.lock", "pyproject.toml", ".venv"):
            (clone.root / name).rename(moved / name)
        assert not by_title(Clone(moved), "requirements.lock").done()

    def test_a_python_that_makes_no_environment_is_told_of(
        self, clone: Clone, monkeypatch: pytest.MonkeyPatch
    ):
        def without_ensurepip(*_: object, **__: object) -> None:
            raise subprocess.CalledProcessError(1, "ensurepip")

        monkeypatch.setattr(steps.venv, "create", without_ensurepip)
        with pytest.raises(SetupError, match="PYTHON="):
            by_title(clone, "requirements.lock").run()


class TestProject:
    """The editable install."""

    def test_wanted_again_only_when_its_description_changes(self, clone: Clone):
        by_title(clone, "requirements.lock").run()
        step = by_title(clone, "editable")
        step.run()
        text = clone.project.read_text()
        clone.project.write_text(text.replace("line-length = 100", "line-length = 99"))
        assert step.done()
        clone.project.write_text(text.replace("tickwright.cli.main:main", "tickwright.other:app"))
        assert not step.done()

    def test_the_record_of_an_interrupted_install_is_removed(self, clone: Clone):
        by_title(clone, "requirements.lock").run()
        record = clone.venv / "lib/python3.11/site-packages/tickwright-0.1.0.dist-info"
        record.mkdir()
        by_title(clone, "editable").run()
        assert not record.exists()


def test_two_at_once_take_turns(tmp_path: Path):
    script = (
        "import sys, time; from pathlib import Path; from tickwright.setup.steps import Clone\n"
        "with Clone(Path(sys.argv[1])).alone():\n"
        "    print('in', flush=True); sys.stdin.read(); print('out', flush=True)"
    )

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        return process.stdout.readline()

    with start() as first:
        assert line(first) == "in\n"
        with start() as second:
            assert "waiting" in line(second)
            first.kill()
            assert line(second) == "in\n"
            second.communicate(timeout=WAIT)


def test_a_failing_command_is_shown_with_its_output(clone: Clone, monkeypatch: pytest.MonkeyPatch):
    clone.python = Path(sys.executable)
    with pytest.raises(SetupError, match="no such thing"):
        clone._checked("-c", "raise SystemExit('no such thing')")


def test_setup_of_this_clone_has_nothing_to_do(project: Path):
    done = subprocess.run(
        [sys.executable, "-m", "tickwright.setup"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": "sim"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (told,) = done.stdout.splitlines()  # and no step
    assert "everything is there" in told
