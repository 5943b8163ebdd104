"""Frames of the sender are what scapy says they should be, however they are stalled."""

import random
from itertools import repeat

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from tickwright.net.tcp import CHECKSUM_CYCLES, SegmentSender
from tickwright.twin.frame_ends import collect

MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
ADDRESSES = ("10.0.0.1", "255.255.255.254")


def number(address: str, separator: str, base: int) -> int:
    return int.from_bytes(bytes(int(part, base) for part in address.split(separator)), "big")


def expected(payload: bytes, seq: int, ack: int, window: int) -> bytes:
    return bytes(
        Ether(src=MACS[0], dst=MACS[1])
        / IP(src=ADDRESSES[0], dst=ADDRESSES[1], id=0, flags="DF", ttl=64)
        / TCP(sport=1, dport=0xFFFF, seq=seq, ack=ack, flags="PA", window=window)
        / payload
    )


def endpoints() -> dict[str, int]:
    return {
        "local_mac": number(MACS[0], ":", 16),
        "peer_mac": number(MACS[1], ":", 16),
        "local_address": number(ADDRESSES[0], ".", 10),
        "peer_address": number(ADDRESSES[1], ".", 10),
        "local_port": 1,
        "peer_port": 0xFFFF,
    }


def words_sum(payload: bytes) -> int:
    padded = payload + b"\0" * (len(payload) % 2)
    return sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))


@pytest.mark.parametrize("size", [1, 2, 9, 10, 11, 50])
@pytest.mark.parametrize("stalled", [False, True])
def test_frames_are_whole_and_right(simulate, size, stalled):
    dut = SegmentSender(size, sum_bits=24)
    rng = random.Random(size)
    window = rng.getrandbits(16)
    segments = [(rng.randbytes(size), rng.getrandbits(32), rng.getrandbits(32)) for _ in range(6)]

    async def requester(ctx):
        ctx.set(dut.endpoints, endpoints())
        ctx.set(dut.window, window)
        for payload, seq, ack in segments:
            await ctx.tick().repeat(rng.randrange(1, 20))
            ctx.set(dut.send, 1)
            ctx.set(dut.seq, seq)
            ctx.set(dut.ack, ack)
            await ctx.tick().until(dut.ready)
            ctx.set(dut.send, 0)
            ctx.set(dut.seq, 0)
            ctx.set(dut.ack, 0)
            ctx.set(dut.payload, int.from_bytes(payload, "little"))
            ctx.set(dut.payload_sum, rng.getrandbits(24))
            await ctx.tick().repeat(CHECKSUM_CYCLES - 1)
            ctx.set(dut.payload_sum, words_sum(payload))

    async def mac(ctx):
        stalls = iter(lambda: rng.randrange(4), None) if stalled else repeat(0)
        frames = await collect(ctx, dut.frames, len(segments), stalls)
        assert frames == [expected(*segment, window) for segment in segments]

    simulate(dut, requester, mac)


def test_word_0_follows_in_the_next_cycle_and_frames_follow_at_once(simulate):
    dut = SegmentSender(50, sum_bits=24)

    async def bench(ctx):
        ctx.set(dut.frames.ready, 1)
        ctx.set(dut.send, 1)
        for cycle in range(40):
            assert ctx.get(dut.ready) == (cycle % 13 == 0)
            assert ctx.get(dut.frames.valid) == (cycle > 0)
            if cycle:
                assert ctx.get(dut.frames.p.first) == (cycle % 13 == 1)
                assert ctx.get(dut.frames.p.last) == (cycle % 13 == 0)
            await ctx.tick()

    simulate(dut, bench)
