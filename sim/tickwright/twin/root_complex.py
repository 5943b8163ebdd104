"""A host of cocotbext-pcie, and the hard block's model between it and a compiled endpoint."""

from __future__ import annotations

import logging
from typing import Any

from cocotb.task import resume
from cocotb.triggers import Timer
from cocotb_bus.bus import Bus as Wires
from cocotbext.pcie.core import RootComplex
from cocotbext.pcie.core.tlp import Tlp
from cocotbext.pcie.xilinx.us import UltraScalePlusPcieDevice

from tickwright.bus.pcie import DEVICE_ID, VENDOR_ID
from tickwright.core.regs import WORD_BYTES
from tickwright.pcie.regs import BAR_BYTES, MSIX_PENDING_BASE, MSIX_TABLE_BASE, VECTORS

__all__ = ["PAYLOAD_BYTES", "BlockingBar", "HostMemory", "PcieHost"]

BEAT = ["tdata", "tkeep", "tlast", "tuser", "tvalid", "tready"]
STREAMS = ("cq", "cc", "rq", "rc")
PORTS = (
    "pcie_cq_np_req",
    "cfg_max_payload",
    "cfg_function_status",
    "cfg_interrupt_msix_enable",
    "cfg_interrupt_msix_mask",
)
GENERATION, LANES = 3, {64: 2, 128: 4, 256: 8}  # a link that needs streams of such a width
CLOCK_HZ = 250e6
PAYLOAD_BYTES = 1024  # the largest that the hard block has
TIMEOUT_US = 100
ANSWER_US = 1  # in which a request is answered, if it is
CONTROLLING = {"cocotb.regression", "cocotb.initialize"}  # cocotb itself


class PcieHost:
    """A root complex with one card: the device under test behind the hard block's model."""

    def __init__(self, dut: Any, payload_bytes: int = PAYLOAD_BYTES) -> None:
        width = len(dut.cq__tdata)
        code = (payload_bytes // 128).bit_length() - 1
        self.complex: Any = RootComplex()
        self.complex.max_payload_size = self.complex.max_payload_size_supported = code
        self.device: Any = UltraScalePlusPcieDevice(
            pcie_generation=GENERATION,
            pcie_link_width=LANES[width],
            user_clk_frequency=CLOCK_HZ,
            max_payload_size=payload_bytes,
            pf0_msix_enable=True,
            pf0_msix_table_size=len(VECTORS) - 1,  # as the capability counts
            pf0_msix_table_offset=MSIX_TABLE_BASE,
            pf0_msix_pba_offset=MSIX_PENDING_BASE,
            user_clk=dut.clk,
            user_reset=dut.rst,
            **{f"{name}_bus": Wires(dut, name, BEAT, bus_separator="__") for name in STREAMS},
            **{name: getattr(dut, name) for name in PORTS},
        )
        function = self.device.functions[0]
        function.vendor_id, function.device_id = VENDOR_ID, DEVICE_ID
        function.configure_bar(0, BAR_BYTES)
        self.complex.make_port().connect(self.device)
        self._be_quiet()

    def _be_quiet(self) -> None:
        """Tell nothing of what goes well: the models tell of every word."""
        for name, log in logging.root.manager.loggerDict.items():
            chatty = name.startswith("cocotb.") and name not in CONTROLLING
            if chatty and isinstance(log, logging.Logger):
                log.setLevel(logging.ERROR)

    async def enumerate(self, *, bus_master: bool = True) -> None:
        """Find the card as a host does, and let it answer and write."""
        await self.complex.enumerate()
        self.card = self.complex.find_device(self.device.functions[0].pcie_id)
        await self.card.enable_device()
        if bus_master:
            await self.card.set_master()
        self.bar = self.card.bar_window[0]
        self.bar_address = self.card.bar_addr[0]

    async def read(self, addr: int) -> int:
        """Read a word of BAR0."""
        data = await self.bar.read(addr, WORD_BYTES, timeout=TIMEOUT_US, timeout_unit="us")
        return int.from_bytes(data, "little")

    async def write(self, addr: int, value: int) -> None:
        """Write a word of BAR0; it is posted."""
        await self.bar.write(addr, value.to_bytes(WORD_BYTES, "little"))

    async def ask(self, request: Tlp) -> Any:
        """Send a request that wants an answer, as it stands, and return its completions."""
        request.requester_id = self.complex.pcie_id
        return await self.complex.perform_nonposted_operation(
            request, timeout=TIMEOUT_US, timeout_unit="us"
        )

    async def inject(self, request: Any) -> list[Any]:
        """Hand the card a request as it stands, which no root complex would send.

        Return all completions that come within the time in which any would.
        """
        answers: list[Any] = []

        async def keep(answer: Any) -> None:
            answers.append(answer)

        send, self.device.send = self.device.send, keep
        await self.device.cq_source.send(request.pack_us_cq())
        await Timer(ANSWER_US, "us")
        self.device.send = send
        return answers

    def memory(self, size: int) -> HostMemory:
        """Return new memory that the card can write."""
        address, mem = self.complex.alloc_region(size)
        return HostMemory(address, mem, size)


class HostMemory:
    """Memory of the root complex, as the driver's rings have it."""

    def __init__(self, address: int, mem: Any, size: int) -> None:
        self.address, self.size = address, size
        self._mem = mem

    def read(self, offset: int, size: int) -> bytes:
        """Return so many bytes from ``offset`` on."""
        return bytes(self._mem[offset : offset + size])

    def write(self, offset: int, data: bytes) -> None:
        """Replace the bytes from ``offset`` on."""
        self._mem[offset : offset + len(data)] = data


class BlockingBar:
    """BAR0 for host code that waits, such as a driver, in a thread made by cocotb's `bridge`."""

    def __init__(self, host: PcieHost) -> None:
        self.read = resume(host.read)
        self.write = resume(host.write)
