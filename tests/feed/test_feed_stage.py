"""The feed stage says of frames what the specification says."""

import random

import pytest

NAMES = [b"ACME    ", b"BOLT    ", b"CROW    ", b"DUNE    "]


def some_message(feed, rng: random.Random, locates: list[int]) -> bytes:
    """A message with random content, often of a type and a locate that matter."""
    kind = rng.choice(["A", "F", "E", "C", "X", "D", "U", "H", *feed.lengths])
    body = rng.randbytes(feed.lengths[kind])
    locate = rng.choice(locates).to_bytes(2, "big")
    body = kind.encode() + locate + body[3:]
    if kind == "R":
        body = body[:11] + rng.choice([*NAMES, b"OTHER   "]) + body[19:]
    if kind in "AF":
        body = body[:19] + rng.choice([b"B", b"S"]) + body[20:]
    if rng.random() < 0.05:
        body += rng.randbytes(rng.choice([1, 8, 200]))
    return body


@pytest.mark.parametrize("seed", range(3))
def test_one_line_of_anything(feed, seed):
    rng = random.Random(seed)
    locates = [1, 2, 3, 4, 5, 65535]
    frames, sequence = [], 1
    for _ in range(40):
        messages = [some_message(feed, rng, locates) for _ in range(rng.choice([0, 1, 2, 5, 20]))]
        trailer = rng.randbytes(rng.choice([0, 0, 1, 9, 30]))
        payload = feed.datagram(messages, sequence, trailer=trailer)
        frames.append(feed.frame(payload, tag=rng.random() < 0.5,
                                 pad=rng.randbytes(rng.choice([0, 0, 1, 7, 12]))))  # fmt: skip
        sequence += len(messages)
    oracle = feed.oracle(names={NAMES[0]: 0, NAMES[1]: 1, NAMES[2]: 2}, locates={65535: 3})

    async def host(card):
        await card.open()
        for name, symbol in oracle.names.items():
            await card.set_name(name, symbol)
        await card.set_locate(65535, 3)
        for data in frames:
            dense = rng.random() < 0.5
            stamp = await card.frame(
                data,
                gaps=(lambda: 0) if dense else lambda: rng.choice([0, 0, 1, 3]),
                end_after=rng.choice([0, 1, 2]),
            )
            oracle.play(data, stamp)
            if rng.random() < 0.3:
                await card.step(rng.randrange(4))
        await card.step(20)
        assert [what for _, what in card.seen] == oracle.out
        assert await card.counts() == oracle.counts

    feed.run(host)
