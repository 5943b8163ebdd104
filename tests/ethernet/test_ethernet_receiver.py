"""The receiver passes on what is in a frame while it comes, and tells truly what it was."""

import random

import pytest
from oracle.ethernet_line import IDLE, Symbol, Told, carrier, idle, judged, on_line, with_fcs

from tickwright.core.streams import FrameEnd
from tickwright.ethernet.frame import MAX_FRAME_BYTES
from tickwright.ethernet.reasons import FrameReason
from tickwright.ethernet.receiver import GmiiReceiver
from tickwright.twin.handshake import frame_bytes

WORD_LATENCY = 5  # cycles from the last byte of a word
END_LATENCY = 1  # cycles from the last byte of the frame
MAX_BYTES = 150  # of the short tests
SEED = 2026


class Card:
    """Takes what the receiver makes of a line."""

    def __init__(self, line, max_bytes):
        self.line = line
        self.dut = GmiiReceiver(max_bytes=max_bytes)
        self.words = []  # cycle, word
        self.told = []  # cycle, of what

    async def __call__(self, ctx):
        dut, frame = self.dut, []
        for cycle, symbol in enumerate([*self.line, *idle(8)]):
            ctx.set(dut.gmii, vars(symbol))
            _, _, valid, word, ended, end, no_start, no_words = await ctx.tick().sample(
                *(dut.words.valid, dut.words.p, dut.frame_end.valid, dut.frame_end.p),
                *(dut.no_start, dut.no_words),
            )
            if valid:
                self.words.append((cycle, word))
                frame.append(word.as_bits())
            assert ended == (valid and word.last)
            if ended:
                reason = FrameReason(end.reason)
                assert end.good == (reason is FrameReason.GOOD)
                self.told.append((cycle, Told(*frame_bytes(frame), reason.name)))
                frame = []
            if no_start:
                self.told.append((cycle, Told(reason="no_start")))
            if no_words:
                self.told.append((cycle, Told(reason="no_words")))


def receive(simulate, line, max_bytes=MAX_BYTES):
    """Let a line be received and compare all that is told with what has to be."""
    card = Card(line, max_bytes)
    simulate(card.dut, card, deadline=len(line) + 100)
    told = [what for _, what in card.told]
    assert told == [judged(event, max_bytes) for _, event in on_line(line)]
    return card


def reasons(card):
    return [told.reason for _, told in card.told]


def data(size, seed=SEED):
    return random.Random(seed + size).randbytes(size)


def test_every_length_up_to_130_bytes_comes_whole(simulate):
    line = idle(1)
    for size in range(1, 131):
        line += carrier(with_fcs(data(size))) + idle(12)
    assert reasons(receive(simulate, line)) == ["RUNT"] * 59 + ["GOOD"] * 71


def test_a_frame_without_a_byte_beside_its_check_has_no_words_and_no_verdict(simulate):
    line = idle(1)
    for size in range(5):
        line += carrier(with_fcs(b"")[:size]) + idle(12)
    line += carrier(with_fcs(data(1))) + idle(12)
    assert reasons(receive(simulate, line)) == ["no_words"] * 5 + ["RUNT"]


@pytest.mark.parametrize(
    ("size", "reason"),
    [(1_514, "GOOD"), (1_518, "GOOD"), (9_018, "GOOD"), (9_019, "OVERSIZE"), (9_500, "OVERSIZE")],
)
def test_a_frame_is_taken_up_to_its_longest(simulate, size, reason):
    line = idle(1) + carrier(with_fcs(data(size - 4))) + idle(12) + carrier(with_fcs(data(60)))
    card = receive(simulate, line, MAX_FRAME_BYTES)
    assert reasons(card) == [reason, "GOOD"]
    assert len(card.told[0][1].frame) == min(size, 9_018) - 4


@pytest.mark.parametrize("max_bytes", range(65, 73))
def test_a_frame_is_cut_off_wherever_its_word_stands(simulate, max_bytes):
    line = idle(1)
    for size in range(max_bytes - 1, max_bytes + 12):
        line += carrier(with_fcs(data(size - 4))) + idle(1)
    assert reasons(receive(simulate, line, max_bytes)) == ["GOOD"] * 2 + ["OVERSIZE"] * 11


def test_a_word_comes_five_cycles_after_its_last_byte_and_the_verdict_one_after_the_frames(
    simulate,
):
    for size in [*range(5, 30), *range(64, 73)]:
        line = idle(3) + carrier(with_fcs(data(size - 4)))
        card = receive(simulate, line)
        first_byte, last_byte = 3 + 8, len(line) - 1
        *before, (cycle, word) = card.words
        assert [cycle for cycle, _ in before] == [
            first_byte + 8 * at + 7 + WORD_LATENCY for at in range(len(before))
        ]
        assert (cycle, word.last) == (last_byte + END_LATENCY, 1)
        assert card.told[0][0] == cycle


@pytest.mark.parametrize("pause", [1, 2, 8, 12])
@pytest.mark.parametrize("preamble", [0, 1, 6, 7, 20])
def test_frames_follow_each_other_after_any_pause_and_preamble(simulate, pause, preamble):
    line = idle(1)
    for size in (60, 61, 1, 67, 100, 64):
        start = b"\x55" * preamble + b"\xd5"
        line += carrier(with_fcs(data(size)), start=start) + idle(pause)
    assert reasons(receive(simulate, line)) == ["GOOD", "GOOD", "RUNT", "GOOD", "GOOD", "GOOD"]


