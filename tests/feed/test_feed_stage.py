"""The feed stage says of frames what the specification says."""

import random

import pytest

NAMES = {b"ACME    ": 0, b"BOLT    ": 1, b"CROW    ": 2}
LOCATES = [1, 2, 3, 4, 65535]  # the last one set by the host
EVENTS = "AFECXDUH"


def some_message(feed, rng: random.Random) -> bytes:
    """A message with random content, often of a type and a locate that matter."""
    kind = rng.choice([*EVENTS, *EVENTS, "R", "R", "R", *feed.lengths])
    body = rng.randbytes(feed.lengths[kind])
    body = kind.encode() + rng.choice(LOCATES).to_bytes(2, "big") + body[3:]
    if kind == "R":
        body = body[:11] + rng.choice([*NAMES, b"OTHER   "]) + body[19:]
    if kind in "AF":
        body = body[:19] + rng.choice([b"B", b"S"]) + body[20:]
    if rng.random() < 0.05:
        body += rng.randbytes(rng.choice([1, 8, 200]))
    return body


async def open_with_symbols(card, **settings):
    await card.open(**settings)
    for name, symbol in NAMES.items():
        await card.set_name(name, symbol)
    await card.set_locate(LOCATES[-1], 3)


def outcome(card) -> list[tuple]:
    return [what for _, what in card.seen]


@pytest.mark.parametrize("seed", range(2))
def test_a_line_of_anything(feed, seed):
    rng = random.Random(seed)
    oracle = feed.oracle(names=dict(NAMES), locates={LOCATES[-1]: 3})
    frames, sequence = [], 1
    for size in rng.sample([0, 1, 1, 1, 2, 2, 3, 5, 8, 13, 21, 21], 12):
        messages = [some_message(feed, rng) for _ in range(size)]
        if size > 13:
            messages[: len(EVENTS)] = [feed.message(kind, LOCATES[-1]) for kind in EVENTS]
        payload = feed.datagram(
            messages, sequence, trailer=rng.randbytes(rng.choice([0, 0, 1, 9, 30]))
        )
        pad = rng.randbytes(rng.choice([0, 0, 1, 7, 12]))
        frames.append(feed.frame(payload, tag=rng.random() < 0.5, pad=pad))
        sequence += size

    async def host(card):
        await open_with_symbols(card)
        for index, data in enumerate(frames):
            stamp = await card.frame(
                data,
                gaps=lambda index=index: rng.choice([0, 0, 1, 3]) * (index % 2),
                end_after=rng.choice([0, 1, 2]),
            )
            oracle.play(data, stamp)
            await card.step(rng.choice([0, 0, 0, 3]))
        await card.step(10)
        assert {what[0] for what in oracle.out} == {"event", "status", "trust"}
        assert outcome(card) == oracle.out
        assert await card.counts() == oracle.counts

    feed.run(host)


@pytest.mark.parametrize("seed", range(2))
def test_two_lines_become_one_sequence(feed, seed):
    """Each line packs, loses, repeats and delays in its own way; no message is lost on both."""
    rng = random.Random(seed)
    oracle = feed.oracle(names=dict(NAMES), locates={LOCATES[-1]: 3})
    messages = [some_message(feed, rng) for _ in range(70)]
    queues, lost = [], set()
    for line in range(2):
        queue, at = [], 0
        while at < len(messages):
            size = rng.choice([1, 2, 3, 5])
            part = range(at, min(at + size, len(messages)))
            at += size
            if rng.random() < 0.25 and not lost & set(part):
                lost |= set(part)
                continue
            payload = feed.datagram([messages[index] for index in part], 1 + part[0])
            data = feed.frame(payload, line=line, tag=rng.random() < 0.5)
            queue += [(part[0] + rng.choice([0, 0, 0, 4]), data)] * rng.choice([1, 1, 1, 2])
        queues.append(queue)
    frames = [data for _, data in sorted(queues[0] + queues[1], key=lambda item: item[0])]

    async def host(card):
        await open_with_symbols(card)
        for data in frames:
            oracle.play(data, await card.frame(data, gaps=lambda: rng.choice([0, 0, 1])))
            await card.step(rng.choice([0, 2, 30]))
        await card.step(100)
        assert oracle.counts["delivered"] == len(messages)
        assert oracle.counts["duplicates"] > 20
        assert len({what[-2] for what in oracle.out if what[0] == "event"}) == 2
        assert outcome(card) == oracle.out
        assert await card.counts() == oracle.counts
        assert not card.gap_open

    feed.run(host)


def test_an_isolated_message_takes_four_cycles(feed):
    """Whatever its type and wherever it lies, with and without idle cycles between words."""
    rng = random.Random(4)
    sequence = 1
    cases = [(kind, shift) for kind in [*EVENTS, "R"] for shift in range(8)]

    async def host(card):
        nonlocal sequence
        await open_with_symbols(card)
        found = set()
        for kind, shift in cases:
            # What comes before it in the datagram has no effect, and moves it along.
            skipped = b"?" * (12 + shift)
            rest = rng.randbytes(8) + b"S" if kind != "R" else b"ACME    "
            message = feed.message(kind, 65535, rest=rest)
            data = feed.frame(feed.datagram([skipped, message], sequence), tag=kind in "AEXU")
            sequence += 2
            await card.frame(data, gaps=lambda: rng.choice([0, 0, 1]))
            await card.step(8)
            (cycle, _), *more = card.seen
            assert len(more) == (kind == "R"), kind
            found.add((kind, len(data) % 8, cycle - card.ends[-1]))
            if kind == "R":
                assert more[0][0] == cycle + 1
            card.seen.clear()
        assert {latency for _, _, latency in found} == {4}
        assert len(found) == 9 * 8

    feed.run(host)


def test_messages_as_close_as_the_wire_brings_them(feed):
    """Deletes back to back, both lines with new data in turn, no idle cycle anywhere."""
    oracle = feed.oracle(locates={9: 1})
    deletes = [feed.message("D", 9, rest=bytes([0] * 7 + [n])) for n in range(60)]
    frames = [
        feed.frame(feed.datagram(deletes[at : at + 20], 1 + at), line=at // 20 % 2)
        for at in range(0, 60, 20)
    ]

    async def host(card):
        await card.open()
        await card.set_locate(9, 1)
        for data in frames:
            oracle.play(data, await card.frame(data, end_after=0))
        await card.step(8)
        assert outcome(card) == oracle.out
        assert len(card.seen) == 60

    feed.run(host)
