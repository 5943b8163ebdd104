"""The dictionary book does what sections 4 and 5 say, by cases worked out by hand.

Symbol 0 is X on locate 5: a tick is a cent, its window has the 16 ticks from 1000 on, so that
prices from 10.00 to below 10.16 dollars lie inside. Symbol 1 is Y on locate 6, ticks of 1/10000
dollar, window from 20000 on: prices 20000 to 20015.
"""

import pytest
from oracle.book import OracleError, Overflow, Trust, bit, run_book
from oracle.tape import Tape

from tickwright.host.setup import SymbolSetup

X, Y = 5, 6
WINDOW = 16
SYMBOLS = (
    SymbolSetup(name="X", locate=X, base_tick=1000, cent_tick=True, status=ord("T")),
    SymbolSetup(name="Y", locate=Y, base_tick=20_000, cent_tick=False),
)
T = ord("T")


def run(tape: Tape, symbols=SYMBOLS, **recorded):
    return run_book(tape.numbered, symbols, WINDOW, **recorded)


def touches(tape: Tape, **recorded):
    """Return the quotes as (sequence, symbol, bid, shares, ask, shares, reasons)."""
    return [
        (q.sequence, q.symbol, q.bid, q.bid_shares, q.ask, q.ask_shares, q.reasons)
        for q in run(tape, **recorded).quotes
    ]


def brief(rows):
    return [
        (r.message, r.symbol, r.bid, r.bid_shares, r.ask, r.ask_shares, r.trusted) for r in rows
    ]


def test_orders_join_and_leave_their_levels():
    tape = Tape()
    tape.add(X, 1, "B", 100, 100_500)  # best bid 10.05
    tape.add_attributed(X, 2, "B", 50, 100_500)  # the level has 150
    tape.add(X, 3, "S", 70, 100_900)
    tape.add(X, 4, "B", 10, 100_100)  # behind the best: no quote
    tape.execute(X, 1, 40)  # 110
    tape.execute_at(X, 2, 20, 100_600)  # 90: at its own price
    tape.cancel(X, 1, 60)  # the rest of order 1: 30
    tape.delete(X, 2)  # the level is empty
    tape.replace(X, 3, 5, 80, 100_800)
    tape.cancel(X, 5, 0)  # nothing
    assert touches(tape) == [
        (1, 0, 100_500, 100, 0, 0, 0),
        (2, 0, 100_500, 150, 0, 0, 0),
        (3, 0, 100_500, 150, 100_900, 70, 0),
        (5, 0, 100_500, 110, 100_900, 70, 0),
        (6, 0, 100_500, 90, 100_900, 70, 0),
        (7, 0, 100_500, 30, 100_900, 70, 0),
        (8, 0, 100_100, 10, 100_900, 70, 0),
        (9, 0, 100_100, 10, 100_800, 80, 0),
    ]


def test_fine_ticks_are_prices():
    tape = Tape()
    tape.add(Y, 1, "B", 7, 20_003)
    tape.add(Y, 2, "S", 8, 20_015)
    assert touches(tape) == [(1, 1, 20_003, 7, 0, 0, 0), (2, 1, 20_003, 7, 20_015, 8, 0)]


def test_a_replace_publishes_once_and_may_keep_its_reference():
    tape = Tape()
    tape.add(X, 1, "B", 100, 100_500)
    tape.add(X, 2, "B", 10, 100_400)
    tape.replace(X, 1, 1, 60, 100_700)  # not seen: the bid at 10.04
    assert touches(tape)[1:] == [(3, 0, 100_700, 60, 0, 0, 0)]


def test_a_crossed_book_is_published_as_it_is():
    tape = Tape()
    tape.add(X, 1, "B", 100, 100_900)
    tape.add(X, 2, "S", 50, 100_400)
    assert touches(tape)[-1] == (2, 0, 100_900, 100, 100_400, 50, 0)


