"""A turn detector's votes in one call: what it is shown, when it is asked, what becomes of it.

A vote counts as long as the pause it is on. One that is late, that is no probability or that is
never given leaves the turn to silence, as if there were no detector.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs

from patter.aio import deadline
from patter.audio.convert import convert
from patter.audio.fit import fit
from patter.audio.formats import AudioFormat
from patter.call.link import as_patter_error
from patter.call.turn.events import EndOfTurnVerdict, TurnEvent
from patter.errors import PatterError, ProviderError
from patter.observe.call_events import CallEvents
from patter.observe.events import Note
from patter.providers.turn_detector import TurnDetector

# A detector may ask for any window; what is kept of a call must not grow with it.
WINDOW_MAX_MS = 30_000
# What came before a turn is silence and echo; its first sound is before the news of a voice.
LEAD_MS = 500
FAILURES_MAX = 3


@attrs.define(eq=False)
class CallerAudio:
    """The latest audio of a caller, at most *limit_ms* of it."""

    audio: AudioFormat
    limit_ms: float
    _bytes: bytearray = attrs.field(factory=bytearray, init=False)

    def add(self, audio: bytes) -> None:
        """Keep *audio*, and of what was there as much as fits."""
        self._bytes += audio
        self.keep(self.limit_ms)

    def keep(self, ms: float) -> None:
        """Forget all but the last *ms*."""
        excess = max(0, len(self._bytes) - self.audio.bytes_in(ms))
        # Whole samples only: the other half of one would be noise.
        del self._bytes[: excess - excess % self.audio.sample_bytes]

    def copy(self) -> bytes:
        """What is kept now."""
        return bytes(self._bytes)


@attrs.define(eq=False, kw_only=True)
class TurnVotes:
    """Asks *detector* about the caller's pauses, one at a time, and posts its verdicts.

    *audio* is the format of what `hear` is given. A judgement may take *wait_ms*. The first
    failure is noted; after `FAILURES_MAX` in a row the detector is not asked any more.
    """

    detector: TurnDetector
    audio: AudioFormat
    events: CallEvents
    post: Callable[[TurnEvent], None]
    tasks: asyncio.TaskGroup
    wait_ms: int
    _format: AudioFormat = attrs.field(init=False)
    _heard: CallerAudio = attrs.field(init=False)
    _turn_begins: bool = attrs.field(default=True, init=False)
    _pause: int = attrs.field(default=0, init=False)
    _judging: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _noted: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._format = fit((self.audio,), self.detector.accepts).sink
        window_ms = min(self.detector.window_ms, WINDOW_MAX_MS)
        self._heard = CallerAudio(self.audio, window_ms)

    @property
    def given_up(self) -> bool:
        """Has it failed too often to be asked again?"""
        return self._failures >= FAILURES_MAX

    @property
    def judging(self) -> asyncio.Task[None] | None:
        """The judgement in progress."""
        return self._judging

    def hear(self, audio: bytes) -> None:
        """The caller's next audio."""
        if not self.given_up:
            self._heard.add(audio)

    def voice_started(self) -> None:
        """The caller talks: whatever is being judged is no end."""
        self._pause += 1
        if self._judging is not None:
            self._judging.cancel()
        if self._turn_begins:
            self._turn_begins = False
            self._heard.keep(LEAD_MS)

    def committed(self) -> None:
        """The caller's turn is over: what is heard of the next one begins with its voice."""
        self._turn_begins = True

    def ask(self, text: str) -> None:
        """The caller has paused after *text*: have they finished?"""
        if self.given_up:
            return
        self._pause += 1
        if self._judging is not None:
            self._failed(_busy())
            return
        judgement = self._judge(self._pause, self._heard.copy(), text)
        self._judging = self.tasks.create_task(judgement, name="turn-vote")
        self._judging.add_done_callback(self._judged)

    def _judged(self, _: asyncio.Task[None]) -> None:
        self._judging = None

    async def _judge(self, pause: int, heard: bytes, text: str) -> None:
        try:
            likely = await self._predict(heard, text)
        except Exception as raised:
            self._failed(as_patter_error(raised, "turn_detector"))
            return
        self._failures = 0
        if pause == self._pause:
            finished = likely >= self.detector.threshold
            self.post(EndOfTurnVerdict(self.events.now_ms(), finished))

    async def _predict(self, heard: bytes, text: str) -> float:
        """The probability that the caller has finished. Raises whatever the detector does."""
        async with deadline(
            self.wait_ms / 1_000,
            "the turn detector has not judged a pause",
            fix="use a smaller model or a faster machine, or leave turn_detector out",
        ):
            if self._format != self.audio:
                # Some 10 ms of computing for 8 s: too long for the loop of other calls.
                heard = await asyncio.to_thread(convert, heard, self.audio, self._format)
            likely = float(await self.detector.predict(heard, text))
        if not 0 <= likely <= 1:
            raise _no_probability(likely)
        return likely

    def _failed(self, error: PatterError) -> None:
        self._failures += 1
        if not self._noted:
            self._noted = True
            self.events.error(error, "turn_detector")
        if self.given_up:
            text = f"given up after {FAILURES_MAX} failures in a row"
            self.events.emit(Note(what="turn_detector", text=text))


def _busy() -> ProviderError:
    return ProviderError(
        "the turn detector is still busy with an earlier pause, although it was cancelled",
        fix="let cancelling predict() end it, as TurnDetectorSuite demands",
    )


def _no_probability(likely: float) -> ProviderError:
    return ProviderError(
        f"the turn detector answered {likely:g}, which is not a probability",
        fix="report it to the authors of the turn detector",
    )
