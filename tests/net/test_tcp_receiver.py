"""The receiver passes on what is whole, sound and of the connection, and counts all else."""

import random
from itertools import chain, repeat

import pytest

from tickwright.net.tcp import SegmentReceiver
from tickwright.twin.frame_ends import Arriving, cycles
from tickwright.twin.tcp_peer import TcpPeer

KEPT = 20  # bytes of payload
PEER = TcpPeer()
DROPS = ("bad_frames", "others", "bad_checksums")
NS_PER_CYCLE = 6


def flipped(frame: bytes, at: int, bits: int = 0x01) -> bytes:
    """Return a frame with a byte changed behind the back of its checksums."""
    return frame[:at] + bytes([frame[at] ^ bits]) + frame[at + 1 :]


def received(simulate, arriving, *, enable=1):
    """Return segments passed on and frames dropped, each with the cycle it was told in."""
    dut = SegmentReceiver(KEPT)
    told = []
    registers = PEER.registers()
    endpoints = {
        name: registers[name]
        for name in registers
        if name.startswith(("local", "peer"))
    }  # fmt: skip

    async def wire(ctx):
        ctx.set(dut.endpoints, endpoints)
        ctx.set(dut.enable, enable)
        for cycle, (word, good) in enumerate(chain(cycles(arriving), repeat((None, None), 4))):
            ctx.set(dut.now_ns, NS_PER_CYCLE * cycle)
            ctx.set(dut.frames.valid, word is not None)
            ctx.set(dut.frames.p.as_value(), word or 0)
            ctx.set(dut.frame_end.valid, good is not None)
            ctx.set(dut.frame_end.p.good, bool(good))
            drops = [name for name in DROPS if ctx.get(getattr(dut, name))]
            if ctx.get(dut.segments.valid):
                told.append((cycle, ctx.get(dut.segments.payload)))
            told.extend((cycle, name) for name in drops)
            assert ctx.get(dut.segments.valid) + len(drops) <= 1
            await ctx.tick()

    simulate(dut, wire)
    return told


def kinds(told) -> list[str]:
    return [entry if isinstance(entry, str) else "segment" for _, entry in told]


def kept_of(segment) -> bytes:
    return segment.payload.to_bytes(KEPT, "little")[: segment.size]


@pytest.mark.parametrize("padding", [None, b"", b"\xff", b"\xff" * 9])
def test_segments_are_read_whatever_their_length_and_padding(simulate, padding):
    rng = random.Random(2026)
    numbers = {"seq": 0x1234_5678, "ack": 0x9ABC_DEF0, "window": 0x4321}
    payloads = [rng.randbytes(size) for size in [*range(0, 24), 49, 50, 51, 200]]
    frames = [PEER.segment(payload, padding=padding, **numbers) for payload in payloads]
    told = received(simulate, [Arriving(frame) for frame in frames])
    last_word = -1
    for (cycle, segment), frame, payload in zip(told, frames, payloads, strict=True):
        assert (segment.sequence, segment.acknowledgment) == (numbers["seq"], numbers["ack"])
        assert (segment.window, segment.size) == (numbers["window"], len(payload))
        assert kept_of(segment) == payload[:KEPT]
        assert (segment.flags.psh, segment.flags.ack, segment.flags.fin) == (1, 1, 0)
        last_word += -(-len(frame) // 8)
        assert cycle == last_word + 2
        assert segment.card_ns == NS_PER_CYCLE * last_word


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        pytest.param(PEER.segment(b"abc"), "segment", id="sound"),
        pytest.param(PEER.segment(b"abc", ether={"dst": PEER.peer_mac}), "others", id="mac"),
        pytest.param(PEER.segment(b"abc", ether={"src": PEER.local_mac}), "others", id="from-mac"),
        pytest.param(PEER.segment(b"abc", ether={"type": 0x86DD}), "others", id="ethertype"),
        pytest.param(PEER.segment(b"abc", ip={"dst": "10.1.2.4"}), "others", id="address"),
        pytest.param(PEER.segment(b"abc", ip={"src": "10.1.2.4"}), "others", id="from-address"),
        pytest.param(PEER.segment(b"abc", ip={"flags": "MF"}), "others", id="first-fragment"),
        pytest.param(PEER.segment(b"abc", ip={"frag": 1}), "others", id="fragment"),
        pytest.param(PEER.segment(b"abc", ip={"flags": "DF"}), "segment", id="dont-fragment"),
        pytest.param(PEER.segment(b"abc", ip={"proto": 17}), "others", id="protocol"),
        pytest.param(PEER.segment(b"abc", ip={"version": 5}), "others", id="version"),
        pytest.param(PEER.segment(b"abc", ip={"options": b"\1" * 4}), "others", id="ip-options"),
        pytest.param(PEER.segment(b"abc", dport=40_002), "others", id="port"),
        pytest.param(PEER.segment(b"abc", sport=40_002), "others", id="from-port"),
        pytest.param(PEER.segment(b"abc", options=[("NOP", None)] * 4), "others", id="options"),
        pytest.param(PEER.segment(b"abc", flags="P"), "others", id="neither-ack-nor-rst"),
        pytest.param(PEER.segment(flags="R"), "segment", id="rst"),
        pytest.param(PEER.segment(b"abc", ip={"ttl": 1, "tos": 9}), "segment", id="ttl-tos"),
        pytest.param(PEER.segment(b"abc", ip={"len": 39}), "others", id="no-room-for-headers"),
        pytest.param(PEER.segment(b"a" * 30, padding=b"")[:-1], "others", id="cut-by-one"),
        pytest.param(PEER.segment(b"a" * 30, padding=b"")[:56], "others", id="cut-at-a-word"),
        pytest.param(PEER.segment(b"a" * 30)[:40], "others", id="cut-in-headers"),
        pytest.param(PEER.segment(b"a" * 30)[:20], "others", id="cut-before-the-length"),
        pytest.param(b"\1", "others", id="one-byte"),
        pytest.param(PEER.segment(b"abc", ip={"chksum": 1}), "bad_checksums", id="ip-checksum"),
        pytest.param(PEER.segment(b"abc", chksum=1), "bad_checksums", id="tcp-checksum"),
        pytest.param(flipped(PEER.segment(b"abc"), 54), "bad_checksums", id="payload"),
        pytest.param(flipped(PEER.segment(b"abc"), 56), "bad_checksums", id="odd-last-byte"),
        pytest.param(flipped(PEER.segment(b"abc"), 57), "segment", id="padding"),
        pytest.param(flipped(PEER.segment(b"abc"), 40), "bad_checksums", id="sequence"),
        pytest.param(flipped(PEER.segment(b"abc"), 22), "bad_checksums", id="ttl"),
    ],
)
def test_what_becomes_of_a_frame(simulate, frame, kind):
    assert kinds(received(simulate, [Arriving(frame), Arriving(PEER.segment(b"next"))])) == [
        kind, "segment",
    ]  # fmt: skip


