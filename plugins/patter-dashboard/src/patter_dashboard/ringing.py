"""What calls are before they are answered, and how those end that never were: told to pages.

From the registry of the server, which hears of calls before they have media.
"""

from __future__ import annotations

from typing import Any

import attrs

from patter.observe.documents import moment
from patter_dashboard.hub import Hub
from patter_dashboard.masking import hidden

_OVER = {"no_answer": "no-answer"}
_ATTEMPTED, _RINGING, _LIVE, _ENDED = "attempted", "ringing", "live", "ended"


@attrs.define(eq=False)
class Ringing:
    """Tells *hub* of the calls of *server* that ring."""

    hub: Hub
    server: Any
    _states: dict[str, str] = attrs.field(factory=dict, init=False)

    async def run(self) -> None:
        """Watch until cancelled; what is missed between two looks is only a state in between."""
        async with self.server.registry.watch() as changes:
            async for entry in changes:
                self._take(entry)

    def _take(self, entry: Any) -> None:
        state, before = str(entry.state), self._states.get(entry.call_id)
        if state == _ENDED:
            self._states.pop(entry.call_id, None)
            if before not in (None, _LIVE):
                self._never_answered(entry)
            return
        self._states[entry.call_id] = state
        if before is None and state in (_ATTEMPTED, _RINGING):
            self._tell("call_initiated", entry, {"status": "initiated", **_about(entry)})
        elif before not in (None, state) and state == _RINGING:
            self._tell("call_status", entry, {"status": "ringing"})

    def _never_answered(self, entry: Any) -> None:
        outcome = str(entry.reached.value)
        status = _OVER.get(outcome, outcome)
        reason = entry.summary.reason if entry.summary is not None else ""
        self._tell("call_status", entry, {"status": status})
        self._tell("call_end", entry, {"status": status, "outcome": outcome, "reason": reason})

    def _tell(self, name: str, entry: Any, data: dict[str, Any]) -> None:
        self.hub.publish(name, {"call_id": entry.call_id, **data})


def _about(entry: Any) -> dict[str, Any]:
    request = entry.request
    return {
        "caller": hidden(request.caller),
        "callee": hidden(request.callee),
        "direction": str(request.direction),
        "agent": request.agent,
        "carrier": request.carrier,
        "started_at": moment(request.wall),
    }
