"""The order table finds what it was given, however references collide."""

import random

import pytest
from amaranth.lib.memory import Memory

from tickwright.book import orders
from tickwright.book.orders import OrderTable
from tickwright.top.presets import Preset

ROW_BITS = 3
WAYS = 8  # of a reference, in both tables
SIZES = {"symbols": 4, "orders": WAYS << ROW_BITS, "window": 32, "queue": 8}
SMALL = Preset(name="small", pairs=4, fanout=2, hold=16, slots=8, **SIZES)
LATENCY = 2


class Table:
    """Drives an order table, an operation every two cycles."""

    def __init__(self, ctx, dut):
        self.ctx, self.dut = ctx, dut

    async def clear(self):
        self.ctx.set(self.dut.walk.active, 1)
        for row in range(1 << ROW_BITS):
            self.ctx.set(self.dut.walk.row, row)
            await self.ctx.tick()
        self.ctx.set(self.dut.walk.active, 0)

    async def pause(self, cycles):
        """Let cycles pass without an operation, the last one's write in the first of them."""
        for _ in range(cycles):
            await self.ctx.tick()
            self.ctx.set(self.dut.write, 0)
            self.ctx.set(self.dut.remove, 0)

    async def look_up(self, reference):
        """Begin an operation; its write follows in the cycle in which this returns."""
        self.ctx.set(self.dut.references.valid, 1)
        self.ctx.set(self.dut.references.payload, reference)
        await self.pause(1)
        self.ctx.set(self.dut.references.valid, 0)
        self.ctx.set(self.dut.references.payload, 0)
        await self.pause(1)
        found, free = self.ctx.get(self.dut.found), self.ctx.get(self.dut.free)
        return self.ctx.get(self.dut.entry).shares if found else None, bool(free)

    def write(self, shares):
        self.ctx.set(self.dut.new, {"symbol": 3, "side": 1, "tick": 9, "shares": shares})
        self.ctx.set(self.dut.write, 1)

    def remove(self):
        self.ctx.set(self.dut.remove, 1)


def colliding(count):
    """References whose pieces of 3 bits, 3 pieces apart and so turned alike, cancel each other."""
    return [low | high << 3 | low << 9 | high << 12 for low in range(8) for high in range(8)][
        :count
    ]


@pytest.mark.parametrize(
    "references",
    [
        pytest.param(colliding(24), id="all-in-one-bucket"),
        pytest.param(list(range(1, 100)), id="in-a-row"),
        pytest.param([random.Random(seed).getrandbits(64) for seed in range(90)], id="random"),
        pytest.param([1 << bit for bit in range(64)], id="one-bit"),
        pytest.param([0, (1 << 64) - 1], id="edges"),
    ],
)
def test_equals_a_dictionary(simulate, references):
    dut = OrderTable(SMALL, ROW_BITS)
    rng = random.Random(len(references))
    held = {}

    async def bench(ctx):
        table = Table(ctx, dut)
        await table.clear()
        for shares in range(1, 300):
            reference = rng.choice(references)
            await table.pause(rng.choice([0, 0, 1, 2, 3]))
            found, free = await table.look_up(reference)
            assert found == held.get(reference)
            change = rng.choice(["write", "write", "remove", None])
            if not found and not free:
                assert len(held) >= WAYS
            elif change == "write":
                table.write(shares)
                held[reference] = shares
            elif found and change == "remove":
                table.remove()
                del held[reference]

    simulate(dut, bench)
    assert held


def test_no_memory_is_read_where_it_is_written(simulate, monkeypatch):
    ports = []

    class Watched(Memory):
        def write_port(self):
            ports.append([super().write_port()])
            return ports[-1][-1]

        def read_port(self):
            ports[-1].append(super().read_port())
            return ports[-1][-1]

    monkeypatch.setattr(orders, "Memory", Watched)
    dut = OrderTable(SMALL, ROW_BITS)
    rng = random.Random(4)
    seen = set()  # the pairs of enables of each way

    async def bench(ctx):
        table = Table(ctx, dut)
        await table.clear()
        for reference in colliding(24) * 4:
            await table.pause(rng.choice([0, 0, 1, 2, 3]))
            _, free = await table.look_up(reference)
            if free:
                table.write(1)
        await table.pause(3)

    async def watch(ctx):
        async for _ in ctx.tick():
            seen.update(
                (way, ctx.get(write.en), ctx.get(read.en))
                for way, (write, read) in enumerate(ports)
            )

    simulate(dut, bench, background=[watch])
    assert len(ports) == WAYS
    assert seen == {(way, *enables) for way in range(WAYS) for enables in [(0, 0), (0, 1), (1, 0)]}


def test_a_bucket_holds_eight(simulate):
    dut = OrderTable(SMALL, ROW_BITS)
    *fits, ninth = colliding(WAYS + 1)

    async def bench(ctx):
        table = Table(ctx, dut)
        await table.clear()
        for reference in fits:
            assert await table.look_up(reference) == (None, True)
            table.write(1)
        assert await table.look_up(ninth) == (None, False)
        await table.look_up(fits[2])
        table.remove()
        assert await table.look_up(ninth) == (None, True)
        table.write(2)
        assert await table.look_up(ninth) == (2, False)

    simulate(dut, bench)


def test_random_references_fill_most_of_the_table(simulate):
    dut = OrderTable(SMALL, ROW_BITS)
    rng = random.Random(3)
    kept = []

    async def bench(ctx):
        table = Table(ctx, dut)
        await table.clear()
        for _ in range(SMALL.orders):
            _, free = await table.look_up(rng.getrandbits(64))
            kept.append(free)
            if free:
                table.write(1)

    simulate(dut, bench)
    # With one table of four ways, a fifth of as many orders as there are places would be left over.
    assert sum(kept) > 0.9 * SMALL.orders
