"""Every request is answered as it must be, and only whole registers are touched."""

import pytest

from tickwright.pcie.bar import Completer
from tickwright.pcie.types import CcDescriptor, CompletionStatus, CqDescriptor, RequestKind

MASK = 0xFFFF_FFFF
READ, WRITE = RequestKind.READ, RequestKind.WRITE
SUCCESSFUL, UNSUPPORTED = CompletionStatus.SUCCESSFUL, CompletionStatus.UNSUPPORTED
READ_CYCLES, WRITE_CYCLES = 10, 5
EVENTS = ("partial_write", "unsupported", "malformed")


def descriptor(kind, address, words, **fields):
    """Return the four words of a request; the address is in bytes."""
    given = {"kind": kind, "address": address >> 2, "words": words, "tag": 0x5A} | fields
    bits = CqDescriptor.const({"requester": 0xBEEF, "traffic": 3, "attributes": 2} | given)
    return [bits.as_bits() >> 32 * k & MASK for k in range(4)]


class Bench:
    """A completer with registers that hold their own address, XOR `FLIP`."""

    FLIP = 0xA5A5_0000

    def __init__(self, simulate):
        self.simulate = simulate
        self.dut = Completer()
        self.completions, self.written, self.read = [], [], []
        self.events = dict.fromkeys(EVENTS, 0)
        self.cycle = self.ended = 0

    async def registers(self, ctx):
        dut = self.dut
        async for *_, w_en, w_data, r_en, addr in ctx.tick().sample(
            dut.bus.w_en, dut.bus.w_data, dut.bus.r_en, dut.bus.addr
        ):
            self.cycle += 1
            if w_en:
                self.written.append((4 * addr, w_data, self.cycle))
            if r_en:
                self.read.append(4 * addr)
            ctx.set(dut.bus.r_data, 4 * addr ^ self.FLIP if r_en else 0)

    async def collect(self, ctx):
        dut, words = self.dut, []
        events = [getattr(dut, name) for name in EVENTS]
        async for *_, valid, payload, partial, unsupported, malformed in ctx.tick().sample(
            dut.completions.valid, dut.completions.payload, *events
        ):
            for name, seen in zip(EVENTS, (partial, unsupported, malformed), strict=True):
                self.events[name] += seen
            if valid:
                words.append(payload & MASK)
                if payload >> 32:
                    self.completions.append(words)
                    words, self.ended = [], self.cycle

    def run(self, *requests, room=1):
        """Send requests, each (words, first_be, last_be); wait until all is over."""

        async def host(ctx):
            ctx.set(self.dut.room, room)
            for words, first_be, last_be in requests:
                for place, word in enumerate(words):
                    last = place == len(words) - 1
                    payload = {"data": word, "first_be": first_be, "last_be": last_be, "last": last}
                    ctx.set(self.dut.words.payload, payload)
                    ctx.set(self.dut.words.valid, 1)
                    await ctx.tick().until(self.dut.words.ready)
                    ctx.set(self.dut.words.valid, 0)
            await ctx.tick().repeat(1200)

        self.simulate(self.dut, host, background=[self.registers, self.collect])
        return self.completions


def header_of(completion):
    bits = sum(word << 32 * k for k, word in enumerate(completion[:3]))
    return CcDescriptor.from_bits(bits)


@pytest.fixture
def bench(simulate):
    return Bench(simulate)


def test_a_register_is_read_in_10_cycles_and_its_completion_is_for_who_asked(bench):
    (completion,) = bench.run((descriptor(READ, 0x104, 1), 0xF, 0))
    header = header_of(completion)
    assert (header.lower_address, header.bytes, header.words) == (0x04, 4, 1)
    assert (header.status, header.requester, header.tag) == (SUCCESSFUL, 0xBEEF, 0x5A)
    assert (header.traffic, header.attributes, header.own_completer) == (3, 2, 0)
    assert completion[3:] == [0x104 ^ bench.FLIP]
    assert bench.ended - 1 == READ_CYCLES


def test_a_register_is_written_in_5_cycles_and_not_answered(bench):
    assert bench.run(([*descriptor(WRITE, 0x104, 1), 0x1234_5678], 0xF, 0)) == []
    assert bench.written == [(0x104, 0x1234_5678, WRITE_CYCLES + 1)]


