"""Messages of the serial line are sealed by a check that the gateware forms too."""

import random

import pytest
from amaranth.lib.crc.catalog import CRC16_IBM_3740

from tickwright.uart.messages import (
    ReadAnswer,
    ReadRequest,
    WriteAnswer,
    WriteRequest,
    is_sound,
    sealed,
)


def test_the_check_is_that_of_the_standard():
    crc = CRC16_IBM_3740(data_width=8)
    body = WriteRequest(number=7, address=0x1234, value=0xDEADBEEF).pack()[:-2]
    assert sealed(WriteRequest(number=7, address=0x1234, value=0xDEADBEEF)) == (
        b"W\x07\x00\x00\x12\x34\xde\xad\xbe\xef" + crc.compute(body).to_bytes(2, "big")
    )
    assert crc.compute(b"123456789") == 0x29B1
    assert is_sound(b"123456789\x29\xb1")


def test_an_answer_is_shorter_than_every_request():
    answers = max(ReadAnswer.size, WriteAnswer.size)
    assert (answers, ReadRequest.size, WriteRequest.size) == (7, 8, 12)


@pytest.mark.parametrize("flips", [1, 2, 3])
def test_up_to_three_wrong_bits_are_found(flips):
    rng = random.Random(flips)
    for _ in range(500):
        request = WriteRequest(number=rng.randrange(256), address=4, value=rng.getrandbits(32))
        data = int.from_bytes(sealed(request), "big")
        for bit in rng.sample(range(8 * WriteRequest.size), flips):
            data ^= 1 << bit
        assert not is_sound(data.to_bytes(WriteRequest.size, "big"))


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xff"])
def test_a_check_of_nothing_is_not_sound(data):
    assert not is_sound(data)
