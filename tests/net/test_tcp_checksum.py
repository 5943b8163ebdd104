"""Sums in gateware are those of RFC 1071."""

import random

import pytest

from tickwright.net.checksum import InternetSum, folded
from tickwright.net.headers import internet_checksum


@pytest.mark.parametrize(
    ("size", "latency"),
    [
        pytest.param(4, 1, id="two-words"),
        pytest.param(3, 1, id="odd"),
        pytest.param(8, 1, id="one-level"),
        pytest.param(20, 2, id="ipv4-header"),
        pytest.param(51, 3, id="three-levels"),
    ],
)
def test_a_sum_of_each_cycle_comes_out_later(simulate, size, latency):
    dut = InternetSum(size)
    assert dut.latency == latency
    rng = random.Random(size)
    inputs = [b"\xff" * size, bytes(size), *(rng.randbytes(size) for _ in range(20))]

    async def adder(ctx):
        for cycle in range(len(inputs) + latency):
            if cycle < len(inputs):
                ctx.set(dut.data, int.from_bytes(inputs[cycle], "little"))
            if cycle >= latency:
                expected = internet_checksum(inputs[cycle - latency]) ^ 0xFFFF
                assert ctx.get(folded(dut.sum)) == expected
            await ctx.tick()

    simulate(dut, adder)


@pytest.mark.parametrize(
    ("value", "sum16"),
    [(0, 0), (0xFFFF, 0xFFFF), (0x10000, 1), (0x1FFFF, 1), (0x3FFFC, 0xFFFF), (0x2FFFE, 1)],
)
def test_a_carry_of_the_fold_is_folded_too(simulate, value, sum16):
    dut = InternetSum(2 * 64)  # its sum is 22 bits wide

    async def adder(ctx):
        assert ctx.get(folded(dut.data[:22])) == 0
        ctx.set(dut.data, value)
        assert ctx.get(folded(dut.data[:22])) == sum16

    simulate(dut, adder)
