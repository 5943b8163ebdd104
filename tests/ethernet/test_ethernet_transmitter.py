"""The transmitter puts whole frames on the line, and never half of one that looks whole."""

import random

import pytest
from oracle.ethernet_line import Symbol, carrier, on_line, with_fcs

from tickwright.ethernet.transmitter import GmiiTransmitter
from tickwright.twin.handshake import frame_words

PREAMBLE_LATENCY = 1  # cycles from the first word
DATA_LATENCY = 9
FIRST_SLACK = 14  # idle cycles that a source may have before the second word of a frame
SLACK = 7  # before every other word
OVERHEAD = 24  # bytes of preamble, SFD, FCS and gap
SEED = 2026


class Line:
    """What the transmitter puts on the line, when it took words and when they were late."""

    def __init__(self, dut):
        self.dut = dut
        self.symbols = []
        self.taken = []
        self.underruns = []

    async def __call__(self, ctx):
        dut = self.dut
        watched = (dut.gmii, dut.words.valid, dut.words.ready, dut.underrun)
        async for _, _, gmii, valid, ready, underrun in ctx.tick().sample(*watched):
            if valid and ready:
                self.taken.append(len(self.symbols))
            if underrun:
                self.underruns.append(len(self.symbols))
            self.symbols.append(Symbol(gmii.data, gmii.valid, gmii.error))


def transmit(simulate, offers):
    """Offer words, each after idle cycles; return what came of it."""
    dut = GmiiTransmitter()
    line = Line(dut)

    async def card(ctx):
        for word, pause in offers:
            for _ in range(pause):
                await ctx.tick()
            ctx.set(dut.words.p.as_value(), word)
            ctx.set(dut.words.valid, 1)
            await ctx.tick().until(dut.words.ready)
            ctx.set(dut.words.valid, 0)
            ctx.set(dut.words.p.as_value(), random.Random(SEED).getrandbits(70))
        await ctx.tick().repeat(9 + 8 + 60 + 4 + 12)

    simulate(dut, card, background=[line], deadline=20 * len(offers) + 20_000)
    return line


def offers(frames, pauses=()):
    """Return the words of frames, each frame after a pause, and random bits past their ends."""
    rng = random.Random(SEED)
    pauses = iter(pauses)
    for frame in frames:
        size, pause = len(frame), next(pauses, 0)
        for at, word in enumerate(frame_words(frame)):
            used = 8 * min(8, size - 8 * at)
            yield word | rng.getrandbits(64) >> used << used, 0 if at else pause


def data(size):
    return random.Random(SEED + size).randbytes(size)


def sent(frame):
    return carrier(with_fcs(frame, pad=60))


@pytest.mark.parametrize("sizes", [range(1, 66), range(66, 131)])
def test_every_length_up_to_130_bytes_is_padded_checked_and_followed_by_a_gap(simulate, sizes):
    frames = [data(size) for size in sizes]
    line = transmit(simulate, list(offers(frames)))
    events = list(on_line(line.symbols))
    assert [event for _, event in events] == [sent(frame) for frame in frames]
    assert {pause for pause, _ in events[1:]} == {12}
    assert line.underruns == []


@pytest.mark.parametrize("size", [1_514, 9_014, 9_018, 9_019])
def test_long_frames_are_sent_whole(simulate, size):
    frames = [data(size), data(60)]
    line = transmit(simulate, list(offers(frames)))
    assert [event for _, event in on_line(line.symbols)] == [sent(frame) for frame in frames]


@pytest.mark.parametrize("pause", [0, 1, 5, 40])
@pytest.mark.parametrize("size", [1, 60, 101])
def test_a_frame_is_on_the_line_a_cycle_after_its_first_word(simulate, pause, size):
    """And its first byte 9 cycles after it; another frame takes its bytes and 24 cycles."""
    frame = data(size)
    line = transmit(simulate, list(offers([frame, frame], [3, pause])))
    first = line.taken[0]
    start = next(at for at, symbol in enumerate(line.symbols) if symbol.valid)
    assert start == first + PREAMBLE_LATENCY
    event = sent(frame)
    assert line.symbols[start : start + len(event)] == event
    assert line.symbols[first + DATA_LATENCY] == Symbol(frame[0], 1, 0)
    second = line.taken[len(line.taken) // 2]
    assert second >= first + max(size, 60) + OVERHEAD
    if pause == 0:
        assert second == first + max(size, 60) + OVERHEAD
    assert line.symbols[second + PREAMBLE_LATENCY :][: len(event)] == event


def test_words_are_due_with_the_last_byte_of_the_one_before(simulate):
    """In the cycle before it is on the line, and not later."""
    frame = data(90)
    pauses = [0, FIRST_SLACK, *[SLACK] * 10]
    line = transmit(simulate, list(zip(frame_words(frame), pauses, strict=True)))
    assert [event for _, event in on_line(line.symbols)] == [sent(frame)]
    assert line.underruns == []
    due = [line.taken[0] + DATA_LATENCY + 8 * at - 2 for at in range(1, 12)]
    assert line.taken[1:] == due


@pytest.mark.parametrize("late", [1, 2, 4, 20, 200])
@pytest.mark.parametrize("at", [1, 2, 8, 11])
def test_a_word_that_is_late_spoils_its_frame_and_no_other(simulate, at, late):
    frames = [data(61), data(90), data(33)]
    words = list(offers(frames))
    before = 8
    slack = FIRST_SLACK if at == 1 else SLACK
    words[before + at] = (words[before + at][0], slack + late)
    line = transmit(simulate, words)
    events = [event for _, event in on_line(line.symbols)]
    assert [events[0], events[2]] == [sent(frames[0]), sent(frames[2])]
    assert len(events) == 3
    assert len(line.underruns) == 1

    *body, a, b, c, d = events[1]
    cut = frames[1][: 8 * at]
    assert body == carrier(cut)
    assert {(symbol.valid, symbol.error) for symbol in (a, b, c, d)} == {(1, 1)}
    wrong = bytes(symbol.data for symbol in (a, b, c, d))
    assert wrong == bytes(byte ^ 0xFF for byte in with_fcs(cut)[-4:])
    assert all(pause >= 12 for pause, _ in list(on_line(line.symbols))[1:])


def test_frames_one_after_another_run_under_and_all_is_told(simulate):
    frames = [data(20), data(20), data(60)]
    words = list(offers(frames))
    for at in (1, 4):
        words[at] = (words[at][0], 100)
    line = transmit(simulate, words)
    events = [event for _, event in on_line(line.symbols)]
    assert [any(symbol.error for symbol in event) for event in events] == [True, True, False]
    assert events[2] == sent(frames[2])
    assert len(line.underruns) == 2


@pytest.mark.parametrize("seed", range(3))
def test_frames_of_any_size_leave_after_any_pause(simulate, seed):
    rng = random.Random(seed)
    frames = [
        rng.randbytes(rng.choice([rng.randrange(1, 80), rng.randrange(1, 300)])) for _ in range(60)
    ]
    words = list(offers(frames, iter(lambda: rng.choice([0, 0, 1, 3, 13, 90]), None)))
    starts = [at for at, (word, _) in enumerate(words) if word >> 68 & 1]
    words = [
        (word, pause if at in starts else rng.randrange(8))
        for at, (word, pause) in enumerate(words)
    ]
    line = transmit(simulate, words)
    events = list(on_line(line.symbols))
    assert [event for _, event in events] == [sent(frame) for frame in frames]
    assert all(pause >= 12 for pause, _ in events[1:])
    assert line.underruns == []
