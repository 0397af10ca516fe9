"""The far end: a leg that plays as a telephone does and breaks as told, and whoever holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import attrs

from patter.errors import PatterConnectionError
from patter_testing.fakes.carrier import FakeLeg

from .notes import Notes, Question, Talk
from .script import Line, Script
from .sound import FRAME_MS, NOISE, silence, sound

STEP_MS, LULL_MS = 60, 400
AFTER_VOICE_MS = 300
ECHO_MS = 180
PATIENCE_MS = 20_000
CONTENT_MS, OWED_MS, LONGEST_MS = 3_000, 30_000, 75_000
FOREVER_MS = 10_000_000
PAUSE = "..."


@attrs.define(eq=False)
class Leg(FakeLeg):
    """A leg whose next `send` may raise, or take its time."""

    raises: bool = False
    stalls_ms: int = 0
    on_close: Callable[[], object] = attrs.field(default=lambda: None, repr=False)

    async def send(self, audio: bytes) -> None:
        if self.raises:
            self.raises = False
            raise PatterConnectionError("the leg broke", fix="none")
        if self.stalls_ms:
            stalls_ms, self.stalls_ms = self.stalls_ms, 0
            await self.clock.sleep(stalls_ms)
        await FakeLeg.send(self, audio)

    async def close(self) -> None:
        """The call has done with this leg."""
        closed = self.closed
        await FakeLeg.close(self)
        if not closed:
            self.on_close()

    def agent_is_heard(self) -> bool:
        """Does audio play now?"""
        return self._free_ms > self.now_ms


@attrs.define(eq=False)
class Caller:
    """Does the lines of `caller` one after the other; *others* does those of other parties."""

    script: Script
    notes: Notes
    leg: Leg
    codes: dict[int, tuple[str, Question]]
    others: Callable[[Line], object]
    frames_cease: bool = False
    cut_off: bool = False
    _began_ms: int = 0
    _acted_ms: int = 0
    _audible_ms: int | None = None
    _heard_ms: int = 0
    _sounded_ms: int = -10_000

    async def lives(self) -> None:
        """The whole script, then a farewell once nothing more comes."""
        for each in self.script:
            await self._until_its_time(each)
            if self.leg.closed:
                return
            self._acted_ms, self._audible_ms = self.notes.now(), None
            if await self._does(each):
                return
            self._acted_ms = self.notes.now()
        await self.parts()

    async def parts(self) -> None:
        """Wait until the agent has said its say, and hang up; longer for what is still owed."""
        began = self.notes.now()
        while not self.leg.closed:
            now, heard_ms = self.notes.now(), self._heard_ms
            patience_ms = OWED_MS if self._is_owed_something() else CONTENT_MS
            if now - max(heard_ms, self._acted_ms) > patience_ms or now - began > LONGEST_MS:
                self._hangs_up()
                return
            await self._steps(LULL_MS)

    def _is_owed_something(self) -> bool:
        """An answer, the rest of one, a tool's result, or the end of a transfer."""
        notes = self.notes
        since = max(self._acted_ms - 500, self._heard_ms - 3_000)
        broken = any(at >= since for at, what in notes.faults if what != "leg")
        running = any(use.ended_ms is None for use in notes.tools)
        away = any(ended is None for _, ended in notes.away)
        collected = any(entry.ended_ms is None for entry in notes.entries)
        return self._heard_ms < self._acted_ms or broken or running or away or collected

    async def _until_its_time(self, each: Line) -> None:
        kind, ms = each.when[:1], int(each.when.lstrip("+~^") or 0)
        began = self.notes.now()
        while not self.leg.closed and not self._is_time(kind, ms):
            if kind in {"~", "^"} and self.notes.now() - began > PATIENCE_MS:
                return
            await self._steps(self._step_ms(kind, ms))

    def _step_ms(self, kind: str, ms: int) -> int:
        """How long to wait before looking again whether it is time."""
        if kind in {"~", "^"}:
            return STEP_MS if self._audible_ms is not None and kind == "^" else 2 * STEP_MS
        since = self._acted_ms if kind == "+" else 0
        return max(FRAME_MS, (since + ms - self.notes.now()) // FRAME_MS * FRAME_MS)

    def _is_time(self, kind: str, ms: int) -> bool:
        now = self.notes.now()
        if kind == "+":
            return now - self._acted_ms >= ms
        if kind == "^":
            return self._audible_ms is not None and now - self._audible_ms >= ms
        if kind == "~":
            return self._audible_ms is not None and now - self._heard_ms >= ms
        return now >= ms

    async def _does(self, each: Line) -> bool:
        """Do the line; True when that was the last thing this caller does."""
        if each.who != "caller":
            self.others(each)
        elif each.does == "says":
            await self._says(each)
            return self.leg.closed
        elif each.does in {"coughs", "chatters"}:
            await self._sounds(NOISE, each.number("ms", 300))
        elif each.does == "presses":
            for digit in each.word(1):
                self.notes.keys.append((self.notes.now(), digit))
                if not self.cut_off:
                    self.leg.press(digit)
                await self._steps(each.number("gap", 280))
        elif each.does == "echoes":
            await self._echoes(each.number("ms", 3_000))
        elif each.does == "waits":
            await self._steps(each.number("ms", 1_000))
        elif each.does == "hangs":
            self._hangs_up()
            return True
        return False

    def _hangs_up(self) -> None:
        self.notes.gone_ms = self.notes.now()
        self.leg.hang_up("caller")

    async def _says(self, each: Line) -> None:
        words = each.word(1).split()
        told = {word: code for code, (word, _) in self.codes.items()}
        spoken = [word for word in words if word != PAUSE]
        each_ms = each.number("ms", 300 * len(spoken)) // max(1, len(spoken)) // FRAME_MS * FRAME_MS
        question, began = None, self.notes.now()
        dies_ms = began + each.number("dies", FOREVER_MS)
        leaves_ms = began + each.number("leaves", FOREVER_MS) // FRAME_MS * FRAME_MS
        for word in words:
            if self.notes.now() >= dies_ms:
                dies_ms = FOREVER_MS
                self.others(Line("", "stt", ("dies",), {"away": each.options.get("away", "0")}))
            if word == PAUSE:
                await self._steps(each.number("pause", 700))
                continue
            left_ms = leaves_ms - self.notes.now()
            await self._sounds(told[word], min(each_ms, max(0, left_ms)), (word,))
            if left_ms <= each_ms:
                self._hangs_up()
                return
            question = self.codes[told[word]][1]
        if question is not None:
            question.ended_ms = self.notes.now()
        if "cease" in each.options:
            self.frames_cease = True
            self.notes.fault("frames cease")
        else:
            self.frames_cease = False

    async def _echoes(self, ms: int) -> None:
        """The agent's own voice comes back, `ECHO_MS` late and as loud as it was."""
        until_ms = self.notes.now() + ms
        while self.notes.now() < until_ms and not self.leg.closed:
            if self.leg.agent_is_heard():
                await self._steps(ECHO_MS)
                await self._sounds(NOISE, ECHO_MS)
            else:
                await self._steps(STEP_MS)

    async def _sounds(self, code: int, ms: int, words: tuple[str, ...] = ()) -> None:
        began = self.notes.now()
        audio = sound(code, ms)
        size = STEP_MS * 8
        try:
            for at in range(0, len(audio), size):
                if self.leg.closed:
                    break
                await self._sends(audio[at : at + size])
        finally:  # the call may end in the middle of it
            self._sounded_ms = self.notes.now()
            self.notes.talk.append(Talk(began, self._sounded_ms, words))

    async def _steps(self, ms: int) -> None:
        """Be silent; a line that stays silent is sent in larger pieces, to be quick."""
        while ms > 0 and not self.leg.closed:
            lull = self.notes.now() - self._sounded_ms > AFTER_VOICE_MS
            step = min(ms, LULL_MS if lull else STEP_MS)
            await self._sends(silence(step))
            ms -= step

    async def _sends(self, audio: bytes) -> None:
        await asyncio.sleep(len(audio) / 8_000)
        kept = not self.frames_cease or audio.strip(b"\xff")
        if kept and not self.leg.closed and not self.cut_off:
            self.leg.speak(audio)
        self._listens()

    def _listens(self) -> None:
        if self.leg.agent_is_heard():
            self._heard_ms = self.notes.now()
            if self._audible_ms is None:
                self._audible_ms = self.notes.now()


def own_lines(script: Script) -> Iterator[Line]:
    """What the caller does in turn: their own lines, and others that wait for the agent."""
    for each in script:
        if each.when and (each.who == "caller" or each.at_ms is None):
            yield each
