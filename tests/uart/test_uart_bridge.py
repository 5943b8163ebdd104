"""The bridge carries out what came whole and in order, and nothing else."""

import random

import pytest
from oracle.serial_line import hear, say, say_bits

from tickwright.uart.bridge import UartBridge
from tickwright.uart.messages import (
    ReadAnswer,
    ReadRequest,
    WriteAnswer,
    WriteRequest,
    sealed,
)

CYCLES_PER_BIT = 4
IDLE_BITS = 16
ADDR_BITS = 10
LATENCY = 9  # cycles from the middle of the last stop bit to the start bit of the answer


def bridge(cycles_per_bit=CYCLES_PER_BIT):
    return UartBridge(addr_bits=ADDR_BITS, cycles_per_bit=cycles_per_bit, idle_bits=IDLE_BITS)


def read(number, address):
    return sealed(ReadRequest(number=number, address=address))


def write(number, address, value):
    return sealed(WriteRequest(number=number, address=address, value=value))


def was_read(number, value):
    return sealed(ReadAnswer(number=number, value=value))


def was_written(number):
    return sealed(WriteAnswer(number=number))


class Registers:
    """What is behind the bus: words that keep what is written, and every access in order."""

    def __init__(self, dut):
        self.dut = dut
        self.words = {}
        self.accesses = []

    async def __call__(self, ctx):
        bus = self.dut.bus
        async for _, _, addr, w_en, w_data, r_en in ctx.tick().sample(
            bus.addr, bus.w_en, bus.w_data, bus.r_en
        ):
            assert not (w_en and r_en)
            if w_en:
                self.words[addr] = w_data
                self.accesses.append(("w", addr, w_data))
            if r_en:
                self.accesses.append(("r", addr))
            ctx.set(bus.r_data, self.words.get(addr, 0) if r_en else 0)


class Answers:
    """All that the bridge says."""

    def __init__(self, dut, cycles_per_bit=CYCLES_PER_BIT):
        self.dut = dut
        self.cycles_per_bit = cycles_per_bit
        self.heard = b""

    async def __call__(self, ctx):
        while True:
            self.heard += await hear(ctx, self.dut.tx, 1, self.cycles_per_bit)


def play(simulate, sent, *, cycles_per_bit=CYCLES_PER_BIT, skew=0.0):
    """Send each stretch of bytes (or bits) with an idle line behind it; return what came of it."""
    dut = bridge(cycles_per_bit)
    registers, answers, counts = Registers(dut), Answers(dut, cycles_per_bit), []

    async def host(ctx):
        for stretch in sent:
            if isinstance(stretch, bytes):
                await say(ctx, dut.rx, stretch, cycles_per_bit * (1 + skew))
            else:
                await say_bits(ctx, dut.rx, stretch, cycles_per_bit)
            await ctx.tick().repeat((IDLE_BITS + 80) * cycles_per_bit)
        counts.extend([ctx.get(dut.framing_errors), ctx.get(dut.refused_requests)])

    simulate(dut, host, background=[registers, answers], deadline=400_000)
    return registers.accesses, answers.heard, tuple(counts)


def test_a_written_word_is_read_back(simulate):
    sent = write(0, 0x20, 0xDEADBEEF) + read(1, 0x20) + read(2, 0x24)
    accesses, heard, counts = play(simulate, [sent])
    assert accesses == [("w", 8, 0xDEADBEEF), ("r", 8), ("r", 9)]
    assert heard == was_written(0) + was_read(1, 0xDEADBEEF) + was_read(2, 0)
    assert counts == (0, 0)


def test_an_address_of_no_register_reads_as_zero_and_takes_nothing(simulate):
    bad = [0x1000, 0x8000_0020, 0x21, 0x22, 0xFFFF_FFFC]
    sent = write(0, 0x20, 5) + b"".join(
        write(2 * at + 1, address, 7) + read(2 * at + 2, address) for at, address in enumerate(bad)
    )
    accesses, heard, counts = play(simulate, [sent + read(11, 0xFFC)])
    assert accesses == [("w", 8, 5), ("r", 0x3FF)]
    assert heard.endswith(was_written(9) + was_read(10, 0) + was_read(11, 0))
    assert counts == (0, 0)


