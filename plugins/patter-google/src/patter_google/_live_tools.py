"""Which results of tools the vendor waits for, and when it goes on (pure)."""

from __future__ import annotations

from collections.abc import Iterable

import attrs


@attrs.frozen
class Delivery:
    """What becomes of a result: *name* is its tool's, *last* of its response, *follow* if answered.

    *due*: the vendor's next response is about it, and the one that called is over already.
    """

    name: str
    last: bool
    follow: bool
    due: bool


@attrs.define(eq=False)
class _Round:
    """The calls of one response: names of those without a result, by their ids."""

    missing: dict[str, str] = attrs.field(factory=dict)
    done: bool = False
    follow: bool = False


@attrs.define(eq=False)
class ToolRounds:
    """Calls by the response that made them."""

    _rounds: dict[str, _Round] = attrs.field(factory=dict, init=False)

    @property
    def waiting(self) -> bool:
        """Is any result missing?"""
        return any(each.missing for each in self._rounds.values())

    def want(self, response_id: str, call_id: str, name: str) -> None:
        """A response calls tool *name*."""
        self._rounds.setdefault(response_id, _Round()).missing[call_id] = name

    def deliver(self, call_id: str, *, follow: bool) -> Delivery | None:
        """A result is there; None when nobody waits for it."""
        for response_id, round_ in self._rounds.items():
            if call_id not in round_.missing:
                continue
            name = round_.missing.pop(call_id)
            round_.follow = follow
            last = not round_.missing
            if last and round_.done:
                del self._rounds[response_id]
            return Delivery(name, last, last and follow, last and follow and round_.done)
        return None

    def end(self, response_id: str) -> bool:
        """A response is done; True when the vendor has all results and goes on about them."""
        round_ = self._rounds.get(response_id)
        if round_ is None:
            return False
        round_.done = True
        if round_.missing:
            return False
        del self._rounds[response_id]
        return round_.follow

    def cancel(self, call_ids: Iterable[str]) -> tuple[str, ...]:
        """The vendor no longer waits for these; returns those that were waited for."""
        cancelled = []
        for call_id in call_ids:
            for round_ in self._rounds.values():
                if round_.missing.pop(call_id, None) is not None:
                    round_.follow = False
                    cancelled.append(call_id)
        self._rounds = {i: each for i, each in self._rounds.items() if each.missing}
        return tuple(cancelled)
