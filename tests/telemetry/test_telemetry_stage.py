"""The gateware's records are, byte for byte, those that the host would pack of the same facts."""

from __future__ import annotations

import random

import numpy as np
import pytest
from amaranth import Signal, Value

from tickwright.recorder.records import pack
from tickwright.telemetry.messages import NUMBER_BITS, RECORD_BYTES, RECORDS
from tickwright.telemetry.regs import TelemetryRegs
from tickwright.telemetry.sequencer import Sequencer
from tickwright.telemetry.sources import SOURCES, body, body_bits, shapes
from tickwright.telemetry.stage import TelemetryStage
from tickwright.top.presets import PRESETS
from tickwright.twin.taps import TAPS, layouts, table

PRESET = PRESETS["versa"]
LATENCY = 3  # cycles
WORD_BITS = 64
CYCLE_NS = 7

Shown = dict[str, int]  # payload by source


def expected(name: str, payload: int, number: int, decided_ns: int) -> bytes:
    """Return the record of a payload, by way of the twin's columns and the host's packing."""
    layout = layouts(PRESET)[name]
    size = -(-layout.size // WORD_BITS)
    words = np.frombuffer(payload.to_bytes(8 * size, "little"), np.uint64)[None]
    rows = table(name, layout, words)
    return pack(SOURCES[name], rows, number, decided_ns).tobytes()


def play(simulate, dut, cycles: list[Shown], start_ns: int = 5) -> list[tuple[int, bytes]]:
    """Show payloads, those of a cycle together; return the records, each with its cycle."""
    told: list[tuple[int, bytes]] = []

    async def card(ctx):
        for cycle, shown in enumerate(cycles):
            ctx.set(dut.now_ns, start_ns + CYCLE_NS * cycle)
            for name in SOURCES:
                stream = getattr(dut, name)
                ctx.set(stream.valid, name in shown)
                ctx.set(Value.cast(stream.payload), shown.get(name, 0))
            if ctx.get(dut.records.valid):
                told.append((cycle, ctx.get(dut.records.payload).to_bytes(RECORD_BYTES, "little")))
            await ctx.tick()

    simulate(dut, card)
    return told


def payloads(rng: random.Random, name: str) -> int:
    bits = shapes(PRESET)[name].size
    return rng.choice([rng.getrandbits(bits), 0, (1 << bits) - 1])


def ordered(cycles: list[Shown], start_ns: int = 5) -> list[bytes]:
    """Return the records of all that was shown, in their order."""
    found: list[bytes] = []
    for cycle, shown in enumerate(cycles):
        for name in SOURCES:
            if name in shown:
                decided_ns = start_ns + CYCLE_NS * cycle
                found.append(expected(name, shown[name], len(found), decided_ns))
    return found


def quiet(cycles: int) -> list[Shown]:
    return [{} for _ in range(cycles)]


def test_the_sources_are_the_streams_that_the_twin_taps():
    assert dict(SOURCES) == TAPS
    assert sorted(SOURCES.values()) == sorted(RECORDS)
    for preset in PRESETS.values():
        assert shapes(preset) == layouts(preset)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_record_has_room_for_what_flows_in_every_preset(preset):
    for name, shape in shapes(preset).items():
        assert len(body(name, Signal(shape))) == body_bits(name)


@pytest.mark.parametrize("name", SOURCES)
def test_the_latency_is_three_cycles_and_the_bytes_are_those_of_the_host(simulate, name: str):
    rng = random.Random(name)
    bits = shapes(PRESET)[name].size
    shown = [0, (1 << bits) - 1, *(rng.getrandbits(bits) for _ in range(20))]
    cycles = [{name: payload} for payload in shown]
    told = play(simulate, Sequencer(PRESET), cycles + quiet(LATENCY + 1), start_ns=1 << 40)
    assert [cycle for cycle, _ in told] == [LATENCY + cycle for cycle in range(len(shown))]
    assert [record for _, record in told] == ordered(cycles, start_ns=1 << 40)


@pytest.mark.parametrize("gap", [1, 3, 20])
def test_streams_at_random_paces_make_one_order(simulate, gap: int):
    rng = random.Random(gap)
    cycles: list[Shown] = []
    for _ in range(40):
        busy = rng.random() < 0.2
        names = [name for name in SOURCES if rng.random() < (0.5 if busy else 0.05)]
        cycles.append({name: payloads(rng, name) for name in names})
        cycles += quiet(rng.randrange(gap))
    told = play(simulate, Sequencer(PRESET), cycles + quiet(250))
    assert [record for _, record in told] == ordered(cycles)


def test_one_cycle_of_all_streams_takes_as_many_cycles(simulate):
    rng = random.Random(1)
    cycles = [{name: payloads(rng, name) for name in SOURCES}]
    told = play(simulate, Sequencer(PRESET), cycles + quiet(20))
    assert [cycle for cycle, _ in told] == [LATENCY + place for place in range(len(SOURCES))]


def test_what_finds_no_room_is_counted_and_its_numbers_are_missing(simulate):
    dut = Sequencer(PRESET, rows=4)
    rng = random.Random(2)
    burst = [{name: payloads(rng, name) for name in SOURCES} for _ in range(12)]
    cycles = burst + quiet(150) + [{"overflows": 3}] + quiet(LATENCY + 1)
    counts = {}

    async def counter(ctx):
        await ctx.tick().repeat(len(cycles) - 1)
        counts.update(dropped=ctx.get(dut.dropped), decided=ctx.get(dut.decided))

    told = play(lambda dut, bench: simulate(dut, bench, counter), dut, cycles)
    records = [record for _, record in told]
    whole = ordered(cycles)
    assert counts["decided"] == len(whole) == 12 * len(SOURCES) + 1
    assert counts["dropped"] == len(whole) - len(records) > 0
    assert counts["dropped"] % len(SOURCES) == 0, "the records of a cycle are dropped together"
    assert set(records) <= set(whole)
    numbers = [int.from_bytes(record[2:8], "big") for record in records]
    assert numbers == sorted(numbers)
    assert [whole[number] for number in numbers] == records
    assert numbers[-1] == 12 * len(SOURCES), "what comes when there is room again is told"


def test_counts_stop_and_numbers_wrap(simulate):
    dut = Sequencer(PRESET, rows=2)

    async def bench(ctx):
        ctx.set(dut.dropped, (1 << 32) - len(SOURCES) - 2)
        ctx.set(dut.decided, (1 << NUMBER_BITS) - 5)
        for name in SOURCES:
            ctx.set(getattr(dut, name).valid, 1)
        await ctx.tick().repeat(8)
        assert ctx.get(dut.dropped) == (1 << 32) - 1
        assert ctx.get(dut.decided) == 8 * len(SOURCES) - 5

    simulate(dut, bench)


def test_the_stage_tells_records_and_shows_its_counts(simulate):
    dut = TelemetryStage(PRESET)
    rng = random.Random(3)
    cycles = [{name: payloads(rng, name)} for name in SOURCES]
    words: list[int] = []

    async def host(ctx):
        await ctx.tick().repeat(len(cycles) + 5)
        for register in TelemetryRegs.registers:
            ctx.set(dut.bus.addr, register.offset // 4)
            ctx.set(dut.bus.r_en, 1)
            await ctx.tick()
            words.append(ctx.get(dut.bus.r_data))

    told = play(lambda dut, bench: simulate(dut, bench, host), dut, cycles + quiet(12))
    assert [record for _, record in told] == ordered(cycles)
    assert words == [len(SOURCES), 0]
