"""The doctor finds what is missing and says how to get it."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from tickwright.cli.doctor import doctor
from tickwright.setup import diagnosis
from tickwright.setup.diagnosis import diagnose

LOCK = """
# A comment.
numpy==2.4.6 \\
    --hash=sha256:0000
typer==0.29.2 \\
    --hash=sha256:0000
"""


def typed(*words: str):
    app = Typer()
    app.command()(doctor)
    return CliRunner().invoke(app, words)


def installed(versions: dict[str, str]):
    def version_of(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    return version_of


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ({"numpy": "2.4.6", "typer": "0.29.2"}, "all 2 as pinned"),
        ({"numpy": "2.4.5", "typer": "0.29.2"}, "numpy is 2.4.5, not 2.4.6"),
        ({"numpy": "2.4.6"}, "typer 0.29.2 is not installed"),
    ],
)
def test_packages_are_compared_with_their_pins(versions: dict[str, str], told: str):
    finding = diagnosis._packages(LOCK, installed(versions))
    assert finding.detail == told
    assert finding.present == ("as pinned" in told)
    assert ("make setup" in finding.remedy) == (not finding.present)


def test_everything_is_there_after_set_up():
    result = typed()
    assert result.exit_code == 0, result.output
    assert "missing" not in result.output


def test_missing_programs_are_named_with_their_remedy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    result = typed("--json")
    report = json.loads(result.output)
    missing = {each["name"]: each["remedy"] for each in report["findings"] if not each["present"]}
    assert result.exit_code == 1
    assert report["complete"] is False
    assert {"g++", "make", "perl", "git"} <= missing.keys()
    assert all(missing.values())


def test_an_environment_without_our_tools_points_to_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path))
    missing = {each.name: each for each in diagnose() if not each.present}
    assert missing.keys() == {"Verilator", "Yosys", "nextpnr"}
    assert all("make setup" in each.remedy for each in missing.values())


def test_outside_a_clone_a_host_needs_only_the_plain_install(tmp_path: Path):
    packages = next(each for each in diagnose(tmp_path) if each.name == "packages")
    assert packages.present
    assert "that a host needs" in packages.detail
