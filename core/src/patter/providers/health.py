"""Trying settings out before anybody calls: is the vendor there, and does it accept them?

Optional for every kind: what has no `check` is not asked.
"""

from __future__ import annotations

import inspect
from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class HealthReport:
    """What a check reports besides that it passed.

    *text*: a few words for people, a version for example. *wall*: the vendor's own time in
    seconds since 1970, from the Date header of its answer; with it clocks are compared.
    """

    text: str = ""
    wall: float | None = None


class HealthCheck(Protocol):
    """Settings of a provider, or a carrier's open line, that can be tried out."""

    async def check(self) -> HealthReport | None:
        """Ask whether these settings are accepted: free of charge, and changing nothing.

        It is given five seconds. Raises AuthenticationError when the vendor refuses them,
        PatterConnectionError when it cannot be reached, PatterConfigError when something is
        missing on this machine; never with a secret, or a part of one, in its words.
        """
        ...


def health_check_of(thing: object) -> HealthCheck | None:
    """*thing*, if it can be tried out; a `check` that needs arguments is something else."""
    check = getattr(thing, "check", None)
    if not callable(check):
        return None
    needed = [
        name
        for name, each in inspect.signature(check).parameters.items()
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    checkable: HealthCheck | None = None if needed else thing  # type: ignore[assignment]
    return checkable
