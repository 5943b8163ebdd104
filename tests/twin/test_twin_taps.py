"""What the harness samples becomes the columns of the journal, whatever word a field lies in."""

import random
from enum import Enum

import numpy as np
import pytest
from amaranth.hdl import Shape
from amaranth.lib import data

from tickwright.host.records import TABLES, Journal
from tickwright.top.presets import PRESETS
from tickwright.twin.taps import TAPS, columns, header, layouts, table

ROWS = 40
STREAMS = [
    pytest.param(name, layout, id=f"{preset.name}-{name}")
    for preset in PRESETS.values()
    for name, layout in layouts(preset).items()
]


def sample(shape, rng: random.Random, path: str = ""):
    """Return a value of a shape, and each number in it by path."""
    try:
        layout = data.Layout.cast(shape)
    except TypeError:
        if isinstance(shape, type) and issubclass(shape, Enum):
            member = rng.choice(list(shape))
            return member, {path: member.value}
        number = rng.getrandbits(Shape.cast(shape).width)
        return number, {path: number}
    values, numbers = {}, {}
    for key, field in layout:
        values[key], inner = sample(field.shape, rng, f"{path}_{key}" if path else str(key))
        numbers |= inner
    if isinstance(layout, data.ArrayLayout):
        return list(values.values()), numbers
    return values, numbers


def packed(layout: data.Layout, values: list) -> np.ndarray:
    """Return rows as the harness hands them over, from what Amaranth makes of the values."""
    count = -(-layout.size // 64)
    bits = [layout.const(value).as_bits() for value in values]
    return np.array(
        [[row >> 64 * word & ((1 << 64) - 1) for word in range(count)] for row in bits], np.uint64
    )


def test_every_table_has_its_stream():
    assert set(TAPS.values()) == set(TABLES) == set(vars(Journal()))
    assert all(list(layouts(preset)) == list(TAPS) for preset in PRESETS.values())


@pytest.mark.parametrize(("name", "layout"), STREAMS)
def test_every_field_is_unpacked_as_it_was_packed(name, layout):
    rng = random.Random(name)
    samples = [sample(layout, rng) for _ in range(ROWS)]
    found = columns(layout, packed(layout, [values for values, _ in samples]))
    assert list(found) == list(samples[0][1])
    for path, column in found.items():
        assert column.tolist() == [numbers[path] for _, numbers in samples], path


@pytest.mark.parametrize(("name", "layout"), STREAMS)
def test_every_column_of_the_journal_is_filled_from_its_field(name, layout):
    rng = random.Random(name)
    samples = [sample(layout, rng) for _ in range(ROWS)]
    rows = table(name, layout, packed(layout, [values for values, _ in samples]))
    assert rows.dtype == TABLES[TAPS[name]]
    for column in rows.dtype.names:
        for row, (_, numbers) in zip(rows, samples, strict=True):
            leg, _, field = column.removeprefix("leg").partition("_")
            of_leg = column.startswith("leg") and field
            [path] = {
                column, f"cause_{column}", f"outcome_{column}",
                f"legs_{leg}_{field}" if of_leg else column,
            } & set(numbers)  # fmt: skip
            there = not of_leg or field == "valid" or numbers[f"legs_{leg}_valid"]
            assert row[column] == (numbers[path] if there else 0), path


def test_fields_at_the_ends_of_words():
    layout = data.StructLayout({"low": 60, "across": 10, "wide": 64, "sign": 1, "up": 57, "end": 2})
    values = {"low": 1 << 59 | 1, "across": 0b1000010001, "wide": 1 << 63 | 5, "sign": 1,
              "up": 1 << 56 | 1, "end": 2}  # fmt: skip
    found = columns(layout, packed(layout, [values, dict.fromkeys(values, 0)]))
    assert {name: column.tolist() for name, column in found.items()} == {
        name: [value, 0] for name, value in values.items()
    }


def test_a_field_wider_than_a_word_is_refused():
    layout = data.StructLayout({"low": 3, "wide": 65})
    with pytest.raises(ValueError, match="a field of 65 bits at 3: expected at most 64"):
        columns(layout, np.zeros((1, 2), np.uint64))


def test_a_column_without_a_field_is_refused():
    with pytest.raises(KeyError, match="no field for column 'sequence' among other"):
        table("overflows", data.StructLayout({"other": 64}), np.zeros((1, 1), np.uint64))


def test_the_harness_samples_every_stream():
    text = header()
    for index, name in enumerate(TAPS):
        assert f"TAP({index}, {name}___05Fvalid, {name}___05Fpayload)" in text
    assert f"TAP_COUNT = {len(TAPS)};" in text
