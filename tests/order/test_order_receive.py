"""What the venue sends becomes a response, or a count, or the end of trust in the session."""

import random
from itertools import product

import pytest

from tickwright.order.messages import (
    OUCH_OUTBOUND,
    AccountQueryReply,
    AiqCancelled,
    CancelPending,
    CancelRejected,
    Debug,
    DisableOrderEntryReply,
    EnableOrderEntryReply,
    EndOfSession,
    LoginAccepted,
    MassCancelReply,
    OrderAccepted,
    OrderCancelled,
    OrderExecuted,
    OrderModified,
    OrderPriorityUpdate,
    OrderRejected,
    OrderReplaced,
    OrderRestated,
    SequencedData,
    ServerHeartbeat,
    SystemEvent,
    TradeBroken,
    UnsequencedData,
)
from tickwright.order.types import ResponseKind
from tickwright.twin.frame_ends import Arriving, play

REF = 0x8765_4321
NOW_NS = 34_200_000_000_123
HEARTBEAT = ServerHeartbeat().pack()


def soup(message) -> bytes:
    return SequencedData(payload=message.pack()).pack()


def executed(ref: int = REF) -> OrderExecuted:
    return OrderExecuted(user_ref=ref, shares=7, price=123_400, liquidity="R", match=1 << 63)


RESPONSES = (
    (OrderAccepted(user_ref=REF, shares=5, state="L"), ResponseKind.ACCEPTED, 0, 0, 0),
    (OrderAccepted(user_ref=REF, shares=5, state="D"), ResponseKind.DEAD, 0, 0, 0),
    (executed(), ResponseKind.EXECUTED, 7, 123_400, 1 << 63),
    (executed().replace(appendages=None), ResponseKind.EXECUTED, 7, 123_400, 1 << 63),
    (
        executed().replace(appendages=((2, b"FIRM"),)),
        ResponseKind.EXECUTED,
        7,
        123_400,
        1 << 63,
    ),
    (executed().replace(price=(1 << 32) - 1), ResponseKind.EXECUTED, 7, (1 << 32) - 1, 1 << 63),
    (executed().replace(price=1 << 32), ResponseKind.UNHANDLED, 0, 0, 0),
    (OrderCancelled(user_ref=REF, shares=9, reason="I"), ResponseKind.CANCELED, 9, 0, 0),
    (OrderRejected(user_ref=REF, reason=3), ResponseKind.REJECTED, 0, 0, 0),
    (OrderReplaced(old_user_ref=REF, user_ref=1), ResponseKind.UNHANDLED, 0, 0, 0),
    (AiqCancelled(user_ref=REF, shares=1), ResponseKind.UNHANDLED, 0, 0, 0),
    (TradeBroken(user_ref=REF), ResponseKind.UNHANDLED, 0, 0, 0),
    (OrderModified(user_ref=REF), ResponseKind.UNHANDLED, 0, 0, 0),
    (OrderPriorityUpdate(user_ref=REF), ResponseKind.UNHANDLED, 0, 0, 0),
    (OrderRestated(user_ref=REF), ResponseKind.UNHANDLED, 0, 0, 0),
    (CancelPending(user_ref=REF), ResponseKind.UNHANDLED, 0, 0, 0),
    (CancelRejected(user_ref=REF), ResponseKind.UNHANDLED, 0, 0, 0),
)


def test_messages_on_orders_become_responses(simulate, desk):
    async def bench(ctx):
        await desk.open(ctx)
        for count, (message, kind, shares, price, match) in enumerate(RESPONSES, start=1):
            ctx.set(desk.dut.now_ns, NOW_NS + count)
            await desk.answer(ctx, message)
            [response] = await desk.responses(ctx)
            assert (response.kind, response.user_ref, response.session) == (kind, REF, 0), message
            assert (response.shares, response.price, response.match) == (shares, price, match)
            assert response.card_ns == NOW_NS + count
            assert await desk.read(ctx, "ack") == desk.peer.seq
        assert ctx.get(desk.dut.session_ok)
        assert await desk.counts(ctx) == {
            "segments": len(RESPONSES),
            "responses": len(RESPONSES),
            "unhandled": [case[1] for case in RESPONSES].count(ResponseKind.UNHANDLED),
        }

    simulate(desk.top, bench)


NAME_NO_ORDER = (
    SystemEvent(event="S"),
    AccountQueryReply(next_user_ref=9),
    MassCancelReply(user_ref=REF),
    DisableOrderEntryReply(user_ref=REF),
    EnableOrderEntryReply(user_ref=REF),
)


