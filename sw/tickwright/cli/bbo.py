"""What a newcomer types first: the best bid and ask of a file, message by message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickwright.cli.arguments import AsJson, File, From, MaxMessages, OneCard, Until
from tickwright.cli.output import WRONG, emit, note
from tickwright.cli.outputs import writable
from tickwright.cli.recordings import opened, tell_damage

if TYPE_CHECKING:
    from tickwright.replay.recording import Recording
    from tickwright.replay.watch import Watched
    from tickwright.top.presets import Preset

__all__ = ["bbo"]

PRESET = "twin"
NUMBERS = re.compile(r"\d{1,9}(,\d{1,9})*")


def bbo(
    file: File,
    card: Annotated[OneCard, typer.Option(help="Run the software model, or the twin.")],
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    symbols: Annotated[
        str | None, typer.Option(help="Symbols to watch, such as KO,PEP; left out: all.")
    ] = None,
    locates: Annotated[
        str | None, typer.Option(help="Symbols to watch, by their locates, such as 12,13.")
    ] = None,
    from_: From = None,
    until: Until = None,
    max_messages: MaxMessages = None,
    as_json: AsJson = False,
) -> None:
    """Write the best bid and ask after each message that changes them.

    Model and twin write the same file, byte for byte. The twin watches 64 symbols at a time: with
    more, the file is played several times.

    Exit status: 0 when the whole file was read, 2 when a part of it could not be.

    Example: tickwright bbo session.pcap --card model --out bbo.csv
    """
    from tickwright.market.drafts import named
    from tickwright.replay.bbo import write_bbo
    from tickwright.replay.watch import watch
    from tickwright.top.presets import PRESETS

    if symbols is not None and locates is not None:
        raise typer.BadParameter("found --symbols and --locates, expected one of the two")
    if locates is not None and not NUMBERS.fullmatch(locates):
        raise typer.BadParameter(f"--locates: found {locates!r}, expected numbers such as 12,13")
    writable("--out", out, [file])
    recording = opened(file, from_, until, max_messages)
    watched = watch(
        recording.survey,
        symbols=[] if symbols is None else [name.strip() for name in symbols.split(",")],
        locates=[] if locates is None else [int(number) for number in locates.split(",")],
    )
    tell_damage(recording)
    _tell_assumed(recording, watched)
    preset = PRESETS[PRESET]
    run = _model if card == OneCard.MODEL else _twin
    columns = [(one.name, one.locate) for one in watched]
    with named(out):
        count = write_bbo(out, _made(run(recording, watched, preset), file), columns, recording.day)
    if as_json:
        emit(
            {
                "card": card.value,
                "messages": recording.survey.messages,
                "symbols": len(watched),
                "rows": count,
                "out": str(out),
                "damage": recording.report.damage,
            }
        )
    else:
        note(
            f"wrote {count:,} rows of {len(watched):,} symbols, "
            f"{recording.survey.messages:,} messages, to {out}"
        )
    if recording.report.damage:
        raise typer.Exit(WRONG)


def _made(rows: Iterator, file: Path) -> Iterator:
    """Pass rows on; an error of the system while they are made is none of the file's they go to."""
    from tickwright.market.drafts import named

    with named(file):
        yield from rows


def _model(recording: Recording, watched: list[Watched], preset: Preset) -> Iterator:
    from tickwright.replay.best import model_rows
    from tickwright.replay.watch import feed_setup, watch_setup

    feed = feed_setup(recording.found_lines, recording.survey.first_sequence)
    return model_rows(recording, watch_setup(watched, preset, feed))


def _twin(recording: Recording, watched: list[Watched], preset: Preset) -> Iterator:
    from tickwright.twin.best import twin_rows
    from tickwright.twin.library import library

    library(preset, told=note)
    passes = -(-len(watched) // preset.symbols)
    if passes > 1:
        note(f"{len(watched):,} symbols, {preset.symbols} at a time: {passes} passes of the twin")
    yield twin_rows(recording, watched, preset)


def _tell_assumed(recording: Recording, watched: list[Watched]) -> None:
    """Say what the file does not tell and was taken for granted."""
    from tickwright.replay.watch import takes_cents

    survey = recording.survey
    note("assumed: windows are centred on the median price of each symbol's Adds")
    fine = [one.name for one in watched if not takes_cents(one)]
    if fine:
        listed = ", ".join(fine[:8]) + (", …" if len(fine) > 8 else "")
        note(f"assumed: a tick of {listed} is 1/10000 dollar, as their median is below a dollar")
    preset = [one for one in watched if not one.learned]
    if preset:
        note(f"assumed: no R message names {len(preset):,} symbols; the host sets their locates")
    if not survey.halts:
        note("assumed: every symbol is trading (status T), as the file has no H message")
    left_out = len(survey.traded - set(survey.names))
    if left_out and len(watched) == len(survey.names):
        note(
            f"left out: {left_out:,} locates whose symbol no R, A or F message names "
            f"(--locates watches them)"
        )
