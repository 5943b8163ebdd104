"""Telemetry records hold every column of every table, whole."""

from __future__ import annotations

import numpy as np
import pytest
from oracle.telemetry import random_table

from tickwright.host.records import TABLES
from tickwright.recorder.records import RecordsError, column, pack, split, unpack
from tickwright.telemetry.messages import LEGS, NUMBER_BITS, RECORD_BYTES, RECORDS, Record

ROWS = 200
HEAD = {field.name for field in Record.fields}


def test_there_is_a_kind_for_each_table_and_a_number_for_each_kind():
    assert list(RECORDS) == list(TABLES)
    numbers = [message.constants["record"] for message in RECORDS.values()]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) > 0


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_has_exactly_the_columns_of_its_table_and_fits(name: str):
    message = RECORDS[name]
    fields = {field.name for field in message.fields} - HEAD
    if "legs" in fields:
        fields = fields - {"legs"} | {f"leg{leg}_valid" for leg in range(LEGS)}
    assert fields == set(TABLES[name].names or ())
    assert message.size <= RECORD_BYTES


@pytest.mark.parametrize("name", RECORDS)
def test_a_table_survives_and_so_do_number_and_time(name: str):
    rng = np.random.default_rng(2026)
    table = random_table(name, ROWS, rng)
    numbers = rng.integers(0, 1 << NUMBER_BITS, ROWS, np.uint64)
    numbers[:2] = [0, (1 << NUMBER_BITS) - 1]
    times = rng.integers(0, (1 << 64) - 1, ROWS, np.uint64, endpoint=True)
    times[:2] = [0, (1 << 64) - 1]
    records = pack(name, table, numbers, times)
    assert records.shape == (ROWS, RECORD_BYTES)
    assert np.array_equal(unpack(name, records), table)
    assert np.array_equal(column(records, "number"), numbers)
    assert np.array_equal(column(records, "decided_ns"), times)


@pytest.mark.parametrize("name", RECORDS)
def test_the_bytes_are_those_of_the_description(name: str):
    table = random_table(name, 5, np.random.default_rng(7))
    records = pack(name, table, np.arange(5), 9)
    for row, record in zip(table, records, strict=True):
        values = {key: int(row[key]) for key in table.dtype.names or () if "_valid" not in key}
        if name == "intents":
            values["legs"] = sum(int(row[f"leg{leg}_valid"]) << leg for leg in range(LEGS))
        number = int(column(record[None], "number")[0])
        expected = RECORDS[name](number=number, decided_ns=9, **values).pack()
        assert record.tobytes() == expected.ljust(RECORD_BYTES, b"\0")


def test_what_does_not_fit_is_refused():
    table = np.zeros(2, TABLES["quotes"])
    table["symbol"][1] = 1 << 16
    with pytest.raises(RecordsError, match=r"quotes\.symbol: found 65536, expected at most 65535"):
        pack("quotes", table, 0, 0)
    with pytest.raises(RecordsError, match="number"):
        pack("quotes", table[:1], 1 << NUMBER_BITS, 0)
    with pytest.raises(RecordsError, match="expected"):
        pack("trusts", table, 0, 0)


def test_a_record_of_another_kind_or_version_is_refused():
    records = pack("capacities", np.zeros(3, TABLES["capacities"]), np.arange(3), 0)
    with pytest.raises(RecordsError, match="record 0: found record 4, expected 3"):
        unpack("overflows", records)
    records[2, 1] ^= 0x80
    with pytest.raises(RecordsError, match="record 2: found version 129, expected 1"):
        unpack("capacities", records)
    with pytest.raises(RecordsError, match="shape"):
        unpack("capacities", records[:, :32])


def test_a_mix_is_split_in_order_and_what_is_unknown_is_counted():
    rng = np.random.default_rng(3)
    parts = [pack(name, random_table(name, 20, rng), np.arange(20), 0) for name in RECORDS]
    mixed = np.concatenate(parts)[rng.permutation(20 * len(RECORDS))]
    mixed = np.insert(mixed, [0, 50], 0, axis=0)  # of kind 0
    mixed[100, 1] = 77  # of another version
    kinds, unknown = split(mixed)
    assert unknown == 3
    assert sum(map(len, kinds.values())) == len(mixed) - 3
    for name, records in kinds.items():
        kind = RECORDS[name].constants["record"]
        rows = (mixed[:, 0] == kind) & (mixed[:, 1] == 1)
        assert np.array_equal(records, mixed[rows])
    assert split(mixed[:0]) == ({}, 0)
