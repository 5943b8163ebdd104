"""What the feed stage makes of messages that are late, early or lost on both lines."""

import itertools

LOCATE = 300
HOLD_NS = 50_000
MARGIN_NS = 2_000  # beyond what the cycles of these tests take


def outcome(card) -> list[tuple]:
    return [what for _, what in card.seen]


class Lines:
    """Deletes, numbered from 1, to be sent on either line; and what should come of them."""

    def __init__(self, feed, card, **how) -> None:
        self.feed, self.card = feed, card
        self.oracle = feed.oracle(locates={LOCATE: 2}, **how)

    async def open(self, **how) -> None:
        await self.card.open(hold_ns=HOLD_NS, **how)
        await self.card.set_locate(LOCATE, 2)

    async def send(self, first: int, last: int, line: int = 0, wait: int = 10) -> None:
        """Send messages first to last; a heartbeat if there is none."""
        bodies = [
            self.feed.message("D", LOCATE, at_ns=1000 + n, rest=n.to_bytes(8, "big"))
            for n in range(first, last + 1)
        ]
        data = self.feed.frame(self.feed.datagram(bodies, first), line=line)
        self.oracle.play(data, await self.card.frame(data))
        await self.card.step(wait)

    async def expire(self) -> None:
        """Let the hold time end."""
        self.card.now_ns += HOLD_NS
        self.oracle.declare()
        await self.card.step(10)

    async def compare(self) -> None:
        await self.card.step(60)
        assert outcome(self.card) == self.oracle.out
        assert await self.card.counts() == self.oracle.counts


def test_the_other_line_fills_a_gap(feed):
    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        await lines.send(1, 2)
        assert card.feed_ok
        await lines.send(5, 8)
        assert card.gap_open
        assert not card.feed_ok
        await lines.send(3, 3, line=1)
        assert card.gap_open
        await lines.send(7, 12)
        await lines.send(2, 5, line=1, wait=60)
        assert not card.gap_open
        assert card.feed_ok
        await lines.compare()
        assert lines.oracle.counts["duplicates"] == 2 + 3
        assert "gaps" not in lines.oracle.counts

    feed.run(host)


def test_a_gap_shows_with_the_message_behind_it(feed):
    """`gap_open` rises 4 cycles after the word with that message's last byte, as an event would."""

    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        await lines.send(1, 1)
        await lines.send(3, 3, wait=0)  # the verdict takes a cycle after the last word
        assert card.cycle == card.ends[-1] + 2
        await card.step(1)
        assert not card.gap_open
        await card.step(1)
        assert card.cycle == card.ends[-1] + 4
        assert card.gap_open
        assert not card.feed_ok

    feed.run(host)


def test_the_ring_delivers_one_message_every_four_cycles(feed):
    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        await lines.send(2, 9)
        await lines.send(1, 1, line=1)
        await lines.compare()
        cycles = [cycle for cycle, _ in card.seen]
        waits = [later - cycle for cycle, later in itertools.pairwise(cycles)]
        assert waits[1:] == [4] * 7

    feed.run(host)


def test_the_feed_is_busy_while_the_ring_delivers(feed):
    """From the cycle in which the missing one shows until the last one of the ring shows."""

    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        await lines.send(1, 1)
        assert not card.busy
        await lines.send(3, 10, wait=60)
        assert card.gap_open
        assert not card.busy  # the one that is missing may never come
        await lines.send(2, 2, line=1, wait=0)
        busy = []
        for _ in range(60):
            if card.busy:
                busy.append(card.cycle)
            await card.step()
        events = [cycle for cycle, _ in card.seen[1:]]
        assert len(events) == 1 + 8
        assert busy == list(range(events[0], events[-1]))
        await lines.compare()

    feed.run(host)


def test_no_gap_is_open_while_the_ring_delivers(feed):
    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        await lines.send(2, 12)
        assert card.gap_open
        await lines.send(1, 1, line=1, wait=0)
        while len(card.seen) < 2:
            await card.step()
        while len(card.seen) < 12:
            assert not card.gap_open
            await card.step()
        await lines.compare()

    feed.run(host)


