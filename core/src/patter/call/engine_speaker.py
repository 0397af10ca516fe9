"""Playing an engine's responses to the caller.

The words come beside the audio, so guardrails judge them as they are told: a blocked term at
once, everything else with its sentence. What is refused stops the utterance, before its words
are out where the vendor's transcript runs ahead of its audio.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import cast

import attrs

from patter.audio.convert import Converter, converter
from patter.audio.fit import Fit
from patter.call.engine_requests import EngineRequests
from patter.call.engine_voice import EngineResponse, Part
from patter.call.failed_reply import report_failure
from patter.call.history import History
from patter.call.link import as_patter_error
from patter.call.plan import CallPlan
from patter.call.playout.sender import PlayoutSender
from patter.call.reply import Speaker, note_audio, note_text
from patter.call.sentence_guard import SentenceGuard
from patter.call.toolbox import Toolbox
from patter.call.turn.events import ReplyWithdrawn, TurnEvent, UtteranceKind
from patter.call.turn_recorder import TurnRecorder, Utterance
from patter.errors import ProviderError
from patter.observe.call_events import CallEvents
from patter.observe.events import Usage
from patter.providers.context import CallContext
from patter.providers.engine import INTERRUPT_S, TextOutSession, Verbatim
from patter.providers.engine_events import (
    EngineUsage,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStatus,
    ResponseText,
    ResponseToolCall,
)
from patter.providers.guardrail import GuardrailVerdict
from patter.providers.llm import ToolRequest
from patter.providers.tts import SpokenWord
from patter.text.chunker import SentenceChunker

ATTEMPTS = 2
"""How often an answer is asked for of which the caller has heard nothing."""

OnTool = Callable[[ToolRequest], None]

UNITS = {
    "input_text_tokens": "tokens_in",
    "input_audio_tokens": "audio_tokens_in",
    "cached_text_tokens": "tokens_cached",
    "cached_audio_tokens": "audio_tokens_cached",
    "output_text_tokens": "tokens_out",
    "output_audio_tokens": "audio_tokens_out",
}
"""What records and prices call the fields of `EngineUsage`."""


def note_usage(events: CallEvents, plan: CallPlan, usage: EngineUsage | None) -> None:
    """Record what a response used."""
    provider, model = plan.names.get("engine", ("engine", ""))
    for field, unit in UNITS.items():
        if amount := getattr(usage, field, 0):
            events.emit(
                Usage(kind="engine", provider=provider, model=model, unit=unit, amount=amount)
            )


def check_done(done: ResponseDone, engine: str) -> None:
    """Raise what made a response fail."""
    if done.status is ResponseStatus.FAILED:
        raise done.error or ProviderError(
            f"{engine} failed to answer: {done.reason or 'no reason given'}",
            fix="see the engine's status and the account's limits",
        )


@attrs.define(eq=False, kw_only=True)
class EngineSpeaker:
    """Everything that plays an engine's responses on one call.

    *fit* makes them the leg's audio. *own_voice* is the agent's own, if it has one beside the
    engine: it says the fixed phrases word for word. An answer of which nothing was heard is asked
    for *attempts* times.
    """

    plan: CallPlan
    call: CallContext
    events: CallEvents
    turn_recorder: TurnRecorder
    history: History
    sender: PlayoutSender
    toolbox: Toolbox
    requests: EngineRequests
    post: Callable[[TurnEvent], None]
    fit: Fit
    own_voice: Speaker | None = None
    attempts: int = ATTEMPTS
    _epoch: int = attrs.field(default=0, init=False)
    _guard: SentenceGuard | None = attrs.field(default=None, init=False)
    _responses: list[EngineResponse] = attrs.field(factory=list, init=False)
    _playing: int = attrs.field(default=0, init=False)
    _unsaid: tuple[int, str] = attrs.field(default=(0, ""), init=False)

    async def speak_phrase(self, utterance: Utterance, text: str) -> None:
        """Have *text* said; a filler only while the engine itself says nothing."""
        if self.own_voice is not None:
            await self.own_voice.speak_phrase(utterance, text)
        elif utterance.kind is UtteranceKind.FILLER:
            await self.fill(utterance, text)
        else:
            await self._say(utterance, text)

    async def fill(self, utterance: Utterance, text: str) -> None:
        """Have *text* said beside an answer that is being made, if nothing of it is on its way."""
        if self.own_voice is not None:
            filler = Utterance(utterance.epoch, utterance.turn, UtteranceKind.FILLER)
            await self.own_voice.speak_phrase(filler, text)
        elif text:
            try:
                # There may be none now, and the answer waits for the next one, too.
                await self.requests.voice.session()
                if self._playing or self.requests.asking:
                    self._unsaid = utterance.epoch, text
                else:
                    response = await self.requests.voice.say(text)
                    await self.play(utterance, response, own=False)
            except Exception as raised:
                self.events.error(as_patter_error(raised, "a filler"), "filler")

    async def fill_again(self, utterance: Utterance) -> None:
        """Say the filler for which a response that came to nothing left no room."""
        (epoch, text), self._unsaid = self._unsaid, (0, "")
        if epoch == utterance.epoch:
            await self.fill(utterance, text)

    def failed(self, utterance: Utterance, raised: Exception) -> None:
        """Report to the turn engine, which decides what is said."""
        report_failure(self.events, self.post, utterance, raised)

    async def play(
        self,
        utterance: Utterance,
        response: EngineResponse,
        on_tool: OnTool | None = None,
        *,
        own: bool = True,
    ) -> bool:
        """Put *response* under the utterance's epoch; False if that or the vendor cuts it short.

        *own* False: its text is no part of the utterance. Raises PatterError when it fails.
        """
        if utterance.epoch != self._epoch:
            self._epoch, self._responses = utterance.epoch, []
            self._guard = self._new_guard()
        self._responses.append(response)
        self._playing += 1
        try:
            done = await _Playback(self, utterance, response, on_tool, own, self._guard).run()
        finally:
            self._playing -= 1
        if done is not None:
            note_usage(self.events, self.plan, done.usage)
            check_done(done, self.requests.voice.name)
            self._note_incomplete(done)
        return done is not None and done.status is not ResponseStatus.CANCELLED

    def _note_incomplete(self, done: ResponseDone) -> None:
        if done.status is ResponseStatus.INCOMPLETE:
            name = self.requests.voice.name
            early = ProviderError(
                f"{name} ended its answer early: {done.reason or 'no reason given'}",
                fix="let it answer at greater length, or see what its content filter refuses",
            )
            self.events.error(early, f"engine {name}")

    def _new_guard(self) -> SentenceGuard | None:
        """What judges an utterance, its responses together; None when nothing does."""
        guardrails = self.plan.guardrails
        return (
            SentenceGuard(guardrails, self.call, self.events, self.plan.phrases.instead)
            if guardrails
            else None
        )

    def interrupted(self, epoch: int, heard_ms: float) -> list[tuple[EngineResponse, int]]:
        """The responses of *epoch* that were not heard to their end, and how much of each was."""
        unheard = []
        for response in self._responses if epoch == self._epoch else ():
            heard = 0.0 if response.from_ms is None else max(0.0, heard_ms - response.from_ms)
            if not response.over or heard < response.length_ms:
                unheard.append((response, round(min(heard, response.length_ms))))
        return unheard

    def plays(self, response_id: str) -> bool:
        """Is that one of the utterance in progress?"""
        return any(response.id == response_id for response in self._responses)

    async def interrupt(self, response: EngineResponse, heard: int | str) -> None:
        """Tell the vendor that of *response* only *heard*, milliseconds or words, were heard."""
        if not self.requests.voice.knows(response):
            return
        try:
            async with asyncio.timeout(2 * INTERRUPT_S):
                if isinstance(heard, int):
                    await response.session.interrupt(response.id, heard)
                else:
                    session = cast(TextOutSession, response.session)
                    await session.interrupt_text(response.id, heard)
        except Exception as raised:
            where = f"engine {self.requests.voice.name}: interrupting"
            self.events.error(as_patter_error(raised, where), where)

    def note_span(self, utterance: Utterance, began_ms: float, ok: bool) -> None:
        """The engine has worked for *utterance* since *began_ms*."""
        name = self.plan.names.get("engine", ("engine", ""))[0]
        self.turn_recorder.span("engine", name, began_ms, utterance, ok)

    async def _say(self, utterance: Utterance, text: str) -> None:
        try:
            if text:
                await self.play(utterance, await self._response_for(utterance, text))
        except Exception as raised:
            self.failed(utterance, raised)
        self.sender.finish(utterance.epoch)

    async def _response_for(self, utterance: Utterance, text: str) -> EngineResponse:
        """The response that says *text*; a vendor that has the greeting already says it itself."""
        voice, greeting = self.requests.voice, utterance.kind is UtteranceKind.GREETING
        if greeting and self.requests.can.verbatim is Verbatim.GREETING:
            return await voice.next(ResponseCause.GREETING)
        return await (voice.greet(text) if greeting else voice.say(text))


@attrs.define(eq=False)
class _Playback:
    """One response on its way to the caller."""

    speaker: EngineSpeaker
    utterance: Utterance
    response: EngineResponse
    on_tool: OnTool | None
    own: bool
    guard: SentenceGuard | None
    _convert: Converter = attrs.field(init=False)
    _chunker: SentenceChunker = attrs.field(init=False)
    _words: list[SpokenWord] = attrs.field(factory=list, init=False)
    _began_ms: float | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._convert = converter(self.speaker.fit.steps)
        self._chunker = SentenceChunker(language=self.speaker.plan.language)

    async def run(self) -> ResponseDone | None:
        """Play it; None when the utterance is over before."""
        sender, epoch = self.speaker.sender, self.utterance.epoch
        sender.begin(epoch)
        if self.own:
            sender.transcribe(epoch)
        else:
            sender.say(epoch, "")
        voice = self.speaker.requests.voice
        async with aclosing(voice.parts(self.response, self._patience_ms)) as parts:
            async for part in parts:
                if isinstance(part, ResponseDone):
                    return part if await self._end() else None
                if not await self._take(part):
                    return None
        return None

    def _patience_ms(self) -> float:
        """How long nothing may come: as long as the caller hears what has come, and a while."""
        clock_ms = self.speaker.sender.clock.ms()
        begun_ms = clock_ms if self._began_ms is None else self._began_ms
        unheard_ms = max(0.0, begun_ms + self.response.length_ms - clock_ms)
        return unheard_ms + self.speaker.requests.voice.model_ms

    async def _take(self, part: Part) -> bool:
        """False when the utterance is over."""
        match part:
            case ResponseAudio(audio=audio):
                return await self._play(audio)
            case ResponseText() if self.own:
                return await self._transcribe(part)
            case ResponseToolCall(request=request) if self.on_tool:
                self.on_tool(request)
        return True

    async def _play(self, audio: bytes) -> bool:
        speaker, epoch, response = self.speaker, self.utterance.epoch, self.response
        if response.from_ms is None:
            response.from_ms, self._began_ms = (
                speaker.sender.playout.made_ms,
                speaker.sender.clock.ms(),
            )
            if self.own and self.utterance.stamps.first_audio is None:
                self.utterance.stamps.first_audio = speaker.sender.clock.ms()
        note_audio(speaker.events, self.utterance, len(audio))
        response.length_ms += speaker.fit.source.ms_in(len(audio))
        words, self._words = self._words, []
        return await speaker.sender.put(epoch, self._convert.feed(audio), words)

    async def _transcribe(self, part: ResponseText) -> bool:
        sender, epoch = self.speaker.sender, self.utterance.epoch
        if self.utterance.stamps.first_token is None:
            self.utterance.stamps.first_token = sender.clock.ms()
        note_text(self.speaker.events, self.utterance, part.text)
        sender.extend(epoch, part.text)
        self._words += part.words
        if self.response.from_ms is not None:
            words, self._words = self._words, []
            sender.playout.put(epoch, b"", words)
        if self.guard is not None and (verdict := self.guard.refusal_of_part(part.text)):
            return self._withdraw(verdict)
        return await self._allowed(self._chunker.push(part.text))

    async def _end(self) -> bool:
        """The rest of audio and text; False when a guardrail refuses it."""
        rest = self._convert.flush()
        if rest and not await self.speaker.sender.put(self.utterance.epoch, rest):
            return False
        return await self._allowed(self._chunker.flush())

    async def _allowed(self, sentences: list[str]) -> bool:
        """Do the guardrails let all *sentences* pass? If not, something else is said."""
        for sentence in sentences:
            if self.guard is not None and (verdict := await self.guard.refusal(sentence)):
                return self._withdraw(verdict)
        return True

    def _withdraw(self, verdict: GuardrailVerdict) -> bool:
        """Have something else said: the utterance is over."""
        now = self.speaker.events.now_ms()
        self.speaker.post(ReplyWithdrawn(now, self.utterance.epoch, verdict.replacement))
        return False
