"""What is known of one turn so far; its spans are made at once, when its answer is over.

Only then is known when it began and ended: a span's beginning cannot be corrected.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from patter.observe.events import Row, Turn
from patter_otel.names import (
    LLM_ITERATION,
    SPAN_LLM,
    SPAN_STT,
    SPAN_TTS,
    SPAN_TURN,
    STT_TEXT_LEN,
    TOKENS,
    TTFB_MS,
    TTS_TEXT_LEN,
    TURN_MS,
)
from patter_otel.pieces import Attributes, Piece, stages_of

PIECES = 64
"""Pieces of one turn; one with more is in a loop."""


@attrs.define(eq=False)
class TurnTrace:
    """The turn *number* of a caller; 0 is what the agent says by itself."""

    number: int
    caller: Row | None = None
    turn: Turn | None = None
    answer: Row | None = None
    pieces: list[Piece] = attrs.field(factory=list)
    left_out: int = 0

    def add(self, piece: Piece) -> None:
        """*piece* belongs to this turn."""
        if len(self.pieces) < PIECES:
            self.pieces.append(piece)
        else:
            self.left_out += 1

    def spoke(self, characters: int) -> None:
        """The last voice has spoken *characters*."""
        if (piece := self._last(SPAN_TTS)) is not None:
            piece.attributes[TTS_TEXT_LEN] = characters

    def thought(self, tokens: dict[str, int], rounds: int) -> None:
        """The last model has used *tokens*, by their unit, in so many *rounds*."""
        if (piece := self._last(SPAN_LLM)) is None:
            return
        for unit, amount in tokens.items():
            piece.attributes[TOKENS[unit]] = amount
        if rounds:
            piece.attributes[LLM_ITERATION] = rounds

    def whole(self, *, words: bool) -> tuple[Piece, list[Piece]]:
        """The turn as a piece, and the pieces below it."""
        below = [*self._stages(), *self.pieces]
        moments = [*self._rows(), *((each.began_ms, each.ended_ms) for each in below)]
        began_ms = min((began for began, _ in moments), default=0.0)
        ended_ms = max((ended for _, ended in moments), default=began_ms)
        return Piece(SPAN_TURN, began_ms, ended_ms, self._attributes(words=words)), below

    def _last(self, name: str) -> Piece | None:
        return next((each for each in reversed(self.pieces) if each.name == name), None)

    def _stages(self) -> Iterator[Piece]:
        if self.turn is None:
            return
        heard_from_ms = self.turn.at_ms
        if self.answer is not None and self.answer.began_ms is not None:
            # The turn's event is emitted a moment after that.
            heard_from_ms = self.answer.began_ms
        yield from stages_of(self.turn, heard_from_ms)

    def _rows(self) -> Iterator[tuple[float, float]]:
        for row in (self.caller, self.answer):
            if row is not None:
                ended_ms = row.at_ms if row.ended_ms is None else row.ended_ms
                yield row.start_ms, ended_ms

    def _attributes(self, *, words: bool) -> Attributes:
        attributes: dict[str, Any] = {"patter.turn": self.number}
        caller, turn, answer = self.caller, self.turn, self.answer
        if turn is not None and turn.gap_ms is not None:
            stages = turn.stages
            attributes[TURN_MS] = turn.gap_ms
            attributes[TTFB_MS] = sum(
                stages.get(each, 0) for each in ("llm", "tool", "text", "tts")
            )
            attributes |= {f"patter.latency.{name}_ms": ms for name, ms in stages.items() if ms}
        if answer is not None:
            attributes["patter.interrupted"] = bool(answer.interrupted)
            if answer.heard_ms is not None:
                attributes["patter.heard_ms"] = answer.heard_ms
        if self.left_out:
            attributes["patter.spans_left_out"] = self.left_out
        if caller is not None and (piece := self._last(SPAN_STT)) is not None:
            piece.attributes[STT_TEXT_LEN] = len(caller.text)
        if words:
            attributes["patter.caller.text"] = caller.text if caller else ""
            attributes["patter.agent.text"] = answer.text if answer else ""
        return attributes
