"""A word holds eight bytes, the first on the wire the least significant."""

from tickwright.core.streams import WORD_BYTES, FrameEnd, Word


def test_word_has_room_for_its_bytes_and_marks():
    word = Word.const({"data": 0x0807060504030201, "bytes": 8, "first": 1, "last": 0})
    assert word.as_bits() == 1 << 68 | 8 << 64 | 0x0807060504030201
    assert Word.as_shape().size == 70
    assert WORD_BYTES == 8


def test_frame_end_has_a_verdict_and_a_reason():
    assert FrameEnd.const({"good": 0, "reason": 5}).as_bits() == 5 << 1
    assert FrameEnd.as_shape().size == 4
