"""Whether a model keeps up with the voice that speaks its text: pure arithmetic.

A model that is silent while the caller still listens to what it wrote has failed nobody. One that
brings a word a second has, however alive it is.
"""

from __future__ import annotations

import attrs

from patter.llm.continuation import MS_PER_LETTER
from patter.providers.llm import LLMChunk, TextChunk, ToolCallChunk

SLACK_MS = 900.0
"""How long a caller may hear nothing in the middle of an answer before another model goes on."""

GROWS_MS = 20.0
"""Three times as fast as it is spoken: the caller waits for the end of a sentence."""

ENDS = ".!?\n\u3002\uff01\uff1f\u0964\u061f"
"""Where a sentence may end."""

MOST_MS = 2_500.0
"""And so long at most a model may send nothing, however much the caller still has to hear."""


@attrs.define
class TextPace:
    """Until when the text of a reply lasts that began to come at *begin_ms*.

    A sentence is spoken when it is whole; one that is not must grow by a letter each `GROWS_MS`.
    Arguments of tools come late and all at once from some vendors: while one is being written
    only `MOST_MS` holds.
    """

    begin_ms: float
    _letters: int = 0
    _speakable: int = 0
    _writes_tool: bool = False

    def take(self, chunk: LLMChunk) -> None:
        """The next chunk has come."""
        if isinstance(chunk, TextChunk):
            whole = max(map(chunk.text.rfind, ENDS)) + 1
            if whole:
                self._speakable = self._letters + whole
            self._letters += len(chunk.text)
        self._writes_tool = self._writes_tool or isinstance(chunk, ToolCallChunk)

    def patience_ms(self, now_ms: float) -> float:
        """How long the next chunk may take from now on; below 0 it is late already."""
        if self._writes_tool:
            return MOST_MS
        spoken_ms = self.begin_ms + self._speakable * MS_PER_LETTER - now_ms
        grows_ms = spoken_ms + (self._letters - self._speakable) * GROWS_MS
        return min(max(0.0, spoken_ms), grows_ms, MOST_MS - SLACK_MS) + SLACK_MS
