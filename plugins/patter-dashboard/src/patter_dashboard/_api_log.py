"""The log lines of a call, for its page and for programs."""

from __future__ import annotations

from typing import Any

from aiohttp import web

import patter_dashboard.detail as detail
import patter_dashboard.listing as listing
from patter.errors import InputError
from patter_dashboard._http import NotFound, text_response
from patter_dashboard.dashboard import Dashboard
from patter_dashboard.log_lines import LEVELS


async def log_of_call(dashboard: Dashboard, request: web.Request) -> web.StreamResponse:
    """The lines of the call ``id``, from the level ``?level=`` on, by default ``warning``.

    Raises InputError for another level, NotFound for a call that was erased.
    """
    level, call_id = request.query.get("level", "warning"), request.match_info["id"]
    if level not in LEVELS:
        raise InputError(f"there is no level {level!r}", fix=f"use {' or '.join(LEVELS)}")

    def read() -> str:
        parties = _parties(dashboard, call_id)
        return detail.masked(_as_data(dashboard, call_id, LEVELS[level]), parties)

    return text_response(await dashboard.work.answer(read))


def _as_data(dashboard: Dashboard, call_id: str, level: int) -> dict[str, Any]:
    lines = dashboard.lines
    return {"data": lines.of(call_id, level), "dropped": lines.dropped(call_id, level)}


def _parties(dashboard: Dashboard, call_id: str) -> tuple[str, ...]:
    """The numbers that no line may have. Blocks; raises NotFound for a call that was erased."""
    if (live := dashboard.live.calls.get(call_id)) is not None:
        return live.parties
    if dashboard.recorded is None or dashboard.index is None:
        return ()
    if listing.place_in(dashboard.index, call_id) is None:
        return ()
    try:
        return detail.parties_of(dashboard.recorded.events(call_id))
    except NotFound:
        dashboard.lines.forget(call_id)
        raise
