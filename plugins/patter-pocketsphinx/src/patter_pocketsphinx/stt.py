"""A recogniser that lives in this process: settings, and one caller's session.

The decoder never runs on the event loop: one task a session hands audio to a worker thread
piece by piece, in order, and passes on what comes back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import attrs

from patter.aio import Mailbox, task_scope
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, AudioFormat
from patter.errors import PatterConfigError, PatterConnectionError
from patter.providers.context import CallContext
from patter.providers.stt import STT, STTEvent, Transcript
from patter_pocketsphinx._model import ModelFiles, decoder, pronunciations
from patter_pocketsphinx._recogniser import Endpointing, Recogniser, Rejection
from patter_pocketsphinx.grammar import Grammar

PHRASES = "reception.gram"
_INBOX = 500
_EVENTS = 256
_MOMENTS = (attrs.validators.ge(20), attrs.validators.le(60_000))


RECEPTION, RECEPTION_UNKNOWN = "reception", "[not understood]"


def _model(name: str) -> str:
    if name not in ("", RECEPTION):
        raise PatterConfigError(
            f"pocketsphinx has no model {name!r}",
            fix=f"write pocketsphinx/{RECEPTION}, or pocketsphinx?grammar=PHRASES",
        )
    return name


def _grammar(source: Grammar | Path | str | Iterable[str] | None) -> Grammar | None:
    return None if source is None else Grammar.of(source)


@attrs.frozen(kw_only=True)
class PocketsphinxSTT:
    """Listen offline, for the phrases of a grammar. Immutable: share it between calls.

    *grammar* is a list of phrases, ``|``-separated phrases, JSGF text, or the path of a
    ``.gram`` or ``.jsgf`` file; without one the wheel's general English model is used, which
    gets most telephone sentences wrong. The three paths replace the American English model.
    *model* ``reception`` is a grammar of this package: what callers ask a shop or a surgery. Speech
    that is in no phrase of the grammar is reported as *unknown*; where that is empty, as the
    nearest phrase. *interim_ms* of audio lie between interims, *preroll_ms* before a voice are
    heard with it, and after *silence_ms* without a voice an utterance ends by itself.
    Raises PatterConfigError for words without a pronunciation and for missing files.
    """

    hosts: ClassVar[tuple[str, ...]] = ()
    accepts: ClassVar[tuple[AudioFormat, ...]] = (PCM16_16K, MULAW_8K, PCM16_8K)

    model: str = attrs.field(default="", converter=_model)
    grammar: Grammar | None = attrs.field(default=None, converter=_grammar)
    acoustic_model: str = attrs.field(default="", converter=str)
    dictionary: str = attrs.field(default="", converter=str)
    language_model: str = attrs.field(default="", converter=str)
    interim_ms: int = attrs.field(default=200, converter=int, validator=[*_MOMENTS])
    preroll_ms: int = attrs.field(default=300, converter=int, validator=[*_MOMENTS])
    silence_ms: int = attrs.field(default=1_500, converter=int, validator=[*_MOMENTS])
    unknown: str = attrs.field(default="", converter=str)
    _files: ModelFiles = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.model and self.grammar is None:
            object.__setattr__(self, "grammar", Grammar.of(Path(__file__).with_name(PHRASES)))
        if self.model and not self.unknown:
            object.__setattr__(self, "unknown", RECEPTION_UNKNOWN)
        files = ModelFiles.of(self.acoustic_model, self.dictionary, self.language_model)
        object.__setattr__(self, "_files", files)
        if self.grammar is not None:
            pronunciations(files.dictionary, self.grammar.words)

    @asynccontextmanager
    async def open(
        self, call: CallContext, audio: AudioFormat
    ) -> AsyncIterator[PocketsphinxSTTSession]:
        """Load a decoder for one call, and forget it afterwards."""
        if audio not in self.accepts:
            raise PatterConfigError(
                f"pocketsphinx stt does not take {audio}",
                fix=f"open it with one of {', '.join(map(str, self.accepts))}",
            )
        recogniser = await asyncio.to_thread(self._recogniser, audio)
        session = PocketsphinxSTTSession(recogniser, audio)
        async with task_scope() as tasks:
            tasks.create_task(session._listen(), name=f"pocketsphinx-listen-{call.call_id}")
            try:
                yield session
            finally:
                session._close()

    def _recogniser(self, audio: AudioFormat) -> Recogniser:
        endpointing = Endpointing(
            preroll_ms=self.preroll_ms,
            interim_ms=self.interim_ms,
            silence_ms=self.silence_ms,
        )
        rejection = Rejection(text=self.unknown)
        return Recogniser(decoder(self._files, self.grammar), audio, endpointing, rejection)


@attrs.define(eq=False)
class PocketsphinxSTTSession:
    """One caller's audio on its way to a worker thread, and words coming back.

    Up to 500 pieces of audio wait (10 s of 20 ms frames); then the oldest are dropped, and
    what was said around the gap counts as two utterances. A `finalize` is never dropped.
    """

    _recogniser: Recogniser
    _audio: AudioFormat
    _inbox: Mailbox[tuple[int, bytes]] = attrs.field(factory=lambda: Mailbox(_INBOX), init=False)
    _events: Mailbox[STTEvent] = attrs.field(factory=lambda: Mailbox(_EVENTS), init=False)
    _ends: deque[int] = attrs.field(factory=deque, init=False)
    _sent: int = attrs.field(default=0, init=False)
    _heard: int = attrs.field(default=0, init=False)

    async def send(self, audio: bytes) -> None:
        """Take the next audio, any length; returns at once."""
        self._put(audio)
        self._sent += len(audio)

    async def finalize(self) -> None:
        """The caller has paused: exactly one final follows, an empty one if no words."""
        self._ends.append(self._sent)
        self._put(b"")

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        """Transcripts until the session closes."""
        return self._events

    def _put(self, audio: bytes) -> None:
        if not self._inbox.put((self._sent, audio)):
            raise PatterConnectionError(
                "this pocketsphinx session is closed",
                fix="open another session; one belongs to one `async with`",
            )

    def _close(self) -> None:
        self._inbox.clear()
        self._inbox.close()

    async def _listen(self) -> None:
        try:
            async for piece in self._inbox:
                pieces = [piece]
                while len(self._inbox):
                    pieces.append(await anext(self._inbox))
                for event in await asyncio.to_thread(self._hear, pieces):
                    self._events.put(event)
        finally:
            self._events.close()

    def _hear(self, pieces: Sequence[tuple[int, bytes]]) -> list[Transcript]:
        """Recognise *pieces*, each with its place in the bytes sent; runs in a thread."""
        transcripts: list[Transcript] = []
        for place, audio in pieces:
            while self._ends and self._ends[0] <= place:
                self._ends.popleft()
                transcripts.append(self._recogniser.finish())
            if place > self._heard:
                lost = self._recogniser.skip(self._audio.ms_in(place - self._heard))
                transcripts += [lost] if lost else []
            transcripts += self._recogniser.feed(audio)
            self._heard = place + len(audio)
        return transcripts


if TYPE_CHECKING:
    _: type[STT] = PocketsphinxSTT
