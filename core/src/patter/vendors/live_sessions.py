"""The sessions of calls that are up: settings change one, and hold none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import attrs

from patter.errors import CallStateError

S = TypeVar("S")


@attrs.define(eq=False)
class LiveSessions(Generic[S]):
    """Sessions at *vendor*, by their address and their call."""

    vendor: str
    _sessions: dict[tuple[str, str], S] = attrs.field(factory=dict, init=False, repr=False)

    @contextmanager
    def holding(self, url: str, call_id: str, session: S) -> Iterator[None]:
        """Find *session* while inside; of two of one call, the later one."""
        self._sessions[url, call_id] = session
        try:
            yield
        finally:
            if self._sessions.get((url, call_id)) is session:
                del self._sessions[url, call_id]

    def of(self, url: str, call_id: str) -> S:
        """The session of a call that is up. Raises CallStateError for another one."""
        session = self._sessions.get((url, call_id))
        if session is None:
            raise CallStateError(
                f"{self.vendor} does not listen on call {call_id}",
                fix="configure calls that are up",
            )
        return session
