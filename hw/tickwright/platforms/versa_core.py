"""The card of the Versa board, from the pins of its PHYs to those of its UART."""

from fractions import Fraction

from amaranth import *
from amaranth.lib.wiring import connect

from tickwright.ethernet.port import ReceivePort, TransmitPort
from tickwright.platforms.elapsed_time import ElapsedTime
from tickwright.platforms.versa_gateware import CORE_HZ, VersaGateware
from tickwright.top.pipeline import Pipeline
from tickwright.top.presets import Preset
from tickwright.uart.bridge import UartBridge

__all__ = ["VersaCore"]


class VersaCore(VersaGateware):
    """Trades: both feed lines come in at port 0, the order session is at port 1. ::

        feed_rx ──▶ ReceivePort ──▶ ┌──────────┐ ──▶ TransmitPort ──▶ order_tx
                                    │ Pipeline │
        order_rx ─▶ ReceivePort ──▶ └──────────┘ ◀── UartBridge ◀──▶ uart
                                         ▲
                                    ElapsedTime

    The host has no way to port 1 but the registers: its session is opened by somebody else, who
    shares the line by a switch. The records of the pipeline are not kept on this board.

    `pipeline` is that part; its records may be looked at in simulation.
    """

    def __init__(self, preset: Preset, **parameters):
        self.pipeline = Pipeline(preset)
        super().__init__(**parameters)

    def elaborate(self, platform):
        m = Module()

        m.submodules.pipeline = pipeline = self.pipeline
        m.submodules.time     = time     = ElapsedTime(Fraction(10**9, CORE_HZ))
        m.submodules.feed     = feed     = ReceivePort("rx_feed")
        m.submodules.order    = order    = ReceivePort("rx_order")
        m.submodules.transmit = transmit = TransmitPort("tx")
        m.submodules.bridge   = bridge   = UartBridge(
            addr_bits=len(pipeline.bus.addr), cycles_per_bit=self.cycles_per_bit)

        connect(m, feed.words, pipeline.feed_rx)
        connect(m, feed.frame_end, pipeline.feed_end)
        connect(m, order.words, pipeline.order_rx)
        connect(m, order.frame_end, pipeline.order_end)
        connect(m, pipeline.order_tx, transmit.words)
        connect(m, bridge.bus, pipeline.bus)
        m.d.comb += [
            pipeline.now_ns.eq(time.now_ns),
            feed.pins.eq(self.feed_rx),
            order.pins.eq(self.order_rx),
            self.order_tx.eq(transmit.pins),
            self.feed_up.eq(feed.gigabit),
            self.order_up.eq(order.gigabit),
            bridge.rx.eq(self.uart_rx),
            self.uart_tx.eq(bridge.tx),
        ]

        return m
