"""What a quant types to see a desk trade a recorded day."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickwright.cli.arguments import AsJson, CardChoice, File, From, MaxMessages, Until
from tickwright.cli.desk import naming
from tickwright.cli.output import FAILED, WRONG, emit, note, pairs
from tickwright.cli.outputs import writable
from tickwright.cli.recordings import opened, tell_damage

if TYPE_CHECKING:
    from tickwright.replay.compare import Mismatch
    from tickwright.replay.outcome import Outcome
    from tickwright.replay.preparation import Preparation
    from tickwright.replay.recording import Recording

__all__ = ["replay"]

SOUND = "checks feed and session assumed passed, and each intent judged at once: no card runs"
MARGIN = 1  # messages behind the one that differs, which the repro takes too

Out = Path | None


def replay(
    file: File,
    desk: Annotated[Path, typer.Option(help="The quant's file.")],
    limits: Annotated[Path, typer.Option(help="The risk officer's file.")],
    card: Annotated[
        CardChoice, typer.Option(help="The software model, the twin, or both, compared.")
    ],
    fills: Annotated[
        str, typer.Option(help="full, none, random:SEED, or a file of fills as --fills-out writes.")
    ] = "full",
    fill_delay_ns: Annotated[
        int, typer.Option(min=1, help="Card time from an order to the venue's answer.")
    ] = 20_000,
    orders: Annotated[Out, typer.Option(help="CSV: each leg wished, and its verdict.")] = None,
    fills_out: Annotated[Out, typer.Option(help="CSV: each execution.")] = None,
    frames: Annotated[Out, typer.Option(help="pcap: each frame sent to the venue.")] = None,
    records: Annotated[Out, typer.Option(help="parquet: all a decision was made on.")] = None,
    report: Annotated[Out, typer.Option(help="HTML: the charts of the run.")] = None,
    from_: From = None,
    until: Until = None,
    max_messages: MaxMessages = None,
    as_json: AsJson = False,
) -> None:
    """Replay a file through the whole path, from packets to orders and their answers.

    ``both`` runs the twin, then the model with what the twin decided by cycles, and compares best
    prices, intents, orders, frames, fills and positions.

    Exit status: 0 when it ran, 1 when the two differ, 2 when a part of the file could not be read.

    Example: tickwright replay session.pcap --desk session.desk.toml --limits session.limits.toml
    --card model --report session.html
    """
    from tickwright.exchange.scripted import ScriptedVenue
    from tickwright.host.settings import read_desk, read_limits
    from tickwright.market.drafts import named
    from tickwright.replay.preparation import feed_lines, prepare
    from tickwright.replay.summary import Summary

    taken: list[Path | None] = [file, desk, limits, Path(fills)]
    outputs = {"--orders": orders, "--fills-out": fills_out, "--frames": frames}
    outputs |= {"--records": records, "--report": report}
    for option, path in outputs.items():
        writable(option, path, taken)
        taken.append(path)
    script = ScriptedVenue(fills, fill_delay_ns)
    quants, officers = read_desk(desk), read_limits(limits)
    recording = opened(file, from_, until, max_messages, feed_lines(quants))
    _ = recording.survey
    tell_damage(recording)
    with naming(desk, limits):
        prepared = prepare(quants, officers, recording, script)
    found = _run(card, recording, prepared)
    alone = [SOUND] if card == CardChoice.MODEL else []
    summary = Summary(
        card=found.card,
        messages=found.messages,
        assumptions=[*prepared.assumptions, *alone],
        outcome=found.outcome,
    )
    if as_json:
        told = None if found.mismatch is None else vars(found.mismatch)
        emit({**summary.as_json(), "difference": told, "damage": recording.report.damage})
    else:
        pairs("", summary.rows())
    _write(found, recording, orders=orders, fills_out=fills_out, frames=frames, records=records)
    if report is not None:
        from tickwright.replay.report import write_report

        with named(report):
            write_report(report, summary, prepared.sigmas)
    if found.mismatch is not None:
        repro = _repro(file, desk, limits, fills, fill_delay_ns, from_, until)
        _tell_mismatch(found.mismatch, recording, prepared, repro)
        raise typer.Exit(FAILED)
    if recording.report.damage:
        raise typer.Exit(WRONG)


@dataclass(frozen=True)
class _Found:
    """What came of the run of one card, or of two."""

    card: str
    messages: int
    outcome: Outcome
    sent_ns: list[int]  # card time of each frame
    mismatch: Mismatch | None = None


def _run(card: CardChoice, recording: Recording, prepared: Preparation) -> _Found:
    from tickwright.replay.compare import compare
    from tickwright.replay.software import replay_alone, replay_as

    setup, fee = prepared.setup, prepared.fee
    if card == CardChoice.MODEL:
        alone = replay_alone(recording, setup, prepared.script, fee=fee)
        times = alone.outcome.journal.orders["feed_ns"].tolist()
        return _Found("software model", alone.messages, alone.outcome, times)

    from tickwright.twin.library import library
    from tickwright.twin.replay import replay as replay_twin

    library(prepared.preset, told=note)
    twin = replay_twin(recording.frames(), setup, prepared.preset, prepared.script, fee=fee)
    name = f"twin, preset {prepared.preset.name}"
    mismatch = None
    if card == CardChoice.BOTH:
        model = replay_as(recording.by_sequence(), setup, twin.outcome, fee=fee)
        mismatch = compare(twin.outcome, model.outcome)
        equal = "the same in all" if mismatch is None else "DIFFERENT"
        name += f", and the software model: {equal}"
    delivered = twin.counters["feed"]["delivered"]
    times = [sent.at_ns for sent in twin.run.sent]
    return _Found(name, delivered, twin.outcome, times, mismatch)


def _write(
    found: _Found, recording: Recording, *, orders: Out, fills_out: Out, frames: Out, records: Out
) -> None:
    from tickwright.market.drafts import named
    from tickwright.replay.files import write_fills, write_frames, write_orders

    outcome, day = found.outcome, recording.day
    if orders is not None:
        with named(orders):
            write_orders(orders, outcome, day)
    if fills_out is not None:
        with named(fills_out):
            write_fills(fills_out, outcome, day)
    if frames is not None:
        with named(frames):
            write_frames(frames, outcome.frames, found.sent_ns, day)
    if records is not None:
        from tickwright.replay.flight import write_flight

        with named(records):
            write_flight(records, outcome, day)


def _repro(
    file: Path,
    desk: Path,
    limits: Path,
    fills: str,
    delay_ns: int,
    from_: str | None,
    until: str | None,
) -> list[str]:
    command = ["tickwright", "replay", str(file), "--desk", str(desk), "--limits", str(limits)]
    command += ["--card", "both", "--fills", fills, "--fill-delay-ns", str(delay_ns)]
    for option, value in (("--from", from_), ("--until", until)):
        command += [] if value is None else [option, value]
    return command


def _tell_mismatch(
    mismatch: Mismatch, recording: Recording, prepared: Preparation, repro: list[str]
) -> None:
    """Say where the two differ, with the message, both rows, a waveform and how to see it again."""
    from tickwright.replay.compare import decoded

    for line in mismatch.lines("twin", "model"):
        note(line)
    if mismatch.sequence is not None:
        messages = recording.by_sequence()
        note(f"  {decoded(messages, mismatch.sequence)}")
        count = mismatch.sequence - recording.survey.first_sequence + 1 + MARGIN
        if recording.max_messages is not None:
            count = min(count, recording.max_messages)
        repro = [*repro, "--max-messages", str(count)]
        _waves(mismatch.sequence, recording, prepared)
    elif recording.max_messages is not None:
        repro = [*repro, "--max-messages", str(recording.max_messages)]
    note(f"  repro: {shlex.join(repro)}")


def _waves(sequence: int, recording: Recording, prepared: Preparation) -> None:
    from tickwright.twin.cache import cache_folder
    from tickwright.twin.waves import frame_of, record_waves

    frame = frame_of(recording.frames(), recording.found_lines, sequence)
    if frame is None:
        return
    path = cache_folder() / "waves" / f"{recording.path.stem}-{sequence}.vcd"
    note("  recording a waveform with a twin built for it ...")
    record_waves(
        recording.frames(), prepared.setup, prepared.preset, prepared.script, path, frame=frame
    )
    note(f"  waveform: {path}")
