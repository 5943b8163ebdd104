"""A client asks each verb with its own structures, and tells a refusal as an error."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fake_card.bench import desk_text, limits_text

from tickwright.client.client import Client
from tickwright.service.caller import Caller
from tickwright.service.errors import ServiceError
from tickwright.service.keys import Key
from tickwright.service.protocol import VERBS, Changed, Killed, Reply, StatusCode
from tickwright.service.roles import Role

KEY = Key("ann", Role.OPERATOR, "x" * 40, "y" * 40)
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "status": ("status", {}),
    "preflight": ("preflight", {}),
    "positions": ("positions", {}),
    "orders": ("orders", {}),
    "load_parameters": ("params.load", {"desk": "d.toml"}),
    "diff_parameters": ("params.diff", {"desk": "d.toml"}),
    "roll_back": ("params.rollback", {"epoch": 3}),
    "parameters": ("params.show", {"epoch": 3}),
    "load_limits": ("limits.load", {"limits": "l.toml", "confirm": True}),
    "diff_limits": ("limits.diff", {"limits": "l.toml"}),
    "limits": ("limits.show", {}),
    "load_positions": ("positions.load", {"positions": {"KO": -5}, "dry_run": True}),
    "arm": ("arm", {}),
    "close_only": ("close-only", {}),
    "disarm": ("disarm", {}),
    "kill": ("kill", {}),
    "flatten": ("flatten", {"off": True}),
    "cancel_all": ("cancel-all", {}),
    "card_info": ("card.info", {}),
    "registers": ("card.registers", {"block": "risk"}),
    "counters": ("card.counters", {}),
    "journal": ("journal.show", {"first": 7}),
    "report": ("report", {}),
    "stop": ("stop", {}),
}


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    with Client("ipc:///none", "z" * 40, KEY) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "d.toml").write_text(desk_text())
    (tmp_path / "l.toml").write_text(limits_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_is_a_method_for_each_verb():
    assert {verb for verb, _ in CALLS.values()} == VERBS.keys()
    methods = {name for name, one in inspect.getmembers(Client, inspect.isfunction)}
    assert methods >= CALLS.keys()
    assert all(inspect.getdoc(getattr(Client, name)) for name in CALLS)


@pytest.mark.parametrize("method", CALLS)
def test_a_method_asks_its_verb(client: Client, method: str, monkeypatch: pytest.MonkeyPatch):
    verb, given = CALLS[method]
    asked: list[tuple[str, Any]] = []

    def ask(self: Caller, name: str, arguments: Any = None) -> Reply:
        asked.append((name, arguments))
        return Reply(1, StatusCode.REFUSED, "no", journal=7)

    monkeypatch.setattr(Caller, "ask", ask)
    with pytest.raises(ServiceError, match="no") as error:
        getattr(client, method)(**given)
    assert (error.value.status, error.value.journal) == (StatusCode.REFUSED, 7)
    ((name, arguments),) = asked
    assert name == verb
    assert isinstance(arguments, VERBS[verb].arguments) or arguments is None
    told = {} if arguments is None else msgspec.to_builtins(arguments)
    texts = {"desk": desk_text(), "limits": limits_text()}
    names = {"desk": {"name": "d.toml"}, "limits": {"name": "l.toml"}}
    for key, value in given.items():
        expected = {key: value} if key not in texts else {key: texts[key]} | names[key]
        assert expected.items() <= told.items()


def test_a_result_is_read_as_its_structure(client: Client, monkeypatch: pytest.MonkeyPatch):
    answer = Killed("killed", 8, ["host"])
    reply = Reply(1, StatusCode.DONE, result=msgspec.Raw(msgspec.json.encode(answer)))
    monkeypatch.setattr(Caller, "ask", lambda *given: reply)
    assert client.kill() == answer
    assert repr(client) == "Client('ipc:///none', as ann, operator)"
    assert "y" * 40 not in repr(client)


def test_a_file_that_cannot_be_read_is_told(client: Client, folder: Path):
    (folder / "d.toml").write_bytes(b"\xff")
    with pytest.raises(ServiceError, match=r"d.toml: found invalid start byte, expected UTF-8"):
        client.load_parameters("d.toml")
    with pytest.raises(ServiceError, match=r"none.toml: no such file") as error:
        client.load_limits(folder / "none.toml")
    assert error.value.status == StatusCode.WRONG


def test_a_notebook_shows_tables():
    shown = Changed(True, 1, 255, [], 0.5)._repr_html_()
    assert "<caption>Changed</caption>" in shown
    assert "0xff" in shown
