"""What one types to make a synthetic session."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tickwright.cli.arguments import AsJson, feed_time
from tickwright.cli.output import emit, pairs
from tickwright.cli.outputs import writable
from tickwright.market.times import SECOND_NS

__all__ = ["generate"]


def _shown_progress(stack: ExitStack) -> Callable[[int, int], None] | None:
    """Return what shows progress with the time left: on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return None
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    progress = stack.enter_context(Progress(*columns, console=console, transient=True))
    task = progress.add_task("generating", total=None)

    def advance(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)

    return advance


def _summary(truth: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what the session holds, for people."""
    planted = truth["pairs"].values()
    above = sum(pair["above_cost"] for pair in planted)
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in truth["messages"].items())
    rows = [
        ("messages", f"{sum(truth['messages'].values()):,}: {kinds}"),
        ("symbols", f"{len(truth['watched'])} watched, {len(truth['unwatched'])} more on the feed"),
        ("pairs", f"{above} above cost, {len(planted) - above} below"),
    ]
    for name, line in truth["lines"].items():
        rows.append(
            (f"line {name}", f"{line['destination']}: {line['packets']:,} packets, "
                             f"{line['lost']:,} lost, {line['duplicated']:,} sent twice, "
                             f"{line['heartbeats']:,} heartbeats")
        )  # fmt: skip
    for low, high in truth["lost_on_both"]:
        rows.append(("lost on both", f"{low}-{high}"))
    return rows


def generate(
    out: Annotated[Path, typer.Argument(help="The capture to write; the others lie beside it.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 1,
    symbols: Annotated[int, typer.Option(min=1, help="Watched symbols.")] = 40,
    pairs_: Annotated[
        int | None,
        typer.Option("--pairs", min=0, help="Planted pairs; left out: half of the symbols."),
    ] = None,
    messages: Annotated[int, typer.Option(min=1, help="Messages of the session.")] = 1_000_000,
    loss_a: Annotated[
        float, typer.Option(min=0, max=1, help="Chance that a packet of line A is lost.")
    ] = 0.0,
    loss_b: Annotated[
        float,
        typer.Option(min=0, max=1, help="The same for line B; what A loses B never does."),
    ] = 0.0,
    loss_both: Annotated[
        int, typer.Option(min=0, help="Packets whose messages are lost on both lines.")
    ] = 0,
    duplicate: Annotated[
        float, typer.Option(min=0, max=1, help="Chance that a packet is sent twice on its line.")
    ] = 0.0,
    delay_us: Annotated[
        float,
        typer.Option(min=0, help="Microseconds a packet may be late, on each line apart."),
    ] = 5.0,
    halts: Annotated[int, typer.Option(min=0, help="Trading halts in mid-session.")] = 0,
    start_time: Annotated[
        str, typer.Option(help="When the market opens; messages start a minute earlier.")
    ] = "09:30",
    duration_s: Annotated[
        int,
        typer.Option(min=0, help="Seconds the market is open; 0: as suits the messages, to 6.5 h."),
    ] = 0,
    date: Annotated[str, typer.Option(help="Day of the capture, YYYY-MM-DD.")] = "2026-01-05",
    gbps: Annotated[float, typer.Option(min=0.1, help="Gigabits per second of the wire.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Make a synthetic session: a capture of two lines, an ITCH file, a desk file and limits.

    Beside OUT.pcap it writes OUT.itch50 (the same messages, none lost), OUT.desk.toml,
    OUT.limits.toml and OUT.truth.json (which pairs trade at a profit, what was lost where).
    Files of these names are replaced, all five when all are complete.

    Example: tickwright generate day.pcap --seed 1 --symbols 4 --pairs 2 --messages 20000
    """
    from tickwright.market.compiled import keep_in
    from tickwright.market.generator import generate_session, session_files
    from tickwright.market.session import SessionSettings
    from tickwright.twin.cache import cache_folder

    for path in session_files(out):
        writable("OUT", path, [])
    keep_in(cache_folder())
    settings = SessionSettings(
        seed=seed,
        symbols=symbols,
        pairs=symbols // 2 if pairs_ is None else pairs_,
        messages=messages,
        loss_a=loss_a,
        loss_b=loss_b,
        loss_both=loss_both,
        duplicate=duplicate,
        delay_us=delay_us,
        halts=halts,
        open_s=(feed_time(start_time) or 0) // SECOND_NS,
        duration_s=duration_s,
        gbps=gbps,
        date=date,
    )
    with ExitStack() as stack:
        files, truth = generate_session(out, settings, _shown_progress(stack))
    written = {
        "capture": files.capture,
        "itch": files.itch,
        "desk": files.desk,
        "limits": files.limits,
        "truth": files.truth,
    }
    if as_json:
        emit({"files": {name: str(path) for name, path in written.items()}, **truth})
        return
    pairs("Session", _summary(truth))
    pairs("Files", [(name, str(path)) for name, path in written.items()])