REASONS = [
    ("unknown_reference", lambda tape: tape.execute(X, 99, 1)),
    ("unknown_reference", lambda tape: tape.execute_at(X, 99, 1, 100_500)),
    ("unknown_reference", lambda tape: tape.cancel(X, 99, 1)),
    ("unknown_reference", lambda tape: tape.delete(X, 99)),
    ("unknown_reference", lambda tape: tape.replace(X, 99, 100, 5, 100_600)),
    ("duplicate_reference", lambda tape: tape.add(X, 1, "B", 5, 100_600)),
    ("duplicate_reference", lambda tape: tape.add_attributed(X, 2, "S", 5, 100_600)),
    ("quantity", lambda tape: tape.add(X, 3, "B", 0, 100_600)),
    ("price", lambda tape: tape.add(X, 3, "B", 5, 100_650)),
    ("directory", lambda tape: tape.directory(7, "X")),
    ("directory", lambda tape: tape.directory(X, "OTHER")),
]


@pytest.mark.parametrize(("reason", "cause"), REASONS, ids=lambda case: str(case)[:20])
def test_a_reason_sticks_and_changes_nothing_else(reason, cause):
    tape = Tape()
    tape.add(X, 1, "B", 100, 100_500)
    tape.add(Y, 2, "B", 100, 20_005)
    cause(tape)
    tape.add(X, 4, "S", 30, 100_900)
    assert touches(tape)[2:] == [
        (3, 0, 100_500, 100, 0, 0, bit(reason)),
        (4, 0, 100_500, 100, 100_900, 30, bit(reason)),
    ]


@pytest.mark.parametrize("operation", ["execute", "cancel"])
def test_more_than_rests_takes_all_and_sets_quantity(operation):
    tape = Tape()
    tape.add(X, 1, "B", 100, 100_500)
    getattr(tape, operation)(X, 1, 101)
    tape.delete(X, 1)  # gone
    assert touches(tape)[1:] == [
        (2, 0, 0, 0, 0, 0, bit("quantity")),
        (3, 0, 0, 0, 0, 0, bit("quantity", "unknown_reference")),
    ]


def test_a_level_beyond_32_bits_wraps_and_sets_quantity():
    tape = Tape()
    tape.add(X, 1, "B", 0xFFFF_FFFF, 100_500)
    tape.add(X, 2, "B", 1, 100_500)  # 2^32: 0, with two orders
    tape.add(X, 3, "B", 5, 100_500)  # 5
    tape.delete(X, 1)  # 6
    assert touches(tape) == [
        (1, 0, 100_500, 0xFFFF_FFFF, 0, 0, 0),
        (2, 0, 100_500, 0, 0, 0, bit("quantity")),
        (3, 0, 100_500, 5, 0, 0, bit("quantity")),
        (4, 0, 100_500, 6, 0, 0, bit("quantity")),
    ]


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(lambda tape: tape.execute(X, 2, 1), id="E"),
        pytest.param(lambda tape: tape.cancel(X, 2, 1), id="X"),
        pytest.param(lambda tape: tape.delete(X, 2), id="D"),
        pytest.param(lambda tape: tape.replace(X, 2, 3, 5, 100_600), id="U"),
    ],
)
def test_a_mismatch_publishes_both_that_of_the_event_first(cause):
    tape = Tape()
    tape.add(X, 1, "B", 100, 100_500)
    tape.add(Y, 2, "B", 100, 20_005)
    cause(tape)  # by X, on an order of Y
    tape.cancel(Y, 2, 1)  # untouched: 99 remain
    assert touches(tape)[2:] == [
        (3, 0, 100_500, 100, 0, 0, bit("mismatch")),
        (3, 1, 20_005, 100, 0, 0, bit("mismatch")),
        (4, 1, 20_005, 99, 0, 0, bit("mismatch")),
    ]
    assert len({quote.feed_ns for quote in run(tape).quotes[2:4]}) == 1


def test_a_mismatch_is_published_downwards_too_and_its_rows_are_by_index():
    tape = Tape()
    tape.add(X, 1, "B", 100, 100_500)
    tape.delete(Y, 1)
    out = run(tape)
    assert [(quote.symbol, quote.reasons) for quote in out.quotes[1:]] == [
        (1, bit("mismatch")),
        (0, bit("mismatch")),
    ]
    assert brief(out.rows)[1:] == [(2, 0, 100_500, 100, 0, 0, 0), (2, 1, 0, 0, 0, 0, 0)]


