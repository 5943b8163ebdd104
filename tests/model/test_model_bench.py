"""What the speed of the model is measured with: its flow, and where its code is kept."""

import ast
import subprocess
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tickwright.feed.messages import ITCH_BY_TYPE, ITCH_SIZES
from tickwright.model import compiled, decode
from tickwright.model.bench import flow, flow_setup, measure
from tickwright.model.book import Books


def test_the_flow_is_sound():
    setup = flow_setup(symbols=3, window=256)
    books, published = Books(setup), 0
    for table in flow(5000, symbols=3, chunk=2000):
        for quotes, _ in books.follow(table):
            assert not np.any(quotes["reasons"])
            published += len(quotes)
    assert books.delivered == 5000
    assert published > 100


def test_the_flow_is_seeded():
    ours, again, other = (next(flow(100, symbols=3, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(ours.data, again.data)
    assert not np.array_equal(ours.data, other.data)


def test_the_flow_has_messages_of_the_feed():
    (table,) = flow(2000, symbols=2)
    found = [ITCH_BY_TYPE[chr(table.message(row)[0])] for row in range(len(table))]
    for row, kind in enumerate(found):
        assert kind.unpack(table.message(row)).pack() == table.message(row)
    assert {kind.constants["type"] for kind in found} == set("ADUEX")


def test_a_measurement_counts_time_of_the_clock_only():
    ticks = count()
    result = measure(
        flow(3000, symbols=2, chunk=1000),
        flow_setup(symbols=2, window=256),
        clock=lambda: float(next(ticks)),
    )
    assert result["messages_per_second"] == 3000 / 3
    assert result["symbols"] == 2
    assert result["resident_bytes"] > 1 << 20


@pytest.mark.parametrize(
    ("function", "field", "types"),
    [
        (decode.reference_of, "reference", "AFECXDU"),
        (decode.new_reference_of, "new_reference", "U"),
        (decode.locate_of, "locate", ITCH_SIZES),
    ],
)
def test_fields_lie_where_the_tables_say(function, field, types):
    for kind in types:
        message = ITCH_BY_TYPE[kind]
        value = 0x0102030405060708 >> 64 - 8 * message.field(field).size
        data = np.frombuffer(message(**{field: value}).pack(), np.uint8)
        assert function(data, 0) == value


@pytest.mark.parametrize(("field", "function"), [("shares", "shares_of"), ("price", "price_of")])
@pytest.mark.parametrize("kind", "AFECXU")
def test_quantities_lie_where_the_tables_say(kind, field, function):
    message, event = ITCH_BY_TYPE[kind], decode.EVENTS[kind]
    if field == "price" and kind not in "AFU":
        return  # C names a price too, but not that of an order
    data = np.frombuffer(message(**{field: 0x81020304}).pack(), np.uint8)
    assert getattr(decode, function)(data, 0, event) == 0x81020304


def test_a_reference_keeps_all_its_bits():
    message = ITCH_BY_TYPE["D"](reference=(1 << 64) - 2)
    assert decode.reference_of(np.frombuffer(message.pack(), np.uint8), 0) == -2


def test_a_timestamp_has_48_bits():
    data = np.frombuffer(ITCH_BY_TYPE["D"](timestamp_ns=(1 << 48) - 5).pack(), np.uint8)
    assert decode.timestamp_of(data, 0, len(data)) == (1 << 48) - 5
    assert decode.timestamp_of(data, 0, 10) == 0


KEEP = """
import sys
from pathlib import Path
from tickwright.model.compiled import keep_in
from tickwright.model import orders
kept = keep_in(Path(sys.argv[1]))
table = orders.make_table(8)
assert orders.find(table, 5) == -1
print(kept, sum(orders.find.stats.cache_hits.values()))
"""


def test_code_is_kept_for_the_next_run(tmp_path):
    found = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", KEEP, str(tmp_path)], capture_output=True, text=True, check=True
        )
        found.append(done.stdout.split())
    assert found[0][0] == found[1][0]
    assert [hits for _, hits in found] == ["0", "1"]
    assert list(tmp_path.glob("model-*/**/*.nbi"))


def test_code_is_made_anew_where_a_number_of_another_package_changes():
    """The key of kept code covers every module that constants are taken from."""
    folder = Path(compiled.__file__).parent
    taken = {
        node.module
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("tickwright.")
        and not node.module.startswith("tickwright.model")
        and any(name.name.isupper() for name in node.names)
    }
    apart = {"tickwright.net.headers"}  # frames are packed by code that is not compiled
    assert taken - apart <= {module.__name__ for module in compiled._TABLES}