@pytest.mark.parametrize("skew", [-0.035, 0.035])
def test_answers_keep_up_with_requests_that_come_without_a_pause(simulate, skew):
    """The host is faster than the card, or slower, for longer than any buffer would bridge."""
    rng = random.Random(3)
    kinds = [rng.random() < 0.3 for _ in range(10)] + [False] * 16
    sent, expected, words = b"", b"", {}
    for at, writes in enumerate(kinds):
        address, value = 4 * rng.randrange(4), rng.getrandbits(32)
        if writes:
            words[address] = value
            sent += write(at, address, value)
            expected += was_written(at)
        else:
            sent += read(at, address)
            expected += was_read(at, words.get(address, 0))
    accesses, heard, counts = play(simulate, [sent], cycles_per_bit=12, skew=skew)
    assert heard == expected
    assert len(accesses) == len(kinds)
    assert counts == (0, 0)


@pytest.mark.parametrize("cycles_per_bit", [4, 9])
@pytest.mark.parametrize("request_bytes", [read(0, 8), write(0, 8, 1)], ids=["read", "write"])
def test_the_answer_begins_soon_after_the_request(simulate, cycles_per_bit, request_bytes):
    dut = bridge(cycles_per_bit)
    frames = 10 * len(request_bytes) * cycles_per_bit
    middle = frames - cycles_per_bit + cycles_per_bit // 2

    async def host(ctx):
        await ctx.tick().repeat(5)
        await say(ctx, dut.rx, request_bytes, cycles_per_bit)

    async def clock(ctx):
        await ctx.tick().repeat(5 + middle)
        latency = 0
        while ctx.get(dut.tx):
            await ctx.tick()
            latency += 1
        assert latency == LATENCY

    simulate(dut, host, clock)


def test_a_write_is_carried_out_only_behind_the_request_before_it(simulate):
    sent = [
        write(0, 0x20, 0) + write(1, 0x20, 1),
        write(3, 0x20, 3) + write(4, 0x20, 4),  # 2 was lost
        write(1, 0x20, 9),  # once more
        read(9, 0x20) + write(10, 0x20, 10),  # the host has read again
        read(255, 0x20) + write(0, 0x20, 11),  # numbers begin anew
    ]
    accesses, heard, counts = play(simulate, sent)
    writes = [access[2] for access in accesses if access[0] == "w"]
    assert writes == [0, 1, 10, 11]
    assert heard == (
        was_written(0) + was_written(1) + was_read(9, 1) + was_written(10)
        + was_read(255, 10) + was_written(0)
    )  # fmt: skip
    assert counts == (0, 3)


@pytest.mark.parametrize("seed", range(4))
def test_no_wrong_bit_makes_a_wrong_access(simulate, seed):
    """And after an idle line the bridge understands again."""
    rng = random.Random(seed)
    sent, good = [], []
    for _ in range(5):
        request = bytearray(write(0, 0x40, rng.getrandbits(32)))
        for bit in rng.sample(range(8 * len(request)), rng.randrange(1, 4)):
            request[bit // 8] ^= 1 << bit % 8
        number = rng.randrange(256)
        sent += [bytes(request) + write(1, 0x44, 1), read(number, 0x48)]
        good += [number]
    accesses, heard, counts = play(simulate, sent)
    assert accesses == [("r", 0x12)] * len(good)
    assert heard == b"".join(was_read(number, 0) for number in good)
    assert counts == (0, len(good))


@pytest.mark.parametrize("length", range(1, WriteRequest.size))
def test_a_request_cut_short_is_forgotten_when_the_line_is_idle(simulate, length):
    sent = [write(0, 0x40, 1)[:length], read(3, 0x40)]
    accesses, heard, counts = play(simulate, sent)
    assert accesses == [("r", 0x10)]
    assert heard == was_read(3, 0)
    assert counts == (0, 1)


def test_noise_is_ignored_until_the_line_is_idle(simulate):
    noise = random.Random(5).randbytes(60).replace(b"W", b"").replace(b"R", b"")
    sent = [noise + write(0, 0x40, 1), read(3, 0x40)]
    accesses, heard, counts = play(simulate, sent)
    assert (accesses, heard, counts) == ([("r", 0x10)], was_read(3, 0), (0, 1))


def test_a_broken_byte_silences_the_bridge_until_the_line_is_idle(simulate):
    held_low = [0] * 25 + [1]
    bits = [bit for byte in write(0, 0x40, 1) for bit in (0, *(byte >> n & 1 for n in range(8)), 1)]
    sent = [held_low + bits, write(0, 0x40, 2)[:5], read(3, 0x40)]
    broken_within = [*bits[:59], 0, 1, *bits[60:]]
    accesses, heard, counts = play(simulate, [*sent, broken_within, read(4, 0x40)])
    assert accesses == [("r", 0x10)] * 2
    assert heard == was_read(3, 0) + was_read(4, 0)
    assert counts == (2, 1)
