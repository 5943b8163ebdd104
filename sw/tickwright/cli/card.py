"""What one types to look into a card, to keep a simulated one, and to play a market to it."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import Struct

from tickwright.cli.arguments import AsJson, File, From, MaxMessages, Until, feed_time
from tickwright.cli.asking import asks
from tickwright.cli.output import FAILED, UNREACHABLE, WRONG, VerbError, emit, note, pairs, tracked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tickwright.bus.twin_wire import TwinWire
    from tickwright.client.client import Client

__all__ = ["app"]

TWIN = "twin:"
POLL_S = 0.1

app = typer.Typer(no_args_is_help=True, help="Look into a card; keep a simulated one; play to it.")


Block = Annotated[str | None, typer.Option(help="One block of registers, such as risk.")]


@app.command()
@asks()
def info(client: Client) -> Struct:
    """Show what card the service owns: its sizes, its map, its time.

    Example: tickwright card info --key ann
    """
    return client.card_info()


@app.command()
@asks()
def registers(client: Client, block: Block = None) -> Struct:
    """Show registers as they read now.

    Example: tickwright card registers --block risk --key ann
    """
    return client.registers(block)


@app.command()
@asks()
def counters(client: Client, block: Block = None) -> Struct:
    """Show counts of what the card met.

    Example: tickwright card counters --key ann
    """
    return client.counters(block)


@app.command()
def twin(
    socket: Annotated[Path, typer.Option(help="Where hosts reach it, as twin:PATH.")],
    preset: Annotated[str, typer.Option(help="Sizes of the card: twin, versa or alveo.")] = "twin",
    ring: Annotated[Path | None, typer.Option(help="Telemetry; SOCKET.ring if not given.")] = None,
    venue: Annotated[
        str, typer.Option(help="Fills: full, none, random:SEED, a file; or silent.")
    ] = "full",
) -> None:
    """Keep a Verilated card in this process, until it is ended.

    Exit status: 0 when it was ended, 1 when it cannot be kept.

    Example: tickwright card twin --socket /tmp/tickwright.card
    """
    from tickwright.top.presets import PRESETS

    if preset not in PRESETS:
        raise VerbError(WRONG, f"--preset: found {preset!r}, expected {', '.join(PRESETS)}")

    from tickwright.twin.server import main

    given = ["--socket", str(socket), "--preset", preset, "--venue", venue]
    given += [] if ring is None else ["--ring", str(ring)]
    if status := main(given):
        raise typer.Exit(status)


@app.command()
def collect(
    card: Annotated[str, typer.Option(help="pcie or pcie:DOMAIN:BUS:DEVICE.FUNCTION.")],
    ring: Annotated[Path, typer.Option(help="Telemetry ring of a service; made if not there.")],
) -> None:
    """Move the records that a card writes to a service's telemetry ring, until this is ended.

    The card writes to a huge page by itself. The service is one that was told ``--ring``.

    Exit status: 0 when it was ended, 1 when the card or the ring failed, 3 when there is no card or
    no memory for it.

    Example: tickwright card collect --card pcie --ring /run/tickwright/records
    """
    from tickwright.bus.errors import BusError
    from tickwright.recorder.collector import collect as move
    from tickwright.recorder.ring import RingError

    begun = False

    def ready() -> None:
        nonlocal begun
        begun = True
        note(f"tickwright: records of {card} go to {ring}")

    with _ended() as ended:
        try:
            move(card, ring, ended.is_set, ready)
        except BusError as error:
            raise VerbError(FAILED if begun else UNREACHABLE, str(error)) from None
        except RingError as error:
            raise VerbError(FAILED, str(error)) from None


@app.command()
def play(
    file: File,
    card: Annotated[str, typer.Option(help="The simulated card: twin:PATH.")],
    pace: Annotated[
        str, typer.Option(help="Times as fast as it was, or max: as fast as it can be.")
    ] = "1",
    from_: From = None,
    until: Until = None,
    max_messages: MaxMessages = None,
    as_json: AsJson = False,
) -> None:
    """Play a file to a simulated card that another process keeps, and wait for its end.

    Its times are shifted so that it begins at once. With ``max``, card time runs ahead of the wall
    clock, and so does the card's watchdog. Interrupted or ended, the market stops.

    Exit status: 0 when it was played, 1 when it could not be, 2 when a part of the file could not
    be read, 3 when no card answers.

    Example: tickwright card play session.pcap --card twin:/tmp/tickwright.card --pace max
    """
    from tickwright.bus.errors import BusError
    from tickwright.bus.twin_wire import TwinWire

    if not card.startswith(TWIN):
        raise VerbError(WRONG, f"--card: found {card!r}, expected twin:PATH")
    if not file.is_file():
        raise VerbError(WRONG, f"{file}: found no file, expected one of market data")
    try:
        wire = TwinWire(card.removeprefix(TWIN))
    except BusError as error:
        raise VerbError(UNREACHABLE, str(error)) from None
    with wire, _ended() as ended:
        try:
            limits = {"from_ns": feed_time(from_), "until_ns": feed_time(until)}
            wire.play(file, _pace(pace), **limits, max_messages=max_messages)
            told = _followed(wire, ended)
        except BusError as error:
            raise VerbError(FAILED, str(error)) from None
    for line in told["damage"]:
        note(f"tickwright: {line}")
    if as_json:
        emit(told)
    else:
        pairs(
            "",
            [
                ("messages", f"{told['messages']:,}"),
                ("orders", f"{told['orders']:,}"),
                ("cycles", f"{told['cycles']:,}"),
                ("wall clock", f"{told['wall_s']:.3f} s"),
                ("times shifted by", f"{told['shift_ns'] or 0:,} ns"),
            ],
        )
    if told["state"] != "done":
        raise VerbError(FAILED, f"play: found it {told['state']}, expected its end")
    if told["damage"]:
        raise typer.Exit(WRONG)


def _pace(text: str) -> float | str:
    from tickwright.bus.twin_wire import MAX_PACE

    if text == MAX_PACE:
        return text
    try:
        return float(text)
    except ValueError:
        raise VerbError(WRONG, f"--pace: found {text!r}, expected a number or max") from None


def _followed(wire: TwinWire, ended: Event) -> dict[str, Any]:
    """Wait for the end and show progress; when interrupted or ended, stop the market first."""
    totals = (told["messages_in_all"] for told in _looks(wire, ended))
    total = next((total for total in totals if total is not None), None)
    for _ in tracked(_messages(wire, ended), "playing", total):
        pass
    if ended.is_set():
        wire.stop_playing()
        raise KeyboardInterrupt
    return wire.wait()


def _looks(wire: TwinWire, ended: Event) -> Iterator[dict[str, Any]]:
    """Yield how far the market is, from time to time while it is played."""
    while (told := wire.playing())["state"] == "playing" and not ended.wait(POLL_S):
        yield told


def _messages(wire: TwinWire, ended: Event) -> Iterator[range]:
    """Yield as many things as messages were played since the last look, until none is played."""
    before = 0
    for told in _looks(wire, ended):
        yield range(before, told["messages"])
        before = max(before, told["messages"])


@contextmanager
def _ended() -> Iterator[Event]:
    """Give an event that SIGTERM and SIGINT set, instead of what they do else."""
    ended = Event()
    before = {
        number: signal.signal(number, lambda *_: ended.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield ended
    finally:
        for number, heed in before.items():
            signal.signal(number, heed)
