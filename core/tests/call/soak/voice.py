"""A voice whose sound can be read back word by word, and that fails as its lines say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import attrs

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.errors import PatterConnectionError
from patter.providers.context import CallContext
from patter.providers.tts import Speech

from .notes import Notes
from .recogniser import connect
from .script import Line
from .sound import FRAME_MS, sound, word_ms

FIRST_MS = 200


@attrs.frozen(kw_only=True, eq=False)
class Voice:
    """*settings* is for every reply; *lines* are for the n-th alone."""

    notes: Notes
    settings: Line
    lines: Mapping[int, Line]
    produces: tuple[AudioFormat, ...] = (MULAW_8K,)
    count: list[int] = attrs.field(factory=lambda: [0])

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[_Session]:
        await connect(self.notes, self.settings)
        if self.notes.now() < self.settings.number("dead"):
            self.notes.fault("voice")
            raise PatterConnectionError("the voice cannot be reached", fix="none")
        yield _Session(self)


@attrs.frozen(eq=False)
class _Session:
    settings: Voice

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        voice = self.settings
        voice.count[0] += 1
        own = voice.lines.get(voice.count[0])
        done = 0
        first_ms = (own or voice.settings).number("first", voice.settings.number("first", FIRST_MS))
        async for sentence in text:
            if own and await self._ends(own, done):
                return
            await asyncio.sleep((first_ms if not done else FIRST_MS) / 1_000)
            for speech in self._spoken(sentence):
                yield speech
            done += 1
        if own and "stops" not in own.options:
            await self._ends(own, done)

    async def _ends(self, own: Line, done: int) -> bool:
        """Do what the reply's line says after *done* sentences; True to end as if complete."""
        for name in ("raises", "stops", "stalls"):
            if name in own.options and own.number(name) <= done:
                self.settings.notes.fault("voice")
                if name == "raises":
                    raise PatterConnectionError("the voice broke", fix="none")
                if name == "stalls":
                    await asyncio.get_running_loop().create_future()
                return True
        return False

    def _spoken(self, sentence: str) -> list[Speech]:
        lengths = [word_ms(word) for word in sentence.split()]
        frames = [ms // FRAME_MS for ms in lengths]
        words = self.settings.notes.speak(sentence, frames)
        audio = b"".join(sound(word.code, ms) for word, ms in zip(words, lengths, strict=True))
        half = len(audio) // 2 // 80 * 80
        return [Speech(audio[:half], sentence), Speech(audio[half:])]