def test_a_mismatch_publishes_no_quote_that_does_not_differ():
    tape = Tape()
    tape.add(X, 1, "B", 100, 100_500)
    tape.add(Y, 2, "B", 100, 20_005)
    for _ in range(2):
        tape.delete(X, 2)
    assert [quote[:2] for quote in touches(tape)[2:]] == [(3, 0), (3, 1)]
    # Where only one of the two differs, it is published alone.
    symbols = (*SYMBOLS, SymbolSetup(name="Z", locate=7, base_tick=1000))
    tape.add(7, 3, "S", 5, 100_000)
    tape.execute(X, 3, 1)
    assert [quote[:2] for quote in touches(tape, symbols=symbols)[4:]] == [(5, 2), (6, 2)]


def test_a_mismatch_publishes_what_the_other_symbol_had_not_yet_shown():
    tape = Tape()
    tape.add(X, 1, "B", 100, 100_500)
    tape.delete(Y, 1)
    gap = Trust(2, bit("gap"), 7, 9)
    found = [quote[-1] for quote in touches(tape, trusts=[gap])]
    assert found == [0, bit("gap", "mismatch"), bit("gap", "mismatch")]


def test_a_duplicate_of_another_symbol_concerns_only_the_event():
    tape = Tape()
    tape.add(Y, 2, "B", 100, 20_005)
    tape.add(X, 2, "B", 7, 100_500)
    tape.cancel(Y, 2, 1)
    assert touches(tape)[1:] == [
        (2, 0, 0, 0, 0, 0, bit("duplicate_reference")),
        (3, 1, 20_005, 99, 0, 0, 0),
    ]


def test_the_new_half_of_a_replace_may_fail_alone():
    tape = Tape()
    tape.add(X, 1, "B", 100, 100_500)
    tape.add(X, 2, "B", 10, 100_400)
    tape.replace(X, 1, 2, 60, 100_700)  # 2 is in the table; 1 has left
    tape.add(X, 1, "B", 5, 100_600)  # so 1 may join again
    tape.replace(X, 1, 3, 0, 100_600)  # no shares
    assert touches(tape)[1:] == [
        (3, 0, 100_400, 10, 0, 0, bit("duplicate_reference")),
        (4, 0, 100_600, 5, 0, 0, bit("duplicate_reference")),
        (5, 0, 100_400, 10, 0, 0, bit("duplicate_reference", "quantity")),
    ]


def test_checks_of_an_add_come_in_their_order():
    # A reference in the table, 0 shares, off the grid: only the first is set; then the second.
    tape = Tape()
    tape.add(X, 1, "B", 100, 100_500)
    tape.add(X, 1, "B", 0, 100_550)
    tape.add(X, 2, "B", 0, 100_550)
    found = [quote[-1] for quote in touches(tape)]
    assert found == [0, bit("duplicate_reference"), bit("duplicate_reference", "quantity")]


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        pytest.param(100_000, (100_000, 5, 0), id="lowest-tick"),
        pytest.param(101_500, (101_500, 5, 0), id="highest-tick"),
        pytest.param(99_999, (0, 0, bit("window")), id="just-below-and-off-the-grid"),
        pytest.param(101_599, (0, 0, bit("price")), id="last-of-the-window-off-the-grid"),
        pytest.param(101_600, (0, 0, bit("window")), id="first-above"),
        pytest.param(0xFFFF_FFFF, (0, 0, bit("window")), id="dearest-of-all"),
        pytest.param(0, (0, 0, bit("window")), id="free"),
    ],
)
def test_a_bid_at_an_end_of_the_window(price, shown):
    tape = Tape()
    tape.add(X, 1, "B", 5, price)
    assert touches(tape) == [(1, 0, *shown[:2], 0, 0, shown[2])]


def test_a_tick_beyond_25_bits_is_kept_as_the_highest():
    # With ticks of 1/10000 dollar 2^25 - 1 is 3,355.4431 dollars; a bid far above hides the side.
    tape = Tape()
    tape.add(Y, 1, "B", 5, 20_001)
    tape.add(Y, 2, "B", 5, 4_000_000_000)
    tape.delete(Y, 2)
    assert touches(tape) == [
        (1, 1, 20_001, 5, 0, 0, 0),
        (2, 1, 0, 0, 0, 0, bit("window")),
        (3, 1, 20_001, 5, 0, 0, 0),
    ]


