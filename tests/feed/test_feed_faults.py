"""What the feed stage makes of frames that are not as they should be."""

LOCATE = 300


def outcome(card) -> list[tuple]:
    return [what for _, what in card.seen]


async def play(card, oracle, frames, **how):
    """Play frames to card and oracle alike, and compare all that came of them."""
    for data in frames:
        oracle.play(data, await card.frame(data, **how))
    await card.step(10)
    assert outcome(card) == oracle.out
    assert await card.counts() == oracle.counts


def test_every_reason_to_drop_a_frame(feed):
    """Each is counted under the first reason, also where others apply and where the frame ends."""
    delete = feed.message("D", LOCATE)
    payload = feed.datagram([delete])
    oracle = feed.oracle(locates={LOCATE: 2})
    wrong = {
        "not_ipv4": [{"ethertype": 0x0806}, {"ethertype": 0x8100}, {"ethertype": 0x0800 ^ 0x0100}],
        "ip_options": [{"version": 0x46}, {"version": 0x65}, {"version": 0x46, "damage": 1}],
        "bad_checksum": [{"damage": 1}, {"damage": 0x8000, "protocol": 6}],
        "fragments": [{"fragment": 0x2000}, {"fragment": 0x0001}, {"fragment": 0x1000}],
        "not_udp": [{"protocol": 6}, {"protocol": 17 ^ 0x80, "port": 1}],
        "other_line": [{"address": 0x0A000001}, {"port": 26478}, {"port": 1, "udp_length": 8}],
        "runts": [{"udp_length": 27}, {"udp_length": 0}],
    }
    frames = []
    for change in [change for changes in wrong.values() for change in changes]:
        frames += [feed.frame(payload, tag=tag, **change) for tag in (False, True)]
    frames += [feed.frame(payload, tag=True, outer=0x88A8), feed.frame(payload, fragment=0x4000)]

    async def host(card):
        await card.open()
        await card.set_locate(LOCATE, 2)
        await play(card, oracle, frames, end_after=0)
        assert set(wrong) <= set(oracle.counts)
        assert oracle.counts["delivered"] == 1

    feed.run(host)


def test_frames_that_end_early(feed):
    """Cut after any byte of its headers a frame is dropped; later it is a fault."""
    payload = feed.datagram([feed.message("D", LOCATE), feed.message("D", LOCATE)])
    oracle = feed.oracle(locates={LOCATE: 2})
    frames = []
    for tag in (False, True):
        whole = feed.frame(payload, tag=tag)
        frames += [whole[:size] for size in range(1, 63 + 4 * tag)]
        for change in ({"version": 0x46}, {"fragment": 1}, {"protocol": 6}, {"damage": 1}):
            bad = feed.frame(payload, tag=tag, **change)
            at = 14 + 4 * tag
            frames += [bad[: at + size] for size in (0, 1, 7, 8, 9, 10, 19, 20, 47)]
        for change in ({"port": 1}, {"ethertype": 0x0806}):
            bad = feed.frame(payload, tag=tag, **change)
            frames += [bad[: at + size] for size in (-1, 0, 20, 23, 24, 47)]
        frames += [whole[:size] for size in range(len(whole) - 25, len(whole) + 1, 3)]

    async def host(card):
        await card.open()
        await card.set_locate(LOCATE, 2)
        await play(card, oracle, frames)
        assert oracle.counts["faults"] > 10

    feed.run(host)


def test_lengths_that_can_and_cannot_be_followed(feed):
    """0 and 11 are faults; 12, 50, 51 and 8,000 are passed over; 65,535 cannot lie within."""
    delete = feed.message("D", LOCATE)
    oracle = feed.oracle(locates={LOCATE: 2})
    frames, sequence = [], 1
    for shift in range(8):
        lead = b"!" * (12 + shift)
        for size in (0, 1, 11, 12, 13, 50, 51, 300):
            payload = feed.datagram([lead, b"@" * size, delete], sequence)
            frames.append(feed.frame(payload, tag=shift % 2 == 1))
            sequence += 3 if size >= 12 else 1
    for size in (12, 51, 65535):
        payload = feed.datagram([delete], sequence, count=2)
        payload += size.to_bytes(2, "big") + b"@" * 11
        frames.append(feed.frame(payload))
        sequence += 1
    frames.append(feed.frame(feed.datagram([b"#" * 8000, delete], sequence)))

    async def host(card):
        await card.open()
        await card.set_locate(LOCATE, 2)
        await play(card, oracle, frames)
        assert oracle.counts["faults"] == 8 * 3 + 3

    feed.run(host)


