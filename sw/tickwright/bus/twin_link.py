"""What passes over the socket of a twin.

Every message begins with 9 bytes, little-endian: a letter and two 32-bit numbers.

| letter | numbers | who | what |
|---|---|---|---|
| ``W`` | address, value | host | write; no answer |
| ``R`` | address, 0 | host | read, after all before it on this connection |
| ``V`` | address, value | twin | answer to a read |
| ``J`` | bytes, 0 | both | a JSON object follows: a request of the wire side, and its answer |

Addresses are in bytes. A request is ``{"do": NAME, ...}``; an answer that holds ``error`` refuses
it. Anything else ends the connection.
"""

from __future__ import annotations

import json
import struct
from typing import Any

__all__ = ["ASKED", "HEAD", "MAX_JSON", "READ", "VALUE", "WRITE", "packed"]

HEAD = struct.Struct("<cII")
WRITE, READ, VALUE, ASKED = b"W", b"R", b"V", b"J"
MAX_JSON = 1 << 20  # bytes


def packed(found: dict[str, Any]) -> bytes:
    """Return a JSON object as it passes over the socket."""
    body = json.dumps(found).encode()
    return HEAD.pack(ASKED, len(body), 0) + body