def test_window_comes_and_goes_with_the_touch():
    tape = Tape()
    tape.add(X, 1, "S", 5, 90_000)  # ask below the window: hidden
    tape.add(X, 2, "S", 6, 100_200)  # still hidden
    tape.execute(X, 1, 5)  # shown
    tape.add(X, 3, "S", 7, 200_000)  # on the worse side: no matter
    tape.delete(X, 2)  # the window is empty, one lies above: hidden
    tape.delete(X, 3)  # empty, and known to be
    assert touches(tape) == [
        (1, 0, 0, 0, 0, 0, bit("window")),
        (3, 0, 0, 0, 100_200, 6, 0),
        (5, 0, 0, 0, 0, 0, bit("window")),
        (6, 0, 0, 0, 0, 0, 0),
    ]


def test_bids_hide_the_other_way_round():
    tape = Tape()
    tape.add(X, 1, "B", 5, 90_000)  # below: the window is empty
    tape.add(X, 2, "B", 6, 100_200)  # shown; one below is no matter
    tape.add(X, 3, "B", 7, 200_000)  # above: hidden
    tape.cancel(X, 3, 2)  # an order outside may change without a quote
    tape.delete(X, 3)
    assert touches(tape) == [
        (1, 0, 0, 0, 0, 0, bit("window")),
        (2, 0, 100_200, 6, 0, 0, 0),
        (3, 0, 0, 0, 0, 0, bit("window")),
        (5, 0, 100_200, 6, 0, 0, 0),
    ]


def test_status_is_part_of_the_quote():
    tape = Tape()
    tape.status(X, "T")  # as the host set it: no quote
    tape.status(Y, "Q")
    tape.status(X, "H")
    tape.status(X, "H")
    found = [(q.sequence, q.symbol, q.status) for q in run(tape).quotes]
    assert found == [(2, 1, ord("Q")), (3, 0, ord("H"))]
    assert run(tape).rows == []


def test_only_messages_of_right_length_and_watched_locates_count():
    tape = Tape()
    tape.add(7, 1, "B", 5, 100_500)
    tape.take(b"A" + X.to_bytes(2, "big") + bytes(34))  # 37 bytes: skipped
    tape.take(b"?" + X.to_bytes(2, "big") + bytes(20))
    assert run(tape).events == []


# The locate map.

NAMED = (SymbolSetup(name="X", base_tick=1000), SymbolSetup(name="Y", base_tick=1000))


def test_r_maps_from_the_next_message_on():
    tape = Tape()
    tape.add(X, 1, "B", 5, 100_500)  # not mapped yet
    tape.directory(X, "X")
    tape.directory(X, "X")  # again: nothing
    tape.directory(9, "Z")  # nobody's
    tape.add(X, 2, "B", 6, 100_600)
    assert touches(tape, symbols=NAMED) == [(5, 0, 100_600, 6, 0, 0, 0)]


def test_r_on_anothers_locate_concerns_both_named_first():
    tape = Tape()
    tape.directory(X, "X")
    tape.directory(Y, "Y")
    tape.directory(X, "Y")  # Y named, X mapped
    tape.add(X, 1, "B", 5, 100_500)  # the map is as it was
    found = touches(tape, symbols=NAMED)
    assert found == [
        (3, 1, 0, 0, 0, 0, bit("directory")),
        (3, 0, 0, 0, 0, 0, bit("directory")),
        (4, 0, 100_500, 5, 0, 0, bit("directory")),
    ]
    rows = run(tape, symbols=NAMED).rows  # in the order of indices
    assert brief(rows)[:2] == [(3, 0, 0, 0, 0, 0, 0), (3, 1, 0, 0, 0, 0, 0)]


def test_r_of_an_unmapped_symbol_on_anothers_locate_concerns_both():
    tape = Tape()
    tape.directory(X, "X")
    tape.directory(X, "Y")
    tape.directory(Y, "Y")  # Y is still free to be mapped
    tape.add(Y, 1, "B", 5, 100_500)
    assert [quote[:2] for quote in touches(tape, symbols=NAMED)] == [(2, 1), (2, 0), (4, 1)]


