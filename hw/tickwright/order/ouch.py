"""Makes Enter Order messages.

Source: Nasdaq, "O*U*C*H", version 5.0, section 2.1.
"""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.encoder import message_bits
from tickwright.core.parser import big_endian
from tickwright.feed.types import Side
from tickwright.net.checksum import InternetSum, total
from tickwright.order.digits import DIGITS, Decimal
from tickwright.order.messages import EnterOrder, UnsequencedData
from tickwright.order.soupbin import unsequenced
from tickwright.risk.types import Order

__all__ = ["PACKET_BYTES", "EnterOrderEncoder"]

PACKET_BYTES = UnsequencedData.size + EnterOrder.min_size
NAME_PREFIX = "TW"
NAME_DIGITS = EnterOrder.field("client_order_id").size - len(NAME_PREFIX)
NAME_BITS = 8 * EnterOrder.field("symbol").size
ASCII_ZERO = ord("0")


class EnterOrderEncoder(wiring.Component):
    """Makes the packet that enters an order: immediate or cancel, displayed, principal.

    It is an Enter Order message in a SoupBinTCP packet of the client. The order's name is ``TW``
    and its user reference in 12 decimal digits. The name of the stock is what the host set for the
    symbol.

    Latency, from `load`: all of the packet but the digits 1 cycle, the digits 4, the sum 5; both
    then stay until the next `load`. Throughput: 1 packet in 5 cycles.

    Members
    -------
    load : ``In(1)``
        Take the order.
    order : ``In(Order(symbols))``
        What is ordered.
    name_symbol, name, set_name : ``In(16)``, ``In(64)``, ``In(1)``
        With `set_name`, the name of a symbol; its first character is in the low byte.
    packet : ``Out(8 * 50)``
        The packet, in wire order.
    sum : ``Out(...)``
        Ones' complement sum of its 16-bit words.
    """

    def __init__(self, symbols: int):
        self._symbols = symbols
        self._sum = InternetSum(PACKET_BYTES)
        super().__init__({
            "load":        In(1),
            "order":       In(Order(symbols)),
            "name_symbol": In(16),
            "name":        In(NAME_BITS),
            "set_name":    In(1),
            "packet":      Out(8 * PACKET_BYTES),
            "sum":         Out(len(self._sum.sum) + 1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.decimal = decimal = Decimal()
        m.submodules.plain_sum = plain_sum = self._sum
        order, name = Signal.like(self.order), self._name(m)
        with m.If(self.load):
            m.d.sync += order.eq(self.order)
        m.d.comb += decimal.start.eq(self.load)
        m.d.comb += decimal.value.eq(self.order.user_ref)

        digits = [decimal.digits.word_select(place, 4) if place < DIGITS else C(0, 4)
                  for place in reversed(range(NAME_DIGITS))]
        m.d.comb += self.packet.eq(unsequenced(_message(order, name, digits)))

        # The packet is summed with zeros for digits while these are computed.
        zeros = [C(0, 4)] * NAME_DIGITS
        m.d.comb += plain_sum.data.eq(unsequenced(_message(order, name, zeros)))
        high, low = (Signal(range(9 * NAME_DIGITS // 2 + 1), name=name) for name in ("high", "low"))
        m.d.sync += high.eq(total(digits[0::2]))
        m.d.sync += low.eq(total(digits[1::2]))
        m.d.comb += self.sum.eq(plain_sum.sum + Cat(low, C(0, 8 - len(low)), high))

        return m

    def _name(self, m) -> Value:
        """Return the name of the symbol, from the cycle after `load` on."""
        m.submodules.names = names = memory.Memory(shape=NAME_BITS, depth=self._symbols, init=[])
        write, read = names.write_port(), names.read_port()
        m.d.comb += [
            write.en.eq(self.set_name & (self.name_symbol < self._symbols)),
            write.addr.eq(self.name_symbol),
            write.data.eq(self.name),
            read.en.eq(self.load),
            read.addr.eq(self.order.symbol),
        ]
        return big_endian(read.data)


def _message(order, name: Value, digits: list[Value]) -> Value:
    """Return the message as bytes; the digits come first one first."""
    prefix = [C(ord(letter), 8) for letter in NAME_PREFIX]
    characters = prefix + [Cat(digit, C(ASCII_ZERO >> 4, 4)) for digit in digits]
    buy = order.side == Side.BUY
    sale = Mux(order.short, C(ord("T"), 8), C(ord("S"), 8))
    return message_bits(
        EnterOrder,
        user_ref=order.user_ref,
        side=Mux(buy, C(ord("B"), 8), sale),
        shares=order.shares,
        symbol=name,
        price=order.price,
        time_in_force="3",
        display="Y",
        capacity="P",
        intermarket_sweep="N",
        cross_type="N",
        client_order_id=Cat(*reversed(characters)),
    )
