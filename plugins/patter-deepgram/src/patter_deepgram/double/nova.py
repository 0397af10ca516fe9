"""One session of ``/v1/listen``: audio in, `Results` and their kin out, in audio's own time."""

from __future__ import annotations

import attrs

from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript
from patter_deepgram.double import messages
from patter_deepgram.double.params import Params
from patter_deepgram.double.sockets import Idle, Session, Unreadable, command
from patter_testing.doubles.scripted_listener import ScriptedListener

ENDPOINTING_MS = 10
EMPTY_EACH_MS = 1_000
KEYTERM_TOKENS = 500
NO_AUDIO = (
    "Deepgram did not receive audio data or a text message within the timeout window. "
    "See https://dpgr.am/net0001"
)


def endpointing_ms(params: Params) -> float:
    """After how much silence a transcript is speech_final; 0: never."""
    text = params.text("endpointing", "true")
    if text in ("true", "false"):
        return ENDPOINTING_MS if text == "true" else 0.0
    return float(text)


@attrs.define(eq=False)
class NovaSession:
    """Hears with *ear*; a final of more than *final_words* words comes in several parts."""

    session: Session
    params: Params
    ear: ScriptedListener
    idle_s: float
    answers_empty: bool = True
    final_words: int = 0
    keyterms: list[str] = attrs.field(factory=list)
    _final_ms: float = attrs.field(default=0.0, init=False)
    _shown_ms: float = attrs.field(default=0.0, init=False)
    _words_end_ms: float | None = attrs.field(default=None, init=False)

    async def run(self) -> None:
        """Serve until either side ends it."""
        self.keyterms = self.params.all("keyterm")
        try:
            async for frame in self.session.frames(self.idle_s, pings=False):
                if not await self._take(frame):
                    return
        except Idle:
            await self.session.close(1011, NO_AUDIO)

    async def heard(self, events: list[STTEvent], *, from_finalize: bool = False) -> None:
        """Tell of *events*, of which a final is one that a pause made, or *from_finalize*."""
        for event in events:
            match event:
                case SpeechStarted(at_ms) if self.params.flag("vad_events"):
                    await self.session.answer(messages.speech_started(at_ms or 0))
                case Transcript(final=False) if self.params.flag("interim_results"):
                    await self._results(event)
                case Transcript(final=True):
                    await self._final(event, from_finalize)
                case SpeechEnded(at_ms):
                    self._words_end_ms = at_ms

    async def _take(self, frame: bytes | str) -> bool:
        """Take a frame; False when it was the last."""
        if isinstance(frame, bytes):
            if not frame:
                return await self._close()
            await self.heard(self.ear.feed(frame))
            await self._pass_time()
            return True
        try:
            body = command(frame)
        except Unreadable:
            await self.session.answer(messages.schema_error(frame))
            return True
        match body:
            case {"type": "KeepAlive"}:
                pass
            case {"type": "Finalize"}:
                await self._finalize()
            case {"type": "CloseStream"}:
                return await self._close()
            case {"type": "Configure"}:
                await self._configure(body.get("keyterms"))
            case _:
                await self.session.answer(messages.schema_error(frame))
        return True

    async def _finalize(self) -> None:
        events = self.ear.finalize()
        if self.answers_empty or any(isinstance(e, Transcript) and e.text for e in events):
            await self.heard(events, from_finalize=True)

    async def _final(self, heard: Transcript, from_finalize: bool) -> None:
        words, size = heard.words, self.final_words or len(heard.words) or 1
        for at in range(0, max(len(words), 1), size):
            part = words[at : at + size]
            last = at + size >= len(words)
            end_ms = part[-1].end_ms if part else heard.end_ms
            text = " ".join(word.text for word in part)
            await self._results(
                Transcript(text, True, end_ms, words=part),
                speech_final=last and not from_finalize,
                from_finalize=last and from_finalize,
            )
        self._shown_ms = self.ear.position_ms

    async def _results(
        self, heard: Transcript, *, speech_final: bool = False, from_finalize: bool = False
    ) -> None:
        end_ms = max(self._final_ms, heard.end_ms or 0)
        body = messages.results(
            heard,
            start_ms=self._final_ms,
            end_ms=end_ms,
            model=self.params.text("model"),
            punctuated=self.params.flag("punctuate") or self.params.flag("smart_format"),
            speech_final=speech_final,
            from_finalize=from_finalize,
        )
        if heard.final:
            self._final_ms = end_ms
        await self.session.answer(body)

    async def _pass_time(self) -> None:
        """Silence is told, too: as empty results, and as the end of an utterance."""
        now_ms, least_ms = self.ear.position_ms, self.params.number("utterance_end_ms", 0, 1e9)
        ended_ms = self._words_end_ms
        if least_ms and ended_ms is not None and now_ms - ended_ms >= least_ms:
            self._words_end_ms = None
            await self.session.answer(messages.utterance_end(ended_ms))
        if self.params.flag("interim_results") and now_ms - self._shown_ms >= EMPTY_EACH_MS:
            self._shown_ms = now_ms
            if not self.ear.pending:
                await self._results(Transcript("", False, int(now_ms)))

    async def _configure(self, keyterms: object) -> None:
        if keyterms is not None and not self.params.text("model").startswith("nova-3"):
            body = messages.not_configured("CONFIGURE_KEYTERMS_NOT_SUPPORTED", "Nova-3 only.")
        elif isinstance(keyterms, list) and _tokens(keyterms) > KEYTERM_TOKENS:
            body = messages.not_configured("CONFIGURE_KEYTERM_LIMIT_EXCEEDED", "Over 500 tokens.")
        else:
            if isinstance(keyterms, list):
                self.keyterms = [str(term) for term in keyterms]
            body = messages.configured(self.keyterms if keyterms is not None else None)
        await self.session.answer(body)

    async def _close(self) -> bool:
        """The client is done: what is pending, and what it all was."""
        await self.heard([e for e in self.ear.finalize() if not _is_empty(e)])
        await self.session.answer(messages.metadata(self.ear.position_ms))
        await self.session.stream.end()
        return False


def _tokens(keyterms: list[object]) -> int:
    return sum(len(str(term).split()) for term in keyterms)


def _is_empty(event: STTEvent) -> bool:
    return isinstance(event, Transcript) and not event.text
