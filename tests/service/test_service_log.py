"""A log tells lines of JSON, and a stream that takes none stops nobody."""

from __future__ import annotations

import errno
import io
import json

from tickwright.service.log import json_log


class Full(io.StringIO):
    """A disk that is full; so many lines were tried."""

    tried = 0

    def write(self, text: str) -> int:
        self.tried += 1
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_is_an_object():
    stream = io.StringIO()
    json_log(stream).warning("late", ms=3)
    found = json.loads(stream.getvalue())
    assert (found["event"], found["level"], found["ms"]) == ("late", "warning", 3)


def test_a_full_disk_and_a_closed_stream_stop_nobody():
    full, closed = Full(), io.StringIO()
    closed.close()
    for stream in (full, closed):
        log = json_log(stream)
        for tell in (log.info, log.warning, log.error):
            tell("late", ms=3)
    assert full.tried == 3