@pytest.mark.parametrize("start", [b"", b"\x55", b"\x55" * 7, b"\x55\x5d", b"\x55" * 6 + b"\x54"])
def test_a_carrier_without_a_start_is_no_frame(simulate, start):
    line = idle(1) + carrier(
        b"\x99" + with_fcs(data(70)) if start[-1:] != b"\x55" else b"", start=start
    )
    line += idle(1) + carrier(with_fcs(b"\x55\xd5" + data(70)), start=start + b"\x00") + idle(1)
    line += carrier(with_fcs(data(60)))
    expected = ["no_start", "no_start", "GOOD"]
    assert reasons(receive(simulate, line)) == expected


@pytest.mark.parametrize("at", [0, 3, 7, 8, 9, 40, 70, 71])
def test_an_error_the_phy_signals_anywhere_makes_the_frame_bad(simulate, at):
    line = (
        idle(1) + carrier(with_fcs(data(60)), errors=[at]) + idle(1) + carrier(with_fcs(data(60)))
    )
    assert reasons(receive(simulate, line)) == ["ERROR", "GOOD"]


@pytest.mark.parametrize("bit", [0, 7, 8, 239, 240, 479, 480, 503, 511])
def test_a_wrong_bit_anywhere_makes_the_frame_bad(simulate, bit):
    frame = with_fcs(data(60))
    wrong = (int.from_bytes(frame, "little") ^ 1 << bit).to_bytes(64, "little")
    line = idle(1) + carrier(wrong) + idle(1) + carrier(frame)
    assert reasons(receive(simulate, line)) == ["FCS", "GOOD"]


def test_of_several_reasons_the_lowest_is_told(simulate):
    line = idle(1)
    for size, errors in ((20, [12]), (20, []), (MAX_BYTES + 5, [12]), (MAX_BYTES + 5, [])):
        line += carrier(data(size), errors=errors) + idle(12)
    line += carrier(data(MAX_BYTES + 9), errors=[8 + MAX_BYTES]) + idle(12)  # in what is cut off
    line += carrier(data(80), errors=[87])
    expected = ["ERROR", "RUNT", "ERROR", "OVERSIZE", "OVERSIZE", "ERROR"]
    assert reasons(receive(simulate, line)) == expected


def test_what_the_phy_says_without_a_carrier_is_ignored(simulate):
    said = [Symbol(byte, 0, 1) for byte in (0x0F, 0x1F, 0x0E, 0x01, 0xFF, 0x55, 0xD5)]
    said += [Symbol(byte) for byte in (0x55, 0xD5, 0xFF)]
    line = idle(1) + (carrier(with_fcs(data(60))) + said) * 3
    assert reasons(receive(simulate, line)) == ["GOOD"] * 3


def test_the_rest_of_a_frame_that_was_there_at_reset_is_ignored(simulate):
    rest = carrier(b"\x55\xd5" + with_fcs(data(60)), start=data(5))
    card = Card([*rest, IDLE, *carrier(with_fcs(data(60)))], MAX_BYTES)
    simulate(card.dut, card)
    assert [told for _, told in card.told] == [Told(data(60))]


def random_event(rng):
    """Return a carrier event of any kind."""
    start = b"\x55" * rng.choice([0, 1, 6, 7, 7, 7, 9]) + b"\xd5"
    size = rng.choice([rng.randrange(10), rng.randrange(55, 75), rng.randrange(MAX_BYTES + 20)])
    frame = bytearray(with_fcs(rng.randbytes(size)))
    errors = []
    fate = rng.randrange(8)
    if fate == 0:
        frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
    elif fate == 1:
        errors = [rng.randrange(len(frame) + 8)]
    elif fate == 2:
        frame = frame[: rng.randrange(len(frame))]
    elif fate == 3:
        start = start[: rng.randrange(len(start))] + bytes([rng.randrange(256)])
    elif fate == 4 and len(start) > 1:
        start, frame = start[:-1], b""
    return carrier(bytes(frame), start=start, errors=errors)


@pytest.mark.parametrize("seed", range(4))
def test_carriers_of_all_kinds_are_judged_one_by_one(simulate, seed):
    rng, line = random.Random(seed), idle(1)
    for _ in range(150):
        line += random_event(rng) + idle(rng.choice([1, 1, 2, 8, 12, 30]))
    told = set(reasons(receive(simulate, line)))
    assert told == {reason.name for reason in FrameReason} | {"no_start", "no_words"}


def test_the_reasons_have_their_numbers_and_fit_a_verdict():
    assert [(reason.name, reason.value) for reason in FrameReason] == [
        ("GOOD", 0),
        ("ERROR", 1),
        ("OVERSIZE", 2),
        ("RUNT", 3),
        ("FCS", 4),
    ]
    for reason in FrameReason:
        end = FrameEnd.from_bits(FrameEnd.const({"reason": reason}).as_bits())
        assert end.reason == reason
