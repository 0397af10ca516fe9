"""A dict with a limit: the newest keys stay, the oldest are dropped."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

LIMIT = 10_000


class BoundedDict(OrderedDict[K, V]):
    """At most *limit* keys, in the order in which they were last set.

    >>> numbers: BoundedDict[str, int] = BoundedDict(2)
    >>> numbers["a"], numbers["b"], numbers["a"], numbers["c"] = 1, 2, 3, 4
    >>> dict(numbers)
    {'a': 3, 'c': 4}
    """

    def __init__(self, limit: int = LIMIT) -> None:
        if limit < 1:
            raise ValueError(f"a BoundedDict of {limit} keys holds nothing")
        super().__init__()
        self.limit = limit

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        # An OrderedDict leaves a key that is set again in its old place.
        self.move_to_end(key)
        while len(self) > self.limit:
            self.popitem(last=False)
