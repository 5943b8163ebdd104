"""Numbers come out in decimal, after 4 cycles."""

import random

import pytest

from tickwright.order.digits import DIGITS, Decimal

NUMBERS = [0, 1, 9, 10, 99_999, 255, 256, 1 << 31, (1 << 32) - 1, 4_000_000_000, 1_234_567_890]


@pytest.mark.parametrize("gap", [4, 5, 9])
def test_numbers_come_out_in_decimal(simulate, gap):
    dut = Decimal()
    rng = random.Random(gap)
    numbers = NUMBERS + [rng.getrandbits(32) for _ in range(100)]

    async def bench(ctx):
        for number in numbers:
            ctx.set(dut.start, 1)
            ctx.set(dut.value, number)
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.value, rng.getrandbits(32))
            await ctx.tick().repeat(gap - 1)
            assert f"{ctx.get(dut.digits):0{DIGITS}x}" == f"{number:0{DIGITS}}"

    simulate(dut, bench)


def test_digits_take_4_cycles(simulate):
    dut = Decimal()

    async def bench(ctx):
        ctx.set(dut.start, 1)
        ctx.set(dut.value, (1 << 32) - 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for _ in range(3):
            assert ctx.get(dut.digits) != 0x42_9496_7295
            await ctx.tick()
        assert ctx.get(dut.digits) == 0x42_9496_7295

    simulate(dut, bench)


def test_a_new_number_takes_the_place_of_one_under_way(simulate):
    dut = Decimal()

    async def bench(ctx):
        ctx.set(dut.start, 1)
        for number in (4_294_967_295, 7):
            ctx.set(dut.value, number)
            await ctx.tick().repeat(2)
        ctx.set(dut.start, 0)
        await ctx.tick().repeat(3)
        assert ctx.get(dut.digits) == 7

    simulate(dut, bench)
