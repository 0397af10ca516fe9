"""The link to the voice: opened when the call begins, reopened when it breaks.

It delivers audio in the leg's format, whatever the voice produces, so that a candidate with
another format can take over. One reply is spoken at a time. Where a voice breaks, another session
of it goes on with the first word it has not said if the failure may pass, else the next candidate.
Nothing is said twice, and silence while audio is owed is a failure, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from enum import StrEnum
from typing import Any

import attrs

from patter.audio.convert import converter
from patter.audio.fit import Fit, fit
from patter.audio.formats import AudioFormat
from patter.call.broken_speech import SpokenPart, VoicePace, letters_of, unbegun
from patter.call.link import (
    LinkCandidate,
    LinkRules,
    Prepared,
    ReconnectPolicy,
    as_patter_error,
    opened,
    ready_or_new,
)
from patter.clock import Clock
from patter.errors import ErrorCode, PatterError, PatterTimeoutError, ProviderError
from patter.providers.context import CallContext
from patter.providers.tts import TTS, Speech, SpokenWord, TTSSession

LETTER_MS = 10
"""A letter takes longer to say than this, in any language and at any speed."""


class Recovery(StrEnum):
    """What follows when a voice fails: the same once more, the next candidate, or the error."""

    AGAIN = "again"
    NEXT = "next"
    FAIL = "fail"


def recovery(
    rules: LinkRules, *, passing: bool, silent_ms: float, attempts: int, last: bool
) -> Recovery:
    """What to do about a voice that has failed *attempts* times, *silent_ms* after audio was due.

    *passing*: it may work a moment later. *last*: there is no other candidate; a last voice that
    stalled gets another session all the same.
    """
    if passing and silent_ms < (rules.outage_ms if last else rules.fallback_ms):
        return Recovery.AGAIN
    if not last:
        return Recovery.NEXT
    return Recovery.AGAIN if passing and attempts == 1 else Recovery.FAIL


@attrs.define(eq=False)
class _Reply:
    """The sentences of one reply, and what became of the attempts to say them.

    *due_ms*: since when the caller has waited for audio, in spite of *attempts*. *failure* is the
    first of these; *broken* the last that came after audio, and *breaks* how many there were.
    *on_break(chars)* is told how much of the end of the text that was begun was not said.
    """

    source: AsyncIterator[str]
    unspoken: list[str] = attrs.field(factory=list)
    ended: bool = False
    delivered_ms: float = 0.0
    attempts: int = 0
    due_ms: float | None = None
    failure: PatterError | None = None
    broken: PatterError | None = None
    breaks: int = 0
    on_break: Callable[[int], None] | None = None
    ended_early: bool = False
    _partial: str = ""
    _raw: str = ""

    @property
    def done(self) -> bool:
        """Is there nothing left that could be said?"""
        return self.ended and not self.unspoken

    def begin(self, text: str) -> None:
        """A voice begins *text*: the sentences that it is of are not said again."""
        letters = letters_of(text)
        if self._partial.startswith(letters):
            self._partial = self._partial[len(letters) :]
            return
        letters = letters.removeprefix(self._partial)
        rest, self._partial = unbegun(self.unspoken, letters)
        self._raw = self.unspoken[len(self.unspoken) - len(rest) - 1]
        self.unspoken = rest

    @property
    def untold(self) -> str:
        """How the sentence goes on of which a voice has told only the beginning."""
        left, at = len(self._partial), len(self._raw)
        while left:
            at -= 1
            left -= len(letters_of(self._raw[at]))
        return self._raw[at:]

    async def goes_on(self) -> bool:
        """Is there text that the voice, which has ended, did not ask for, or did not begin?"""
        if self.ended:
            return False
        self._partial, self.unspoken = "", [each for each in self.unspoken if letters_of(each)]
        if not self.unspoken and (text := await anext(self.source, None)) is not None:
            self.unspoken.append(text)
        return bool(self.unspoken)

    def wait_anew(self) -> None:
        """Audio has come, or another voice: what fails from now on is another failure."""
        self.attempts, self.due_ms, self.failure = 0, None, None

    def fail(self, attempt: _Attempt, failed: PatterError, now_ms: float) -> PatterError:
        """An attempt *failed*; what the caller has waited for in vain, by its first cause."""
        if attempt.audio_ms:
            self.delivered_ms += attempt.audio_ms
            self.broken, self.breaks = failed, self.breaks + 1
            self._go_on_after(attempt)
        if self.due_ms is None:
            self.due_ms = now_ms if attempt.due_ms is None else attempt.due_ms
        self.attempts, self._partial = self.attempts + 1, ""
        self.failure = self.failure or failed
        return self.failure

    def _go_on_after(self, attempt: _Attempt) -> None:
        """What a voice has begun and not said is said next."""
        part = attempt.part
        if part is None or not (rest := part.rest(attempt.pace)):
            return
        self.unspoken.insert(0, rest)
        if self.on_break is not None:
            self.on_break(max(0, len(rest) - len(part.untold)))


@attrs.define(eq=False)
class _Attempt:
    """One session's attempt to say what is unspoken of a reply.

    Audio is owed within *patience_ms*, unless the voice waits for text and has spoken, as far as
    can be known, all it was given. After the last sentence the end is owed as well.
    """

    reply: _Reply
    clock: Clock
    patience_ms: float
    pace: VoicePace
    part: SpokenPart | None = attrs.field(default=None, init=False)
    audio_ms: float = attrs.field(default=0.0, init=False)
    letters: int = attrs.field(default=0, init=False)
    due_ms: float | None = attrs.field(default=None, init=False)
    _waits_for_text: bool = attrs.field(default=False, init=False)
    _has_texts: bool = attrs.field(default=False, init=False)
    _text: str = attrs.field(default="", init=False)
    _bound: asyncio.Timeout | None = attrs.field(default=None, init=False)

    async def read(self) -> AsyncIterator[str]:
        """The sentences to say, those that an attempt before did not begin included."""
        for sentence in list(self.reply.unspoken):
            self.letters += len(letters_of(sentence))
            yield sentence
        while (text := await self._next_sentence()) is not None:
            self.reply.unspoken.append(text)
            self.letters += len(letters_of(text))
            self._owe()
            yield text
        self.reply.ended = True
        self._owe()

    def begin(self, speech: Speech, length_ms: float) -> str:
        """The text that begins with *speech*: the voice's word, else what it has read so far."""
        self._has_texts = self._has_texts or bool(speech.text)
        self._text += speech.text
        if not speech.audio:
            return speech.text
        begun = self._begun()
        if self.part is not None:
            self.part.add(length_ms, speech.words)
            self.pace.times_words = self.pace.times_words or bool(speech.words)
        self.audio_ms += length_ms
        self.reply.wait_anew()
        return speech.text if self._has_texts else begun

    def _begun(self) -> str:
        """The text that begins now, empty if none does."""
        if not self._has_texts:
            text, self.reply.unspoken = " ".join(self.reply.unspoken), []
            if text:
                # It may have been read ahead: where the one before ends is not known.
                before = f"{self.part.text} " if self.part else ""
                self.part = attrs.evolve(self.part or SpokenPart(""), text=before + text)
            return text
        text, self._text = self._text, ""
        if text:
            self.pace.learn(self.part)
            self.reply.begin(text)
            self.part = SpokenPart(text, self.audio_ms, self.reply.untold)
        return text

    def bind(self, bound: asyncio.Timeout | None) -> None:
        """Put what is owed from now on under *bound*."""
        self._bound = bound
        self._owe()

    async def _next_sentence(self) -> str | None:
        self._waits_for_text = True
        self._owe()
        try:
            return await anext(self.reply.source, None)
        finally:
            self._waits_for_text = False

    @property
    def _owes(self) -> bool:
        return self.reply.ended or not (self._waits_for_text and self._has_spoken)

    @property
    def _has_spoken(self) -> bool:
        begun = not (self._has_texts and any(map(letters_of, self.reply.unspoken)))
        return begun and self.audio_ms >= self.letters * LETTER_MS

    def _owe(self) -> None:
        if self._bound is None or self._bound.expired():
            return
        if not self._owes:
            self.due_ms = None
            self._bound.reschedule(None)
        elif self._bound.when() is None:
            self.due_ms = self.clock.ms()
            self._bound.reschedule((self.due_ms + self.patience_ms) / 1_000)


