"""A capture through the twin: the host's own code loads it, a venue answers it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.card import Card
from tickwright.host.setup import CardSetup
from tickwright.replay.numbering import Numbering
from tickwright.replay.outcome import Outcome
from tickwright.top.presets import Preset
from tickwright.twin.card import Run, TwinCard
from tickwright.twin.frames import Frames
from tickwright.twin.venue import VenuePeer

__all__ = ["TwinReplay", "replay"]

# What a run should be silent about only when it is 0.
DROPS = {
    "feed": (
        "ignored",
        "not_ipv4",
        "ip_options",
        "bad_checksum",
        "fragments",
        "not_udp",
        "other_line",
        "runts",
        "bad_frames",
        "other_session",
        "trailing",
        "faults",
        "hold_overflow",
        "skipped_messages",
    ),
    "book": ("overflows", "capacity", "unknown_references", "duplicates"),
    "strategy": ("evaluations_dropped", "refused_writes"),
    "risk": ("ledger_fault", "refused_writes", "refused_commits", "refused_arms"),
    "order": (
        "receive_fault",
        "rx_other",
        "rx_bad_checksum",
        "rx_duplicates",
        "rx_gaps",
        "rx_long",
        "rx_bad_frames",
        "ignored_messages",
        "unhandled",
    ),
}


class TwinReplay:
    """What the twin made of a capture: the run, its outcome, and the card's own counters."""

    def __init__(self, run: Run, outcome: Outcome, counters: dict[str, dict[str, int]]) -> None:
        self.run = run
        self.outcome = outcome
        self.counters = counters


def replay(
    frames: Iterable[Frames],
    setup: CardSetup,
    preset: Preset,
    script: ScriptedVenue,
    *,
    fee: int = 0,
    waves: Path | None = None,
    waves_from: int = 0,
) -> TwinReplay:
    """Play a capture through a fresh card and return what came of it.

    ``fee`` is that of one share, in 1/10000 dollar times 1000. With ``waves`` a waveform is written
    there, from the first chunk on before which ``waves_from`` frames were played.
    """
    setup.check_fits(preset)
    tracing = waves is not None
    with TwinCard(preset, hold_ns=setup.feed.hold_ns, tracing=tracing) as twin, Card(twin) as card:
        card.load(setup)
        card.arm(setup.gate.state)
        card.open_feed()
        played = frames if waves is None else _traced(frames, twin, waves, waves_from)
        run = twin.play(played, VenuePeer(setup.session, script))
        counters = card.counters()
        ledger = [card.position(index) for index in range(len(setup.symbols))]
    outcome = Outcome(
        setup=setup,
        journal=run.journal,
        numbering=Numbering.of(run.journal, setup.feed.start_sequence),
        fee=fee,
        frames=[sent.frame for sent in run.sent],
        latencies=run.latencies,
        coalesced=counters["strategy"]["evaluations_dropped"],
        ledger=ledger,
        counted=_counted(counters),
    )
    return TwinReplay(run, outcome, counters)


def _traced(
    frames: Iterable[Frames], twin: TwinCard, waves: Path, waves_from: int
) -> Iterator[Frames]:
    """Pass frames on; begin the waveform where it is wanted."""
    count, begun = 0, False
    for chunk in frames:
        if not begun and count >= waves_from:
            twin.trace(waves)
            begun = True
        yield chunk
        count += len(chunk.length)


def _counted(counters: dict[str, dict[str, int]]) -> dict[str, int]:
    """Return the registers above 0 that count what the card dropped or that mark a fault."""
    return {
        f"{block}.{name}": counters[block][name]
        for block, names in DROPS.items()
        for name in names
        if counters[block][name]
    }
