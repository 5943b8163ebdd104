"""The queue keeps the order of what the feed says, and loses nothing without telling."""

import random

import pytest

from tickwright.book.operations import OperationKind
from tickwright.book.pace import OperationPacer
from tickwright.book.queue import EventQueue
from tickwright.feed.types import BookOp, Reason
from tickwright.top.presets import Preset

SMALL = Preset(
    name="small",
    symbols=4,
    orders=64,
    window=32,
    pairs=4,
    fanout=2,
    hold=16,
    queue=8,
    slots=8,
)
ROOM = 6  # events that may wait
OVERFLOW = Reason.OVERFLOW.value
GAP, FAULT = Reason.GAP.value, Reason.FAULT.value


async def say(ctx, dut, word, sequence):
    """Say one word to the queue: e(vent), s(tatus), g(ap), d(irectory) or nothing."""
    name = {"e": "events", "s": "statuses", "g": "trusts", "f": "trusts", "d": "trusts"}.get(word)
    for each in ("events", "statuses", "trusts"):
        ctx.set(getattr(dut, each).valid, each == name)
    cause = {"sequence": sequence}
    if word == "e":
        ones = dict.fromkeys(("reference", "new_reference", "shares", "price"), -1)
        ctx.set(dut.events.payload, {"op": BookOp.DELETE, **ones, "cause": cause})
    elif word == "s":
        ctx.set(dut.statuses.payload, {"symbol": 1, "status": ord("T"), "cause": cause})
    elif word == "d":
        ctx.set(dut.trusts.payload, {"symbol": 2, "reasons": Reason.DIRECTORY, "cause": cause})
    elif word:
        trust = {"all": 1, "reasons": {"g": GAP, "f": FAULT}[word], "cause": cause}
        lost = {"first": 100 * sequence, "last": 100 * sequence + 5} if word == "g" else {}
        ctx.set(dut.trusts.payload, {**trust, **lost})


def told(operation):
    """Give an operation as its kind, its sequence, and the reasons it brings."""
    kind = operation.kind
    brings = kind in (OperationKind.TRUST, OperationKind.TAINT)
    reasons = int(operation.detail.trust.reasons) if brings else 0
    return kind, int(operation.cause.sequence), reasons


def told_lost(operation):
    """Give a record as its sequence, whether it has reason `gap`, and the range it says is lost."""
    trust = operation.detail.trust
    gap = int(trust.reasons) & GAP
    return int(operation.cause.sequence), gap, int(trust.first), int(trust.last)


def converse(simulate, words, takes, told=told):
    """Say words to the queue, one a cycle; ``takes`` says in which cycles the book is ready.

    The tables are cleared where ``takes`` has another character than a blank, in which the book is
    ready in vain. ``told`` says how each operation is given.
    """
    dut = EventQueue(SMALL)
    taken, overflows = [], []

    async def bench(ctx):
        for cycle, (word, take) in enumerate(zip(words.ljust(len(takes)), takes, strict=True)):
            await say(ctx, dut, word.strip(), cycle)
            ctx.set(dut.cleared, take != " ")
            ctx.set(dut.operations.ready, take != "0")
            await ctx.delay(1e-10)
            if ctx.get(dut.operations.valid) and take != "0":
                taken.append((cycle, *told(ctx.get(dut.operations.payload))))
            if ctx.get(dut.overflows.valid):
                refused = ctx.get(dut.overflows.payload)
                overflows.append((cycle, refused.sequence, refused.marked))
            await ctx.tick()

    simulate(dut, bench)
    return taken, overflows


DELETE, STATUS = OperationKind.DELETE, OperationKind.STATUS
TRUST, TAINT = OperationKind.TRUST, OperationKind.TAINT
DIRECTORY = Reason.DIRECTORY.value


def test_passes_on_at_once_what_finds_nothing_waiting(simulate):
    taken, overflows = converse(simulate, "e sgd", "111111")
    assert taken == [
        (0, DELETE, 0, 0),
        (2, STATUS, 2, 0),
        (3, TAINT, 3, GAP),
        (4, TRUST, 4, DIRECTORY),
    ]
    assert not overflows


def test_keeps_the_order_of_what_waits(simulate):
    taken, overflows = converse(simulate, "esgde", "000010111110")
    assert [(cycle, sequence) for cycle, _, sequence, _ in taken] == [
        (4, 0),
        (6, 1),
        (7, 2),
        (8, 3),
        (9, 4),
    ]
    assert not overflows


