"""A register block described once is laid out, checked and explained."""

import pytest

from tickwright.core.regs import Block, Control, Counter, Status, Strobe


class PumpRegs(Block):
    """Registers of a pump."""

    running = Control(1, "The pump runs while this is 1.", reset=1)
    limit = Control(48, "Most that may be pumped.", unit="litres", reset=0x1_0000_0002)
    pumped = Status(64, "Pumped since reset.", unit="litres")
    purge = Strobe("Empty the pipes.")
    dose = Strobe("Pump so much at once.", bits=12, unit="litres")
    faults = Status(8, "Faults since reset.")


class Words:
    """A bus that keeps words and the order of accesses."""

    def __init__(self):
        self.words = {}
        self.accesses = []

    def read(self, addr):
        self.accesses.append(("read", addr))
        return self.words.get(addr, 0)

    def write(self, addr, value):
        self.accesses.append(("write", addr))
        self.words[addr] = value


def test_registers_lie_in_the_order_they_are_declared():
    assert [(reg.name, reg.offset, reg.words) for reg in PumpRegs.registers] == [
        ("running", 0x00, 1),
        ("limit", 0x04, 2),
        ("pumped", 0x0C, 2),
        ("purge", 0x14, 1),
        ("dose", 0x18, 1),
        ("faults", 0x1C, 1),
    ]
    assert PumpRegs.words == 8


def test_wide_registers_move_low_word_first():
    bus = Words()
    pump = PumpRegs(bus, base=0x100)
    pump.limit = 0xABCD_1234_5678
    assert bus.words == {0x104: 0x1234_5678, 0x108: 0xABCD}
    assert pump.limit == 0xABCD_1234_5678
    assert bus.accesses == [
        ("write", 0x104),
        ("write", 0x108),
        ("read", 0x108),
        ("read", 0x104),
        ("read", 0x108),
    ]


class Counting:
    """A card whose `pumped` rises by ``step`` before each read, of whoever reads."""

    def __init__(self, value, step):
        self.value, self.step = value, step
        self.read_words_taken = 0

    def read(self, addr):
        self.read_words_taken += 1
        self.value += self.step
        return self.value >> (32 if addr == PumpRegs.pumped.offset + 4 else 0) & 0xFFFF_FFFF


@pytest.mark.parametrize("reads_before_the_carry", range(5))
def test_a_wide_register_that_counts_is_read_whole(reads_before_the_carry):
    before = (6 << 32) + (1 << 32) - 1 - reads_before_the_carry
    bus = Counting(before, 1)
    found = PumpRegs(bus).pumped
    assert before < found <= bus.value
    assert bus.read_words_taken == (4 if reads_before_the_carry in (1, 2) else 3)


class InTurns(Counting):
    """A card that reads several words in one turn, and tells how many turns it was asked for."""

    def __init__(self, value, step):
        super().__init__(value, step)
        self.turns = 0

    def read_words(self, addrs):
        self.turns += 1
        return [self.read(addr) for addr in addrs]


@pytest.mark.parametrize("reads_before_the_carry", range(9))
def test_registers_are_read_in_one_turn_and_each_is_whole(reads_before_the_carry):
    before = (6 << 32) + (1 << 32) - 1 - reads_before_the_carry
    bus = InTurns(before, 1)
    found = PumpRegs(bus).read_registers((PumpRegs.faults, PumpRegs.pumped, PumpRegs.faults))
    assert before < found["pumped"] <= bus.value
    assert list(found) == ["faults", "pumped"]
    assert bus.turns == 1
    assert bus.read_words_taken == (6 if reads_before_the_carry in (2, 3) else 5)


def test_bits_a_register_does_not_have_are_dropped_on_reading():
    bus = Words()
    bus.words[0x1C] = 0xFFFF_FF05
    assert PumpRegs(bus).faults == 5


@pytest.mark.parametrize(
    ("name", "value"), [("running", 2), ("running", -1), ("limit", 1 << 48), ("dose", 1.0)]
)
def test_value_that_does_not_fit_never_reaches_the_bus(name, value):
    bus = Words()
    with pytest.raises(ValueError, match=f"PumpRegs.{name}: found {value}, expected"):
        setattr(PumpRegs(bus), name, value)
    assert bus.accesses == []


def test_status_register_refuses_to_be_written():
    with pytest.raises(AttributeError, match=r"PumpRegs\.faults is a status register"):
        PumpRegs(Words()).faults = 0


def test_a_counter_is_a_status_of_32_bits_to_the_host():
    counter, status = (
        type("Regs", (Block,), {"passed": register})
        for register in (Counter("Went through.", unit="persons"), Status(32, ""))
    )
    assert counter.fingerprint() == status.fingerprint()
    assert counter.table().endswith("| 32 | read |  | persons | Went through. |")
    with pytest.raises(AttributeError, match=r"Regs\.passed is a status register"):
        counter(Words()).passed = 0


def test_misspelt_register_is_refused():
    with pytest.raises(AttributeError, match="no register 'runing'"):
        PumpRegs(Words()).runing = 1


def test_two_blocks_of_a_kind_do_not_mix():
    left, right = PumpRegs(Words()), PumpRegs(Words())
    left.dose = 5
    assert (left.dose, right.dose) == (5, 0)


@pytest.mark.parametrize("bits", [0, 65, -1])
def test_width_is_1_to_64_bits(bits):
    with pytest.raises(ValueError, match="1 to 64 bits"):
        Control(bits, "Too wide or too narrow.")


def test_reset_must_fit():
    with pytest.raises(ValueError, match="does not fit"):
        Control(4, "Narrow.", reset=16)


@pytest.mark.parametrize("name", ["bus", "base", "table", "words", "registers", "fingerprint"])
def test_name_of_the_block_itself_is_refused(name):
    with pytest.raises(TypeError, match="choose another"):
        type("Bad", (Block,), {name: Control(1, "Clash.")})


def test_table_is_markdown_for_the_manual():
    assert PumpRegs.table().splitlines()[2:5] == [
        "| 0x00 | `running` | 1 | read/write | 1 |  | The pump runs while this is 1. |",
        "| 0x04 | `limit` | 48 | read/write | 4294967298 | litres | Most that may be pumped. |",
        "| 0x0c | `pumped` | 64 | read |  | litres | Pumped since reset. |",
    ]


def test_fingerprint_is_the_same_in_every_run():
    assert PumpRegs.fingerprint() == 0x7DDC_9D99


@pytest.mark.parametrize(
    "registers",
    [
        pytest.param({"a": Control(8, "")}, id="one-fewer"),
        pytest.param({"b": Status(8, ""), "a": Control(8, "")}, id="order"),
        pytest.param({"a": Control(8, ""), "c": Status(8, "")}, id="name"),
        pytest.param({"a": Control(9, ""), "b": Status(8, "")}, id="width"),
        pytest.param({"a": Status(8, ""), "b": Status(8, "")}, id="kind"),
    ],
)
def test_fingerprint_changes_with_the_map(registers):
    plain = type("Regs", (Block,), {"a": Control(8, ""), "b": Status(8, "")})
    assert type("Regs", (Block,), registers).fingerprint() != plain.fingerprint()
    assert 0 <= plain.fingerprint() < 1 << 32


def test_fingerprint_does_not_change_with_the_wording():
    plain = type("Regs", (Block,), {"a": Control(8, "One.")})
    assert type("Regs", (Block,), {"a": Control(8, "Two.")}).fingerprint() == plain.fingerprint()
