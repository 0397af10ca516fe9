"""Which call to a target belongs to which caller in a warm transfer.

A target whose caller has left is hung up instead of being kept waiting.

Kept in the process that dialled, while the caller's line is up. Another process has no entry: it
lets every target through and asks the carrier or the switchboard.
"""

from __future__ import annotations

from enum import Enum

import attrs

from patter.carriers.bounded_dict import LIMIT, BoundedDict


class TargetState(Enum):
    """How far the call to a target has come."""

    PENDING = "pending"
    CONNECTED = "connected"
    RELEASED = "released"


@attrs.frozen
class _Target:
    """The call to a target; *call_id* is empty until the carrier has named it."""

    call_id: str = ""
    state: TargetState = TargetState.PENDING


@attrs.define(eq=False)
class TransferTargets:
    """The targets of the last *limit* callers, both by the carrier's call ids."""

    limit: int = LIMIT
    _targets: BoundedDict[str, _Target] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._targets = BoundedDict(self.limit)

    def __len__(self) -> int:
        return len(self._targets)

    def __contains__(self, caller: str) -> bool:
        return caller in self._targets

    def expect(self, caller: str) -> None:
        """Note that somebody is about to be dialled for *caller*."""
        self._targets[caller] = _Target()

    def name(self, caller: str, target: str) -> bool:
        """Note the call id that the dial returned; False: nobody waits, so hang *target* up.

        Webhooks of that call, and the caller's hang-up, may have come before the dial returned.
        """
        entry = self._targets.get(caller)
        if entry == _Target():
            self._targets[caller] = _Target(target)
        return entry is not None and entry.state is not TargetState.RELEASED

    def is_pending(self, caller: str, target: str) -> bool:
        """May *target* still be connected to *caller*, for the first time?"""
        entry = self._targets.get(caller, _Target())
        return entry.state is TargetState.PENDING and entry.call_id in ("", target)

    def may_connect(self, caller: str, target: str) -> bool:
        """May *target* be the one whom *caller* waits for? The same news may come twice."""
        return self.is_pending(caller, target) or self.is_connected(caller, target)

    def is_connected(self, caller: str, target: str = "") -> bool:
        """Is *caller* connected to *target*? Without *target*: to anybody?"""
        entry = self._targets.get(caller, _Target())
        return entry.state is TargetState.CONNECTED and target in ("", entry.call_id)

    def connect(self, caller: str, target: str = "") -> None:
        """Note that they are connected; without *target*, to whoever was dialled."""
        if (entry := self._targets.get(caller)) is not None:
            self._targets[caller] = _Target(target or entry.call_id, TargetState.CONNECTED)

    def release(self, caller: str) -> str:
        """Note that they will not be connected; return the target that still rings, or empty."""
        entry = self._targets.get(caller)
        if entry is None:
            return ""
        self._targets[caller] = attrs.evolve(entry, state=TargetState.RELEASED)
        return _ringing(entry)

    def restore(self, caller: str, target: str) -> None:
        """Undo a `release` that could not be carried out: news of *target* counts again."""
        if caller in self._targets:
            self._targets[caller] = _Target(target)

    def remove(self, caller: str) -> str:
        """Note that the caller's line is down; return the target that still rings, or empty."""
        return _ringing(self._targets.pop(caller, _Target()))


def _ringing(entry: _Target) -> str:
    return entry.call_id if entry.state is TargetState.PENDING else ""
