"""The self-test counts every frame that comes back, right or wrong, at the place where it does."""

from __future__ import annotations

import re

from oracle.serial_line import hear, say

from tickwright.bus import uart
from tickwright.ethernet.types import Rgmii
from tickwright.platforms.frame_source import FRAME_WORDS, FrameSource
from tickwright.platforms.regs import LOOPBACK_MARK, LoopbackRegs
from tickwright.platforms.versa_loopback import VersaLoopback
from tickwright.twin.frame_ends import collect
from tickwright.uart.messages import ReadAnswer, ReadRequest, sealed

SNIPPET = re.compile(r"^```\{code-block\} python\n(.*?)^```", re.MULTILINE | re.DOTALL)
CYCLES_PER_BIT = 4
CLOCKS = {"sync": 12.5e-9, "tx": 8e-9, "rx_feed": 8e-9, "rx_order": 8e-9}
FRAMES, SPOILT = 6, {2, 3}
CROSSING = 40  # cycles in which the end of a frame is known to the card, and more
SPOIL_AT = 60  # bytes from the beginning of the preamble
DEADLINE = 30_000  # cycles of all clocks


def test_frames_are_of_one_size_and_none_like_another(simulate):
    dut = FrameSource()

    async def line(ctx):
        frames = await collect(ctx, dut.words, 20)
        assert {len(frame) for frame in frames} == {8 * FRAME_WORDS}
        assert {frame[:14] for frame in frames} == {bytes.fromhex("ffffffffffff02000000000188b5")}
        assert len({frame[14:] for frame in frames}) == 20
        noise = b"".join(frame[16:] for frame in frames)
        assert 0.49 < sum(byte.bit_count() for byte in noise) / (8 * len(noise)) < 0.51
        assert len(set(noise)) > 250

    simulate(dut, line)


def test_what_comes_back_is_counted(simulate):
    """A cable from port 1 to port 0 spoils some frames, a plug at port 1 none; then both go."""
    dut = VersaLoopback(cycles_per_bit=CYCLES_PER_BIT)
    received = []  # bytes of each frame

    async def wires(ctx):
        within = False
        while True:
            *_, sent = await ctx.tick("tx").sample(dut.order_tx)
            begins, within = sent.rising.control and not within, sent.rising.control
            if begins:
                if len(received) == FRAMES:
                    break
                received.append(0)
            if within:
                received[-1] += 1
            bits = sent.as_bits()
            wrong = within and len(received) - 1 in SPOILT and received[-1] == SPOIL_AT
            ctx.set(dut.order_rx, Rgmii.from_bits(bits))
            ctx.set(dut.feed_rx, Rgmii.from_bits(bits ^ wrong))
        for rx in (dut.order_rx, dut.feed_rx):
            ctx.set(rx, Rgmii.from_bits(0))

    async def host(ctx):
        ctx.set(dut.uart_rx, 1)
        await ctx.tick().until(dut.order_tx.rising.control)
        while len(received) < FRAMES or ctx.get(dut.order_rx.rising.control):
            await ctx.tick()
        await ctx.tick().repeat(CROSSING)
        found = {
            register.name: ctx.get(getattr(dut.regs, register.name))
            for register in LoopbackRegs.registers
        }
        request = sealed(ReadRequest(number=0, address=LoopbackRegs.mark.offset))
        await say(ctx, dut.uart_rx, request, CYCLES_PER_BIT)
        answer = await hear(ctx, dut.uart_tx, ReadAnswer.size, CYCLES_PER_BIT)
        assert ReadAnswer.unpack(answer).value == found.pop("mark") == LOOPBACK_MARK
        assert int.from_bytes(b"LOOP", "big") == LOOPBACK_MARK
        assert found.pop("sent") >= FRAMES
        assert found.pop("internal_good") >= FRAMES
        assert found == {
            "internal_bad": 0,
            "port_0_good": FRAMES - len(SPOILT),
            "port_0_bad": len(SPOILT),
            "port_1_good": FRAMES,
            "port_1_bad": 0,
        }

    simulate(dut, host, background=[wires], clocks=CLOCKS, deadline=DEADLINE)


def test_the_manual_tells_how_to_read_the_counts(project, monkeypatch, capsys):
    class Bus:
        """A self-test each of whose registers holds its address."""

        def __init__(self, place):
            assert place == "/dev/ttyUSB1"

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read(self, addr):
            return addr

    monkeypatch.setattr(uart, "UartBus", Bus)
    [snippet] = SNIPPET.findall((project / "docs" / "bring-up.md").read_text())
    exec(compile(snippet, "bring-up.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == [
        f"{register.name} {register.offset}" for register in LoopbackRegs.registers
    ]
