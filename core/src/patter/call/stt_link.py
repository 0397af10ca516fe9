"""The link to the recogniser: audio up, words down, reconnected without losing either.

It is fed the caller's audio in one format for the whole call and converts it for the recogniser
it is connected to, so that a candidate with another format can take over. The last seconds of
audio are kept and replayed after a reconnect, from where the final words end. Positions that a
recogniser reports are turned into positions of the whole call's audio, so nobody else knows that
it was replaced.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from math import inf

import attrs

from patter.aio import Full, Mailbox, task_scope
from patter.audio.convert import Converter, converter
from patter.audio.fit import Fit, fit
from patter.audio.formats import AudioFormat
from patter.call.link import (
    LinkCandidate,
    Prepared,
    ReconnectPolicy,
    as_patter_error,
    opened,
    ready_or_new,
)
from patter.call.read_ahead import each_event
from patter.clock import Clock
from patter.errors import ErrorCode, PatterConnectionError, PatterError, PatterTimeoutError
from patter.providers.context import CallContext
from patter.providers.stt import STT, STTEvent, STTSession, STTTraits, Transcript, TurnEnded

QUEUED = 500
"""Chunks that wait while a recogniser is slow or away; the oldest are dropped."""
MUTE = 2
"""Sessions in a row that may answer nothing while there is no other recogniser."""


@attrs.define(eq=False)
class _Pause:
    """The caller has paused, between two pieces of audio; *over*: and so has the whole turn."""

    over: bool = False


# Validated when it is made and not with every frame, of which there are fifty a second.
@attrs.define(eq=False, on_setattr=attrs.setters.NO_OP)
class STTLink:
    """One call's recogniser: the first of *candidates* that works.

    *audio* is the format it is fed. *on_event(event, base_ms)*: add *base_ms* to the event's
    positions. *on_lost* is called when no candidate is left, *on_connected* with False when the
    connection is lost and with True when it stands again. *prepared* may have a session ready.
    *heard* makes of a piece of audio what is sent instead, as long as it was.
    *owes()*: does somebody wait for what a session that was lost had to bring?
    """

    candidates: tuple[LinkCandidate[STT], ...] = attrs.field(validator=attrs.validators.min_len(1))
    call: CallContext
    audio: AudioFormat
    on_event: Callable[[STTEvent, float], None]
    on_lost: Callable[[], None]
    on_connected: Callable[[bool], None]
    prepared: Prepared[STT, STTSession] | None = None
    heard: Callable[[bytes], Awaitable[bytes]] | None = None
    owes: Callable[[], bool] = lambda: False
    current: LinkCandidate[STT] = attrs.field(init=False)
    _fit: Fit = attrs.field(init=False)
    _since_ms: list[float] = attrs.field(factory=list, init=False)
    _queue: Mailbox[bytes | _Pause] = attrs.field(
        factory=lambda: Mailbox(QUEUED, Full.DROP_OLDEST), init=False
    )
    _kept: deque[bytes] = attrs.field(factory=deque, init=False)
    _kept_bytes: int = attrs.field(default=0, init=False)
    _fed_bytes: int = attrs.field(default=0, init=False)
    _final_ms: float = attrs.field(default=0.0, init=False)
    _base_ms: float = attrs.field(default=0.0, init=False)
    _is_told: bool = attrs.field(default=False, init=False)
    _pending: bytearray = attrs.field(factory=bytearray, init=False)
    _chunk: int = attrs.field(init=False)
    _kept_most: int = attrs.field(init=False)
    _finalize_at: float = attrs.field(default=0.0, init=False)
    _finalize_ms: float = attrs.field(default=0.0, init=False)
    _unanswered: bool = attrs.field(default=False, init=False)
    _connected: bool = attrs.field(default=True, init=False)
    _sending_at: float | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._kept_most = self.audio.bytes_in(self.candidates[0].policy.rules.replay_ms)
        self._use(self.candidates[0])

    @property
    def _policy(self) -> ReconnectPolicy:
        return self.current.policy

    @property
    def _within_ms(self) -> float:
        """How long the current candidate may be out.

        The caller's audio waits meanwhile, so the last one may hang once and be tried again.
        """
        rules, last = self._policy.rules, self.current is self.candidates[-1]
        return 2 * rules.outage_ms if last else rules.fallback_ms

    def _is_hopeless(self, failed: PatterError) -> bool:
        """Is there no time to try the candidate again, and another one to use?"""
        hurry = failed.code is ErrorCode.TIMEOUT or self.owes()
        return hurry and self.current is not self.candidates[-1]

    def send(self, audio: bytes) -> None:
        """Take the caller's next audio."""
        self._fed_bytes += len(audio)
        if not self._pending and len(audio) >= self._chunk:
            self._queue.put(audio)
            return
        self._pending += audio
        if len(self._pending) >= self._chunk:
            self._flush()

    def finalize(self) -> None:
        """The caller has paused."""
        self._flush()
        self._queue.put(_Pause())

    def shares(self, length_ms: float) -> Iterator[tuple[tuple[str, str], float]]:
        """Whose a call of *length_ms* was, by candidate, in milliseconds."""
        ends = [*self._since_ms[1:], length_ms]
        for candidate, began, ended in zip(self.candidates, self._since_ms, ends, strict=False):
            yield candidate.name, max(0.0, ended - began)

    async def run(self) -> None:
        """Listen until cancelled; `on_lost` when hearing is gone for good."""
        replay: list[bytes] = []
        # What the one before did not make final is replayed to the next, so no word is lost.
        for candidate in self.candidates:
            if candidate is not self.current:
                candidate.policy.take_over(self._policy)
                self._use(candidate)
            replay = await self._listen_while_it_lasts(replay)
        self.on_lost()

    def _use(self, candidate: LinkCandidate[STT]) -> None:
        self.current = candidate
        self._fit = fit((self.audio,), candidate.provider.accepts)
        self._chunk = self.audio.bytes_in(STTTraits.of(candidate.provider).chunk_ms)
        self._since_ms.append(self.audio.ms_in(self._fed_bytes))

    async def _listen_while_it_lasts(self, replay: list[bytes]) -> list[bytes]:
        """Connect, and connect again, until this candidate is given up; what to replay then."""
        while True:
            try:
                await self._listen(replay)
                failed: PatterError = PatterConnectionError(
                    f"{self._policy.provider} closed the connection in the middle of the call",
                    fix="nothing to set: the call reconnects; see the provider's status",
                )
            except Exception as raised:
                failed = as_patter_error(raised, self._policy.provider)
            self._report(connected=False)
            within_ms = 0.0 if self._is_hopeless(failed) else self._within_ms
            again = await self._policy.retry(failed, within_ms)
            replay = self._from_last_final()
            if not again:
                return replay

    def _report(self, *, connected: bool) -> None:
        if connected is not self._connected:
            self._connected = connected
            self.on_connected(connected)

    async def _listen(self, replay: list[bytes]) -> None:
        scope = ready_or_new(self.prepared, self.current.provider, self.call, self._fit.sink)
        async with opened(scope, self._policy) as session:
            replayed_ms = self.audio.ms_in(sum(map(len, replay)))
            self._policy.restored(replayed_ms)
            self._report(connected=True)
            self._unanswered, self._finalize_at = self._finalize_at > 0, 0.0
            self._sending_at = None
            async with task_scope() as tasks:
                pump = tasks.create_task(self._pump(session, replay), name="stt-pump")
                watch = tasks.create_task(self._watch(), name="stt-watch")
                await each_event(session, self._receive)
                pump.cancel()
                watch.cancel()
                # A pump that fails only while its group is left would leave this task looking
                # cancelled (CPython before 3.13), and the call deaf.
                await asyncio.wait((pump, watch))

    async def _pump(self, session: STTSession, replay: list[bytes]) -> None:
        convert: Converter = converter(self._fit.steps)
        send, clock = session.send, self._policy.clock
        for audio in replay:
            if self.heard is not None:
                audio = await self.heard(audio)
            await self._pass_on(send, convert.feed(audio), clock)
        if self._unanswered:
            await self._ask_for_final(session)
        async for item in self._queue:
            if isinstance(item, _Pause):
                # A recogniser that has ended the turn since then owes nothing.
                if not item.over:
                    await self._ask_for_final(session)
            else:
                self._keep(item)
                if self.heard is not None:
                    item = await self.heard(item)
                await self._pass_on(send, convert.feed(item), clock)

    async def _pass_on(
        self, send: Callable[[bytes], Awaitable[None]], audio: bytes, clock: Clock
    ) -> None:
        """Send *audio*; a resampler may hold all of a short piece back."""
        if audio:
            self._sending_at = clock.ms()
            await send(audio)
            self._sending_at = None

    async def _ask_for_final(self, session: STTSession) -> None:
        self._finalize_at = self._policy.clock.ms()
        self._finalize_ms = self.audio.ms_in(self._sent_bytes)
        await session.finalize()

    async def _watch(self) -> None:
        """A recogniser that does not answer, or takes no audio, is gone, however open its socket.

        Only `finalize` must be answered: some say nothing while the caller speaks.
        """
        clock, answer_ms = self._policy.clock, self._policy.rules.answer_ms
        behind_ms = inf
        while True:
            now_ms, before_ms = clock.ms(), behind_ms
            since_ms = min(self._finalize_at or now_ms, self._sending_at or now_ms)
            behind_ms = self.audio.ms_in(self._fed_bytes - self._sent_bytes)
            # What was kept while it connected is sent faster than it is spoken.
            too_slow = behind_ms >= max(answer_ms, before_ms)
            if now_ms - since_ms >= answer_ms or too_slow:
                raise PatterTimeoutError(
                    f"{self._policy.provider} did not answer for {answer_ms} ms",
                    fix="nothing to set: the call reconnects; see the provider's status",
                )
            # Less than a clock can tell apart would be waited for without end.
            await clock.sleep(max(1.0, since_ms + answer_ms - now_ms))

    def _receive(self, event: STTEvent) -> None:
        if isinstance(event, Transcript):
            self._is_told = bool(event.text) and not event.final
            if event.final:
                self._final_ms = max(self._final_ms, self._end_of(event))
        elif isinstance(event, TurnEnded):
            self._end_pauses()
            if self._is_told:
                # Whoever hears it again takes it for another turn.
                self._final_ms = max(self._final_ms, self.audio.ms_in(self._sent_bytes))
                self._is_told = False
        # Any event proves that the recogniser is alive, not only the answer to `finalize`.
        self._finalize_at = 0.0
        if self._policy.availability is not None:
            self._policy.availability.work()
        self.on_event(event, self._base_ms)

    def _end_pauses(self) -> None:
        """The turn is over, and so are its pauses; audio that still waits is of another."""
        unsent = 0
        for item in self._queue.items():
            if isinstance(item, bytes):
                unsent += len(item)
            # What had not come to a whole piece was let go by the pause itself.
            elif unsent <= self._chunk:
                item.over = True

    def _end_of(self, event: Transcript) -> float:
        """Where final words end; if not reported, where they were asked for, or what was sent.

        That there were none is only ever the answer to a question.
        """
        if event.end_ms is not None:
            return self._base_ms + event.end_ms
        answers = self._finalize_at or not event.text
        return self._finalize_ms if answers else self.audio.ms_in(self._sent_bytes)

    @property
    def _sent_bytes(self) -> int:
        """How much of what it was fed does not wait any more."""
        waiting = sum(len(item) for item in self._queue.items() if isinstance(item, bytes))
        return self._fed_bytes - len(self._pending) - waiting

    def _flush(self) -> None:
        if self._pending:
            self._queue.put(bytes(self._pending))
            self._pending.clear()

    def _keep(self, audio: bytes) -> None:
        self._kept.append(audio)
        self._kept_bytes += len(audio)
        most = self._kept_most
        if self._finalize_at:
            # The words it owes must not be gone when it, and the next, are found not to answer.
            most += MUTE * self.audio.bytes_in(self._policy.rules.answer_ms)
        while self._kept_bytes - len(self._kept[0]) >= most:
            self._kept_bytes -= len(self._kept.popleft())

    def _from_last_final(self) -> list[bytes]:
        """What to send again; the new session's zero lies where it begins."""
        replay: list[bytes] = []
        start = self._sent_bytes
        for audio in reversed(self._kept):
            if self.audio.ms_in(start) <= self._final_ms:
                break
            # No more than that: the end of a word that is final would be heard as the word again.
            size = min(len(audio), start - self.audio.bytes_in(self._final_ms))
            replay.append(audio[-size:])
            start -= size
        self._base_ms = self.audio.ms_in(start)
        return replay[::-1]