def test_messages_that_name_no_order_are_counted_and_ignored(simulate, desk):
    async def bench(ctx):
        await desk.open(ctx)
        await desk.answer(ctx, *NAME_NO_ORDER)
        assert await desk.responses(ctx) == []
        ignored = len(NAME_NO_ORDER)
        assert await desk.counts(ctx) == {"segments": ignored, "ignored_messages": ignored}
        assert ctx.get(desk.dut.session_ok)

    simulate(desk.top, bench)


def test_every_type_of_message_has_its_case():
    tested = {type(case[0]) for case in RESPONSES} | {type(message) for message in NAME_NO_ORDER}
    assert tested == set(OUCH_OUTBOUND.values())


WRONG = {
    "two-packets": HEARTBEAT * 2,
    "message-and-heartbeat": soup(executed()) + HEARTBEAT,
    "packet-cut": soup(executed())[:-1],
    "one-byte": b"\x00",
    "no-type": b"\x00\x00",
    "longer-than-its-length": b"\x00\x00S",
    "heartbeat-with-more": b"\x00\x02HH",
    "no-message": SequencedData(payload=b"").pack(),
    "message-too-short": SequencedData(payload=b"S").pack(),
    "execution-short": SequencedData(payload=executed().pack()[:33]).pack(),
    "unknown-message": SequencedData(payload=b"?" + bytes(60)).pack(),
    "unsequenced": UnsequencedData(payload=executed().pack()).pack(),
    "end-of-session": EndOfSession().pack(),
    "debug": Debug(text=b"hello").pack(),
    "login": LoginAccepted(session="1", sequence=1).pack(),
}


def test_anything_else_is_a_receive_fault(simulate, desk):
    async def bench(ctx):
        for case, payload in WRONG.items():
            await desk.open(ctx)
            assert ctx.get(desk.dut.session_ok), case
            await desk.arrive(ctx, desk.peer.segment(payload))
            assert not ctx.get(desk.dut.session_ok), case
            assert await desk.read(ctx, "receive_fault") == 1
            assert await desk.read(ctx, "ack") == desk.peer.seq, f"{case}: something was taken"
            assert await desk.responses(ctx) == []
            assert await desk.counts(ctx) == {}
            for value in (0, 1):
                await desk.write(ctx, "open", value)
            await ctx.tick().repeat(6)
            assert not ctx.get(desk.dut.session_ok), f"{case}: forgotten without a reset"
            await desk.reset(ctx)

    simulate(desk.top, bench)


@pytest.mark.parametrize(
    "segment",
    [
        pytest.param({"flags": "SA"}, id="syn"),
        pytest.param({"ack": 50}, id="acknowledges-what-was-not-sent"),
    ],
)
def test_segments_that_cannot_be_are_a_receive_fault(simulate, desk, segment):
    desk.peer.ack = 0

    async def bench(ctx):
        await desk.open(ctx)
        await desk.arrive(ctx, desk.peer.segment(HEARTBEAT, **segment))
        assert await desk.read(ctx, "receive_fault") == 1
        assert await desk.read(ctx, "acknowledged") == 0

    simulate(desk.top, bench)


@pytest.mark.parametrize(("size", "fault"), [(202, 0), (203, 1)])
def test_a_segment_may_fill_a_frame_of_256_bytes(simulate, desk, size, fault):
    value = bytes(size - 3 - OrderExecuted.size - 2 - 2)
    message = executed().replace(appendages=((2, value),))

    async def bench(ctx):
        await desk.open(ctx)
        await desk.arrive(ctx, desk.peer.segment(soup(message)))
        assert await desk.read(ctx, "receive_fault") == fault
        assert len(await desk.responses(ctx)) == 1 - fault
        counts = {"rx_long": 1} if fault else {"segments": 1, "responses": 1}
        assert await desk.counts(ctx) == counts

    simulate(desk.top, bench)


def test_only_what_comes_next_is_taken(simulate, desk):
    desk.peer.seq = (1 << 32) - 30  # what is sent wraps

    async def bench(ctx):
        await desk.open(ctx)
        first, second = soup(executed(1)), soup(executed(2))
        await desk.arrive(ctx, desk.peer.segment(second, offset=len(first)))
        assert await desk.counts(ctx) == {"rx_gaps": 1}
        await desk.arrive(ctx, desk.peer.sent(first))
        await desk.arrive(ctx, desk.peer.segment(first, offset=-len(first)))
        await desk.arrive(ctx, desk.peer.segment(HEARTBEAT, offset=-1))
        await desk.arrive(ctx, desk.peer.segment(b"", offset=1))
        await desk.arrive(ctx, desk.peer.segment(b""), desk.peer.sent(HEARTBEAT))
        await desk.arrive(ctx, desk.peer.sent(second))
        assert [response.user_ref for response in await desk.responses(ctx)] == [1, 2]
        assert await desk.counts(ctx) == {
            "segments": 4, "responses": 2, "rx_gaps": 2, "rx_duplicates": 2,
        }  # fmt: skip
        assert await desk.read(ctx, "ack") == desk.peer.seq
        assert ctx.get(desk.dut.session_ok)

    simulate(desk.top, bench)


