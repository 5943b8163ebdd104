"""The oracle of the arbiter does what section 3 says, by cases worked out by hand."""

import pytest
from oracle.arbiter import Datagram, arbitrate, cut, udp_payload
from oracle.book import Trust, bit

HOLD_NS = 100
RING = 4


def message(sequence: int, line: str = "a") -> bytes:
    return f"{sequence}{line}".encode().ljust(12)


def datagram(at_ns: int, *sequences: int, line: str = "a") -> Datagram:
    """Return a datagram of messages that follow one another."""
    return Datagram(at_ns, sequences[0], tuple(message(number, line) for number in sequences))


def heartbeat(at_ns: int, sequence: int) -> Datagram:
    return Datagram(at_ns, sequence, heartbeat=True)


def gap(first: int, last: int) -> Trust:
    return Trust(last + 1, bit("gap"), first, last)


def run(*datagrams: Datagram, **options):
    return arbitrate(datagrams, hold_ns=HOLD_NS, ring=RING, **options)


def sequences(out) -> list[int]:
    return [sequence for _, sequence in out.delivered]


def test_the_first_copy_is_delivered():
    out = run(datagram(0, 1, 2), datagram(1, 1, 2, 3, line="b"), datagram(2, 3))
    assert out.delivered == [(message(1), 1), (message(2), 2), (message(3, "b"), 3)]
    assert (out.duplicates, out.trusts) == (3, [])


def test_the_other_line_fills_a_hole():
    # 3 waits for 2; 5 is beyond: 5 < 2 + 4, so it waits too.
    out = run(datagram(0, 1), datagram(1, 3), datagram(2, 5), datagram(101 - 1, 2, 3, 4, line="b"))
    assert sequences(out) == [1, 2, 3, 4, 5]
    assert out.delivered[2] == (message(3), 3)  # the copy that was held
    assert (out.duplicates, out.trusts) == (1, [])


def test_a_copy_of_what_is_held_is_dropped():
    out = run(datagram(0, 2), datagram(1, 2, line="b"), datagram(2, 1))
    assert out.delivered == [(message(1), 1), (message(2), 2)]
    assert out.duplicates == 1


def test_a_gap_is_declared_after_the_hold_time():
    # Open since 10, declared at 110: what comes at 115 is too late.
    out = run(datagram(0, 1), datagram(10, 4), datagram(115, 2, 3, 4, 5, line="b"))
    assert sequences(out) == [1, 4, 5]
    assert out.trusts == [gap(2, 3)]
    assert out.duplicates == 3


def test_a_gap_is_not_declared_before():
    out = run(datagram(0, 1), datagram(10, 4), datagram(109, 2, 3, line="b"))
    assert sequences(out) == [1, 2, 3, 4]
    assert out.trusts == []


def test_the_last_of_a_gap_is_before_the_lowest_held():
    # Held: 3 and 5. At 110 the gap 1..2 is declared, 3 drains, then 4 is open from 110 to 210.
    out = run(datagram(10, 3), datagram(50, 5), datagram(205, 4), until_ns=1000, expected=2)
    assert sequences(out) == [3, 4, 5]
    assert out.trusts == [gap(2, 2)]
    out = run(datagram(10, 3), datagram(50, 5), datagram(215, 4), until_ns=1000, expected=2)
    assert sequences(out) == [3, 5]
    assert out.trusts == [gap(2, 2), gap(4, 4)]


def test_a_heartbeat_opens_a_gap_with_nothing_held():
    # 2 and 3 were sent: the heartbeat says that 4 is next.
    out = run(datagram(0, 1), heartbeat(10, 4), datagram(150, 4))
    assert sequences(out) == [1, 4]
    assert out.trusts == [gap(2, 3)]


def test_a_heartbeat_of_what_is_known_changes_nothing():
    out = run(datagram(0, 1), heartbeat(10, 2), heartbeat(11, 1), datagram(500, 2))
    assert (sequences(out), out.trusts) == ([1, 2], [])


