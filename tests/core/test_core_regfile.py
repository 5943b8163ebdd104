"""The bank obeys the host's descriptors, and wide registers move as a whole, whoever else reads."""

import random
from types import SimpleNamespace

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.regfile import BusSignature, RegisterFile
from tickwright.core.regs import Block, Control, Counter, Status, Strobe


class PumpRegs(Block):
    """Registers of a pump."""

    running = Control(1, "The pump runs while this is 1.", reset=1)
    limit = Control(48, "Most that may be pumped.", unit="litres", reset=0x1_0000_0002)
    pumped = Status(64, "Pumped since reset.", unit="litres")
    purge = Strobe("Empty the pipes.")
    dose = Strobe("Pump so much at once.", bits=12, unit="litres")
    order = Strobe("Pump a wide amount at once.", bits=40, unit="litres")
    faults = Status(8, "Faults since reset.")


RUNNING, LIMIT, PUMPED, PURGE, DOSE, ORDER, FAULTS = (
    register.offset // 4 for register in PumpRegs.registers
)


async def write(ctx, bus, addr: int, value: int):
    """Write a word; the next cycle has begun on return."""
    ctx.set(bus.addr, addr)
    ctx.set(bus.w_data, value)
    ctx.set(bus.w_en, 1)
    await ctx.tick()
    ctx.set(bus.w_en, 0)


async def read(ctx, bus, addr: int) -> int:
    """Read a word, which is there a cycle later."""
    ctx.set(bus.addr, addr)
    ctx.set(bus.r_en, 1)
    await ctx.tick()
    ctx.set(bus.r_en, 0)
    return ctx.get(bus.r_data)


def test_wakes_at_reset_values(simulate):
    dut = RegisterFile(PumpRegs)

    async def host(ctx):
        assert ctx.get(dut.running) == 1
        assert ctx.get(dut.limit) == 0x1_0000_0002
        assert await read(ctx, dut.bus, LIMIT) == 2
        assert await read(ctx, dut.bus, LIMIT + 1) == 1

    simulate(dut, host)


def test_write_reaches_the_output_in_the_next_cycle(simulate):
    dut = RegisterFile(PumpRegs)

    async def host(ctx):
        await write(ctx, dut.bus, RUNNING, 0)
        assert ctx.get(dut.running) == 0
        assert await read(ctx, dut.bus, RUNNING) == 0

    simulate(dut, host)


def test_wide_control_changes_at_once_with_its_high_word(simulate):
    dut = RegisterFile(PumpRegs)

    async def host(ctx):
        await write(ctx, dut.bus, LIMIT, 0x1234_5678)
        await ctx.tick().repeat(3)
        assert ctx.get(dut.limit) == 0x1_0000_0002
        await write(ctx, dut.bus, LIMIT + 1, 0xFFFF_ABCD)
        assert ctx.get(dut.limit) == 0xABCD_1234_5678
        assert await read(ctx, dut.bus, LIMIT) == 0x1234_5678
        assert await read(ctx, dut.bus, LIMIT + 1) == 0xABCD

    simulate(dut, host)


def test_a_word_is_read_as_it_is_then(simulate):
    dut = RegisterFile(PumpRegs)

    async def host(ctx):
        ctx.set(dut.pumped, 0x0000_0001_FFFF_FFFF)
        assert await read(ctx, dut.bus, PUMPED) == 0xFFFF_FFFF
        ctx.set(dut.pumped, 0x0000_0002_0000_0000)
        assert await read(ctx, dut.bus, PUMPED + 1) == 2
        assert await read(ctx, dut.bus, PUMPED) == 0

    simulate(dut, host)


