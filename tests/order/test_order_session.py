"""The session says when orders may pass: window, acknowledgments in time, open."""

import pytest

from tickwright.order.ack_timer import AckTimer
from tickwright.order.regs import OrderRegs

ORDER_BYTES = 50
TIMEOUT_NS = 1_000


def test_wakes_closed_and_settles_within_4_cycles_of_open(simulate, desk):
    async def bench(ctx):
        for name, value in desk.peer.registers().items():
            await desk.write(ctx, name, value)
        await ctx.tick().repeat(8)
        assert not ctx.get(desk.dut.session_ok)
        await desk.write(ctx, "open", 1)
        for _ in range(4):
            assert not ctx.get(desk.dut.session_ok)
            await ctx.tick()
        assert ctx.get(desk.dut.session_ok)
        assert await desk.read(ctx, "seq") == desk.peer.ack
        assert await desk.read(ctx, "acknowledged") == desk.peer.ack
        assert await desk.read(ctx, "ack") == desk.peer.seq
        assert await desk.read(ctx, "peer_window") == desk.peer.window
        await desk.write(ctx, "open", 0)
        await ctx.tick()
        assert not ctx.get(desk.dut.session_ok)

    simulate(desk.top, bench)


def test_the_window_keeps_room_for_two_orders(simulate, desk):
    desk.peer.window = 4 * ORDER_BYTES + 1

    async def bench(ctx):
        await desk.open(ctx)
        for left in (4, 3, 2):
            assert ctx.get(desk.dut.session_ok), left
            await desk.send(ctx, {})
        assert not ctx.get(desk.dut.session_ok)  # 1 order and 1 byte are left
        await desk.arrive(ctx, desk.peer.segment(ack=desk.peer.ack - 2 * ORDER_BYTES - 2))
        assert not ctx.get(desk.dut.session_ok)  # 1 order and 49 bytes
        await desk.arrive(ctx, desk.peer.segment(ack=desk.peer.ack - 2 * ORDER_BYTES - 1))
        assert ctx.get(desk.dut.session_ok)
        await desk.arrive(ctx, desk.peer.segment(ack=desk.peer.ack, window=99))
        assert not ctx.get(desk.dut.session_ok)
        await desk.arrive(ctx, desk.peer.segment(ack=desk.peer.ack, window=100))
        assert ctx.get(desk.dut.session_ok)

    simulate(desk.top, bench)


def test_after_an_order_session_ok_is_right_4_cycles_later(simulate, desk):
    """So it is long before the frame is out and `can_send` rises."""
    desk.peer.window = 2 * ORDER_BYTES

    async def bench(ctx):
        await desk.open(ctx)
        assert ctx.get(desk.dut.session_ok)
        await desk.order(ctx)
        await ctx.tick().repeat(3)
        assert not ctx.get(desk.dut.session_ok)

    simulate(desk.top, bench)


def test_an_old_acknowledgment_changes_nothing(simulate, desk):
    desk.peer.ack = (1 << 32) - 60  # what is sent wraps

    async def bench(ctx):
        await desk.open(ctx)
        before = desk.peer.ack
        await desk.send(ctx, {}, {})
        await desk.arrive(ctx, desk.peer.segment(window=1_000))
        assert await desk.read(ctx, "acknowledged") == desk.peer.ack == 40
        await desk.arrive(ctx, desk.peer.segment(ack=before, window=2_000))
        assert await desk.read(ctx, "acknowledged") == 40
        assert await desk.read(ctx, "peer_window") == 1_000
        assert await desk.read(ctx, "receive_fault") == 0

    simulate(desk.top, bench)


def test_a_segment_not_taken_acknowledges_nothing(simulate, desk):
    async def bench(ctx):
        await desk.open(ctx)
        start = desk.peer.ack
        await desk.send(ctx, {})
        for segment in ({"offset": 1}, {"offset": -1}, {"chksum": 1}, {"payload": b"?"}):
            await desk.arrive(ctx, desk.peer.segment(window=7, **segment))
        assert await desk.read(ctx, "acknowledged") == start
        assert await desk.read(ctx, "peer_window") == desk.peer.window

    simulate(desk.top, bench)


def test_an_overdue_acknowledgment_stops_orders_until_it_comes(simulate, desk):
    async def bench(ctx):
        await desk.open(ctx)
        sent_at = []
        for now in (5_000, 5_100, 5_200):
            ctx.set(desk.dut.now_ns, now)
            sent_at.append(desk.peer.ack)
            await desk.send(ctx, {})

        async def ok_at(now):
            ctx.set(desk.dut.now_ns, now)
            await ctx.tick().repeat(6)
            return ctx.get(desk.dut.session_ok)

        assert await ok_at(5_000 + TIMEOUT_NS)
        assert not await ok_at(5_001 + TIMEOUT_NS)
        await desk.arrive(ctx, desk.peer.segment(ack=sent_at[1] - 1))  # all but a byte
        assert not await ok_at(5_001 + TIMEOUT_NS)
        await desk.arrive(ctx, desk.peer.segment(ack=sent_at[1]))
        assert await ok_at(5_100 + TIMEOUT_NS)
        assert not await ok_at(5_101 + TIMEOUT_NS)
        await desk.arrive(ctx, desk.peer.segment(ack=sent_at[2] + 1))  # and one byte of the last
        assert await ok_at(5_200 + TIMEOUT_NS)
        assert not await ok_at(5_201 + TIMEOUT_NS)
        await desk.arrive(ctx, desk.peer.segment())
        assert await ok_at(1_000_000)

        # A new session forgets what the old one waited for.
        await desk.send(ctx, {})
        assert not await ok_at(2_000_000)
        await desk.write(ctx, "open", 0)
        await desk.open(ctx)
        assert await ok_at(2_000_000)

    simulate(desk.top, bench)


