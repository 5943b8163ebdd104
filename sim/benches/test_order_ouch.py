"""The compiled order stage: frames that scapy accepts, answers in their order, whatever waits."""

import random
from itertools import islice

import cocotb
from cocotb.triggers import RisingEdge, gather

from tickwright.core.regs import WORD_BITS, WORD_BYTES
from tickwright.core.streams import FrameEnd
from tickwright.feed.types import Side
from tickwright.order.messages import OrderExecuted, SequencedData
from tickwright.order.regs import OrderRegs
from tickwright.order.stage import OrderStage
from tickwright.order.types import Response, ResponseKind
from tickwright.risk.types import Order
from tickwright.top.presets import PRESETS
from tickwright.twin.bench import run_bench, start
from tickwright.twin.frame_ends import Arriving, cycles
from tickwright.twin.handshake import Sink, Source, frame_bytes
from tickwright.twin.tcp_peer import TcpPeer

PRESET = PRESETS["versa"]
WORDS = 13  # of a frame
NAMES = [f"STK{symbol}" for symbol in range(PRESET.symbols)]
ORDERS = 120
SEED = 2026


class Bus:
    """The host's access to the registers, as `Block` takes it."""

    def __init__(self, dut) -> None:
        self.dut = dut

    async def write(self, name: str, value: int) -> None:
        register = getattr(OrderRegs, name)
        for word in range(register.words):
            self.dut.bus__addr.value = register.offset // WORD_BYTES + word
            self.dut.bus__w_data.value = value >> WORD_BITS * word & ((1 << WORD_BITS) - 1)
            self.dut.bus__w_en.value = 1
            await RisingEdge(self.dut.clk)
        self.dut.bus__w_en.value = 0

    async def read(self, name: str) -> int:
        register = getattr(OrderRegs, name)
        self.dut.bus__addr.value = register.offset // WORD_BYTES
        self.dut.bus__r_en.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.bus__r_en.value = 0
        await RisingEdge(self.dut.clk)
        return int(self.dut.bus__r_data.value)


async def opened(dut, peer: TcpPeer) -> Bus:
    """Start the stage and hand the session over."""
    bus = Bus(dut)
    for name in ("now_ns", "bus__w_en", "bus__r_en", "rx__valid", "rx_end__valid"):
        getattr(dut, name).value = 0
    await start(dut)
    for symbol, name in enumerate(NAMES):
        await bus.write("name_symbol", symbol)
        await bus.write("name", int.from_bytes(name.ljust(8).encode(), "little"))
        await bus.write("set_name", 1)
    for name, value in (peer.registers() | {"ack_timeout_ns": 1_000, "open": 1}).items():
        await bus.write(name, value)
    await RisingEdge(dut.session_ok)
    await RisingEdge(dut.clk)
    return bus


def some_order(rng: random.Random, user_ref: int) -> dict:
    return {
        "kind": 0,
        "user_ref": user_ref,
        "symbol": rng.randrange(PRESET.symbols),
        "side": rng.choice(list(Side)),
        "short": rng.randrange(2),
        "shares": rng.randrange(1, 1_000_000),
        "price": rng.randrange(1, 2_000_000_000),
    }


def bits(fields: dict) -> int:
    return Order(PRESET.symbols).const(fields).as_bits()


async def arrive(dut, arriving) -> None:
    """Let frames arrive."""
    for word, good in cycles(arriving):
        dut.rx__valid.value = word is not None
        dut.rx__payload.value = word or 0
        dut.rx_end__valid.value = good is not None
        dut.rx_end__payload.value = FrameEnd.const({"good": bool(good), "reason": 0}).as_bits()
        await RisingEdge(dut.clk)
    dut.rx__valid.value = dut.rx_end__valid.value = 0


