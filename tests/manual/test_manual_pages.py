"""The manual is made without a warning, lacks nothing, and what it tells one to type works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tickwright.cli.main import run
from tickwright.core.regs import Register
from tickwright.host.settings import Desk, keys
from tickwright.manual.build import DOCS, build
from tickwright.manual.pages import PAGES
from tickwright.monitoring.metrics import described
from tickwright.service.protocol import VERBS, StatusCode
from tickwright.top.memory_map import BLOCKS

ROOT = DOCS.parent
DEADLINE_S = 120.0
WRITTEN = sorted(DOCS.rglob("*.md"))


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    return [
        line.removeprefix("$ ")
        for block in blocks(page, "console")
        for line in block.splitlines()
        if line.startswith("$ ")
    ]


def typed(words: list[str]) -> None:
    """Run a verb; one that is refused for the market has not come yet is tried again."""
    end = time.monotonic() + DEADLINE_S
    while (status := run(words)) == StatusCode.REFUSED and time.monotonic() < end:
        time.sleep(0.1)
    assert status == 0, words


def called(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@contextmanager
def kept(command: str, folder: Path) -> Iterator[None]:
    """Keep a verb busy in a process of its own; those that serve say so first."""
    program, *words = shlex.split(command)
    assert program == "tickwright", command
    code = "from tickwright.cli.main import main; main()"
    log = folder / f"{'-'.join(words[:2])}.log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=out, stderr=out)
    try:
        end = time.monotonic() + DEADLINE_S
        while words[:2] != ["card", "play"] and b"serving" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, command
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def named(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the manual's HTML."""
    return build(tmp_path_factory.mktemp("manual") / "out").parent


def test_the_manual_is_made_without_a_warning(manual: Path):
    pages = {path.relative_to(manual).with_suffix(".md").as_posix() for path in
             manual.rglob("*.html")}  # fmt: skip
    assert {named(page) for page in WRITTEN} | {f"{name}.md" for name in PAGES} <= pages


def test_a_link_that_leads_nowhere_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(PAGES, "verbs", lambda: "# Verbs\n\n[there](nowhere.md)\n")
    with pytest.raises(RuntimeError, match="found warnings, expected none"):
        build(tmp_path / "out")
    assert "nowhere.md" in capfd.readouterr().err


class TestMadePages:
    """What is described somewhere stands on its page."""

    def test_every_register(self):
        page = PAGES["registers"]()
        for block in BLOCKS.values():
            for register in block.registers:
                assert isinstance(register, Register)
                assert f"| `{register.name}` | {register.bits} |" in page

    def test_every_request_and_who_may_ask(self):
        page = PAGES["requests"]()
        for name in VERBS:
            assert f"\n## {name}\n" in page
        assert "| `kill` |  | yes | yes | yes | yes |" in page

    def test_every_metric(self):
        page = PAGES["metrics"]()
        for metric in described():
            assert f"| `{metric.name}" in page

    def test_every_section_of_a_desk_file(self):
        page = PAGES["settings"]()
        for key in keys(Desk):
            assert key.name in page

    def test_the_help_of_a_verb_within_a_group(self):
        page = PAGES["verbs"]()
        assert "\n## desk check\n" in page
        assert "Example: tickwright replay" in page

    @pytest.mark.parametrize(
        "name", ["SequencedData", "StockDirectory", "EnterOrder", "Ipv4", "WriteRequest"]
    )
    def test_the_messages_of_each_protocol(self, name: str):
        assert f"\n### {name}\n" in PAGES["messages"]()


@pytest.mark.parametrize("page", [p for p in WRITTEN if commands(p)], ids=named)
def test_what_a_page_tells_one_to_type_works(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TICKWRIGHT_METRICS", "127.0.0.1:0")  # another may be where they usually are
    with ExitStack() as stack:
        for command in commands(page):
            if command.endswith(" &"):
                stack.enter_context(kept(command.removesuffix(" &"), tmp_path))
                continue
            program, *words = shlex.split(command)
            if program == "tickwright":
                typed(words)
            elif program == "make":
                called("make", "-n", "-C", str(ROOT), *words)
            else:
                assert program == "sed", command
                called("sh", "-c", command)


@pytest.mark.parametrize("page", [p for p in WRITTEN if blocks(p, "python")], ids=named)
def test_the_code_of_a_page_runs(page: Path, capsys: pytest.CaptureFixture[str]):
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)
    if page.stem == "message":
        assert "Indication.shares: found 4294967296" in capsys.readouterr().out


def test_pages_with_commands_and_code_were_found():
    kinds: list[Callable[[Path], object]] = [commands, lambda page: blocks(page, "python")]
    assert [sum(bool(kind(page)) for page in WRITTEN) for kind in kinds] == [5, 3]
