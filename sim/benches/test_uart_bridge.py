"""The compiled bridge serves the host's own driver, over the lines of a UART not written here."""

import random

import cocotb
import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect
from cocotb.task import bridge
from cocotb.triggers import with_timeout
from serial_bench import BenchLine

from tickwright.bus.errors import BusError
from tickwright.bus.uart_driver import UartDriver
from tickwright.core.regfile import RegisterFile
from tickwright.core.regs import Block, Control, Status
from tickwright.twin.bench import CLOCK_NS, run_bench, start
from tickwright.uart.bridge import UartBridge

CYCLES_PER_BIT = 10
BIT_NS = CYCLES_PER_BIT * CLOCK_NS
SEED = 2026


class BoardRegs(Block):
    """Registers behind the bridge."""

    narrow = Control(32, "A word.")
    wide = Control(64, "Two words that move as one.")
    framing_errors = Status(32, "Those of the bridge.")
    refused_requests = Status(32, "Those of the bridge.")


class Board(wiring.Component):
    """A bridge and registers behind it, some of which show the bridge's own counters."""

    rx: In(1, init=1)
    tx: Out(1, init=1)

    def elaborate(self, platform):
        m = Module()

        m.submodules.regs = regs = RegisterFile(BoardRegs)
        m.submodules.uart = uart = UartBridge(
            addr_bits=len(regs.bus.addr), cycles_per_bit=CYCLES_PER_BIT
        )
        connect(m, uart.bus, regs.bus)
        m.d.comb += [
            uart.rx.eq(self.rx),
            self.tx.eq(uart.tx),
            regs.framing_errors.eq(uart.framing_errors),
            regs.refused_requests.eq(uart.refused_requests),
        ]

        return m


async def session(dut, told, bit_ns=BIT_NS):
    """Let a host that blocks talk to the board."""
    dut.rx.value = 1
    line = BenchLine(dut.rx, dut.tx, bit_ns)
    await start(dut)
    await with_timeout(bridge(told)(line), 20, "ms")


def accesses(line):
    """Write and read at random, in bursts."""
    rng = random.Random(SEED)
    with UartDriver(line) as bus:
        board, narrow, wide = BoardRegs(bus), 0, 0
        for _ in range(20):
            for _ in range(rng.randrange(4)):
                board.narrow = narrow = rng.getrandbits(32)
                board.wide = wide = rng.getrandbits(64)
            assert board.narrow == narrow
            assert board.wide == wide
        assert board.framing_errors == board.refused_requests == 0


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def words_are_read_back_as_written(dut):
    await session(dut, accesses)


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def a_host_whose_clock_is_two_percent_fast_is_served(dut):
    await session(dut, accesses, bit_ns=BIT_NS - 1)


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def a_host_whose_clock_is_two_percent_slow_is_served(dut):
    await session(dut, accesses, bit_ns=BIT_NS + 1)


def faulty_accesses(line):
    """A wrong bit, a lost byte, noise: a read comes through, a write is told and nothing wrong."""
    rng = random.Random(SEED)

    def wrong_bit(data):
        at = rng.randrange(8 * len(data))
        return (int.from_bytes(data, "big") ^ 1 << at).to_bytes(len(data), "big")

    def lost_byte(data):
        at = rng.randrange(len(data))
        return data[:at] + data[at + 1 :]

    def noise(data):
        return rng.randbytes(5) + data

    with UartDriver(line) as bus:
        board = BoardRegs(bus)
        board.narrow = kept = 0x12345678
        refused = 0
        for fault in (wrong_bit, lost_byte, noise):
            line.faults = [fault]
            assert board.narrow == kept
            line.faults = [fault]
            board.narrow = 1
            board.narrow = 2
            with pytest.raises(BusError, match="write to 0x0: found no answer"):
                bus.read(0)
            assert board.narrow == kept
            assert board.refused_requests >= refused + 2
            refused = board.refused_requests
            board.narrow = kept = kept + 1
            assert board.narrow == kept
        assert board.framing_errors == 0


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def what_is_lost_is_told_and_nothing_wrong_is_written(dut):
    await session(dut, faulty_accesses)


def at_the_wrong_rate(line):
    with pytest.raises(BusError, match="found no answer in 3 tries"):
        UartDriver(line)


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def a_host_at_another_rate_is_not_served(dut):
    await session(dut, at_the_wrong_rate, bit_ns=BIT_NS // 2)


def test_uart_bridge():
    run_bench(Board(), __name__)