def test_a_message_may_come_in_any_step_of_the_ring(feed):
    """One comes that the ring looks for, one that follows what it delivers, in every cycle once.

    What the ring delivers is a contradiction that takes two records, which must not meet an event.
    """

    async def host(card):
        lines = Lines(feed, card, names={b"A       ": 0})
        await lines.open()
        await card.set_name(b"A       ", 0)
        listing, delete = feed.message("R", LOCATE, rest=b"A       "), feed.message("D", LOCATE)
        sequence = 1
        for wait in range(16):
            early = [([listing] * 3, sequence + 1), ([delete], sequence + 5)][: 1 + wait // 8]
            for bodies, first in [*early, ([delete], sequence)]:
                data = feed.frame(feed.datagram(bodies, first))
                lines.oracle.play(data, await card.frame(data, end_after=0))
            # It comes when the ring has just delivered the three, or looks for what follows them.
            await card.step(wait % 8)
            data = feed.frame(feed.datagram([delete], sequence + 4), line=1)
            lines.oracle.play(data, await card.frame(data, end_after=0))
            await card.step(40)
            sequence = lines.oracle.expected
        await lines.compare()
        assert lines.oracle.counts["delivered"] == 8 * 5 + 8 * 6

    feed.run(host)


def test_a_gap_that_opens_as_another_is_declared(feed):
    """It has its own hold time, whenever it opens."""

    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        sequence = 1
        for cycle in range(16):
            await lines.send(sequence + 2, sequence + 1)  # a heartbeat: two are missing
            body = feed.message("D", LOCATE, rest=sequence.to_bytes(8, "big"))
            data = feed.frame(feed.datagram([body], sequence + 4))
            jumps = iter([0] * cycle + [1] + [0] * 20)

            def pause(jumps=jumps):
                card.now_ns += HOLD_NS * next(jumps)
                return 0

            stamp = await card.frame(data, gaps=pause, end_after=0)
            for _ in range(8):
                pause()
                await card.step()
            await card.step(20)
            if card.gap_open:
                # Declared before the message came: that one has a gap of its own.
                lines.oracle.declare()
                lines.oracle.play(data, stamp)
            else:
                lines.oracle.play(data, stamp)
                lines.oracle.declare()
            gaps = await card.load("gaps")
            assert gaps == lines.oracle.counts["gaps"], cycle
            await lines.expire()
            sequence = lines.oracle.expected
            await lines.send(sequence, sequence)
            sequence += 1
        await card.step(60)
        assert await card.counts() == lines.oracle.counts

    feed.run(host)


def test_what_arrives_while_the_ring_drains_goes_through_it(feed):
    """In sequence, and each once, though the other line brings the same at the same time."""

    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        await lines.send(2, 12)
        await lines.send(1, 14, line=1, wait=0)
        await lines.send(8, 15, wait=0)
        await lines.send(16, 17, wait=0)
        await lines.compare()
        assert lines.oracle.counts["delivered"] == 17

    feed.run(host)


def test_a_gap_is_declared_after_the_hold_time(feed):
    """Not before; the record comes ahead of the messages that were held."""

    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        await lines.send(1, 1)
        await lines.send(4, 5, wait=0)
        opened = card.now_ns
        await lines.send(9, 9)
        card.now_ns = opened + HOLD_NS - MARGIN_NS
        await card.step(20)
        assert card.gap_open
        assert len(card.seen) == 1
        await lines.expire()
        # The next gap, 6 to 8, is open for the first time now: its hold time is its own.
        await card.step(100)
        assert card.gap_open
        assert outcome(card) == lines.oracle.out[:4]
        card.now_ns += HOLD_NS - MARGIN_NS
        await card.step(20)
        assert card.gap_open
        await lines.expire()
        await lines.send(2, 10, line=1)
        assert not card.gap_open
        await lines.compare()
        assert lines.oracle.counts["gaps"] == 2
        assert lines.oracle.counts["lost"] == 2 + 3
        assert lines.oracle.counts["duplicates"] == 8

    feed.run(host)


def test_a_part_of_a_gap_may_still_come(feed):
    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        await lines.send(6, 7)
        await lines.send(1, 2, line=1)
        await lines.send(4, 4, line=1)
        await lines.expire()
        await lines.expire()
        await lines.compare()
        gaps = [what[3:5] for what in lines.oracle.out if what[0] == "trust"]
        assert gaps == [(3, 3), (5, 5)]

    feed.run(host)


def test_a_heartbeat_tells_of_a_gap(feed):
    """Nothing is held then: all up to the heartbeat's sequence is lost."""

    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        await lines.send(1, 1)
        await lines.send(2, 1)
        assert not card.gap_open
        await lines.send(5, 4)
        assert card.gap_open
        await lines.expire()
        assert not card.gap_open
        await lines.send(5, 5)
        # Of two heartbeats the higher counts; a message may come in between.
        await lines.send(9, 8)
        await lines.send(7, 6, line=1)
        await lines.send(6, 6, line=1)
        assert card.gap_open
        await lines.expire()
        await lines.send(9, 9)
        await lines.compare()
        gaps = [what[3:5] for what in lines.oracle.out if what[0] == "trust"]
        assert gaps == [(2, 4), (7, 8)]

    feed.run(host)


def test_a_message_beyond_the_ring_declares_the_gap_at_once(feed):
    """With nothing held it is delivered itself, and so is what follows it closely."""

    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        await lines.send(1, 1)
        await lines.send(1 + 17, 20, wait=60)
        await lines.send(21, 21)
        await lines.send(22 + 16, 22 + 18, wait=60)
        # Just within the ring: held.
        await lines.send(41 + 15, 41 + 15)
        assert card.gap_open
        await lines.expire()
        # A heartbeat does not lie in the way of this.
        await lines.send(60, 59)
        await lines.send(90, 91, wait=60)
        await lines.compare()
        assert lines.oracle.counts["gaps"] == 4
        assert "hold_overflow" not in lines.oracle.counts

    feed.run(host)


def test_a_message_beyond_the_ring_is_dropped_while_others_are_held(feed):
    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        await lines.send(3, 4)
        await lines.send(1 + 16, 1 + 16, wait=40)
        assert lines.oracle.counts["hold_overflow"] == 1
        assert card.gap_open  # 5 to 17 are known of
        await lines.expire()
        assert not card.gap_open
        await lines.send(18, 18)
        await lines.compare()
        gaps = [what[3:5] for what in lines.oracle.out if what[0] == "trust"]
        assert gaps == [(1, 2), (5, 17)]

    feed.run(host)


def test_a_fault_and_a_gap_in_one_datagram(feed):
    """Neither record is lost, nor is a message."""

    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        delete = feed.message("D", LOCATE)
        for sequence, hold in ((1, 0), (40, 0), (43, 30), (80, 60)):
            for shift in (12, 13, 14, 15, 16, 17):
                bodies = [b"!" * shift, delete]
                payload = feed.datagram(bodies, sequence + hold, count=3, trailer=bytes(9))
                data = feed.frame(payload)
                lines.oracle.play(data, await card.frame(data, end_after=0), good=True)
                sequence += 2
                await card.step(50)
            await lines.expire()
            await card.step(200)
        await card.step(100)
        reasons = {what[2] for what in outcome(card) if what[0] == "trust"}
        assert reasons >= {feed.fault, feed.gap} or feed.fault | feed.gap in reasons
        assert [what for what in outcome(card) if what[0] == "event"] == [
            what for what in lines.oracle.out if what[0] == "event"
        ]
        assert await card.counts() == lines.oracle.counts

    feed.run(host)


def test_the_host_says_where_the_session_is_joined(feed):
    async def host(card):
        lines = Lines(feed, card, expected=2**40 + 1, known=2**40 + 1)
        await lines.open(start=2**40 + 1)
        await lines.send(2**40 - 1, 2**40 + 2)
        await lines.send(2**40 + 5, 2**40 + 5)
        await lines.send(2**40 + 3, 2**40 + 4, line=1)
        # Later risings of `enable` leave the sequence as it is: what was missed is missing.
        await card.write("enable", 0)
        await card.write("start_sequence", 1)
        await card.write("enable", 1)
        await lines.send(2**40 + 7, 2**40 + 7)
        assert card.gap_open
        await lines.expire()
        await lines.compare()

    feed.run(host)


def test_the_feed_is_good_while_it_is_heard(feed):
    """For `max_age_ns` after the last datagram of the session, on whatever line."""

    async def host(card):
        assert not card.feed_ok
        lines = Lines(feed, card)
        await lines.open(max_age_ns=20_000)
        assert not card.feed_ok
        await lines.send(1, 1)
        assert card.feed_ok
        heard = card.stamps[-1]
        card.now_ns = heard + 20_000 - 60
        await card.step(3)
        assert card.feed_ok
        await card.step(14)
        assert not card.feed_ok
        other = feed.frame(feed.datagram([], 2, session=b"0123456789"))
        await card.frame(other)
        await card.step(10)
        assert not card.feed_ok
        await lines.send(2, 1, line=1)
        assert card.feed_ok

    feed.run(host)


def test_a_session_of_more_messages_than_the_ring(feed):
    """The ring's entries are used again and again."""

    async def host(card):
        lines = Lines(feed, card)
        await lines.open()
        for first in range(1, 100, 6):
            await lines.send(first + 3, first + 5, wait=0)
            await lines.send(first, first + 3, line=1, wait=first % 4 * 10)
        await lines.compare()
        assert lines.oracle.counts["delivered"] == 102

    feed.run(host)
