"""What a text session prints: who said what, which tools ran, what went wrong. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from patter.observe.codec import encode_line
from patter.observe.events import CallEvent, EngineStep, Link, Row, Turn
from patter.observe.summary import CallSummary
from patter.observe.view import LiveView
from patter.phone.payloads import HistoryEntry

TITLE = "text only; a line is a turn"
_NO_LINE = (Turn, Link, EngineStep)
"""How long things took says nothing where nobody speaks."""
_STAMP = 8
"""Columns for the time of a line, which nobody needs while they type."""
_ROLES = {"user": "caller", "assistant": "agent"}


@attrs.define(eq=False)
class TestLines:
    """The lines of one session for people."""

    __test__ = False

    _view: LiveView = attrs.field(factory=LiveView, init=False)

    def banner(self, commands: Iterable[str]) -> list[str]:
        """The first line."""
        return [f"{TITLE}; {' '.join(commands)}"]

    def of(self, event: CallEvent) -> list[str]:
        """The lines of *event*, often none; the caller's words were typed here."""
        if isinstance(event, _NO_LINE) or (isinstance(event, Row) and event.role == "caller"):
            return []
        return [str(line)[_STAMP:] for line in self._view.feed(event)]

    def caller(self, text: str, *, shown: bool) -> list[str]:
        """The caller's *text*; not again if it is *shown* where it was typed."""
        return [] if shown else [f"{'you':<9}{text.strip()}"]

    def history(self, rows: Iterable[HistoryEntry]) -> list[str]:
        """What both sides have said so far."""
        return [f"  {_ROLES[row['role']]:<7}{row['text']}" for row in rows] or ["  nothing yet"]

    def note(self, text: str) -> list[str]:
        """Something about the session itself."""
        return [text]

    def end(self, summary: CallSummary) -> list[str]:
        """The last line."""
        turns = f"{summary.turns} turn{'s'[: summary.turns != 1]}"
        cost = "cost unknown" if summary.cost_usd is None else f"${summary.cost_usd:.3f}"
        return [f"ended: {summary.reason or summary.outcome}  {turns}  {cost}"]


@attrs.define(eq=False)
class JsonLines(TestLines):
    """The same for programs: an event a line."""

    def banner(self, commands: Iterable[str]) -> list[str]:  # noqa: ARG002
        return []

    def of(self, event: CallEvent) -> list[str]:
        if isinstance(event, EngineStep):
            return []
        return [self._line(json.loads(encode_line(event)))]

    def caller(self, text: str, *, shown: bool) -> list[str]:  # noqa: ARG002
        return []

    def history(self, rows: Iterable[HistoryEntry]) -> list[str]:
        return [self._line({"type": "history", "rows": list(rows)})]

    def note(self, text: str) -> list[str]:
        return [self._line({"type": "note", "what": "session", "text": text})]

    def end(self, summary: CallSummary) -> list[str]:  # noqa: ARG002
        return []

    @staticmethod
    def _line(value: Mapping[str, Any]) -> str:
        return json.dumps({"v": 1, **value})