@attrs.define(eq=False, on_setattr=attrs.setters.NO_OP)
class TTSLink:
    """One call's voice: the first of *candidates* that works. *audio* is the leg's format.

    *prepared* may have a session ready. Raises PatterError when it cannot speak.
    """

    candidates: tuple[LinkCandidate[TTS], ...] = attrs.field(validator=attrs.validators.min_len(1))
    call: CallContext
    audio: AudioFormat
    prepared: Prepared[TTS, TTSSession] | None = None
    current: LinkCandidate[TTS] = attrs.field(init=False)
    _fit: Fit = attrs.field(init=False)
    _ready: asyncio.Future[TTSSession] = attrs.field(
        factory=lambda: asyncio.get_running_loop().create_future(), init=False
    )
    _broken: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _unusable: PatterError | None = attrs.field(default=None, init=False)
    _open_failure: PatterError | None = attrs.field(default=None, init=False)
    _turn: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _speaking: asyncio.Task[object] | None = attrs.field(default=None, init=False)
    _pace: VoicePace = attrs.field(factory=VoicePace, init=False)
    _mute: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._use(self.candidates[0])

    @property
    def _policy(self) -> ReconnectPolicy:
        return self.current.policy

    @property
    def _last(self) -> bool:
        return self.current is self.candidates[-1]

    async def run(self) -> None:
        """Keep a session open until cancelled or no candidate is left."""
        failed: PatterError | None = None
        for candidate in self.candidates:
            if candidate is not self.current:
                candidate.policy.take_over(self._policy)
                self._use(candidate)
            failed = await self._stay_open()
        if failed is not None:
            # Retrieved at once: a call in which nothing more is said must not log it as unseen.
            self._ready.set_exception(failed)
            self._ready.exception()

    async def say(
        self, sentences: AsyncIterator[str], on_break: Callable[[int], None] | None = None
    ) -> AsyncGenerator[Speech, None]:
        """Speak *sentences*; closing the iterator stops the vendor.

        The audio is in the leg's format. *text* of a speech is what begins with its audio.
        *on_break(chars)*: so many of the last characters will be text of another speech.
        """
        reply = _Reply(sentences, on_break=on_break)
        async with self._turn:
            self._speaking = asyncio.current_task()
            while True:
                session, voice = await self._session(), self.current
                attempt = _Attempt(reply, voice.policy.clock, self._patience_ms(reply), self._pace)
                try:
                    async with aclosing(self._speak(session, attempt)) as speeches:
                        async for speech in speeches:
                            yield speech
                except Exception as raised:
                    failed = as_patter_error(raised, voice.policy.provider)
                    cause = reply.fail(attempt, failed, voice.policy.clock.ms())
                    if not await self._recover(reply, failed):
                        self._mute = failed.code is ErrorCode.TIMEOUT and not attempt.audio_ms
                        raise cause from raised
                else:
                    self._pace.learn(attempt.part)
                    self._report_break(attempt)
                    if not await reply.goes_on():
                        return
                    self._report_early_end(reply)

    def insist(self) -> None:
        """Cancel again who was told to stop and still speaks; its session is replaced."""
        speaking = self._speaking
        if speaking is not None and speaking.cancelling() and not speaking.done():
            speaking.cancel()
            self._replace()

    async def _session(self) -> TTSSession:
        """The open session. Raises PatterError when there is none in time."""
        while not self._ready.done():
            voice, rules = self.current, self._policy.rules
            try:
                async with asyncio.timeout(rules.outage_ms / 1_000):
                    # Several replies may wait for one session: cancelling one must not cancel
                    # the future.
                    return await asyncio.shield(self._ready)
            except TimeoutError as late:
                # A candidate that has another behind it is given up in time.
                if voice is self.current and self._last:
                    who = voice.policy.provider
                    raise self._open_failure or as_patter_error(late, who) from late
        return self._ready.result()

    def _patience_ms(self, reply: _Reply) -> float:
        """How long an attempt may owe audio: less and less, so that the caller hears one wait.

        A voice of which nothing came for a whole reply gets as little for the next at once.
        """
        rules = self._policy.rules
        if reply.due_ms is None:
            return rules.speech_ms / 2 if self._mute else rules.speech_ms
        left_ms = rules.outage_ms - (self._policy.clock.ms() - reply.due_ms)
        return max(rules.speech_ms / 2, left_ms)

    async def _speak(self, session: TTSSession, attempt: _Attempt) -> AsyncGenerator[Speech, None]:
        convert, source = converter(self._fit.steps), self._fit.source
        provider, before_ms = self._policy.provider, round(attempt.reply.delivered_ms)
        stream: Any = session.say(attempt.read())
        async with aclosing(stream) as speeches:
            while (speech := await self._next(speeches, attempt)) is not None:
                text = attempt.begin(speech, source.ms_in(len(speech.audio)))
                self._mute = False
                if self._policy.availability is not None:
                    self._policy.availability.work()
                yield Speech(convert.feed(speech.audio), text, _later(speech.words, before_ms))
        if attempt.letters and not attempt.audio_ms:
            raise ProviderError(
                f"{provider} said nothing of a reply on call {self.call.call_id}",
                fix="check the voice and the quota at the provider, or name a second voice",
            )
        if rest := convert.flush():
            yield Speech(rest)

    async def _recover(self, reply: _Reply, failed: PatterError) -> bool:
        """Have another session say what is unspoken; False when none will."""
        policy, now_ms = self._policy, self._policy.clock.ms()
        silent_ms = now_ms - (now_ms if reply.due_ms is None else reply.due_ms)
        passing = policy.may_pass(failed) and reply.breaks <= policy.rules.retries
        passing = passing and not (self._mute and failed.code is ErrorCode.TIMEOUT)
        match recovery(
            policy.rules,
            passing=passing,
            silent_ms=silent_ms,
            attempts=reply.attempts,
            last=self._last,
        ):
            case Recovery.NEXT:
                self._replace(failed)
                reply.wait_anew()
                return not reply.done
            case Recovery.AGAIN if not reply.done:
                policy.lose(failed)
                self._replace()
                if silent_ms < policy.rules.outage_ms:
                    await policy.clock.sleep(policy.wait_ms())
                return True
        self._replace()
        return False

    def _report_break(self, attempt: _Attempt) -> None:
        """Report what broke in mid-reply. Raises it when nothing was left to say after it."""
        broken = attempt.reply.broken
        if broken is None:
            return
        if not attempt.audio_ms:
            raise broken
        self._policy.events.error(broken, f"tts {self._policy.provider}")

    def _report_early_end(self, reply: _Reply) -> None:
        """Report, once a reply, a voice that ends before the text does: it is asked again."""
        reply.broken = None
        if reply.ended_early:
            return
        reply.ended_early, provider = True, self._policy.provider
        early = ProviderError(
            f"{provider} ended before a reply did on call {self.call.call_id}",
            fix="nothing to set: it is asked for the rest; see the provider's status",
        )
        self._policy.events.error(early, f"tts {provider}")

    def _use(self, candidate: LinkCandidate[TTS]) -> None:
        self.current, self._pace, self._mute = candidate, VoicePace(), False
        self._fit = fit(candidate.provider.produces, (self.audio,))

    async def _next(self, speeches: AsyncIterator[Speech], attempt: _Attempt) -> Speech | None:
        """The next audio; while the voice owes some, it may not take for ever."""
        bound = asyncio.timeout(None)
        try:
            async with bound:
                attempt.bind(bound)
                return await anext(speeches, None)
        except TimeoutError as late:
            if not bound.expired():
                raise
            raise PatterTimeoutError(
                f"{self._policy.provider} sent no audio for {attempt.patience_ms:.0f} ms"
                f" on call {self.call.call_id}",
                fix="check the provider's status, or name a second voice to fall back to",
            ) from late
        finally:
            attempt.bind(None)

    async def _stay_open(self) -> PatterError:
        """Hold a session of the current candidate open until it is given up; why it was."""
        within_ms = self._policy.rules.fallback_ms
        while True:
            try:
                await self._hold_open()
            except Exception as raised:
                failed = self._open_failure = as_patter_error(raised, self._policy.provider)
                if not await self._policy.retry(failed, within_ms, endless=self._last):
                    return failed
            else:
                if (unusable := self._unusable) is not None:
                    self._unusable = None
                    self._policy.give_up(unusable)
                    return unusable

    async def _hold_open(self) -> None:
        scope = ready_or_new(self.prepared, self.current.provider, self.call, self._fit.source)
        async with opened(scope, self._policy) as session:
            self._broken.clear()
            self._open_failure = None
            self._policy.restored()
            self._ready.set_result(session)
            await self._broken.wait()

    def _replace(self, unusable: PatterError | None = None) -> None:
        """The session is of no use any more; who speaks next waits for another.

        With *unusable* the voice is given up, and the next candidate speaks.
        """
        if self._ready.done() and self._ready.exception() is None:
            self._unusable = unusable
            self._ready = asyncio.get_running_loop().create_future()
            self._broken.set()


def _later(words: tuple[SpokenWord, ...], by_ms: int) -> tuple[SpokenWord, ...]:
    """*words* of a stream that went on *by_ms* after another began."""
    if not by_ms:
        return words
    return tuple(SpokenWord(word.text, word.end_ms + by_ms) for word in words)