@cocotb.test(timeout_time=200, timeout_unit="us")
async def orders_become_frames_and_segments_responses(dut):
    """Both directions at once, each with gaps and stalls of its own."""
    rng, peer = random.Random(SEED), TcpPeer()
    gate, mac, ledger = Source(dut, "orders"), Sink(dut, "tx"), Sink(dut, "responses")
    bus = await opened(dut, peer)
    first_ack, first_seq = peer.ack, peer.seq

    refs = rng.sample(range(1 << 32), ORDERS)
    orders = [some_order(rng, ref) for ref in refs]
    arriving, taken, other = [], [], 0
    for ref in refs:
        message = OrderExecuted(user_ref=ref, shares=ref & 0xFFFFFF, price=ref, match=ref << 32)
        packet = SequencedData(payload=message.pack()).pack()
        good = rng.randrange(4) > 0
        idle = rng.choice([0, 1, 40])
        if rng.randrange(5) == 0:
            arriving.append(Arriving(peer.segment(packet, dport=7), idle=idle))
            other += 1
        frame = peer.sent(packet) if good else peer.segment(packet)
        arriving.append(Arriving(frame, good, idle))
        taken += [message] if good else []

    gaps = iter(lambda: rng.choice([0, 0, 1, 30]), None)
    stalls = iter(lambda: rng.choice([0, 0, 0, 1, 5]), None)
    waits = iter(lambda: rng.randrange(20), None)
    _, _, words, responses = await gather(
        gate.send(map(bits, orders), gaps=gaps),
        arrive(dut, arriving),
        mac.take(WORDS * ORDERS, stalls=stalls),
        ledger.take(len(taken), stalls=waits),
    )

    # A frame acknowledges what was taken before it: the peer is asked only for the rest.
    receiving = TcpPeer(ack=first_ack)
    for frame, order in zip(frame_bytes(words), orders, strict=True):
        receiving.seq = int.from_bytes(frame[42:46], "big")
        assert (receiving.seq - first_seq) % (1 << 32) <= (peer.seq - first_seq) % (1 << 32)
        entered = receiving.take(frame)
        side = "B" if order["side"] == Side.BUY else "T" if order["short"] else "S"
        assert entered.client_order_id == f"TW{order['user_ref']:012d}"
        assert (entered.user_ref, entered.symbol) == (order["user_ref"], NAMES[order["symbol"]])
        assert (entered.side, entered.shares) == (side, order["shares"])
        assert (entered.price, entered.time_in_force) == (order["price"], "3")
    found = [Response.from_bits(response) for response in responses]
    assert [
        (response.kind, response.user_ref, response.shares, response.price, response.match)
        for response in found
    ] == [
        (ResponseKind.EXECUTED, m.user_ref, m.shares, m.price, m.match) for m in taken
    ]  # fmt: skip
    counts = {
        "orders": ORDERS,
        "segments": len(taken),
        "rx_other": other,
        "rx_bad_frames": ORDERS - len(taken),
        "rx_gaps": 0,
        "receive_fault": 0,
        "ack": peer.seq,
        "seq": receiving.ack,
    }
    assert {name: await bus.read(name) for name in counts} == counts


@cocotb.test(timeout_time=20, timeout_unit="us")
async def word_0_follows_in_the_next_cycle(dut):
    rng, peer = random.Random(SEED), TcpPeer()
    gate, mac = Source(dut, "orders"), Sink(dut, "tx")
    await opened(dut, peer)
    sending = cocotb.start_soon(gate.send(bits(some_order(rng, ref)) for ref in range(3)))
    words = cocotb.start_soon(mac.take(3 * WORDS))
    await RisingEdge(dut.orders__valid)
    await RisingEdge(dut.clk)  # the order is taken
    for cycle in range(1, 3 * WORDS + 1):
        await RisingEdge(dut.clk)
        assert dut.tx__valid.value == 1, cycle
    await sending
    for frame in islice(frame_bytes(await words), 3):
        peer.take(frame)


def test_order():
    run_bench(OrderStage(PRESET), __name__)
