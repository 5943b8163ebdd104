"""The screen on a terminal that is none: it fills, it warns, and a kill takes two keys."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_card.bench import Bench
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from tickwright.recorder.snapshot import Snapshot
from tickwright.watch.app import WatchApp
from tickwright.watch.view import Seen, View

POLLS = 500


@pytest.fixture
def view(tmp_path: Path) -> View:
    bench = Bench(tmp_path / "desk")
    with bench.started():
        bench.arm()
        status = bench.ask("status")
    return View(Seen(status, 1.0, [], Snapshot(), 1.0), 1.0)


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    for _ in range(POLLS):
        await pilot.pause(0.01)
        if holds():
            return
    raise AssertionError("it never came about")


def shown(app: WatchApp, name: str) -> str:
    return str(app.query_one(f"#{name}", Static).render())


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_it_fills_and_warns_and_ends(view: View, key: str):
    views = [view]

    async def play() -> None:
        app = WatchApp(lambda: views[-1], lambda: views[-1], lambda: "killed")
        async with app.run_test() as pilot:
            await until(pilot, lambda: "armed" in shown(app, "lines"))
            assert shown(app, "warnings") == ""
            assert app.query_one("#symbols", DataTable).row_count == 3
            assert app.query_one("#pairs", DataTable).row_count == 2
            assert shown(app, "orders-title") == "orders: none"
            views.append(View(view.seen, 60.0))
            await until(pilot, lambda: "OLD: status" in shown(app, "warnings"))
            assert app.query_one("#lines").has_class("-old")
            views.append(View(Seen(fault="nobody answers"), 1.0))
            await until(pilot, lambda: "nobody answers" in shown(app, "lines"))
            await pilot.press(key)
        assert app.return_code == 0

    asyncio.run(play())


def styles(app: WatchApp, name: str) -> set[str]:
    table = app.query_one(f"#{name}", DataTable)
    return {str(cell.style) for row in range(table.row_count) for cell in table.get_row_at(row)}


def test_a_service_that_hangs_is_told_while_it_hangs(view: View):
    answered, looks = threading.Event(), [view]

    def look() -> View:
        if looks:
            return looks.pop()
        answered.wait(60)
        return view

    async def play() -> None:
        app = WatchApp(look, lambda: View(view.seen, 6.0), lambda: "killed")
        async with app.run_test() as pilot:
            try:
                await until(pilot, lambda: "armed" in shown(app, "lines"))
                assert styles(app, "symbols") == {""}
                await until(pilot, lambda: "OLD: status" in shown(app, "warnings"))
                assert "are of 5 s ago" in shown(app, "warnings")
                assert app.query_one("#lines").has_class("-old")
                assert styles(app, "symbols") == styles(app, "pairs") == {"dim"}
            finally:
                answered.set()
            await until(pilot, lambda: shown(app, "warnings") == "")
            assert styles(app, "symbols") == {""}

    asyncio.run(play())


def test_a_card_without_telemetry_is_not_old(view: View):
    bare = View(Seen(view.seen.status, 1.0, telemetry=False), 1.0)

    async def play() -> None:
        app = WatchApp(lambda: bare, lambda: bare, lambda: "killed")
        async with app.run_test() as pilot:
            await until(pilot, lambda: "no telemetry" in shown(app, "warnings"))
            assert not app.query_one("#lines").has_class("-old")
            assert styles(app, "symbols") == {""}

    asyncio.run(play())


def test_a_kill_takes_two_keys(view: View):
    kills: list[str] = []

    def kill() -> str:
        kills.append("killed")
        return "killed, 8 cycles after it was asked for"

    async def play() -> None:
        app = WatchApp(lambda: view, lambda: view, kill)
        async with app.run_test() as pilot:
            await pilot.press("y")
            await pilot.press("k")
            await until(pilot, lambda: "kill the card?" in shown(app, "warnings"))
            await pilot.press("n")
            await until(pilot, lambda: "kill the card?" not in shown(app, "warnings"))
            await pilot.press("y")
            assert not kills
            await pilot.press("k", "y")
            await until(pilot, lambda: "8 cycles" in shown(app, "warnings"))

    asyncio.run(play())
    assert kills == ["killed"]
