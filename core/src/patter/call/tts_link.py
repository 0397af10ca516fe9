"""The link to the voice: opened when the call begins, reopened when it breaks.

It delivers audio in the leg's format, whatever the voice produces, so that a candidate with
another format can take over. One reply is spoken at a time. A reply whose voice broke before its
first audio is begun again with the same sentences: once with the same voice, if the failure may
pass, then with the next candidate.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import attrs

from patter.audio.convert import converter
from patter.audio.fit import Fit, fit
from patter.audio.formats import AudioFormat
from patter.call.link import LinkCandidate, ReconnectPolicy, as_patter_error, opened
from patter.clock import Clock
from patter.errors import PatterError, PatterTimeoutError
from patter.providers.context import CallContext
from patter.providers.tts import TTS, Speech, TTSSession


@attrs.define(eq=False)
class _Sentences:
    """The sentences of one reply on their way to the voice.

    They are kept until the first audio proves that they arrived. Audio is owed, within
    *patience_ms*, after the first sentence until the first audio, and after the last sentence;
    in between the voice may be waiting for the model.
    """

    source: AsyncIterator[str]
    clock: Clock
    patience_ms: int
    kept: list[str] = attrs.field(factory=list)
    proven: bool = False
    _unspoken: list[str] = attrs.field(factory=list, init=False)
    _voice_has_texts: bool = attrs.field(default=False, init=False)
    _ended: bool = attrs.field(default=False, init=False)
    _bound: asyncio.Timeout | None = attrs.field(default=None, init=False)

    async def read(self) -> AsyncIterator[str]:
        """The sentences for one attempt, those that were read before included."""
        self._unspoken = []
        for sentence in list(self.kept):
            self._unspoken.append(sentence)
            yield sentence
        async for sentence in self.source:
            if not self.proven:
                self.kept.append(sentence)
            self._unspoken.append(sentence)
            self._owe()
            yield sentence
        self._ended = True
        self._owe()

    def begun_by(self, speech: Speech) -> str:
        """The text that begins with *speech*: the voice's word, else what it has read so far."""
        if speech.text:
            self._voice_has_texts = True
            return speech.text
        if self._voice_has_texts or not speech.audio:
            return ""
        text, self._unspoken = " ".join(self._unspoken), []
        return text

    def bind(self, bound: asyncio.Timeout) -> None:
        """Put what is owed from now on under *bound*."""
        self._bound = bound
        self._owe()

    def _owe(self) -> None:
        if self._bound and ((self.kept and not self.proven) or self._ended):
            self._bound.reschedule((self.clock.ms() + self.patience_ms) / 1_000)


@attrs.define(eq=False)
class TTSLink:
    """One call's voice: the first of *candidates* that works. *audio* is the leg's format.

    Raises PatterError when it cannot speak.
    """

    candidates: tuple[LinkCandidate[TTS], ...] = attrs.field(validator=attrs.validators.min_len(1))
    call: CallContext
    audio: AudioFormat
    current: LinkCandidate[TTS] = attrs.field(init=False)
    _fit: Fit = attrs.field(init=False)
    _ready: asyncio.Future[TTSSession] = attrs.field(
        factory=lambda: asyncio.get_running_loop().create_future(), init=False
    )
    _broken: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _unusable: PatterError | None = attrs.field(default=None, init=False)
    _turn: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._use(self.candidates[0])

    @property
    def _policy(self) -> ReconnectPolicy:
        return self.current.policy

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

    async def say(self, sentences: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak *sentences*; closing the iterator stops the vendor.

        The audio is in the leg's format. *text* of a speech is what begins with its audio.
        """
        rules = self._policy.rules
        kept = _Sentences(sentences, self._policy.clock, rules.speech_ms)
        async with self._turn:
            again = False
            while True:
                voice = self.current
                try:
                    async with aclosing(self._speak(kept)) as speeches:
                        async for speech in speeches:
                            yield speech
                    return
                except asyncio.CancelledError:
                    self._replace_if_unresponsive()
                    raise
                except Exception as raised:
                    failed = as_patter_error(raised, self._policy.provider)
                    again = failed.passing and not (again and voice is self.current)
                    last = self.current is self.candidates[-1]
                    self._replace(None if again or last else failed)
                    if kept.proven or (last and not again):
                        raise failed from raised

    async def _speak(self, kept: _Sentences) -> AsyncGenerator[Speech, None]:
        async with asyncio.timeout(self._policy.rules.open_ms / 1_000):
            # Several replies may wait for one session: cancelling one must not cancel the future.
            session = await asyncio.shield(self._ready)
        convert = converter(self._fit.steps)
        stream: Any = session.say(kept.read())
        async with aclosing(stream) as speeches:
            while (speech := await self._next(speeches, kept)) is not None:
                kept.proven = kept.proven or bool(speech.audio)
                text = kept.begun_by(speech)
                yield Speech(convert.feed(speech.audio), text, speech.words)
        if rest := convert.flush():
            yield Speech(rest)

    def _use(self, candidate: LinkCandidate[TTS]) -> None:
        self.current = candidate
        self._fit = fit(candidate.provider.produces, (self.audio,))

    async def _next(self, speeches: AsyncIterator[Speech], kept: _Sentences) -> Speech | None:
        """The next audio; while the voice owes some, it may not take for ever."""
        try:
            async with asyncio.timeout(None) as bound:
                kept.bind(bound)
                return await anext(speeches, None)
        except TimeoutError as late:
            raise PatterTimeoutError(
                f"{self._policy.provider} sent no audio for {self._policy.rules.speech_ms} ms"
                f" on call {self.call.call_id}",
                fix="check the provider's status, or name a second voice to fall back to",
            ) from late

    async def _stay_open(self) -> PatterError:
        """Hold a session of the current candidate open until it is given up; why it was."""
        while True:
            try:
                await self._hold_open()
            except Exception as raised:
                failed = as_patter_error(raised, self._policy.provider)
                if not await self._policy.retry(failed):
                    return failed
            else:
                if (unusable := self._unusable) is not None:
                    self._unusable = None
                    self._policy.give_up(unusable)
                    return unusable

    async def _hold_open(self) -> None:
        scope = self.current.provider.open(self.call, self._fit.source)
        async with opened(scope, self._policy.rules, self._policy.provider) as session:
            self._broken.clear()
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

    def _replace_if_unresponsive(self) -> None:
        """Cancelled twice means that the voice ignored the first cancel: replace its session."""
        task = asyncio.current_task()
        if task is not None and task.cancelling() > 1:
            self._replace()
