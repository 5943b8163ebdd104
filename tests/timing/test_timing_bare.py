"""The pipeline without its record streams has its wires and its bus, and nothing else."""

import re

from tickwright.core.regs import WORD_BYTES
from tickwright.timing.bare import BarePipeline
from tickwright.timing.targets import TARGETS
from tickwright.top.build import verilog
from tickwright.top.memory_map import BLOCKS, base, fingerprint
from tickwright.top.presets import Preset

SMALL = Preset(
    name="small", symbols=2, orders=64, window=64, pairs=2, fanout=2, hold=16, queue=4, slots=4
)
NOON_NS = 12 * 3_600 * 10**9
PORTS = {
    *(f"{name}__{part}" for name in ("feed_rx", "feed_end", "order_rx", "order_end")
      for part in ("valid", "payload")),
    *(f"order_tx__{part}" for part in ("valid", "ready", "payload")),
    *(f"bus__{part}" for part in ("addr", "r_en", "r_data", "w_en", "w_data")),
    "now_ns", "clk", "rst",
}  # fmt: skip


def test_only_wires_bus_and_time_are_ports():
    text = verilog(BarePipeline(SMALL), "top")
    header = text[text.index("module top(") :]
    assert set(re.findall(r"\w+", header[len("module top(") : header.index(")")])) == PORTS


def test_the_host_reaches_the_registers(simulate):
    dut = BarePipeline(SMALL)

    async def host(ctx):
        ctx.set(dut.now_ns, NOON_NS)
        await ctx.tick().repeat(2)
        ctx.set(dut.bus.r_en, 1)
        found = {}
        for register in BLOCKS["identity"].registers:
            ctx.set(dut.bus.addr, (base("identity") + register.offset) // WORD_BYTES)
            await ctx.tick()
            found[register.name] = ctx.get(dut.bus.r_data)
        assert found["map_hash"] == fingerprint()
        assert found["now_ns"] == NOON_NS & 0xFFFF_FFFF

    simulate(dut, host)


def test_everything_that_is_measured_can_be_compared_by_its_name():
    assert list(TARGETS) == ["feed", "book", "strategy", "risk", "order", "pipeline"]
    assert TARGETS["pipeline"].parts == ("45F", "85F")
