"""How a request fails: with a status, and one line that says why."""

from __future__ import annotations

from typing import Self

from tickwright.service.protocol import StatusCode

__all__ = ["ServiceError"]


class ServiceError(RuntimeError):
    """A request that is not done: what, where, found, expected, in one line.

    ``journal`` is the number of the last journal entry that the request wrote; 0: none.
    """

    def __init__(self, status: StatusCode, line: str) -> None:
        super().__init__(" ".join(line.split()))
        self.status = status
        self.journal = 0

    @classmethod
    def refused(cls, line: str) -> Self:
        """Return the error of a request that may not be done: role, state, limit."""
        return cls(StatusCode.REFUSED, line)

    @classmethod
    def wrong(cls, line: str) -> Self:
        """Return the error of a request that is none, or whose file cannot be used."""
        return cls(StatusCode.WRONG, line)

    @classmethod
    def failed(cls, line: str) -> Self:
        """Return the error of a request that was begun and did not come to its end."""
        return cls(StatusCode.FAILED, line)

    @classmethod
    def unreachable(cls, line: str) -> Self:
        """Return the error of a request whose card does not answer."""
        return cls(StatusCode.UNREACHABLE, line)
