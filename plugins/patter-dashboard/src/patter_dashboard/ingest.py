"""``/api/dashboard/ingest``: what other processes of this machine tell a dashboard beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from aiohttp import web

from patter.errors import InputError
from patter_dashboard._http import body_of, json_response
from patter_dashboard.dashboard import Dashboard
from patter_dashboard.notify import PATH
from patter_dashboard.store import CallsStore

EVENTS = (
    "call_initiated",
    "call_start",
    "call_status",
    "transcript_line",
    "turn_complete",
    "call_end",
)


@attrs.frozen(eq=False)
class Ingest:
    """Takes events for *store*, and looks at the records as a call ends."""

    dashboard: Dashboard
    store: CallsStore

    def route(self) -> web.RouteDef:
        """The route; for whoever has the token, or for programs of this machine."""
        return web.post(PATH, self.dashboard.access.changing(self.take))

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take one event: an object with `call_id`, and what happened in `event`."""
        body = await body_of(request)
        call_id = body.get("call_id")
        if not isinstance(call_id, str) or not 0 < len(call_id) <= 128:
            raise InputError("an event needs its call", fix='send {"call_id": "..."}')
        event = event_of(body)
        self._takers()[event](body)
        parties = tuple(str(body.get(name) or "") for name in ("caller", "callee"))
        self.dashboard.hub.publish(event, body, parties)
        if event == "call_end" and self.dashboard.indexer is not None:
            self.dashboard.indexer.poke()
        return json_response({"ok": True, "call_id": call_id, "event": event})

    def _takers(self) -> Mapping[str, Callable[[Mapping[str, Any]], None]]:
        store = self.store
        return {
            "call_initiated": store.record_call_initiated,
            "call_start": store.record_call_start,
            "call_status": _status(store),
            "transcript_line": store.record_transcript_line,
            "turn_complete": store.record_turn,
            "call_end": _end(store),
        }


def event_of(body: Mapping[str, Any]) -> str:
    """What happened; without a name, by what there is: a call that has ended has `ended_at`.

    Raises InputError.
    """
    event = body.get("event") or body.get("type")
    if event is None:
        return "call_end" if body.get("ended_at") or body.get("metrics") else "call_start"
    if event not in EVENTS:
        raise InputError(f"{event!r} is not an event of a call", fix=f"use {', '.join(EVENTS)}")
    return str(event)


def _status(store: CallsStore) -> Callable[[Mapping[str, Any]], None]:
    return lambda body: store.update_call_status(body["call_id"], str(body.get("status") or ""))


def _end(store: CallsStore) -> Callable[[Mapping[str, Any]], None]:
    def end(body: Mapping[str, Any]) -> None:
        metrics = body.get("metrics")
        store.record_call_end(body, metrics if isinstance(metrics, Mapping) else None)

    return end
