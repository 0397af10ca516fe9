"""Puts numbered things in order again, with bounded patience. Pure; no clock.

Media frames may come out of order: what arrives early waits until the hole before it is
filled, or until more than *patience* others wait as well.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs

T = TypeVar("T")
RESTART = 1_000
"""A number this far behind begins a new count."""


@attrs.define(eq=False)
class Reorder(Generic[T]):
    """Things numbered from *first* on. *lost* counts numbers given up, *late* things dropped."""

    patience: int = attrs.field(default=5, validator=attrs.validators.ge(0))
    first: int = 1
    lost: int = attrs.field(default=0, init=False)
    late: int = attrs.field(default=0, init=False)
    _next: int = attrs.field(init=False)
    _waiting: dict[int, T] = attrs.field(factory=dict, init=False, repr=False)
    _begun: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._next = self.first

    def put(self, number: int, thing: T) -> list[T]:
        """Take *thing*; return what is in order now."""
        if not self._begun:
            self._begin(number)
        elif number <= self._next - RESTART:
            return self._restarted(number, thing)
        if number < self._next or number in self._waiting:
            self.late += 1
            return []
        self._waiting[number] = thing
        ready = self._in_order()
        while len(self._waiting) > self.patience:
            self._give_up()
            ready += self._in_order()
        return ready

    def rest(self) -> list[T]:
        """Everything that still waits, in order: nothing more will come."""
        ready = self._in_order()
        while self._waiting:
            self._give_up()
            ready += self._in_order()
        return ready

    def _begin(self, number: int) -> None:
        self._begun = True
        if not self.first <= number <= self.first + self.patience:
            self._next = number

    def _restarted(self, number: int, thing: T) -> list[T]:
        before = self.rest()
        self._next = number
        return [*before, *self.put(number, thing)]

    def _give_up(self) -> None:
        """Wait no longer for what is missing before the earliest that waits."""
        reached = min(self._waiting)
        self.lost += reached - self._next
        self._next = reached

    def _in_order(self) -> list[T]:
        ready = []
        while self._next in self._waiting:
            ready.append(self._waiting.pop(self._next))
            self._next += 1
        return ready
