"""The recordings of one call, ours and the carrier's: what runs, what is paused, and since when.

While anything holds them, ours takes nothing: the file is silent for as long as that lasted, so
what comes after lies where it was said. Without a consent that was asked for, there is no file.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs

from patter.audio.formats import AudioFormat
from patter.call.carrier_commands import CarrierCommands
from patter.clock import CallClock, Timer
from patter.errors import PatterError
from patter.observe.call_events import CallEvents
from patter.observe.events import Note
from patter.observe.recorder import WavRecorder, call_recorder

log = logging.getLogger("patter.call")
CONSENT, SECTION = "consent", "section"
"""What may hold recordings: no consent yet, and `CallControl.pause_recording`."""
LATE_MS = 3_000.0
"""How long audio of a pause may still be on its way when the pause is over."""


class _Carrier(Enum):
    """What the carrier's recording does, as far as we know."""

    IDLE = "idle"
    RUNS = "runs"
    PAUSED = "paused"
    UNSURE = "unsure"


@attrs.define(eq=False)
class CallRecording:
    """Of one call: *path* for ours, if there is one; *at_carrier*: the carrier's.

    Both begin with `connect`. *run* has the carrier asked beside the call.
    """

    path: Path | None
    at_carrier: bool
    commands: CarrierCommands
    clock: CallClock
    run: Callable[[Coroutine[Any, Any, None], str], None]
    _audio: AudioFormat | None = attrs.field(default=None, init=False)
    _recorder: WavRecorder | None = attrs.field(default=None, init=False)
    _holds: dict[str, int] = attrs.field(factory=dict, init=False)
    _keys: bool = attrs.field(default=False, init=False)
    _late: _LateAudio | None = attrs.field(default=None, init=False)
    _carrier: _Carrier = attrs.field(default=_Carrier.IDLE, init=False)
    _timer: Timer | None = attrs.field(default=None, init=False)
    _asking: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    @property
    def events(self) -> CallEvents:
        """Those of the call."""
        return self.commands.events

    @property
    def wanted(self) -> bool:
        """Is anything to be recorded?"""
        return self.path is not None or self.at_carrier

    @property
    def exists(self) -> bool:
        """Is there a file of ours, or will there be one?"""
        return self._recorder is not None

    @property
    def paused(self) -> bool:
        """Does anything hold the recordings?"""
        return bool(self._holds)

    async def __aenter__(self) -> CallRecording:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Complete our file; nothing is asked of the carrier any more."""
        self._stop_timer()
        if self._recorder is not None:
            await self._recorder.finish()

    def connect(self, audio: AudioFormat, path: Path | None) -> None:
        """The call's media, which speaks *audio*, is there; ours is at *path*."""
        self._audio, self.path = audio, path
        self._begin()
        if self.at_carrier and not self.paused:
            self.run(self.follow_quietly(), "recording")

    def hold_from_start(self, why: str) -> None:
        """Hold them before the call has begun; there is nothing to be noted yet."""
        self._holds[why] = 0

    def hold(self, why: str) -> None:
        """From now on ours takes nothing, because of *why*; what is played later is taken back."""
        if why in self._holds:
            return
        first, now = not self._holds, self.events.now_ms()
        self._holds[why] = now
        if first:
            self._late = _LateAudio(float(now))
        if first and self._recorder is not None:
            self._recorder.agent_cut(now)
        if self.wanted:
            self.events.emit(Note(what="recording_paused", text=why))

    def release(self, why: str) -> None:
        """*why* is over; with the last, ours goes on."""
        since_ms = self._holds.pop(why, None)
        if since_ms is None:
            return
        now = self.events.now_ms()
        if not self._holds and self._late is not None:
            self._late.until_ms = float(now)
        if self.wanted:
            text = f"{why}: {now - since_ms} ms are not recorded"
            self.events.emit(Note(what="recording_resumed", text=text))
        self._begin()

    async def follow(self) -> None:
        """Have the carrier's recording run, or not, as ours does. Raises PatterError."""
        if not self.at_carrier or self._audio is None:
            return
        async with self._asking:
            before = self._carrier
            if self._holds or self._keys:
                if before in (_Carrier.RUNS, _Carrier.UNSURE):
                    # Until it is told: a request that fails may have been obeyed.
                    self._carrier = _Carrier.UNSURE
                    await self.commands.pause_recording()
                    self._carrier = _Carrier.PAUSED
            elif before is not _Carrier.RUNS:
                begins = before is _Carrier.IDLE
                ask = self.commands.begin_recording if begins else self.commands.resume_recording
                await ask()
                self._carrier = _Carrier.RUNS

    async def follow_quietly(self) -> None:
        """`follow`; a refusal is written to the record and the log."""
        try:
            await self.follow()
        except PatterError as refused:
            self.events.error(refused, "recording")
            log.warning("call %s: recording: %s", self.events.call_id, refused.message)

    async def keys_begin(self) -> None:
        """Secret keys are about to be pressed: the carrier's recording has their tones, too."""
        self._stop_timer()
        self._keys = True
        await self.follow_quietly()

    def keys_end(self, late_ms: float) -> None:
        """They have been pressed; some may still come for *late_ms*."""
        if self._keys:
            self._stop_timer()
            self._timer = self.clock.at(self.clock.ms() + late_ms, self._keys_over)

    def _keys_over(self) -> None:
        self._timer, self._keys = None, False
        self.run(self.follow_quietly(), "recording")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- audio

    def caller(self, at_ms: float, audio: bytes) -> None:
        """What the caller said, from *at_ms* on."""
        if self._late is not None and self._audio is not None:
            now = self.events.now_ms()
            if self._late.takes(self._audio.ms_in(len(audio)), now):
                return
            self._late = None
        if self._recorder is not None:
            self._recorder.caller(at_ms, audio)

    def agent(self, at_ms: float, audio: bytes) -> None:
        """What the caller hears of the agent, from *at_ms* on."""
        if self._recorder is not None and not self._holds:
            self._recorder.agent(at_ms, audio)

    def agent_cut(self, at_ms: float) -> None:
        """Nothing of the agent's audio from *at_ms* on is played after all."""
        if self._recorder is not None:
            self._recorder.agent_cut(at_ms)

    def _begin(self) -> None:
        if self._recorder is None and self._audio is not None and not self._holds:
            self._recorder = call_recorder(self.path, self._audio)


@attrs.define
class _LateAudio:
    """How much of the caller's audio of a pause is still to come: a line may bring it late."""

    since_ms: float
    until_ms: float | None = None
    _came_ms: float = 0.0

    def takes(self, length_ms: float, now_ms: float) -> bool:
        """Do the next *length_ms* belong to the pause, or may they?"""
        until_ms = self.until_ms
        self._came_ms += length_ms
        if until_ms is None:
            return True
        missing = self._came_ms - length_ms < until_ms - self.since_ms
        return missing and now_ms < until_ms + LATE_MS