@pytest.mark.parametrize("frames", [2, 4, 16])
def test_the_oldest_of_many_frames_decides(simulate, frames):
    """All frames that fit are sent; then they are acknowledged one by one, and all at once."""
    dut = AckTimer(frames=frames, payload_bytes=ORDER_BYTES)
    start = (1 << 32) - 3 * ORDER_BYTES

    async def bench(ctx):
        ctx.set(dut.ack_timeout_ns, TIMEOUT_NS)
        ctx.set(dut.start_seq, start)
        ctx.set(dut.acknowledged, start)
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)

        async def late_at(now):
            ctx.set(dut.now_ns, now)
            await ctx.tick().repeat(5)
            return ctx.get(dut.late)

        for turn in range(3):
            base, at = start + turn * frames * ORDER_BYTES, 10_000 * (turn + 1)
            for index in range(frames):
                await ctx.tick()
                assert ctx.get(dut.crowded) == (index > frames - 2)
                ctx.set(dut.now_ns, at + 10 * index)
                ctx.set(dut.sent, 1)
                await ctx.tick()
                ctx.set(dut.sent, 0)
            await ctx.tick()
            assert ctx.get(dut.crowded)
            acknowledged_singly = frames if turn != 1 else 1
            for index in range(acknowledged_singly):
                assert not await late_at(at + 10 * index + TIMEOUT_NS)
                assert await late_at(at + 10 * index + TIMEOUT_NS + 1)
                ctx.set(dut.acknowledged, (base + (index + 1) * ORDER_BYTES) % (1 << 32))
                await ctx.tick().repeat(3)
            ctx.set(dut.acknowledged, (base + frames * ORDER_BYTES) % (1 << 32))
            await ctx.tick().repeat(2 * frames)
            assert not await late_at(at + 1_000_000)
            assert not ctx.get(dut.crowded)

    simulate(dut, bench)


def test_late_follows_time_in_2_cycles_and_all_else_in_4(simulate):
    dut = AckTimer(frames=4, payload_bytes=ORDER_BYTES)

    async def bench(ctx):
        async def changes_after(cycles):
            before = ctx.get(dut.late)
            for _ in range(cycles - 1):
                await ctx.tick()
                assert ctx.get(dut.late) == before
            await ctx.tick()
            assert ctx.get(dut.late) != before

        ctx.set(dut.ack_timeout_ns, 10)
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        ctx.set(dut.sent, 1)
        await ctx.tick()
        ctx.set(dut.now_ns, 1)  # of the second frame
        await ctx.tick()
        ctx.set(dut.sent, 0)
        await ctx.tick().repeat(3)
        ctx.set(dut.now_ns, 11)
        await changes_after(2)
        ctx.set(dut.acknowledged, ORDER_BYTES)  # the second is as old as it may be
        await changes_after(4)
        ctx.set(dut.acknowledged, 2 * ORDER_BYTES)
        ctx.set(dut.now_ns, 12)
        await ctx.tick().repeat(6)
        ctx.set(dut.ack_timeout_ns, 0)
        ctx.set(dut.sent, 1)
        await ctx.tick()
        ctx.set(dut.sent, 0)
        ctx.set(dut.now_ns, 13)
        await changes_after(3)  # a cycle has passed

    simulate(dut, bench)


def test_a_frame_sent_when_all_was_acknowledged_is_not_as_old_as_the_one_before(simulate):
    dut = AckTimer(frames=4, payload_bytes=ORDER_BYTES)

    async def bench(ctx):
        ctx.set(dut.ack_timeout_ns, TIMEOUT_NS)
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        ctx.set(dut.sent, 1)
        await ctx.tick()
        ctx.set(dut.sent, 0)
        ctx.set(dut.now_ns, TIMEOUT_NS + 1)
        await ctx.tick().repeat(6)
        assert ctx.get(dut.late)
        ctx.set(dut.acknowledged, ORDER_BYTES)
        await ctx.tick()
        ctx.set(dut.sent, 1)
        await ctx.tick()
        ctx.set(dut.sent, 0)
        for _ in range(6):
            assert not ctx.get(dut.late)
            await ctx.tick()

    simulate(dut, bench)


def test_registers_read_back_and_reset_to_a_closed_session(simulate, desk):
    async def bench(ctx):
        for register in OrderRegs.registers:
            assert await desk.read(ctx, register.name) == 0
        await desk.open(ctx)
        for name, value in desk.peer.registers().items():
            assert await desk.read(ctx, name) == value

    simulate(desk.top, bench)
