"""Each metric is a register or a line of the list, with the register's words, and reads back."""

from __future__ import annotations

import math
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tickwright.core.regs import Status
from tickwright.monitoring.metrics import (
    COUNTED,
    LEVELS,
    SERVICE,
    UNMEASURED,
    Sample,
    described,
    exposition,
    of_register,
)
from tickwright.top.memory_map import BLOCKS

STATUSES = [
    (block, register)
    for block, kind in BLOCKS.items()
    for register in kind.registers
    if isinstance(register, Status)
]


def families(sample: Sample) -> dict:
    text = exposition(sample).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_every_status_register_is_a_metric_or_named_as_none():
    names = {(block, register.name) for block, register in STATUSES}
    assert names >= UNMEASURED
    assert names >= LEVELS
    for block, register in STATUSES:
        assert (of_register(block, register) is None) == ((block, register.name) in UNMEASURED)


def test_a_register_that_the_host_writes_is_no_metric():
    control = next(one for one in BLOCKS["feed"].registers if not isinstance(one, Status))
    assert of_register("feed", control) is None


def test_names_are_well_formed_and_each_is_there_once():
    names = [metric.name for metric in described()]
    assert len(names) == len(set(names)) > 80
    for metric in described():
        assert re.fullmatch(r"tickwright_[a-z0-9_]+[a-z0-9]", metric.name), metric.name
        assert metric.name.endswith("_total") == metric.counter, metric.name
        assert metric.help.endswith("."), metric.name


def test_name_unit_and_help_are_those_of_the_register():
    lost = of_register("feed", BLOCKS["feed"].lost)
    assert lost is not None
    assert lost.name == "tickwright_feed_lost_messages_total"
    assert lost.help == BLOCKS["feed"].lost.doc
    orders = of_register("book", BLOCKS["book"].orders)
    assert orders is not None
    assert not orders.counter


def test_what_is_counted_has_a_unit_of_the_list():
    for block, register in STATUSES:
        metric = of_register(block, register)
        if metric is not None and metric.counter:
            assert register.unit.split(" of ")[0] in COUNTED


@pytest.mark.parametrize("value", [0, 1, 2**32 - 1, 2**53])
def test_a_value_reads_back(value: int):
    found = families(Sample(registers={"feed": {"lost": value}}, service={}))
    (sample,) = found["tickwright_feed_lost_messages"].samples
    assert (sample.name, sample.value) == ("tickwright_feed_lost_messages_total", value)
    assert found["tickwright_feed_lost_messages"].type == "counter"


def test_what_is_not_known_is_not_a_number():
    found = families(Sample())
    assert math.isnan(found["tickwright_gate_state"].samples[0].value)
    assert len(found) == len(list(described()))


def test_positions_carry_their_symbol():
    found = families(Sample(positions={"KO": -300, 'Q"\\': 5}))
    rows = {
        sample.labels["symbol"]: sample.value
        for sample in found["tickwright_position_shares"].samples
    }
    assert rows == {"KO": -300, 'Q"\\': 5}


def test_the_service_has_a_value_for_each_of_its_metrics():
    values = {name: 1.5 for name, metric in SERVICE.items() if not metric.labels}
    found = families(Sample(service=values))
    for name in values:
        assert found[name.removesuffix("_total")].samples[0].value == 1.5
