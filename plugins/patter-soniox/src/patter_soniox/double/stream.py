"""One stream: audio in, tokens out, in audio's own time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import attrs

from patter.providers.stt import STTEvent, Transcript, Word
from patter_soniox.double import messages
from patter_soniox.double.start import Ends, Start
from patter_soniox.double.wire import Wire
from patter_testing.doubles.scripted_listener import ScriptedListener

UNSTABLE_WORDS = 2
"""How many words at the end of what is said are not final yet."""

PROGRESS_MS = 480
"""Soniox says how far it is, even if it has heard nothing."""


@attrs.frozen(kw_only=True)
class Limits:
    """How long a stream waits for *idle_s*, for its *first_audio_s*, and for how much it lasts."""

    idle_s: float
    first_audio_s: float
    most_ms: float


@attrs.define(eq=False)
class SonioxStream:
    """Hears with *ear*, whose pauses are endpoints, if they are asked for.

    Its n-th utterance is said by the n-th of *speakers*, over and over. With *bare_end* an
    endpoint is told even if a finalize has ended the utterance before.
    """

    wire: Wire
    start: Start
    ear: ScriptedListener
    limits: Limits
    speakers: tuple[str, ...] = ("1",)
    bare_end: bool = False
    _final_words: int = attrs.field(default=0, init=False)
    _final_ms: float = attrs.field(default=0.0, init=False)
    _told_ms: float = attrs.field(default=0.0, init=False)
    _utterance: int = attrs.field(default=0, init=False)
    _tokens: int = attrs.field(default=0, init=False)
    _asked_ms: float | None = attrs.field(default=None, init=False)

    async def run(self) -> None:
        """Serve until either side ends it. Raises Ends."""
        async for frame in self._frames():
            if isinstance(frame, bytes) and frame:
                await self._hear(frame)
            elif not frame:
                await self._finish()
                return
            else:
                await self._obey(frame)

    async def heard(self, events: list[STTEvent], *mark: str) -> None:
        """Tell of *events*; what is final ends with the tokens *mark*."""
        for event in events:
            if isinstance(event, Transcript) and event.final:
                await self._end(list(event.words), mark)
            elif isinstance(event, Transcript):
                await self._interim(list(event.words))

    @property
    def endpoint(self) -> tuple[str, ...]:
        """What a pause that Soniox judges by itself ends with."""
        return ("<end>",) if self.start.flag("enable_endpoint_detection") else ()

    async def _frames(self) -> AsyncIterator[str | bytes]:
        """What the client sends; until the first audio, nothing else keeps the stream open."""
        loop = asyncio.get_running_loop()
        first_due = loop.time() + self.limits.first_audio_s
        while True:
            late, within_s = "Request timeout.", self.limits.idle_s
            if not self.ear.position_ms and first_due - loop.time() < within_s:
                late = "Timed out while waiting for the first audio chunk"
                within_s = max(0.0, first_due - loop.time())
            frame = await self.wire.receive(within_s, late)
            if frame is None:
                return
            yield frame

    async def _hear(self, audio: bytes) -> None:
        await self.heard(self.ear.feed(audio), *self.endpoint)
        now_ms = self.ear.position_ms
        if now_ms > self.limits.most_ms:
            raise Ends(400, "Audio is too long.")
        if self._asked_ms is not None and now_ms - self._asked_ms >= self.ear.pause_ms:
            self._asked_ms = None
            if self.bare_end and self.endpoint and not self.ear.pending:
                await self._respond([messages.marker("<end>")])
        if now_ms - self._told_ms >= PROGRESS_MS:
            await self._respond([])

    async def _obey(self, frame: str | bytes) -> None:
        """Do as a control message says. Raises Ends for what is none."""
        try:
            body: Any = json.loads(frame)
        except (ValueError, RecursionError):
            raise Ends(400, "Control request is malformed.") from None
        if not isinstance(body, dict) or set(body) - {"type", "trailing_silence_ms"}:
            raise Ends(400, "Control request is malformed.")
        self.wire.commands.append(str(body.get("type")))
        if body.get("type") == "finalize":
            self._asked_ms = self.ear.position_ms
            await self.heard(self.ear.finalize(), "<fin>")
        elif body.get("type") != "keepalive":
            raise Ends(400, "Control request invalid type.")

    async def _finish(self) -> None:
        """The client is done: what is pending, and that it was all."""
        self.wire.commands.append("")
        if not self.ear.position_ms:
            raise Ends(400, "No audio received.")
        await self.heard([e for e in self.ear.finalize() if isinstance(e, Transcript) and e.text])
        await self.wire.answer(messages.finished(self.ear.position_ms))
        await self.wire.end()

    async def _interim(self, words: list[Word]) -> None:
        """Words become final before the utterance ends, all but the latest."""
        stable = max(len(words) - UNSTABLE_WORDS, self._final_words)
        bodies = self._made(words[self._final_words : stable], final=True)
        self._final_words = stable
        bodies += self._made(words[stable:], final=False)
        await self._respond(bodies)

    async def _end(self, words: list[Word], mark: tuple[str, ...]) -> None:
        bodies = self._made(words[self._final_words :], final=True)
        self._final_words = 0
        self._utterance += 1 if words else 0
        self._final_ms = self.ear.position_ms
        await self._respond([*bodies, *map(messages.marker, mark)])

    def _made(self, words: list[Word], *, final: bool) -> list[messages.Body]:
        """The tokens of *words*, whose positions never run back behind what is final."""
        bodies: list[messages.Body] = []
        at_ms = int(self._final_ms)
        for word in words:
            begin_ms = max(word.start_ms, at_ms)
            placed = Word(word.text, begin_ms, max(word.end_ms, begin_ms))
            bodies += messages.tokens(
                placed, first=not (self._tokens or bodies), final=final, **self._labels()
            )
            at_ms = placed.end_ms
        if final and bodies:
            self._tokens, self._final_ms = self._tokens + len(bodies), at_ms
        return bodies

    def _labels(self) -> dict[str, str]:
        labels = {}
        if self.start.flag("enable_language_identification"):
            labels["language"] = next(iter(self.start.body.get("language_hints", [])), "en")
        if self.start.flag("enable_speaker_diarization"):
            labels["speaker"] = self.speakers[self._utterance % len(self.speakers)]
        return labels

    async def _respond(self, bodies: list[messages.Body]) -> None:
        self._told_ms = self.ear.position_ms
        body = messages.response(bodies, final_ms=self._final_ms, total_ms=self._told_ms)
        await self.wire.answer(body)