def test_a_record_stands_in_the_place_of_the_first_event_refused(simulate):
    words = "e" * ROOM + "ese"
    taken, overflows = converse(simulate, words, "0" * len(words) + "1" * 9)
    assert [kind for _, kind, _, _ in taken] == [DELETE] * ROOM + [TAINT]
    assert taken[-1][2:] == (ROOM, OVERFLOW)
    assert overflows == [(ROOM + 1, ROOM, 1), (ROOM + 2, ROOM + 1, 0), (ROOM + 3, ROOM + 2, 0)]


def test_events_are_refused_until_the_queue_is_half_empty(simulate):
    # Seven wait after the first refusal; four are left after three are taken.
    words = "e" * (ROOM + 1) + "   eee"
    taken, overflows = converse(simulate, words, "0" * (ROOM + 1) + "111000" + "1" * 12)
    assert [told_ for _, *told_ in overflows] == [[ROOM, 1], [ROOM + 4, 0]]
    assert [sequence for _, kind, sequence, _ in taken if kind == TAINT] == [ROOM]
    assert [sequence for *_, sequence, _ in taken] == [*range(ROOM + 1), 11, 12]


def test_each_run_of_refused_events_has_its_record(simulate):
    words = "e" * (ROOM + 2) + " " * 12 + "e" * (ROOM + 1)
    takes = "0" * (ROOM + 2) + "1" * 12 + "0" * (ROOM + 1) + "1" * 12
    taken, overflows = converse(simulate, words, takes)
    assert [sequence for _, kind, sequence, _ in taken if kind == TAINT] == [ROOM, 26]
    assert [told_ for _, *told_ in overflows] == [[ROOM, 1], [ROOM + 1, 0], [26, 1]]


def test_trust_records_have_room_when_events_have_none(simulate):
    words = "e" * ROOM + "gd"
    taken, overflows = converse(simulate, words, "0" * len(words) + "1" * 9)
    assert [told_ for _, *told_ in taken[ROOM:]] == [[TAINT, 6, GAP], [TRUST, 7, DIRECTORY]]
    assert not overflows


@pytest.mark.parametrize(
    ("late", "records", "lost"),
    [
        pytest.param("f", [(TAINT, 8, FAULT)], [], id="one-waits-beside-the-queue"),
        pytest.param("d", [(TRUST, 8, DIRECTORY)], [], id="one-keeps-its-scope"),
        pytest.param("fdg", [(TAINT, 8, FAULT | DIRECTORY | GAP)], [], id="several-are-merged"),
        pytest.param("de", [(TAINT, 8, DIRECTORY | OVERFLOW)], [(9, 1)], id="with-a-refused-event"),
        pytest.param(
            "ese", [(TAINT, 8, OVERFLOW)], [(8, 1), (9, 0), (10, 0)], id="refused-events-alone"
        ),
    ],
)
def test_no_trust_record_is_lost_where_all_of_the_queue_is_taken(simulate, late, records, lost):
    words = "g" * 8 + late
    taken, overflows = converse(simulate, words, "0" * len(words) + "1" * 12)
    assert [tuple(told_) for _, *told_ in taken[8:]] == records
    assert [tuple(told_) for _, *told_ in overflows] == lost


@pytest.mark.parametrize(
    ("late", "lost"),
    [
        pytest.param("g", (800, 805), id="alone"),
        pytest.param("f", (0, 0), id="none"),
        pytest.param("fd", (0, 0), id="none-of-two"),
        pytest.param("gf", (800, 805), id="the-first-has-it"),
        pytest.param("ge", (800, 805), id="the-first-has-it-and-events-follow"),
        pytest.param("fg", (900, 905), id="the-later-has-it"),
        pytest.param("eg", (900, 905), id="behind-a-refused-event"),
        pytest.param("dfgd", (1000, 1005), id="between-others"),
        pytest.param("gg", (800, 905), id="both-have-it"),
        pytest.param("fgeg", (900, 1105), id="from-the-first-to-the-last"),
    ],
)
def test_merged_records_have_a_lost_range_as_they_have_reason_gap(simulate, late, lost):
    words = "f" * 8 + late
    taken, _ = converse(simulate, words, "0" * len(words) + "1" * 12, told=told_lost)
    assert [found for _, *found in taken[:8]] == [[sequence, 0, 0, 0] for sequence in range(8)]
    assert [found for _, *found in taken[8:]] == [[8, int("g" in late), *lost]]


def test_a_record_that_comes_while_another_leaves_the_side_place_follows_it(simulate):
    #              8 fill the queue, one waits beside it, and one comes when there is room again
    taken, _ = converse(simulate, "g" * 8 + "f d", "0" * 9 + "1" * 14)
    assert [tuple(told_) for _, *told_ in taken[8:]] == [(TAINT, 8, FAULT), (TRUST, 10, DIRECTORY)]


