"""Every command that a page names in passing exists, with its options and its arguments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from tickwright.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NAMED = re.compile(r"`tickwright ([^`]+)`")


def fault(text: str) -> str:
    """Return what is wrong with a command as it is named; a value may be any word."""
    command: Any = typer.main.get_command(app)
    words = text.split()
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        if name not in command.commands:
            return f"found {name}, expected one of {', '.join(command.commands)}"
        command = command.commands[name]
    places = [one for one in command.params if one.param_type_name == "argument"]
    options = {name for one in command.params for name in one.opts}
    for word in words:
        if word.startswith("--") and word not in options:
            return f"found {word}, expected one of {', '.join(sorted(options))}"
    if words and (words[0].startswith("--") is any(one.required for one in places)):
        return f"found {words[0]}, expected {'an argument' if places else 'an option'} first"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_page_names_exist(page: Path):
    found = {text: fault(text) for text in NAMED.findall(page.read_text())}
    assert {text: why for text, why in found.items() if why} == {}


@pytest.mark.parametrize(
    "text", ["symbols", "journal verify --state DIR", "kill --card CARD", "positions load FILE --x"]
)
def test_a_command_that_does_not_exist_is_noticed(text: str):
    assert fault(text)
