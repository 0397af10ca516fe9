"""A recogniser that knows what will be said: words come as late as a vendor's do.

An interim 300 ms after each word, a final 150 ms after `finalize`, or by itself when nobody has
said a word for a second. Everything goes by the position in the audio, so nothing is left to
chance. What nobody labelled, such as a cough or a stranger, it does not hear.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.aio import Mailbox
from patter.audio.formats import MULAW_8K, AudioFormat
from patter.providers.context import CallContext
from patter.providers.stt import STT, STTEvent, Transcript
from voices.clip import Word

INTERIM_MS, FINAL_MS, ALONE_MS = 300, 150, 1_000


@attrs.frozen(kw_only=True)
class LabelSTT:
    """Hears *words*, a list that may grow while the call goes on; in milliseconds of the audio."""

    words: list[Word] = attrs.field(factory=list)
    accepts: tuple[AudioFormat, ...] = (MULAW_8K,)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[LabelSession]:
        session = LabelSession(self.words, audio)
        try:
            yield session
        finally:
            session.events.close()


@attrs.define(eq=False)
class LabelSession:
    """One call's ears."""

    words: list[Word]
    audio: AudioFormat
    events: Mailbox[STTEvent] = attrs.field(factory=lambda: Mailbox(10_000), init=False)
    _at_ms: float = attrs.field(default=0.0, init=False)
    _shown: int = attrs.field(default=0, init=False)
    _final: int = attrs.field(default=0, init=False)
    _due: list[tuple[float, float]] = attrs.field(factory=list, init=False)

    async def send(self, audio: bytes) -> None:
        self._at_ms += self.audio.ms_in(len(audio))
        while self._due and self._due[0][0] <= self._at_ms:
            self._finish(self._due.pop(0)[1])
        shown = sum(word.end_ms + INTERIM_MS <= self._at_ms for word in self.words)
        if shown > max(self._shown, self._final):
            self._tell(shown, final=False)
        self._shown = shown
        last = self.words[self._shown - 1].end_ms if self._shown > self._final else None
        if last is not None and self._at_ms >= last + ALONE_MS and self._pause_is_real():
            self._finish(self._at_ms)

    async def finalize(self) -> None:
        self._due.append((self._at_ms + FINAL_MS, self._at_ms))

    async def __aiter__(self) -> AsyncIterator[STTEvent]:
        async for event in self.events:
            yield event

    def _pause_is_real(self) -> bool:
        """Has everybody been silent since the last word that was shown?"""
        return not any(word.start_ms < self._at_ms for word in self.words[self._shown :])

    def _finish(self, heard_ms: float) -> None:
        """What ended before *heard_ms* is final; an empty final if that is nothing new."""
        ended = sum(word.end_ms <= heard_ms for word in self.words)
        self._tell(max(ended, self._final), final=True)

    def _tell(self, until: int, *, final: bool) -> None:
        words = self.words[self._final : until]
        end_ms = words[-1].end_ms if words else None
        text = " ".join(word.text for word in words)
        self.events.put(Transcript(text, final, end_ms=end_ms))
        if final:
            self._final = until


if TYPE_CHECKING:
    _: type[STT] = LabelSTT
