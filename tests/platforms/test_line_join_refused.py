# amaranth: UnusedElaboratable=no, UnusedMustUse=no
"""A queue that holds no two frames is refused when it is made; so it is never used."""

import pytest

from tickwright.platforms.line_join import LineJoin


def test_a_queue_that_holds_no_two_frames_is_refused():
    with pytest.raises(ValueError, match="depth is 16, expected at least 30"):
        LineJoin(longest=120, depth=16)
