"""The calls of a log root, as an assistant may read them: numbers as the log would keep them.

Nothing else on the disk is read. What is asked for by id is looked for below the root alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import attrs

from patter.errors import InputError
from patter.observe.documents import transcript
from patter.observe.redact import Redactor
from patter.observe.root_secret import redactor_for
from patter.observe.stored_calls import StoredCall, calls_in, stored_call

MOST, TURNS = 50, 400
"""Calls of a list; turns of a transcript, of which the last are shown."""
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_HIDDEN = re.compile(r"\*\*\*|hmac:")


@attrs.frozen
class CallShelf:
    """The calls below *root*. Blocks: for a thread."""

    root: Path

    def listed(self, limit: int) -> list[dict[str, Any]]:
        """The last *limit* calls, the newest first, a few figures each."""
        redactor = redactor_for(self.root)
        wanted = islice(calls_in(self.root), max(1, min(limit, MOST)))
        return [_figures(call, redactor) for call in wanted]

    def transcript(self, call_id: str) -> dict[str, Any]:
        """What was said in a call, and its figures. Raises InputError when there is none."""
        call = next(self._named(call_id), None)
        if call is None:
            raise InputError(f"there is no call {call_id[:64]!r}", fix="see list_calls")
        if call.erased:
            raise InputError(f"call {call_id} was erased", fix="see list_calls for others")
        redactor = redactor_for(self.root)
        names = [str(call.metadata.get(who) or "") for who in ("caller", "callee")]
        rows = [
            {"role": role, "text": redactor.text(text, filter(None, names))}
            for turn in transcript(call.events())[-TURNS:]
            for role, text in (("user", turn["user_text"]), ("assistant", turn["agent_text"]))
            if text
        ]
        return {**_figures(call, redactor), "transcript": rows}

    def _named(self, call_id: str) -> Iterator[StoredCall]:
        if not _ID.fullmatch(call_id):
            return
        for day in sorted((self.root / "calls").glob("*/*/*"), reverse=True):
            if (call := stored_call(day / call_id)) is not None:
                yield call


def _figures(call: StoredCall, redactor: Redactor) -> dict[str, Any]:
    data = call.metadata
    outbound = data.get("direction") == "outbound"
    number = str(data.get("callee" if outbound else "caller") or "")
    lasted = data.get("duration_ms")
    return {
        "call_id": call.call_id,
        "status": "in_progress" if call.live else "erased" if call.erased else "completed",
        "started_at": call.started_at,
        "direction": data.get("direction"),
        # One that the log has hidden already would be hashed a second time.
        "number": number if _HIDDEN.match(number) else redactor.number(number),
        "outcome": data.get("outcome"),
        "duration_seconds": None if lasted is None else lasted / 1_000,
        "turns": data.get("turns"),
        "cost_usd": (data.get("cost") or {}).get("total"),
    }