def test_a_second_locate_is_a_contradiction():
    tape = Tape()
    tape.directory(X, "X")
    tape.directory(9, "X")
    tape.add(9, 1, "B", 5, 100_500)  # not mapped
    assert touches(tape, symbols=NAMED) == [(2, 0, 0, 0, 0, 0, bit("directory"))]


def test_an_unwatched_name_on_a_mapped_locate_is_a_contradiction():
    tape = Tape()
    tape.directory(X, "X")
    tape.directory(X, "ZZZ")
    assert touches(tape, symbols=NAMED) == [(2, 0, 0, 0, 0, 0, bit("directory"))]


# What the card records.


def test_a_trust_record_sets_all_and_is_published_by_the_next_event():
    tape = Tape()
    tape.add(X, 1, "B", 5, 100_500)
    gap = Trust(2, bit("gap"), 7, 9)
    tape.add(X, 2, "B", 6, 100_600)
    tape.add(Y, 3, "B", 6, 20_001)
    out = run(tape, trusts=[gap])
    assert [type(event).__name__ for event in out.events] == ["Quote", "Trust", "Quote", "Quote"]
    assert [quote.reasons for quote in out.quotes] == [0, bit("gap"), bit("gap")]
    # The record gives rows of both symbols, before the row of the message itself.
    assert brief(out.rows) == [
        (1, 0, 100_500, 5, 0, 0, 1),
        (2, 0, 100_500, 5, 0, 0, 0),
        (2, 1, 0, 0, 0, 0, 0),
        (2, 0, 100_600, 6, 0, 0, 0),
        (3, 1, 20_001, 6, 0, 0, 0),
    ]


def test_a_trust_record_gives_no_row_to_the_untrusted():
    tape = Tape()
    tape.add(X, 1, "B", 5, 200_000)  # window
    tape.add(X, 2, "S", 5, 100_500)
    out = run(tape, trusts=[Trust(2, bit("fault")), Trust(3, bit("gap"))])
    assert brief(out.rows) == [
        (1, 0, 0, 0, 0, 0, 0),
        (2, 1, 0, 0, 0, 0, 0),
        (2, 0, 0, 0, 100_500, 5, 0),
    ]
    assert out.rows[-1].reasons == bit("window", "fault")


def test_a_trust_record_behind_the_last_message():
    tape = Tape(now_ns=77, step_ns=0)
    tape.add(X, 1, "B", 5, 100_500)
    out = run(tape, trusts=[Trust(4, bit("gap"), 2, 3)])
    assert [(r.message, r.timestamp_ns, r.symbol, r.sequence, r.reasons) for r in out.rows] == [
        (1, 77, 0, 1, 0),
        (2, 77, 0, 4, bit("gap")),
        (2, 77, 1, 4, bit("gap")),
    ]


def test_a_dropped_event_has_no_effect_but_its_trust_record():
    tape = Tape()
    tape.add(X, 1, "B", 5, 100_500)
    tape.add(X, 2, "B", 6, 100_600)
    tape.cancel(X, 1, 1)
    dropped = [Overflow(2, 1)]
    out = run(tape, overflows=dropped)
    assert out.events[1] == Trust(2, bit("overflow"))
    assert touches(tape, overflows=dropped) == [
        (1, 0, 100_500, 5, 0, 0, 0),
        (3, 0, 100_500, 4, 0, 0, bit("overflow")),
    ]
    assert [(row.message, row.symbol) for row in out.rows] == [(1, 0), (2, 0), (2, 1), (3, 0)]