def test_more_counted_than_the_datagram_holds(feed):
    """The messages there stand; the fault comes behind them, wherever the datagram ends."""
    oracle = feed.oracle(locates={LOCATE: 2})
    frames, sequence = [], 1
    for shift in range(8):
        messages = [b"!" * (12 + shift), feed.message("D", LOCATE)]
        for trailer in (b"", b"\0", b"\0\x13", b"\0\x13" + bytes(18)):
            payload = feed.datagram(messages, sequence, count=3, trailer=trailer)
            frames.append(feed.frame(payload, tag=shift % 2 == 1, pad=bytes(shift)))
            sequence += 2
        # What follows the datagram within the frame does not belong to it.
        payload = feed.datagram(messages, sequence, count=3)
        frames.append(feed.frame(payload, pad=b"\0\x13" + feed.message("D", LOCATE)))
        sequence += 2
    frames.append(feed.frame(feed.datagram([], sequence, count=1)))
    frames.append(feed.frame(feed.datagram([], sequence, count=0xFFFE, trailer=bytes(30))))

    async def host(card):
        await card.open()
        await card.set_locate(LOCATE, 2)
        await play(card, oracle, frames, end_after=0)
        assert oracle.counts["faults"] == 8 * 5 + 2
        assert oracle.counts["delivered"] == 8 * 5 * 2

    feed.run(host)


def test_a_message_of_another_length_than_its_type_is_skipped(feed):
    oracle = feed.oracle(locates={LOCATE: 2})
    whole = feed.message("A", LOCATE)
    messages = [whole[:35], whole, whole + b"\0", b"D" + whole[1:], b"a" + whole[1:]]

    async def host(card):
        await card.open()
        await card.set_locate(LOCATE, 2)
        await play(card, oracle, [feed.frame(feed.datagram(messages))])
        assert oracle.counts["skipped_messages"] == 4

    feed.run(host)


def test_bytes_behind_the_last_message(feed):
    """Those of the datagram are counted, those of the frame are not."""
    oracle = feed.oracle()
    frames, sequence = [], 1
    for shift in range(8):
        message = [b"!" * (12 + shift)]
        for trailer, pad in ((0, 0), (1, 0), (0, 1), (20, 4), (0, 30)):
            payload = feed.datagram(message, sequence, trailer=bytes(trailer))
            frames.append(feed.frame(payload, pad=bytes(pad)))
            sequence += 1
    frames.append(feed.frame(feed.datagram([], sequence, trailer=b"?")))
    # Where the frame ends before the datagram does, the bytes that there are count.
    payload = feed.datagram([feed.message("D", LOCATE)], sequence)
    frames += [feed.frame(payload + bytes(3))[:size] for size in (83, 84)]

    async def host(card):
        await card.open()
        await play(card, oracle, frames, end_after=0)
        assert oracle.counts["trailing"] == 18

    feed.run(host)


def test_heartbeats_ends_and_other_sessions(feed):
    delete = feed.message("D", LOCATE)
    oracle = feed.oracle(locates={LOCATE: 2})
    frames = [
        feed.frame(feed.datagram([], 1)),
        feed.frame(feed.datagram([delete], 1, session=b"000010059C")),
        feed.frame(feed.datagram([delete], 1, session=b"100010059B")),
        feed.frame(feed.datagram([delete], 1)),
        feed.frame(feed.datagram([], 2), line=1),
        feed.frame(feed.datagram([], 2, count=0xFFFF)),
        feed.frame(feed.datagram([delete], 2, count=0xFFFF)),
        feed.frame(feed.datagram([], 2)),
        # A fault in a datagram of another session is none of ours, wherever it lies.
        feed.frame(feed.datagram([], 2, count=1, session=b"000010059C")),
        feed.frame(feed.datagram([b"short"], 2, session=b"000010059C")),
        feed.frame(feed.datagram([delete], 2)),
    ]

    async def host(card):
        await card.open()
        await card.set_locate(LOCATE, 2)
        await play(card, oracle, frames)
        assert oracle.counts["other_session"] == 4
        assert oracle.counts["ends"] == 2
        assert oracle.counts["heartbeats"] == 3
        low, high = await card.load("session_low"), await card.load("session_high")
        assert (low | high << 40).to_bytes(10, "little") == b"000010059B"

    feed.run(host)