@pytest.mark.parametrize("seed", range(4))
def test_two_hosts_read_wide_registers_whole_at_once(simulate, seed):
    """Their accesses mix at random, and what one reads goes over a carry all the time."""
    dut = RegisterFile(PumpRegs)
    rng = random.Random(seed)
    high = 0x0003_0000_0000

    def reading(name):
        """Ask for words as the host's descriptor does; return what it makes of them."""
        words, asked = [], []

        class Way:
            def read(self, addr):
                asked.append(addr // 4)
                if len(asked) > len(words):
                    raise LookupError
                return words[len(asked) - 1]

        while True:
            asked.clear()
            try:
                return getattr(PumpRegs(Way()), name)
            except LookupError:
                words.append((yield asked[-1]))

    async def host(ctx):
        ctx.set(dut.pumped, high - 1)
        for _ in range(200):
            low = high - rng.randrange(1, 6)
            ctx.set(dut.pumped, low)
            hosts = {name: reading(name) for name in ("pumped", "limit")}
            wanted = {name: next(host) for name, host in hosts.items()}
            found = {}
            while wanted:
                name = rng.choice(list(wanted))
                word = await read(ctx, dut.bus, wanted[name])
                now = ctx.get(dut.pumped) + 1
                ctx.set(dut.pumped, now)
                try:
                    wanted[name] = hosts[name].send(word)
                except StopIteration as end:
                    found[name] = end.value
                    del wanted[name]
            assert low <= found["pumped"] < now
            assert found["limit"] == 0x1_0000_0002

    simulate(dut, host)


def test_strobe_of_one_bit_lasts_a_cycle(simulate):
    dut = RegisterFile(PumpRegs)

    async def host(ctx):
        await write(ctx, dut.bus, PURGE, 1)
        assert ctx.get(dut.purge) == 1
        await ctx.tick()
        assert ctx.get(dut.purge) == 0
        await write(ctx, dut.bus, PURGE, 0)
        assert ctx.get(dut.purge) == 0
        assert await read(ctx, dut.bus, PURGE) == 0

    simulate(dut, host)


def test_wide_strobe_pulses_with_its_value(simulate):
    dut = RegisterFile(PumpRegs)

    async def host(ctx):
        await write(ctx, dut.bus, DOSE, 0)
        assert (ctx.get(dut.dose), ctx.get(dut.dose_pulse)) == (0, 1)
        await write(ctx, dut.bus, DOSE, 0xFFF)
        assert (ctx.get(dut.dose), ctx.get(dut.dose_pulse)) == (0xFFF, 1)
        await ctx.tick()
        assert ctx.get(dut.dose_pulse) == 0
        await write(ctx, dut.bus, ORDER, 0x89AB_CDEF)
        assert ctx.get(dut.order_pulse) == 0
        await write(ctx, dut.bus, ORDER + 1, 0x67)
        assert (ctx.get(dut.order), ctx.get(dut.order_pulse)) == (0x67_89AB_CDEF, 1)
        await read(ctx, dut.bus, LIMIT)
        assert await read(ctx, dut.bus, ORDER) == 0
        assert await read(ctx, dut.bus, ORDER + 1) == 0
        assert ctx.get(dut.order_pulse) == 0

    simulate(dut, host)


def test_nothing_happens_without_an_enable(simulate):
    dut = RegisterFile(PumpRegs)

    async def host(ctx):
        ctx.set(dut.faults, 7)
        for addr in range(16):
            ctx.set(dut.bus.addr, addr)
            ctx.set(dut.bus.w_data, 0)
            await ctx.tick()
            assert ctx.get(dut.bus.r_data) == 0
        assert ctx.get(dut.running) == 1
        assert ctx.get(dut.limit) == 0x1_0000_0002
        assert await read(ctx, dut.bus, FAULTS) == 7
        await ctx.tick()
        assert ctx.get(dut.bus.r_data) == 0

    simulate(dut, host)


def test_status_and_unknown_words_ignore_writes(simulate):
    dut = RegisterFile(PumpRegs)

    async def host(ctx):
        ctx.set(dut.faults, 7)
        for addr in (FAULTS, FAULTS + 1, 15):
            await write(ctx, dut.bus, addr, 0xFFFF_FFFF)
        assert await read(ctx, dut.bus, FAULTS) == 7
        assert await read(ctx, dut.bus, 15) == 0

    simulate(dut, host)


def test_bank_and_descriptors_agree_on_random_accesses(simulate):
    """The host's own descriptors drive the bank through a queue of bus accesses."""
    dut = RegisterFile(PumpRegs)
    rng = random.Random(2026)

    class Recorder:
        """Keeps the words a write makes, and answers reads from the words it is given."""

        def __init__(self, words=()):
            self.writes, self.words, self.reads = [], list(words), []

        def read(self, addr):
            self.reads.append(addr // 4)
            return self.words.pop(0) if self.words else 0

        def write(self, addr, value):
            self.writes.append((addr // 4, value))

    async def host(ctx):
        for _ in range(100):
            register = rng.choice(PumpRegs.registers)
            value = rng.randrange(1 << register.bits)
            if register.writable:
                desk = Recorder()
                setattr(PumpRegs(desk), register.name, value)
                for addr, word in desk.writes:
                    await write(ctx, dut.bus, addr, word)
            else:
                ctx.set(getattr(dut, register.name), value)
            places = Recorder()
            getattr(PumpRegs(places), register.name)
            words = [await read(ctx, dut.bus, addr) for addr in places.reads]
            found = getattr(PumpRegs(Recorder(words)), register.name)
            assert found == (0 if isinstance(register, Strobe) else value), register.name

    simulate(dut, host)


class DoorRegs(Block):
    """Registers of a door."""

    locked = Control(1, "Nobody gets in while this is 1.")
    opened = Counter("Times opened.", unit="times")
    ajar = Status(40, "Time since it was opened.", unit="ns")
    closed = Counter("Times closed.", unit="times")
    knock = Strobe("Knock.")
    passed = Counter("Persons that went through.", unit="persons")


@pytest.mark.parametrize("seed", range(4))
def test_a_counter_is_read_with_all_events_before(simulate, seed):
    """Reads of all words in consecutive cycles, while everything may happen in any of them."""
    dut = RegisterFile(DoorRegs)
    rng = random.Random(seed)
    names = [register.name for register in DoorRegs.registers if isinstance(register, Counter)]
    offsets = {getattr(DoorRegs, name).offset // 4: name for name in names}
    ajar = DoorRegs.ajar.offset // 4

    async def host(ctx):
        counted = dict.fromkeys(names, 0)
        ctx.set(dut.ajar, 0x12_3456_789A)
        for _ in range(400):
            happening = {name for name in names if rng.random() < 0.7}
            for name in names:
                ctx.set(getattr(dut, name), name in happening)
            addr = rng.randrange(8)
            shown = {ajar: 0x3456_789A, ajar + 1: 0x12}.get(addr, 0)
            shown = counted[offsets[addr]] if addr in offsets else shown
            assert await read(ctx, dut.bus, addr) == shown
            for name in happening:
                counted[name] += 1

    simulate(dut, host)


class Pump(wiring.Component):
    """A stage with ports that bear the names of the registers."""

    running: In(1)
    limit: In(48)
    pumped: Out(64)
    purge: In(1)
    dose: In(12)
    dose_pulse: In(1)
    order: In(40)
    order_pulse: In(1)
    faults: Out(8)

    def elaborate(self, platform):
        m = Module()
        with m.If(self.dose_pulse):
            m.d.sync += self.pumped.eq(self.pumped + self.dose)
        return m


class Station(wiring.Component):
    """A bank attached to its stage."""

    def __init__(self):
        self.bank, self.pump = RegisterFile(PumpRegs), Pump()
        super().__init__({"bus": self.bank.signature.members["bus"]})

    def elaborate(self, platform):
        m = Module()
        m.submodules.bank = self.bank
        m.submodules.pump = self.pump
        wiring.connect(m, wiring.flipped(self.bus), self.bank.bus)
        self.bank.attach(m, self.pump)
        return m


def test_attach_connects_by_name(simulate):
    dut = Station()

    async def host(ctx):
        await write(ctx, dut.bus, RUNNING, 0)
        assert ctx.get(dut.pump.running) == 0
        for _ in range(2):
            await write(ctx, dut.bus, DOSE, 0x123)
        await ctx.tick()
        assert await read(ctx, dut.bus, PUMPED) == 0x246

    simulate(dut, host)


def test_attach_refuses_a_port_of_another_width():
    m = Module()
    m.submodules.bank = bank = RegisterFile(PumpRegs)
    narrow = SimpleNamespace(running=Signal(1), limit=Signal(32))
    with pytest.raises(ValueError, match=r"PumpRegs\.limit: found 32 bits in .*, expected 48"):
        bank.attach(m, narrow)
    Fragment.get(m, None)  # Amaranth wants everything that is made to be used


@pytest.mark.parametrize(("words", "bits"), [(1, 1), (2, 1), (3, 2), (9, 4)])
def test_address_reaches_every_word(words, bits):
    names = {f"r{index}": Control(1, "One word.") for index in range(words)}
    bank = RegisterFile(type("Regs", (Block,), names))
    assert len(bank.bus.addr) == bits
    Fragment.get(bank, None)  # Amaranth wants everything that is made to be used


def test_buses_of_one_width_are_alike():
    assert BusSignature(4) == BusSignature(4)
    assert BusSignature(4) != BusSignature(5)
    assert repr(BusSignature(4)) == "BusSignature(4)"
