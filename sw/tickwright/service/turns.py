"""Whose request is next: each client in its turn, however many it has waiting."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

__all__ = ["Turns"]

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """A queue for each client, of ``most`` items; `take` goes round the clients that have any.

    A client that has waiting what it may have is told no, and costs no other client its turn.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: OrderedDict[str, deque[Item]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, client: str, item: Item) -> bool:
        """Let an item wait for its client's turn; return whether there was room."""
        queue = self._waiting.get(client)
        if queue is None:
            self._waiting[client] = deque([item])
            return True
        if len(queue) >= self._most:
            return False
        queue.append(item)
        return True

    def take(self) -> Item | None:
        """Return the oldest item of the client whose turn it is; None where nobody has any."""
        if not self._waiting:
            return None
        client, queue = self._waiting.popitem(last=False)
        item = queue.popleft()
        if queue:
            self._waiting[client] = queue  # behind all others
        return item
