"""A card that trades what a capture holds, and the model that has to decide the same."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from tickwright.core.fixed import DEVIATION, HEDGE_RATIO
from tickwright.core.regs import Bus
from tickwright.core.streams import WORD_BYTES
from tickwright.host.card import Card
from tickwright.host.desk import base_tick
from tickwright.host.records import TABLES, Journal
from tickwright.host.sets import ParameterSet, Sizes
from tickwright.host.setup import (
    CENT_TICK,
    DEVIATION_LIMIT,
    FINE_TICK,
    CardSetup,
    FeedSetup,
    GateSetup,
    LineSetup,
    PairSetup,
    SessionSetup,
    SymbolSetup,
)
from tickwright.replay.compare import compare
from tickwright.replay.numbering import Numbering
from tickwright.replay.outcome import Outcome
from tickwright.replay.recording import Recording
from tickwright.replay.software import ModelReplay, replay_as
from tickwright.top.presets import Preset
from tickwright.twin.taps import TAPS, layouts, table

__all__ = ["PLENTY", "Records", "card_setup", "compared", "switched_on"]

DOLLAR = 10_000
SHARES = 100
PLENTY = (1 << 31) - 1  # of a limit, of a price, of time in nanoseconds
ENTRY = DEVIATION.scale // 50  # two cents


class Records:
    """Every record that a card shows at the ports that are called as the pipeline's."""

    def __init__(self, dut, preset: Preset) -> None:
        self.dut = dut
        self._preset = preset
        self._payloads: dict[str, list[int]] = {name: [] for name in TAPS}
        self.ends = [
            (getattr(dut, f"{name}__valid"), getattr(dut, f"{name}__payload"), payloads)
            for name, payloads in self._payloads.items()
        ]

    def look(self) -> None:
        """Keep the records of this cycle."""
        for valid, payload, payloads in self.ends:
            if valid.value:
                payloads.append(int(payload.value))

    def journal(self) -> Journal:
        found = {journal: np.zeros(0, TABLES[journal]) for journal in TAPS.values()}
        for name, layout in layouts(self._preset).items():
            if payloads := self._payloads[name]:
                size = WORD_BYTES * -(-layout.size // (8 * WORD_BYTES))
                words = b"".join(payload.to_bytes(size, "little") for payload in payloads)
                rows = np.frombuffer(words, "<u8").reshape(len(payloads), -1)
                found[TAPS[name]] = table(name, layout, rows)
        return Journal(**found)


def card_setup(recording: Recording, preset: Preset) -> CardSetup:
    """Return a card that trades the capture's symbols in pairs, two cents from equal value."""
    survey = recording.survey
    locates = sorted(set(survey.names) & set(survey.medians))[: preset.symbols]
    status = 0 if survey.halts else ord("T")
    a, b = (*recording.found_lines, *recording.found_lines)[:2]
    return CardSetup(
        window=preset.window,
        slots=preset.slots,
        hold=preset.hold,
        symbols=tuple(
            symbol(
                preset.window,
                survey.names[at],
                None if at in survey.listed else at,
                survey.medians[at],
                status,
            )
            for at in locates
        ),
        pairs=tuple(pairs([survey.medians[at] for at in locates])),
        gate=GateSetup(max_shares=PLENTY, max_notional=PLENTY, state="armed"),
        feed=FeedSetup(
            line_a=LineSetup(destination=a.address, port=a.port),
            line_b=LineSetup(destination=b.address, port=b.port),
            start_sequence=survey.first_sequence,
            max_age_ns=1 << 47,
        ),
        session=SessionSetup(
            local_mac=0x020000000001,
            peer_mac=0x020000000002,
            local_address=0xC0000201,
            peer_address=0xC0000202,
            local_port=40_001,
            peer_port=15_000,
            start_seq=(1 << 32) - 200,  # it wraps with the fourth order
            start_ack=7,
            ack_timeout_ns=1 << 47,
        ),
    )


def symbol(window: int, name: str, locate: int | None, median: int, status: int) -> SymbolSetup:
    tick = CENT_TICK if median >= DOLLAR else FINE_TICK
    return SymbolSetup(
        name=name,
        locate=locate,
        base_tick=base_tick(median, tick, window),
        cent_tick=tick == CENT_TICK,
        status=status,
        max_shares=PLENTY,
        max_notional=PLENTY,
        max_position=20 * SHARES,
        collar=PLENTY,
    )


def pairs(medians: list[int]) -> Iterator[PairSetup]:
    """Yield a pair for every two symbols, with equal value as its mean."""
    for a in range(0, len(medians) - 1, 2):
        yield PairSetup(
            name=f"pair {a // 2}",
            symbol_a=a,
            symbol_b=a + 1,
            hedge=int(Fraction(medians[a], medians[a + 1]) * HEDGE_RATIO.scale),
            mean=0,
            entry_deviation=ENTRY,
            exit_deviation=ENTRY // 4,
            stop_deviation=DEVIATION_LIMIT,
            min_edge=-(1 << 47),
            shares_a=SHARES,
            shares_b=2 * SHARES,
            max_spread_a=PLENTY,
            max_spread_b=PLENTY,
            aggression_a=CENT_TICK,
            aggression_b=CENT_TICK,
            retry_ns=0,
        )


def switched_on(bus: Bus, setup: CardSetup) -> Card:
    """Do what a host does, which waits for the card as any program waits for its bus."""
    card = Card(bus)
    card.load(setup)
    card.arm(setup.gate.state)
    card.open_feed()
    return card


def compared(
    setup: CardSetup,
    preset: Preset,
    recording: Recording,
    journal: Journal,
    frames: Sequence[bytes],
    ledger: list[int],
) -> tuple[Outcome, ModelReplay]:
    """Return what the card did and what the model did; raise AssertionError if they differ."""
    numbering = Numbering.of(journal, setup.feed.start_sequence)
    ours = Outcome(setup, journal, numbering, fee=0, frames=frames, ledger=ledger)
    loaded = ParameterSet(epoch=setup.epoch, pairs=setup.pairs)
    sets = {loaded.checksum(Sizes.of(preset)): loaded}
    theirs = replay_as(recording.by_sequence(), setup, ours, sets=sets)
    difference = compare(ours, theirs.outcome)
    assert difference is None, "\n".join(difference.lines("card", "model"))
    return ours, theirs