def test_nothing_leaves_before_the_tables_are_cleared(simulate):
    taken, overflows = converse(simulate, "egs" + " " * 5 + "e", "   " + "  11111")
    assert [told_ for _, *told_ in taken] == [[TAINT, 0, OVERFLOW], [TAINT, 1, GAP], [DELETE, 8, 0]]
    assert [told_ for _, *told_ in overflows] == [[0, 1], [2, 0]]


def all_told(operation):
    """Give what an operation is, and of a record what it says."""
    kind, sequence, reasons = told(operation)
    return kind, sequence, reasons, *(told_lost(operation)[2:] if reasons else (0, 0))


def foretold(words, takes):
    """Give what a queue does that is two lists, one of them for what waits beside the other."""
    room, waiting, late, dropping = SMALL.queue, [], [], False
    taken, overflows = [], []
    for cycle, (word, take) in enumerate(zip(words, takes, strict=True)):
        arriving = {
            "e": [(DELETE, cycle, 0, 0, 0)],
            "s": [(STATUS, cycle, 0, 0, 0)],
            "d": [(TRUST, cycle, DIRECTORY, 0, 0)],
            "f": [(TAINT, cycle, FAULT, 0, 0)],
            "g": [(TAINT, cycle, GAP, 100 * cycle, 100 * cycle + 5)],
            " ": [],
        }[word]
        free = [None] * (room - len(waiting))
        resumes = take != " " and dropping and not late and len(waiting) <= room // 2
        if word in "es" and (take == " " or dropping or late or len(free) <= room - ROOM):
            overflows.append((cycle + 1, cycle, int(not dropping)))
            arriving = [] if dropping else [(TAINT, cycle, OVERFLOW, 0, 0)]
            dropping = True
        dropping &= not resumes
        if take == "1" and (waiting or arriving):
            first, *rest = waiting + (arriving if not waiting else [])
            taken.append((cycle, *first))
            waiting, arriving = (rest, arriving) if waiting else (rest, [])
        if late and free:
            waiting, late = waiting + late, []
        elif arriving and free:
            waiting, arriving = waiting + arriving, []
        if late and arriving:
            (_, sequence, reasons, first, last), (*_, more, begin, end) = *late, *arriving
            first, last = (first, end) if reasons & more & GAP else (first or begin, last or end)
            late = [(TAINT, sequence, reasons | more, first, last)]
        elif arriving:
            late = arriving
    return taken, overflows


@pytest.mark.parametrize("seed", range(4))
def test_does_as_two_lists_do(simulate, seed):
    rng = random.Random(seed)
    words, takes = "", rng.choice(["", " " * 20])
    while len(words) < 600:
        words += "".join(rng.choices(" esdfg", [rng.choice([1, 8]), 4, 1, 1, 1, 1], k=40))
    while len(takes) < len(words):
        takes += "".join(rng.choices("01", [rng.choice([1, 4, 16]), 2], k=40))
    words, takes = words + " " * 40, takes[: len(words)] + "1" * 40
    taken, overflows = foretold(words, takes)
    assert converse(simulate, words, takes, told=all_told) == (taken, overflows)
    assert len(overflows) > 20
    assert any(kind == TAINT and reasons & reasons - 1 for _, kind, _, reasons, *_ in taken)


# --- the pacer


def test_operations_are_two_cycles_apart_and_a_replace_is_two(simulate):
    dut = OperationPacer(SMALL)
    kinds = [OperationKind.ADD, OperationKind.REPLACE, OperationKind.STATUS, OperationKind.REPLACE]
    issued, taken = [], []

    async def source(ctx):
        ctx.set(dut.waiting.valid, 1)
        for number, kind in enumerate(kinds):
            order = {"reference": number, "new_reference": 100 + number, "shares": 7}
            ctx.set(dut.waiting.payload, {"kind": kind, "detail": {"order": order}})
            await ctx.tick().until(dut.waiting.ready)
        ctx.set(dut.waiting.valid, 0)

    async def sink(ctx):
        for cycle in range(16):
            await ctx.delay(1e-10)
            if ctx.get(dut.operations.valid):
                operation = ctx.get(dut.operations.payload)
                order = operation.detail.order
                issued.append((cycle, operation.kind, operation.half, order.reference))
                assert order.shares == 7
                if ctx.get(dut.waiting.ready):
                    taken.append(cycle)
            await ctx.tick()

    simulate(dut, source, sink)
    assert issued == [
        (0, OperationKind.ADD, 0, 0),
        (2, OperationKind.DELETE, 1, 1),
        (4, OperationKind.ADD, 1, 101),
        (6, OperationKind.STATUS, 0, 2),
        (8, OperationKind.DELETE, 1, 3),
        (10, OperationKind.ADD, 1, 103),
    ]
    assert taken == [0, 4, 6, 10]