def test_no_single_bit_is_overlooked_by_both_sums(simulate):
    sound = PEER.segment(b"\0" * 9, padding=b"")
    frames = [flipped(sound, bit // 8, 1 << bit % 8) for bit in range(8 * 14, 8 * len(sound), 3)]
    told = received(simulate, [Arriving(frame) for frame in frames])
    assert len(told) == len(frames)
    assert set(kinds(told)) == {"others", "bad_checksums"}


def test_a_bad_verdict_counts_before_all_else(simulate):
    other = PEER.segment(dport=1)
    frames = [Arriving(other, good=False), Arriving(PEER.segment(), good=False), Arriving(other)]
    assert kinds(received(simulate, frames)) == ["bad_frames", "bad_frames", "others"]


def test_while_not_enabled_no_frame_is_of_the_connection(simulate):
    assert kinds(received(simulate, [Arriving(PEER.segment())], enable=0)) == ["others"]


@pytest.mark.parametrize(("verdict_after", "latency"), [(0, 2), (1, 2), (2, 3), (5, 6)])
def test_nothing_is_told_before_the_verdict(simulate, verdict_after, latency):
    frame = PEER.segment(b"abcd", padding=b"")
    [(cycle, _)] = received(simulate, [Arriving(frame, verdict_after=verdict_after)])
    assert cycle == 7 + latency  # the last of its 8 words comes in cycle 7


@pytest.mark.parametrize("seed", range(6))
def test_frames_back_to_back_with_verdicts_as_late_as_they_may_be(simulate, seed):
    rng = random.Random(seed)
    arriving, expected, overdue = [], [], 0
    for _ in range(40):
        kind = rng.choice(["segment", "segment", *DROPS, "runt"])
        payload = rng.randbytes(rng.randrange(40))
        frame = PEER.segment(payload, padding=rng.choice([None, b""]))
        match kind:
            case "others":
                frame = PEER.segment(payload, dport=1)
            case "bad_checksums":
                frame = flipped(frame, rng.choice([24, 51]))
            case "runt":
                frame, kind = frame[: rng.randrange(1, 9)], "others"
        # The verdict before comes at the latest with this frame's first word, and not with ours.
        idle = max(rng.choice([0, 0, 0, 1, 3]), overdue - 1)
        pauses = [rng.choice([0, 0, 0, 2]) for _ in range(20)]
        late = rng.choice([0, 0, 1, 1, 3])
        if len(frame) <= 8 and idle < overdue:
            late = max(late, 1)
        arriving.append(Arriving(frame, kind != "bad_frames", idle, late, pauses))
        overdue = late
        expected.append(payload[:KEPT] if kind == "segment" else kind)
    told = [e if isinstance(e, str) else kept_of(e) for _, e in received(simulate, arriving)]
    assert told == expected