@pytest.mark.parametrize(
    ("first_be", "last_be", "words", "lower", "due"),
    [
        (0b1111, 0b0000, 1, 0x08, 4),
        (0b1000, 0b0000, 1, 0x0B, 1),
        (0b0110, 0b0000, 1, 0x09, 2),
        (0b0101, 0b0000, 1, 0x08, 3),
        (0b1100, 0b0001, 2, 0x0A, 3),
        (0b1000, 0b0111, 3, 0x0B, 8),
        (0b0000, 0b0000, 1, 0x08, 1),
    ],
)
def test_a_completion_says_which_bytes_were_asked_for(bench, first_be, last_be, words, lower, due):
    (completion,) = bench.run((descriptor(READ, 0x208, words), first_be, last_be))
    header = header_of(completion)
    assert (header.lower_address, header.bytes, header.words) == (lower, due, words)
    asked = range(0x208, 0x208 + 4 * words, 4)
    assert bench.read == (list(asked) if first_be else [])
    assert completion[3:] == ([at ^ bench.FLIP for at in asked] if first_be else [0])


def test_a_long_read_is_answered_in_parts_that_end_at_multiples_of_128_bytes(bench):
    parts = bench.run((descriptor(READ, 0x13F8, 68), 0b1000, 0b0001))
    headers = [header_of(part) for part in parts]
    assert [header.words for header in headers] == [2, 32, 32, 2]
    assert [header.lower_address for header in headers] == [0x7B, 0, 0, 0]
    assert [header.bytes for header in headers] == [266, 261, 133, 5]
    data = [word for part in parts for word in part[3:]]
    assert data == [at ^ bench.FLIP for at in range(0x13F8, 0x13F8 + 4 * 68, 4)]


@pytest.mark.parametrize(
    ("first_be", "last_be", "words"),
    [(0b0111, 0, 1), (0b1110, 0, 1), (0b0001, 0xF, 2), (0xF, 0b0111, 3), (0, 0xF, 2)],
)
def test_a_write_that_spares_bytes_is_refused_whole(bench, first_be, last_be, words):
    spared = ([*descriptor(WRITE, 0x40, words), *[MASK] * words], first_be, last_be)
    assert bench.run(spared, ([*descriptor(WRITE, 0x80, 1), 7], 0xF, 0)) == []
    assert [(at, value) for at, value, _ in bench.written] == [(0x80, 7)]
    assert bench.events == {"partial_write": 1, "unsupported": 0, "malformed": 0}


def test_a_write_of_no_byte_does_nothing(bench):
    assert bench.run(([*descriptor(WRITE, 0x40, 1), MASK], 0, 0)) == []
    assert bench.written == []
    assert not any(bench.events.values())


@pytest.mark.parametrize(
    ("kind", "payload", "bar"),
    [
        (RequestKind.IO_READ, 0, 0),
        (RequestKind.IO_WRITE, 1, 0),
        (RequestKind.FETCH_ADD, 1, 0),
        (RequestKind.SWAP, 2, 0),
        (RequestKind.COMPARE_SWAP, 4, 0),
        (RequestKind.LOCKED_READ, 0, 0),
        (RequestKind.CONFIG_READ_0, 0, 0),
        (READ, 0, 2),
    ],
)
def test_what_is_not_supported_is_told_so_with_the_request_behind_it(bench, kind, payload, bar):
    request = descriptor(kind, 0x48, max(1, payload), bar=bar)
    follow = (descriptor(READ, 0, 1), 0xF, 0)
    refusal, answer = bench.run(([*request, *[3] * payload], 0b1110, 0b0111), follow)
    header = header_of(refusal)
    assert (header.status, header.words, header.tag) == (UNSUPPORTED, 0, 0x5A)
    of_memory = kind == READ
    assert (header.lower_address, header.bytes) == ((0x49, 3) if of_memory else (0, 4))
    assert header.locked == (kind == RequestKind.LOCKED_READ)
    assert refusal[3:] == [0b0111_1110, *request]
    assert answer[3:] == [bench.FLIP]
    assert bench.events == {"partial_write": 0, "unsupported": 1, "malformed": 0}
    assert bench.written == []


@pytest.mark.parametrize(
    ("kind", "bar"),
    [(WRITE, 1), (RequestKind.MESSAGE, 0), (RequestKind.VENDOR_MESSAGE, 0)],
)
def test_what_wants_no_answer_is_skipped_and_counted(bench, kind, bar):
    request = ([*descriptor(kind, 0x40, 2, bar=bar), 1, 2], 0xF, 0xF)
    (answer,) = bench.run(request, (descriptor(READ, 0, 1), 0xF, 0))
    assert answer[3:] == [bench.FLIP]
    assert bench.written == []
    assert bench.events == {"partial_write": 0, "unsupported": 1, "malformed": 0}


def test_a_request_that_ends_within_its_header_is_forgotten_and_counted(bench):
    (answer,) = bench.run(([1, 2], 0xF, 0), (descriptor(READ, 8, 1), 0xF, 0))
    assert answer[3:] == [8 ^ bench.FLIP]
    assert bench.events == {"partial_write": 0, "unsupported": 0, "malformed": 1}


def test_nothing_is_answered_without_room(bench):
    assert bench.run((descriptor(READ, 0, 1), 0xF, 0), room=0) == []
    assert bench.read == []
