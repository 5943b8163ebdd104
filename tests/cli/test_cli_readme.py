"""What the README tells one to type works, and leaves nothing for git to pick up."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tickwright.market.drafts import drafted

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WRITES = (
    "generate",
    "new",
    "--out",
    "--orders",
    "--fills-out",
    "--frames",
    "--records",
    "--report",
)
BESIDE = {".pcap": (".itch50", ".desk.toml", ".limits.toml", ".truth.json"),
          ".desk.toml": (".limits.toml",)}  # fmt: skip


def typed() -> list[list[str]]:
    """Return the commands of the README's examples."""
    blocks = re.findall(r"^```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [line.partition("#")[0].split() for line in "".join(blocks).splitlines()]
    inline = [words.split() for words in re.findall(r"`(tickwright [^`]*)`", README)]
    return [line for line in lines + inline if line[:1] == ["tickwright"]]


def made() -> set[str]:
    """Return the names of the files that these commands write."""
    found = {
        name
        for words in typed()
        for option, name in pairwise(words)
        if option in WRITES and "." in name
    }
    for end, others in BESIDE.items():
        stems = [name.removesuffix(end) for name in found if name.endswith(end)]
        found |= {stem + other for stem in stems for other in others}
    return found


def drafts_of(name: str) -> str:
    """Return the name that a draft of a file may have."""
    with TemporaryDirectory() as folder, drafted(Path(folder) / name) as (draft,):
        return draft.name


def test_the_readme_has_commands_that_write():
    assert {"day.pcap", "day.truth.json", "cola.limits.toml", "flight.parquet", "bbo.csv"} < made()


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="no clone of git"
)
@pytest.mark.parametrize("name", sorted(made()))
def test_git_ignores_what_they_write(name: str):
    for written in (name, drafts_of(name)):
        command = ["git", "-C", str(ROOT), "check-ignore", "--no-index", "-q", written]
        assert subprocess.run(command, check=False).returncode == 0, written


class TestMake:
    """A bench is named, or the benches there are."""

    @staticmethod
    def make(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["make", "-n", "-C", str(ROOT), "--no-print-directory", *words]
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=plain)

    @pytest.mark.parametrize("name", ["nope", "", "feed.itch feed.nope"])
    def test_a_bench_that_is_none_is_told_those_there_are(self, name: str):
        done = self.make("sim", f"BENCH={name}")
        benches = (
            "book.stage card.pipeline card.versa ethernet.rgmii feed.itch order.ouch pcie.endpoint "
            "pcie.frames pcie.records risk.gate strategy.pairs uart.bridge"
        )
        assert done.returncode == 2
        assert done.stdout == ""
        assert re.fullmatch(
            rf'Makefile:\d+: \*\*\* BENCH: found "{name}", expected one of {benches}\.  Stop\.\n',
            done.stderr,
        )

    @pytest.mark.parametrize("words", [["sim"], ["sim", "BENCH=feed.itch"], ["BENCH=x", "lint"]])
    def test_others_are_run(self, words: list[str]):
        assert self.make(*words).returncode == 0