def test_a_frame_found_bad_at_its_end(feed):
    """Its messages stand; the doubt comes behind them and before those of the next frame.

    The verdict comes with the last word, or as late as with the next frame's first.
    """
    oracle = feed.oracle(locates={LOCATE: 2})
    delete = feed.message("D", LOCATE)

    async def host(card):
        await card.open()
        await card.set_locate(LOCATE, 2)
        sequence = 1
        for end_after in (0, 1, 2, 9):
            for data, good in (
                (feed.frame(feed.datagram([delete], sequence)), False),
                (feed.frame(feed.datagram([delete], sequence + 1)), True),
                (b"12345678", False),
                (feed.frame(feed.datagram([delete], 1), port=1), False),
                (feed.frame(feed.datagram([delete], sequence + 1))[:40], False),
                (feed.frame(feed.datagram([], sequence + 2)), False),
            ):
                oracle.play(data, await card.frame(data, good=good, end_after=end_after), good=good)
            sequence += 2
        # With the next frame's first word, where the next one is too short for anything itself.
        first = feed.frame(feed.datagram([delete], sequence))
        await card.frame(first, good=True, end_after=None)
        card.verdict(good=False)
        await card.frame(b"87654321", end_after=None)
        await card.frame(b"12345678", good=False)
        oracle.play(first, card.stamps[-3], good=False)
        oracle.play(b"87654321", 0)
        oracle.play(b"12345678", 0, good=False)
        await card.step(10)
        assert outcome(card) == oracle.out
        assert await card.counts() == oracle.counts
        assert oracle.counts["bad_frames"] == 22

    feed.run(host)


def test_nothing_is_taken_until_the_stage_is_enabled(feed):
    """A frame is taken as a whole or not at all."""
    oracle = feed.oracle(locates={LOCATE: 2})
    deletes = [feed.frame(feed.datagram([feed.message("D", LOCATE)], n)) for n in range(1, 6)]

    async def host(card):
        await card.open()
        await card.set_locate(LOCATE, 2)
        oracle.play(deletes[0], await card.frame(deletes[0]))
        await card.write("enable", 0)
        await card.step(2)
        assert not card.feed_ok
        oracle.play(deletes[1], await card.frame(deletes[1]), enabled=False)
        # Enabled in mid-frame: the frame is not taken; disabled in mid-frame: it is.
        for enable in (1, 0):
            writes = iter([0, 0, 0, 1, *[0] * 20])
            card.ctx.set(card.dut.bus.addr, 0)
            card.ctx.set(card.dut.bus.w_data, enable)

            def write(writes=writes):
                card.ctx.set(card.dut.bus.w_en, next(writes))
                return 0

            stamp = await card.frame(deletes[1], gaps=write)
            await card.step(2)
            oracle.play(deletes[1], stamp, enabled=not enable)
        await card.step(10)
        assert outcome(card) == oracle.out
        assert oracle.counts["delivered"] == 2
        assert await card.counts() == oracle.counts

    feed.run(host)


def test_nothing_is_taken_while_tables_are_cleared(feed):
    delete = feed.frame(feed.datagram([feed.message("D", LOCATE)]))

    async def host(card):
        await card.write("enable", 1)
        for data in (delete, delete[:40], delete[:8]):
            await card.frame(data, end_after=0)
        await card.step(5)
        assert await card.load("ready") == 0
        assert await card.counts() == {"frames": 3, "ignored": 3}
        assert not card.feed_ok

    feed.run(host, hold=256)
