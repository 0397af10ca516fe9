"""The link to the recogniser: audio up, words down, reconnected without losing either.

The last seconds of audio are kept and replayed after a reconnect, from where the words that
were final end. Positions the recogniser tells are turned into positions of the whole call's
audio, so nobody else knows that it was replaced.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import attrs

from patter.aio import Full, Mailbox, task_scope
from patter.audio.formats import AudioFormat
from patter.call.link import ReconnectPolicy, as_patter_error, opened
from patter.errors import PatterConnectionError, PatterError, PatterTimeoutError
from patter.providers.context import CallContext
from patter.providers.stt import STT, STTEvent, STTSession, STTTraits, Transcript

WAITING = 500


@attrs.define(eq=False)
class STTLink:
    """One call's recogniser. *on_event(event, base_ms)*: add *base_ms* to its positions."""

    provider: STT
    call: CallContext
    audio: AudioFormat
    link: ReconnectPolicy
    on_event: Callable[[STTEvent, float], None]
    on_lost: Callable[[], None]
    _box: Mailbox[bytes | None] = attrs.field(
        factory=lambda: Mailbox(WAITING, Full.DROP_OLDEST), init=False
    )
    _kept: deque[bytes] = attrs.field(factory=deque, init=False)
    _kept_bytes: int = attrs.field(default=0, init=False)
    _taken_bytes: int = attrs.field(default=0, init=False)
    _final_ms: float = attrs.field(default=0.0, init=False)
    _base_ms: float = attrs.field(default=0.0, init=False)
    _pending: bytearray = attrs.field(factory=bytearray, init=False)
    _chunk: int = attrs.field(init=False)
    _kept_most: int = attrs.field(init=False)
    _asked_at: float = attrs.field(default=0.0, init=False)
    _asked_ms: float = attrs.field(default=0.0, init=False)
    _unanswered: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._chunk = self.audio.bytes_in(STTTraits.of(self.provider).chunk_ms)
        self._kept_most = self.audio.bytes_in(self.link.rules.replay_ms)

    def send(self, audio: bytes) -> None:
        """Take the caller's next audio."""
        self._taken_bytes += len(audio)
        if not self._pending and len(audio) >= self._chunk:
            self._box.put(audio)
            return
        self._pending += audio
        if len(self._pending) >= self._chunk:
            self._flush()

    def finalize(self) -> None:
        """The caller has paused."""
        self._flush()
        self._box.put(None)

    async def run(self) -> None:
        """Listen until cancelled; `on_lost` when hearing is gone for good."""
        replay: list[bytes] = []
        while True:
            try:
                await self._listen(replay)
                failed: PatterError = PatterConnectionError(
                    f"{self.link.provider} closed the connection in the middle of the call",
                    fix="nothing to set: the call reconnects; see the provider's status",
                )
            except Exception as raised:
                failed = as_patter_error(raised, self.link.provider)
            if not await self.link.retry(failed):
                self.on_lost()
                return
            replay = self._from_last_final()

    async def _listen(self, replay: list[bytes]) -> None:
        scope = self.provider.open(self.call, self.audio)
        async with opened(scope, self.link.rules, self.link.provider) as session:
            replayed_ms = self.audio.ms_in(sum(map(len, replay)))
            self.link.restored(replayed_ms)
            self._unanswered, self._asked_at = self._asked_at > 0, 0.0
            async with task_scope() as tasks:
                pump = tasks.create_task(self._pump(session, replay), name="stt-pump")
                watch = tasks.create_task(self._watch(), name="stt-watch")
                async for event in session:
                    self._heard(event)
                pump.cancel()
                watch.cancel()

    async def _pump(self, session: STTSession, replay: list[bytes]) -> None:
        for audio in replay:
            await session.send(audio)
        if self._unanswered:
            await self._ask(session)
        async for item in self._box:
            if item is None:
                await self._ask(session)
            else:
                self._keep(item)
                await session.send(item)

    async def _ask(self, session: STTSession) -> None:
        self._asked_at, self._asked_ms = self.link.clock.ms(), self.audio.ms_in(self._sent_bytes)
        await session.finalize()

    async def _watch(self) -> None:
        """A recogniser that does not answer `finalize` is gone, however open its socket."""
        answer_ms = self.link.rules.answer_ms
        while True:
            await self.link.clock.sleep(answer_ms / 2)
            if self._asked_at and self.link.clock.ms() - self._asked_at >= answer_ms:
                raise PatterTimeoutError(
                    f"{self.link.provider} did not answer for {answer_ms} ms",
                    fix="nothing to set: the call reconnects; see the provider's status",
                )

    def _heard(self, event: STTEvent) -> None:
        if isinstance(event, Transcript) and event.final:
            self._final_ms = max(self._final_ms, self._final_at(event))
        self._asked_at = 0.0
        self.on_event(event, self._base_ms)

    def _final_at(self, event: Transcript) -> float:
        """Where final words end; untold, where they were asked for, else what was sent."""
        if event.end_ms is not None:
            return self._base_ms + event.end_ms
        return self._asked_ms if self._asked_at else self.audio.ms_in(self._sent_bytes)

    @property
    def _sent_bytes(self) -> int:
        """How much of what was taken does not wait any more."""
        waiting = sum(len(item) for item in self._box.items() if item is not None)
        return self._taken_bytes - len(self._pending) - waiting

    def _flush(self) -> None:
        if self._pending:
            self._box.put(bytes(self._pending))
            self._pending.clear()

    def _keep(self, audio: bytes) -> None:
        self._kept.append(audio)
        self._kept_bytes += len(audio)
        while self._kept_bytes - len(self._kept[0]) >= self._kept_most:
            self._kept_bytes -= len(self._kept.popleft())

    def _from_last_final(self) -> list[bytes]:
        """What to send again; the new session's zero lies where it begins."""
        replay: list[bytes] = []
        start = self._sent_bytes
        for audio in reversed(self._kept):
            if self.audio.ms_in(start) <= self._final_ms:
                break
            replay.append(audio)
            start -= len(audio)
        self._base_ms = self.audio.ms_in(start)
        return replay[::-1]
