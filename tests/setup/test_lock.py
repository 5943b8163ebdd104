"""The lock pins everything that the extras need, by hash, and names no machine."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
ENTRY = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^\s;]+) \\\n(?P<rest>(?: +.*\n)+)", re.M)


@pytest.fixture
def lock(project: Path) -> str:
    return (project / "requirements.lock").read_text()


@pytest.fixture
def pins(lock: str) -> dict[str, Version]:
    return {
        canonicalize_name(each["name"]): Version(each["version"]) for each in ENTRY.finditer(lock)
    }


def needed(python: str) -> set[tuple[str, Requirement]]:
    """Return what the ``dev`` extra brings on a Linux with ``python``: who asks, and for what."""
    found: set[tuple[str, Requirement]] = set()
    todo = [("tickwright", frozenset({"dev"}))]
    seen = set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for requirement in map(Requirement, metadata.requires(name) or ()):
            wanted = [
                requirement.marker is None
                or requirement.marker.evaluate(
                    {"python_version": python, "python_full_version": f"{python}.0", "extra": extra}
                )
                for extra in extras | {""}
            ]
            if any(wanted):
                found.add((name, requirement))
                todo.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return found


def test_each_pin_has_its_hashes(lock: str, pins: dict[str, Version]):
    assert len(pins) == lock.count("==") > 40
    for entry in ENTRY.finditer(lock):
        lines = entry["rest"].splitlines()
        assert all(re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines)


def test_the_hashes_cover_more_machines_than_one(lock: str):
    hashes = {each["name"]: each["rest"].count("--hash") for each in ENTRY.finditer(lock)}
    assert min(hashes[name] for name in ("numpy", "numba", "pyzmq", "cocotb", "pyarrow")) > 10


def test_no_address_and_no_path(lock: str):
    text = "\n".join(line for line in lock.splitlines() if not line.startswith("#"))
    assert not re.search(r"://|file:|index-url|find-links|trusted-host|@|/", text)


@pytest.mark.parametrize("python", PYTHONS)
def test_all_that_is_needed_is_pinned(pins: dict[str, Version], python: str):
    asked = needed(python)
    assert len(asked) > 40
    amiss = {
        f"{who} needs {requirement}"
        for who, requirement in asked
        if (name := canonicalize_name(requirement.name)) != "tickwright"
        and (name not in pins or not requirement.specifier.contains(pins[name], prereleases=True))
    }
    assert amiss == set()


def test_each_dependency_is_given_its_reason(project: Path):
    text = (project / "pyproject.toml").read_text()
    listed = re.findall(r'^    "[A-Za-z][^"]*[=>]=[^"]*",(.*)$', text, re.MULTILINE)
    assert len(listed) > 15
    assert all(re.match(r" +# [\w`]", rest) for rest in listed)
