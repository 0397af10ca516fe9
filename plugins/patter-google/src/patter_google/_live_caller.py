"""What the caller said, as the vendor tells it: in pieces, in no order with its answers (pure).

A turn ends when the model begins to answer it; nothing else says so reliably. The words there are
by then are final, for a call that waits for more of them would hold the answer back. Where there
are none yet, they come beside the answer, and are that turn's.
"""

from __future__ import annotations

from itertools import count

import attrs

from patter.providers.engine_events import CallerTranscript, CallerTurnEnded, EngineEvent

LATE_MS = 400.0
"""Words that come so soon after an answer began are of the turn that it answers; words that come
beside an answer are complete when nothing was added for so long."""

_NOISE = "<noise>"
"""What is written for a caller who made a sound without words."""


@attrs.define(eq=False)
class _Turn:
    item: str
    text: str = ""
    answered: bool = False
    last_ms: float = 0.0


@attrs.define(eq=False)
class CallerTurns:
    """The caller's turns. *manual*: their ends are not news, for the call makes them."""

    manual: bool
    _ids: count[int] = attrs.field(factory=lambda: count(1), init=False)
    _turn: _Turn | None = attrs.field(default=None, init=False)
    _unanswered: str = attrs.field(default="", init=False)
    """The turn whose words are final and which no answer has ended yet."""
    _tail_ms: float = attrs.field(default=-1.0, init=False)
    """Until when words are the rest of a turn whose transcript is final."""

    def hear(self, text: str, now_ms: float, *, finished: bool = False) -> list[EngineEvent]:
        """The next words; with *finished* there are no more of this turn."""
        if self._is_tail(now_ms):
            return []
        turn = self._current()
        turn.text += text.replace(_NOISE, "")
        turn.last_ms = now_ms
        return self._finish(turn) if finished else self._interim(turn, "")

    def guess(self, text: str, now_ms: float) -> list[EngineEvent]:
        """What the next words may be; they come again."""
        if self._is_tail(now_ms):
            return []
        turn = self._current()
        turn.last_ms = now_ms
        return self._interim(turn, text.replace(_NOISE, ""))

    def answer(self, now_ms: float) -> list[EngineEvent]:
        """The vendor answers: the turn that goes on is over, though its words may be missing."""
        if self._turn is None and self._unanswered:
            item, self._unanswered = self._unanswered, ""
            return self._ended(item)
        turn = self._current()
        turn.answered, turn.last_ms = True, now_ms
        if not turn.text.strip():
            return self._ended(turn.item)
        self._tail_ms = now_ms + LATE_MS
        return [*self._finish(turn), *self._ended(turn.item)]

    def release(self) -> list[EngineEvent]:
        """The answer is over: words that come now are the next turn's."""
        self._tail_ms = -1.0
        if self._turn is None or not self._turn.answered:
            return []
        return self._finish(self._turn)

    @property
    def due_ms(self) -> float | None:
        """When `tick` has something to do."""
        turn = self._turn
        return turn.last_ms + LATE_MS if turn and turn.answered and turn.text.strip() else None

    def tick(self, now_ms: float) -> list[EngineEvent]:
        """Time has passed."""
        due_ms = self.due_ms
        return self.release() if due_ms is not None and now_ms >= due_ms else []

    def _is_tail(self, now_ms: float) -> bool:
        return self._turn is None and now_ms < self._tail_ms

    def _current(self) -> _Turn:
        if self._turn is None:
            self._turn, self._unanswered = _Turn(f"turn-{next(self._ids)}"), ""
        return self._turn

    def _interim(self, turn: _Turn, guess: str) -> list[EngineEvent]:
        # Of a turn that is answered already they would be taken for those of another.
        text = "" if turn.answered else f"{turn.text}{guess}".strip()
        return [CallerTranscript(turn.item, text, final=False)] if text else []

    def _finish(self, turn: _Turn) -> list[EngineEvent]:
        self._turn = None
        if not (text := turn.text.strip()):
            return []
        self._unanswered = "" if turn.answered else turn.item
        return [CallerTranscript(turn.item, text, final=True)]

    def _ended(self, item: str) -> list[EngineEvent]:
        return [] if self.manual else [CallerTurnEnded(item)]