def test_what_is_not_sound_is_counted_and_waits_to_be_sent_again(simulate, desk):
    async def bench(ctx):
        await desk.open(ctx)
        packet = soup(executed())
        await desk.arrive(
            ctx,
            Arriving(desk.peer.segment(packet), good=False),
            desk.peer.segment(packet, chksum=1),
            desk.peer.segment(packet, dport=1),
            desk.peer.segment(packet, flags="P"),
        )
        assert await desk.responses(ctx) == []
        assert await desk.counts(ctx) == {"rx_bad_frames": 1, "rx_bad_checksum": 1, "rx_other": 2}
        await desk.arrive(ctx, desk.peer.sent(packet))
        assert len(await desk.responses(ctx)) == 1

    simulate(desk.top, bench)


def test_fin_and_rst_end_the_session_wherever_they_stand(simulate, desk):
    async def bench(ctx):
        for flags, offset in product(["R", "RA", "FA", "FPA"], [0, -1, 1]):
            await desk.open(ctx)
            assert ctx.get(desk.dut.session_ok)
            assert await desk.read(ctx, "ended") == 0
            await desk.arrive(ctx, desk.peer.segment(flags=flags, offset=offset))
            assert not ctx.get(desk.dut.session_ok), (flags, offset)
            assert await desk.read(ctx, "ended") == 1
            assert await desk.read(ctx, "receive_fault") == 0
            await desk.write(ctx, "open", 0)

    simulate(desk.top, bench)


def test_a_fin_may_carry_a_last_message(simulate, desk):
    async def bench(ctx):
        await desk.open(ctx)
        await desk.arrive(ctx, desk.peer.segment(soup(executed()), flags="FPA"))
        assert len(await desk.responses(ctx)) == 1
        assert await desk.read(ctx, "ended") == 1

    simulate(desk.top, bench)


def test_before_the_session_opens_no_segment_is_of_it(simulate, desk):
    async def bench(ctx):
        for name, value in desk.peer.registers().items():
            await desk.write(ctx, name, value)
        await desk.arrive(ctx, desk.peer.segment(soup(executed())))
        assert await desk.counts(ctx) == {"rx_other": 1}
        await desk.open(ctx)
        await desk.write(ctx, "open", 0)
        await ctx.tick()
        assert not ctx.get(desk.dut.session_ok)
        await desk.arrive(ctx, desk.peer.sent(soup(executed())))
        assert len(await desk.responses(ctx)) == 1  # the ledger hears what orders become

    simulate(desk.top, bench)


def test_a_response_comes_5_cycles_after_the_last_word(simulate, desk):
    async def bench(ctx):
        await desk.open(ctx)
        await play(ctx, desk.dut.rx, desk.dut.rx_end, [Arriving(desk.peer.sent(soup(executed())))])
        for _ in range(4):  # the cycle after the last word is the first
            assert not ctx.get(desk.dut.responses.valid)
            await ctx.tick()
        assert ctx.get(desk.dut.responses.valid)

    simulate(desk.top, bench)


def test_responses_keep_their_order_behind_a_slow_ledger(simulate, desk):
    rng = random.Random(2026)
    refs = list(range(1, 31))

    async def wire(ctx):
        await desk.open(ctx)
        for ref in refs:
            await desk.arrive(ctx, desk.peer.sent(soup(executed(ref))))

    async def ledger(ctx):
        found = []
        while len(found) < len(refs):
            ctx.set(desk.dut.responses.ready, rng.randrange(12) == 0)
            *_, valid, ready, payload = await ctx.tick().sample(
                desk.dut.responses.valid, desk.dut.responses.ready, desk.dut.responses.payload
            )
            if valid and ready:
                found.append(payload.user_ref)
        assert found == refs
        assert await desk.counts(ctx) == {"segments": len(refs), "responses": len(refs)}

    simulate(desk.top, wire, ledger)


def test_a_full_queue_is_a_receive_fault_and_loses_nothing_taken(simulate, desk):
    sent = 20

    async def bench(ctx):
        await desk.open(ctx)
        taken_up_to = []
        for ref in range(sent):
            taken_up_to.append(desk.peer.seq)
            await desk.arrive(ctx, desk.peer.sent(soup(executed(ref))))
        assert await desk.read(ctx, "receive_fault") == 1
        assert not ctx.get(desk.dut.session_ok)
        responses = await desk.responses(ctx)
        assert [response.user_ref for response in responses] == list(range(len(responses)))
        assert 16 <= len(responses) < sent
        assert await desk.read(ctx, "ack") == taken_up_to[len(responses)]

    simulate(desk.top, bench)
