"""One session of ``/stt/websocket``: audio in, transcripts out, finals as pieces of one text."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from patter.providers.stt import STTEvent, Transcript, Word
from patter_cartesia.double import messages
from patter_cartesia.double.params import Params
from patter_cartesia.double.sockets import Idle, Session
from patter_testing.doubles.scripted_listener import ScriptedListener

SILENCE_S = 1.2
"""The silence after which this Ink makes words final by itself; Cartesia does not say its own."""

OLD = "2026-03-01"
"""Before this version the last word was ``done``."""


def pause_ms(params: Params) -> float:
    """The silence after which words are final without being asked for."""
    return 1_000 * params.number("max_silence_duration_secs", 0.0, 600.0, SILENCE_S)


@attrs.define(eq=False)
class InkSession:
    """Hears with *ear*.

    A final comes in pieces of *piece_letters*, which may end in the middle of a word; 0: whole.
    *timed*: words have times; *plain*: as the documentation has them, not as the SDK. *acks*: is a
    ``finalize`` answered?
    """

    session: Session
    params: Params
    ear: ScriptedListener
    version: str
    piece_letters: int = 0
    timed: bool = True
    plain: bool = False
    acks: bool = True
    _has_spoken: bool = attrs.field(default=False, init=False)

    async def run(self) -> None:
        """Serve until either side ends it."""
        try:
            async for frame in self.session.frames():
                if isinstance(frame, bytes):
                    await self.heard(self.ear.feed(frame))
                elif not await self._obey(frame):
                    return
        except Idle:
            await self.session.close(1000, "idle")

    async def heard(self, events: Sequence[STTEvent]) -> None:
        """Tell of the words in *events*."""
        for event in events:
            if not isinstance(event, Transcript) or not event.text:
                continue
            text = f" {event.text}" if self._has_spoken else event.text
            if not event.final:
                await self._tell(text, event.words, final=False)
                continue
            size = self.piece_letters or len(text)
            for at in range(0, len(text), size):
                last = at + size >= len(text)
                await self._tell(text[at : at + size], event.words if last else (), final=True)
            self._has_spoken = True

    async def _tell(self, text: str, words: Sequence[Word], *, final: bool) -> None:
        lasting_ms = words[-1].end_ms - words[0].start_ms if words else 0.0
        body = messages.transcript(
            text,
            words if self.timed else (),
            final=final,
            duration_ms=lasting_ms,
            plain=self.plain,
        )
        await self.session.answer(body)

    async def _obey(self, word: str) -> bool:
        """Do as the client says; False when that was the last."""
        if word == "finalize":
            await self.heard(self.ear.finalize())
            if self.acks:
                await self.session.answer(messages.flush_done())
            return True
        if word == "close" or (word == "done" and self.version < OLD):
            await self.heard(self.ear.finalize())
            await self.session.answer(messages.done())
            await self.session.stream.end()
            return False
        await self.session.send(messages.error(400, f"unknown command {word[:40]!r}"))
        await self.session.close(1008, "unknown command")
        return False