def test_dropped_events_that_share_a_record_have_no_effect_at_all():
    tape = Tape()
    tape.add(X, 1, "B", 5, 100_500)
    tape.add(X, 2, "B", 6, 100_600)  # dropped, with the record
    tape.directory(9, "ZZZ")  # no event
    tape.add(X, 3, "B", 7, 100_700)  # dropped: shares it
    tape.add(Y, 4, "B", 8, 20_001)  # so does the event of another
    tape.cancel(X, 1, 1)
    tape.delete(X, 3)  # dropped again, with a record of its own
    dropped = [Overflow(2, 1), Overflow(4, 0), Overflow(5, 0), Overflow(7, 1)]
    out = run(tape, overflows=dropped)
    assert [event[:1] for event in out.events] == [(1,), (2,), (6,), (7,)]
    assert out.trusts == [Trust(2, bit("overflow")), Trust(7, bit("overflow"))]
    assert [(row.message, row.symbol) for row in out.rows] == [(1, 0), (2, 0), (2, 1), (6, 0)]


def test_a_record_that_met_a_full_queue_too_is_one_with_the_overflow():
    tape = Tape()
    tape.add(X, 1, "B", 5, 100_500)
    tape.add(X, 2, "B", 6, 100_600)
    tape.cancel(X, 1, 1)
    both = Trust(2, bit("gap", "overflow"), 2, 2)
    out = run(tape, trusts=[both], overflows=[Overflow(2, 1)])
    assert [event[:1] for event in out.events] == [(1,), (2,), (3,)]
    assert out.trusts == [both]
    assert out.quotes[-1].reasons == bit("gap", "overflow")


def test_an_overflow_may_be_told_by_the_record_of_an_earlier_message():
    tape = Tape()
    tape.add(X, 1, "B", 5, 100_500)
    tape.directory(9, "ZZZ")  # no event
    tape.add(X, 2, "B", 6, 100_600)
    tape.cancel(X, 1, 1)
    tape.add(X, 3, "B", 7, 100_700)  # the next one has a record of its own
    both = Trust(2, bit("fault", "overflow"))
    out = run(tape, trusts=[both], overflows=[Overflow(3, 1), Overflow(5, 1)])
    assert [event[:1] for event in out.events] == [(1,), (2,), (4,), (5,)]
    assert out.trusts == [both, Trust(5, bit("overflow"))]
    assert [(row.message, row.symbol) for row in out.rows] == [(1, 0), (2, 0), (2, 1), (4, 0)]


def test_an_add_without_a_way_is_not_kept():
    tape = Tape()
    tape.add(X, 1, "B", 5, 100_500)
    tape.add(X, 2, "B", 6, 100_600)
    tape.replace(X, 1, 3, 7, 100_700)
    tape.delete(X, 2)
    assert touches(tape, capacities=[2, 3]) == [
        (1, 0, 100_500, 5, 0, 0, 0),
        (2, 0, 100_500, 5, 0, 0, bit("capacity")),
        (3, 0, 0, 0, 0, 0, bit("capacity")),
        (4, 0, 0, 0, 0, 0, bit("capacity", "unknown_reference")),
    ]


@pytest.mark.parametrize(
    "recorded",
    [
        pytest.param({"overflows": [Overflow(1, 1)]}, id="no-event-to-drop"),
        pytest.param({"overflows": [Overflow(2, 0)]}, id="no-record-to-share"),
        pytest.param({"overflows": [Overflow(2, 1), Overflow(4, 0)]}, id="not-full-between"),
        pytest.param({"trusts": [Trust(2, bit("fault", "overflow"))]}, id="none-dropped"),
        pytest.param({"capacities": [1]}, id="no-add"),
    ],
)
def test_a_record_that_cannot_be_is_refused(recorded):
    tape = Tape()
    tape.directory(9, "ZZZ")
    for _ in range(3):
        tape.status(X, "H")
    with pytest.raises(OracleError):
        run(tape, **recorded)


def test_a_moved_window_is_a_reason():
    out = run(Tape())
    out.book.configured(1)
    tape = Tape()
    tape.status(Y, "T")
    (quote,) = out.book.message(tape.messages[0], 1)
    assert (quote.symbol, quote.reasons) == (1, bit("configured"))


def test_one_row_a_message_though_both_sides_change():
    tape = Tape()
    tape.add(X, 1, "B", 5, 100_500)
    tape.add(X, 2, "S", 5, 100_700)
    tape.status(X, "H")  # no row: status is not in the file
    assert [(row.message, row.bid, row.ask) for row in run(tape).rows] == [
        (1, 100_500, 0),
        (2, 100_500, 100_700),
    ]
