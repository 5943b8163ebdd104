"""The screen on a terminal that is none: it fills, it warns, and a kill takes two keys."""

from __future__ import annotations

import asyncio
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


def test_it_fills_and_warns(view: View):
    views = [view]

    async def play() -> None:
        app = WatchApp(lambda: views[-1], lambda: "killed")
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
            await pilot.press("q")
        assert app.return_code == 0

    asyncio.run(play())


def test_a_kill_takes_two_keys(view: View):
    kills: list[str] = []

    def kill() -> str:
        kills.append("killed")
        return "killed, 8 cycles after it was asked for"

    async def play() -> None:
        app = WatchApp(lambda: view, kill)
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
