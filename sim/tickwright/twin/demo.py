"""The main job in one command: a synthetic session through the Verilated card, and a report."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from tickwright.cli.main import run
from tickwright.setup.steps import project_root
from tickwright.top.presets import PRESETS
from tickwright.twin.library import library

__all__ = ["demo"]

PRESET = "twin"
LEAST_ORDERS = 1


def demo(
    messages: Annotated[int, typer.Option(min=2_000, help="Messages of the session.")] = 100_000,
    symbols: Annotated[int, typer.Option(min=2, max=64, help="Symbols that are watched.")] = 16,
    pairs: Annotated[int, typer.Option(min=1, max=32, help="Pairs that are planted.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the session.")] = 1,
    loss_a: Annotated[float, typer.Option(min=0, max=1, help="Part of line A lost.")] = 0.01,
    loss_b: Annotated[float, typer.Option(min=0, max=1, help="Part of line B lost.")] = 0.01,
    folder: Annotated[
        Path | None, typer.Option(help="Where its files go; left out: build/demo of the clone.")
    ] = None,
) -> None:
    """Generate a session, replay it through the twin and the model, compare, and report."""
    begin = time.monotonic()
    place = project_root() / "build" / "demo" if folder is None else folder
    place.mkdir(parents=True, exist_ok=True)
    capture, report = place / "session.pcap", place / "report.html"
    _say(
        "A synthetic session, with losses on each of its two lines, goes through the card: its "
        "gateware, compiled by Verilator. The software model then decides the same, or this fails."
    )
    generate = [
        *("generate", str(capture), "--seed", str(seed), "--symbols", str(symbols)),
        *("--pairs", str(pairs), "--messages", str(messages)),
        *("--loss-a", str(loss_a), "--loss-b", str(loss_b)),
    ]
    _do(generate)
    built = time.monotonic()
    _say("Building the twin, if this is its first run (a minute or two) ...")
    library(PRESETS[PRESET])
    _say(f"The twin is there ({time.monotonic() - built:.1f} s).")
    orders = place / "orders.csv"
    _do(
        [
            *("replay", str(capture), "--desk", str(place / "session.desk.toml")),
            *("--limits", str(place / "session.limits.toml"), "--card", "both"),
            *("--orders", str(orders), "--fills-out", str(place / "fills.csv")),
            *("--frames", str(place / "frames.pcap"), "--records", str(place / "records.parquet")),
            *("--report", str(report)),
        ]
    )
    sent = sum(line.endswith(",sent") for line in orders.read_text().splitlines())
    _say(f"Report: {report}")
    _say(f"Beside it: {', '.join(sorted(p.name for p in place.iterdir() if p != report))}")
    _say(f"Done in {time.monotonic() - begin:.1f} s: {sent} orders sent.")
    if sent < LEAST_ORDERS:
        _say("Expected at least one order.")
        raise typer.Exit(1)


def _do(arguments: list[str]) -> None:
    """Run a verb as one would type it; end where it fails."""
    _say(f"$ tickwright {shlex.join(arguments)}")
    status = run(arguments)
    if status:
        raise typer.Exit(status)


def _say(text: str) -> None:
    typer.echo(text)
    sys.stdout.flush()


if __name__ == "__main__":
    typer.run(demo)
