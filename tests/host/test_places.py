"""A key is found in the line where it stands."""

from __future__ import annotations

import pytest

from tickwright.host.places import line_of, written

TEXT = """\
# state = "killed"
state = "armed"
a.b = 1
[feed]  # where it comes from
  line_a = "1.2.3.4:5"
line_b="[pair]"

[[pair]]
name = "one"
[[ pair ]] # the second
name = "two"
"entry_z" = 2
[pair.more]
x = 1
[symbols.KO]
[symbols."B.C"]
tick_usd = 1
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("state",), 2),
        (("a", "b"), 3),
        (("feed",), 4),
        (("feed", "line_a"), 5),
        (("feed", "line_b"), 6),
        (("feed", "hold_us"), 4),
        (("pair", 0, "name"), 9),
        (("pair", 1), 10),
        (("pair", 1, "name"), 11),
        (("pair", 1, "entry_z"), 12),
        (("pair", 0, "entry_z"), 8),
        (("pair", 1, "more", "x"), 14),
        (("symbols", "KO", "tick_usd"), 15),
        (("symbols", "B.C", "tick_usd"), 17),
        (("symbols", "B"), None),
        (("pair", 2, "name"), None),
        (("unknown",), None),
        ((), None),
        (("pair",), 8),
        (("symbols",), None),
    ],
)
def test_a_key_left_out_has_the_line_of_its_table(place: tuple[str | int, ...], line: int | None):
    assert line_of(TEXT, place) == line


def test_a_place_is_written_as_one_names_it():
    assert written(("pair", 0, "entry_z")) == "pair[0].entry_z"
    assert written(("symbols", "BRK.B", "tick_usd")) == 'symbols."BRK.B".tick_usd'
    assert written(("symbols", 'A"$', 0)) == r'symbols."A\"$"[0]'
    assert written(()) == ""
