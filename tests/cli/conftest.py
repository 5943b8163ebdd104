"""A command line to type at, and a small day of market data to type about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from service_party.cola import LIMITS, PAIR
from service_party.quiet_market import FEED

from tickwright.cli.main import run
from tickwright.feed.messages import AddOrder, ItchMessage, OrderDelete, StockDirectory
from tickwright.feed.messages import TradingAction as Trading
from tickwright.market.captures import write_capture
from tickwright.market.itch_files import write_itch
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import pack_datagrams
from tickwright.service.journal import Journal
from tickwright.service.keys import new_key
from tickwright.service.roles import Role

OPEN_NS = 34_200 * 10**9
STEP_NS = 1_000_000
DAY_S = 20_458 * 86_400  # 2026-01-05

DESK = f"{FEED}\n{PAIR}"


@dataclass(frozen=True)
class Typed:
    """What came of a command."""

    status: int
    out: str
    err: str


def story() -> list[ItchMessage]:
    """Return a day: KO rises ten cents above PEP, which is shorted, and falls back."""
    messages: list[ItchMessage] = []
    references = iter(range(1, 100))

    def say(message: ItchMessage) -> None:
        at_ns = OPEN_NS + STEP_NS * (200 * len(messages) + 1)
        messages.append(message.replace(timestamp_ns=at_ns))

    def add(locate: int, side: str, price: int) -> int:
        reference = next(references)
        stock = {11: "KO", 12: "PEP", 13: "DULL"}[locate]
        say(AddOrder(locate=locate, reference=reference, side=side, shares=500, stock=stock,
                     price=price))  # fmt: skip
        return reference

    for locate, stock in ((11, "KO"), (12, "PEP"), (13, "DULL")):
        say(StockDirectory(locate=locate, stock=stock))
        say(Trading(locate=locate, stock=stock, state="T"))
    for locate in (11, 12):
        add(locate, "B", 600_000)
    ask = add(11, "S", 600_100)
    add(12, "S", 600_100)
    say(OrderDelete(locate=11, reference=ask))
    add(11, "S", 601_100)
    high = add(11, "B", 601_000)  # short KO at 60.10, buy PEP at 60.01
    add(13, "B", 9_000)
    say(OrderDelete(locate=11, reference=high))
    add(11, "S", 600_100)  # back: buy KO at 60.01, sell PEP at 60.00
    add(13, "S", 9_100)
    return messages


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder to stand in: a day in two forms, a desk, limits, a journal, a key."""
    table = MessageTable.from_messages([message.pack() for message in story()])
    write_itch(tmp_path / "session.itch50", table)
    write_capture(tmp_path / "session.pcap", [pack_datagrams(table)], day_s=DAY_S)
    (tmp_path / "session.desk.toml").write_text(DESK)
    (tmp_path / "session.limits.toml").write_text(LIMITS)
    with Journal(tmp_path / "journal.jsonl", lambda: DAY_S * 10**9) as journal:
        for epoch in range(1, 4):
            journal.append("ann", "params.load", {"epoch": epoch})
    new_key(tmp_path / "state", "bob", Role.RISK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def type_in(capfd: pytest.CaptureFixture[str]) -> Callable[..., Typed]:
    """Type a command, as words or as one text."""

    def typed(*words: str) -> Typed:
        capfd.readouterr()
        status = run(words[0].split() if len(words) == 1 else list(words))
        found = capfd.readouterr()
        return Typed(status, found.out, found.err)

    return typed
