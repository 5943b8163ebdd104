"""The line of the host's UART driver, in a bench."""

import logging

from cocotb.task import resume
from cocotb.triggers import Timer
from cocotbext.uart import UartSink, UartSource

__all__ = ["BenchLine"]

PATIENCE_BYTES = 10  # an answer is under way long before


class BenchLine:
    """The driver's line, made of the source and the sink of a UART; faults wait to be put on it."""

    name = "bench"

    def __init__(self, rx, tx, bit_ns):
        self.baud = baud = 10**9 // bit_ns
        self.byte_time = Timer(10 * bit_ns, unit="ns")
        self.source = UartSource(rx, baud=baud)
        self.sink = UartSink(tx, baud=baud)
        self.faults = []
        for end in (self.source, self.sink):
            end.log.setLevel(logging.WARNING)  # else a line for each byte

    @resume
    async def send(self, data):
        await self.source.write(self.faults.pop(0)(data) if self.faults else data)

    @resume
    async def take(self, count, timeout_s):
        await self.source.wait()
        for _ in range(count + PATIENCE_BYTES):
            if self.sink.count() >= count:
                break
            await self.byte_time
        return bytes(self.sink.read_nowait(min(count, self.sink.count())))

    @resume
    async def rest(self, duration_s):
        await self.source.wait()
        await Timer(int(duration_s * 1e9), unit="ns")
        self.sink.clear()

    def close(self):
        pass
