"""A scripted caller on a FakeLeg: speaks, listens, interrupts, presses keys, hangs up.

It hears what the leg truly played and speaks in 20 ms frames at the pace of the clock, silence
between its words, so on a virtual loop a long call takes no time and is the same every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterTimeoutError
from patter_testing.fakes.carrier import FakeLeg, Played
from patter_testing.fakes.tts import MS_PER_LETTER, read_back, spoken

FRAME_MS = 20


@attrs.define(eq=False)
class Caller:
    """Whoever is at the other end of *leg*; each wait is bounded by *patience_ms*.

    With *voice*, words are sounded by that function; by default as FakeTTS would, so a
    FakeVAD hears a voice. *on_speech* is told what was said when it was said, for a FakeSTT
    session to hear. *read* makes words of what was played; by default of a FakeTTS.
    """

    leg: FakeLeg
    voice: Callable[[str], bytes] | None = None
    on_speech: Callable[[str], object] | None = None
    read: Callable[[bytes, AudioFormat, int], str] = read_back
    patience_ms: float = 30_000
    ms_per_letter: int = MS_PER_LETTER
    _noticed_ms: float = attrs.field(default=0.0, init=False)
    _spoke_ms: float = attrs.field(default=0.0, init=False)

    async def says(self, text: str) -> None:
        """Speak *text*, then be silent for half a second."""
        audio = self.voice(text) if self.voice else spoken(text, self.leg.audio)
        await self.sounds(audio)
        self._spoke_ms = self.leg.now_ms
        if self.on_speech is not None:
            self.on_speech(text)
        await self.waits(500)

    async def sounds(self, audio: bytes) -> None:
        """Send *audio* frame by frame, in real time."""
        if self.leg.paced:
            self.leg.speak(audio)
            await self._lasts(self.leg.audio.ms_in(len(audio)))
            return
        size = self.leg.audio.bytes_in(FRAME_MS)
        for at in range(0, len(audio), size):
            if self.leg.closed:
                return
            frame = audio[at : at + size]
            self.leg.speak(frame)
            await self.leg.clock.sleep(self.leg.audio.ms_in(len(frame)))

    async def waits(self, ms: float) -> None:
        """Be silent for *ms* milliseconds; silence is sent too, as telephones do."""
        audio = self.leg.audio
        if self.leg.paced:
            await self._lasts(ms)
        else:
            await self.sounds(audio.silence * (audio.bytes_in(ms) // audio.sample_bytes))

    async def interrupts(self, text: str, *, after_ms: float) -> None:
        """Speak *text* once the agent has spoken for *after_ms*."""
        await self.hears_the_agent_begin()
        await self.waits(after_ms)
        await self.says(text)
        # What played until now was interrupted, and is no answer.
        self._noticed_ms = max(self._noticed_ms, self._spoke_ms)

    async def hears_the_agent_begin(self) -> None:
        """Be silent until audio of the agent plays that was not noticed before."""
        await self._silent_until(lambda: self._playing_ms() > self._noticed_ms, "begin to speak")
        self._noticed_ms = self.leg.now_ms

    async def hears_the_agent_out(self, *, quiet_ms: float = 600) -> str:
        """Be silent until the agent has spoken, and is quiet for *quiet_ms* or gone; its words."""
        began = self._noticed_ms

        def happened() -> bool:
            return self._is_quiet(began, 0 if self.leg.closed else quiet_ms)

        await self._silent_until(happened, "finish speaking")
        self._noticed_ms = self.leg.now_ms
        return self.heard_text(began)

    def heard_text(self, since_ms: float = 0.0) -> str:
        """What the voice said from *since_ms* on, as far as it was played."""
        pieces = self.leg.played
        audio = b"".join(each.audio for each in pieces if self._ends(each) > since_ms)
        return self.read(audio, self.leg.audio, self.ms_per_letter)

    async def presses(self, digits: str) -> None:
        """Press each of *digits*, a quarter of a second apart."""
        for digit in digits:
            self.leg.press(digit)
            await self.waits(250)

    def types(self, text: str) -> None:
        self.leg.type(text)

    def hangs_up(self) -> None:
        self.leg.hang_up("caller")

    async def hears_the_agent_hang_up(self) -> None:
        """Be silent until the agent's side closes the leg."""
        await self._silent_until(lambda: self.leg.closed, "hang up")

    async def _lasts(self, ms: float) -> None:
        """Let *ms* milliseconds pass on a leg that is heard by itself, unless it closes."""
        until_ms = self.leg.now_ms + ms
        while not self.leg.closed and (left_ms := until_ms - self.leg.now_ms) > 0:
            await self.leg.clock.sleep(min(FRAME_MS, left_ms))

    async def _silent_until(self, happened: Callable[[], bool], what: str) -> None:
        deadline = self.leg.now_ms + self.patience_ms
        while not happened():
            if self.leg.closed or self.leg.now_ms >= deadline:
                ending = "the leg closed" if self.leg.closed else f"{self.patience_ms:g} ms passed"
                raise PatterTimeoutError(
                    f"{ending} before the agent did {what}; it has said {self.heard_text()!r}",
                    fix="look at what the agent waits for, or give the caller more patience_ms",
                )
            await self.waits(FRAME_MS)
        await asyncio.sleep(0)

    def _playing_ms(self) -> float:
        return max((self._ends(each) for each in self.leg.played), default=0.0)

    def _is_quiet(self, since_ms: float, quiet_ms: float) -> bool:
        last = self._playing_ms()
        busy = self.leg.busy_until_ms > self.leg.now_ms
        return last > since_ms and not busy and self.leg.now_ms - last >= quiet_ms

    def _ends(self, each: Played) -> float:
        return each.at_ms + self.leg.audio.ms_in(len(each.audio))
