"""The gateware face of a register block."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.counters import CounterBank, whole
from tickwright.core.regs import (
    WORD_BITS,
    WORD_BYTES,
    Block,
    Control,
    Counter,
    Register,
    Status,
    Strobe,
)

__all__ = ["BusSignature", "RegisterFile"]


class BusSignature(wiring.Signature):
    """Access to 32-bit words, one a cycle; it is never refused.

    Members
    -------
    addr : ``Out(addr_bits)``
        Word to access; the byte address divided by 4.
    w_en, w_data : ``Out(1)``, ``Out(32)``
        Write this value to the word in this cycle.
    r_en : ``Out(1)``
        Read the word in this cycle.
    r_data : ``In(32)``
        Value of the word read in the cycle before; 0 after a cycle without a read, so that the
        banks of several blocks may be joined by OR.
    """

    def __init__(self, addr_bits: int):
        self.addr_bits = addr_bits
        super().__init__({
            "addr":   Out(addr_bits),
            "w_en":   Out(1),
            "w_data": Out(WORD_BITS),
            "r_en":   Out(1),
            "r_data": In(WORD_BITS),
        })

    def __eq__(self, other):
        return type(self) is type(other) and self.addr_bits == other.addr_bits

    def __repr__(self):
        return f"BusSignature({self.addr_bits})"


class RegisterFile(wiring.Component):
    """Holds the control registers of a block and shows its status registers to the host.

    A wide register takes a value as a whole: the low word written is staged and takes effect with
    the high word. A read keeps nothing, so that hosts who read at once do not disturb each other. A
    write that names no register is ignored, a read of one gives 0.

    Latency: 1 cycle from a write to the control output or strobe; 1 cycle from address to read
    data, the last carry of a count added behind its register; a read in the cycle after an event
    shows it counted. Throughput: 1 access per cycle.

    Members
    -------
    bus : ``In(BusSignature(...))``
        Access from the host.
    *name* : ``Out(bits)`` or ``In(bits)``
        One member for each register of the block: an output for a control register, an input for
        a status register. For a counter, an input of 1 bit that is 1 in each cycle with an event.
        For a strobe of 1 bit, an output that is 1 for one cycle after a 1 is written.
    *name*_pulse : ``Out(1)``
        For a strobe of more than 1 bit: 1 for the cycle in which the output *name* is new.
    """

    def __init__(self, block: type[Block]):
        self.block = block
        members = {"bus": In(BusSignature(max(1, (block.words - 1).bit_length())))}
        for register in block.registers:
            match register:
                case Counter():
                    members[register.name] = In(1)
                case Status():
                    members[register.name] = In(register.bits)
                case Control():
                    members[register.name] = Out(register.bits, init=register.reset)
                case Strobe():
                    members[register.name] = Out(register.bits)
                    if register.bits > 1:
                        members[_pulse_name(register)] = Out(1)
        super().__init__(members)

        self._shown = Signal(WORD_BITS)  # the word read, unless it is a counter

    def elaborate(self, platform):
        m = Module()

        staged = {register.name: Signal(WORD_BITS, name=f"{register.name}_staged")
                  for register in self.block.registers
                  if register.words == 2 and not isinstance(register, Status)}
        m.d.sync += self._shown.eq(0)
        for register in self.block.registers:
            if isinstance(register, Strobe):
                self._clear(m, register)

        with m.Switch(self.bus.addr):
            for register in self.block.registers:
                index = register.offset // WORD_BYTES
                with m.Case(index):
                    self._read(m, register, 0)
                    if register.name in staged:
                        with m.If(self.bus.w_en):
                            m.d.sync += staged[register.name].eq(self.bus.w_data)
                    else:
                        self._write(m, register, self.bus.w_data)
                if register.words == 2:
                    with m.Case(index + 1):
                        self._read(m, register, 1)
                        if register.name in staged:
                            self._write(m, register, Cat(staged[register.name], self.bus.w_data))
        counters = [one for one in self.block.registers if isinstance(one, Counter)]
        count = self._count(m, counters) if counters else 0
        m.d.comb += self.bus.r_data.eq(self._shown | count)

        return m

    def _clear(self, m, register: Strobe):
        """End the pulse of a strobe after a cycle."""
        pulse = register.name if register.bits == 1 else _pulse_name(register)
        m.d.sync += getattr(self, pulse).eq(0)

    def _read(self, m, register: Register, word: int):
        """Show a word of the register as it is now."""
        if isinstance(register, Counter | Strobe):
            return
        value = getattr(self, register.name).word_select(word, WORD_BITS)
        with m.If(self.bus.r_en):
            m.d.sync += self._shown.eq(value)

    def _count(self, m, counters: list[Counter]) -> Value:
        """Let one memory hold the counters; return the count that was read, or 0."""
        m.submodules.bank = bank = CounterBank(len(counters))
        m.d.comb += bank.events.eq(Cat(getattr(self, counter.name) for counter in counters))
        found = Signal.like(bank.found)
        m.d.sync += found.eq(0)
        with m.Switch(self.bus.addr):
            for index, counter in enumerate(counters):
                with m.Case(counter.offset // WORD_BYTES):
                    m.d.comb += bank.counter.eq(index)
                    with m.If(self.bus.r_en):
                        m.d.sync += found.eq(bank.found)
        return whole(found)

    def _write(self, m, register: Register, value: Value):
        """Let the register take a value that is written as a whole in this cycle."""
        if isinstance(register, Status):
            return
        with m.If(self.bus.w_en):
            m.d.sync += getattr(self, register.name).eq(value)
            if isinstance(register, Strobe) and register.bits > 1:
                m.d.sync += getattr(self, _pulse_name(register)).eq(1)

    def attach(self, m: Module, stage: wiring.Component):
        """Connect every register to the member of ``stage`` that bears its name."""
        for register in self.block.registers:
            names = [register.name]
            if isinstance(register, Strobe) and register.bits > 1:
                names.append(_pulse_name(register))
            for name in names:
                ours, theirs = getattr(self, name), Value.cast(getattr(stage, name))
                if len(ours) != len(theirs):
                    raise ValueError(f"{self.block.__name__}.{name}: found {len(theirs)} bits in "
                                     f"{type(stage).__name__}, expected {len(ours)}")
                m.d.comb += ours.eq(theirs) if isinstance(register, Status) else theirs.eq(ours)


def _pulse_name(register: Strobe) -> str:
    return f"{register.name}_pulse"
