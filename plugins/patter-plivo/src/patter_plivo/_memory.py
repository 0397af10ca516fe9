"""A memory that never grows: the newest things stay, the oldest are forgotten."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

import attrs

T = TypeVar("T")


@attrs.define(eq=False)
class Memory(Generic[T]):
    """What is known under a name, of the last *most* names."""

    most: int = attrs.field(default=10_000, validator=attrs.validators.ge(1))
    _kept: OrderedDict[str, T] = attrs.field(factory=OrderedDict, init=False, repr=False)

    def keep(self, name: str, what: T) -> None:
        """Know *what* under *name*, instead of what was known."""
        self._kept[name] = what
        self._kept.move_to_end(name)
        if len(self._kept) > self.most:
            self._kept.popitem(last=False)

    def get(self, name: str) -> T | None:
        """What is known under *name*, if anything."""
        return self._kept.get(name)

    def forget(self, name: str) -> T | None:
        """Know nothing under *name*; return what was known."""
        return self._kept.pop(name, None)

    def __contains__(self, name: str) -> bool:
        return name in self._kept

    def __len__(self) -> int:
        return len(self._kept)