def test_beyond_the_ring_with_nothing_held_is_declared_at_once():
    # expected 2, ring 4: 5 may be held, 6 may not.
    out = run(datagram(0, 1), datagram(1, 6), datagram(2, 2, line="b"))
    assert sequences(out) == [1, 6]
    assert out.trusts == [gap(2, 5)]
    assert (out.duplicates, out.hold_overflow) == (1, 0)


def test_the_last_place_of_the_ring_is_held():
    out = run(datagram(0, 1), datagram(1, 5), datagram(2, 2, 3, 4, line="b"))
    assert sequences(out) == [1, 2, 3, 4, 5]


def test_beyond_the_ring_while_some_are_held_declares_the_open_gap():
    # 3 is held, 6 = 2 + 4 is dropped; the gap 2..2 is declared, 3 drains. 6 was heard of, so 4..6
    # is open from 1 on and declared at 101.
    out = run(datagram(0, 1), datagram(1, 3), datagram(1, 6), until_ns=101)
    assert sequences(out) == [1, 3]
    assert out.trusts == [gap(2, 2), gap(4, 6)]
    assert out.hold_overflow == 1


def test_messages_of_one_datagram_may_be_old_held_and_new():
    out = run(datagram(0, 1), datagram(1, 4), datagram(2, 1, 2, 3, 4, 5, line="b"))
    assert sequences(out) == [1, 2, 3, 4, 5]
    assert out.duplicates == 2


def test_part_of_a_gap_filled_keeps_its_time():
    # Open since 10; 2 comes at 90, 3 is still missing: declared at 110, not at 190.
    out = run(datagram(0, 1), datagram(10, 4), datagram(90, 2), datagram(115, 3))
    assert sequences(out) == [1, 2, 4]
    assert out.trusts == [gap(3, 3)]


def test_a_fault_stands_behind_the_messages_before_it():
    out = run(Datagram(0, 1, (message(1),), fault=True), datagram(1, 2))
    assert out.trusts == [Trust(2, bit("fault"))]
    assert sequences(out) == [1, 2]


def block(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def payload(count: int, *blocks: bytes) -> bytes:
    return b"0000000001" + (7).to_bytes(8, "big") + count.to_bytes(2, "big") + b"".join(blocks)


SHORT, LONG, UNKNOWN = bytes(12), bytes(51), b"?" + bytes(19)

CUTS = [
    pytest.param(payload(2, block(SHORT), block(LONG)), (SHORT, LONG), False, id="any-length"),
    pytest.param(payload(1, block(UNKNOWN), b"tail"), (UNKNOWN,), False, id="trailing"),
    pytest.param(payload(2, block(SHORT), block(bytes(11))), (SHORT,), True, id="too-short"),
    pytest.param(payload(1, block(b"")), (), True, id="no-length"),
    pytest.param(payload(2, block(SHORT)), (SHORT,), True, id="count-beyond"),
    pytest.param(payload(1, block(SHORT)[:-1]), (), True, id="message-beyond"),
    pytest.param(payload(1, b"\xff\xff" + SHORT), (), True, id="length-beyond"),
    pytest.param(payload(1, b"\0"), (), True, id="half-a-length"),
]


@pytest.mark.parametrize(("data", "messages", "fault"), CUTS)
def test_a_datagram_is_cut_as_far_as_it_can_be_followed(data, messages, fault):
    assert cut(data, 5) == Datagram(5, 7, messages, fault=fault)


@pytest.mark.parametrize("count", [0, 0xFFFF])
def test_no_messages_make_a_heartbeat(count):
    assert cut(payload(count), 5) == Datagram(5, 7, heartbeat=True)


@pytest.mark.parametrize("tag", [b"", b"\x81\x00\x00\x01"], ids=["plain", "tagged"])
def test_the_payload_ends_with_the_udp_length(tag):
    udp = bytes(4) + (8 + 3).to_bytes(2, "big") + bytes(2) + b"abc"
    assert udp_payload(bytes(12) + tag + b"\x08\x00" + bytes(20) + udp + b"padding") == b"abc"
