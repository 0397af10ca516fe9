"""One session of ``/v2/speak``: turns in order, of which one is spoken at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import attrs

from patter.aio import task_scope
from patter_deepgram.double import messages
from patter_deepgram.double.params import BadParameter, Params, check_speed
from patter_deepgram.double.sockets import Idle, Session, Unreadable, command
from patter_deepgram.double.speech import Synthesis, is_speakable

FIELDS = {
    "Speak": {"type", "text"},
    "Flush": {"type"},
    "Interrupt": {"type", "playback_offset"},
    "Configure": {"type", "speed"},
    "Close": {"type"},
}


@attrs.define
class Turn:
    """One response: its text so far, and how much of it was made."""

    speech_id: str
    text: str = ""
    flushed: bool = False
    made_ms: float = 0.0


@attrs.define(eq=False)
class FluxVoiceSession:
    """Speaks with *synthesis*; *spoken* are the texts that were spoken to their end."""

    session: Session
    params: Params
    synthesis: Synthesis
    spoken: list[str]
    idle_s: float
    _turns: deque[Turn] = attrs.field(factory=deque, init=False)
    _count: int = attrs.field(default=0, init=False)
    _made_ms: float = attrs.field(default=0.0, init=False)
    _letters: int = attrs.field(default=0, init=False)
    _offset_ms: float = attrs.field(default=0.0, init=False)
    _wanted: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _silent: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _speaker: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    async def run(self) -> None:
        """Serve until either side ends it."""
        await self.session.send(messages.speak_connected(self.params.text("model")))
        async with task_scope() as tasks:
            try:
                await self._obey(tasks)
            except Idle:
                await self._fail(1011, "NET-0004", "Inactive client.")
            except Unreadable as error:
                await self._fail(1008, *error.args[:2])
            finally:
                self._stop()

    async def _obey(self, tasks: asyncio.TaskGroup) -> None:
        self._restart(tasks)
        async for frame in self.session.frames(self.idle_s):
            body = self._read(frame)
            match body:
                case {"type": "Speak", "text": str(text)}:
                    self._append(text)
                case {"type": "Flush"}:
                    await self._flush()
                case {"type": "Interrupt"}:
                    await self._interrupt(body.get("playback_offset"))
                    self._restart(tasks)
                case {"type": "Configure"}:
                    await self._configure(body.get("speed"))
                case {"type": "Close"}:
                    return await self._close()
                case _:
                    raise Unreadable("DATA-0000", "A message contained an invalid command.")
        return None

    def _read(self, frame: bytes | str) -> dict[str, Any]:
        """The command in *frame*; fields that are not known are refused."""
        try:
            body = command(frame if isinstance(frame, str) else "")
        except Unreadable:
            raise Unreadable("MESSAGE-0000", "The message could not be parsed.") from None
        if set(body) - FIELDS.get(body["type"], set()):
            raise Unreadable("DATA-0000", "A message contained an invalid command.")
        return body

    def _append(self, text: str) -> None:
        if not self._turns or self._turns[-1].flushed:
            self._count += 1
            self._turns.append(Turn(f"dg_sp_{self._count:012x}"))
        self._turns[-1].text += text

    async def _flush(self) -> None:
        if not self._turns or self._turns[-1].flushed:
            await self._warn("NO_ACTIVE_SPEECH", "There is no active turn.")
            return
        self._turns[-1].flushed = True
        self._silent.clear()
        self._wanted.set()

    async def _speak(self) -> None:
        while True:
            self._silent.set()
            await self._wanted.wait()
            self._wanted.clear()
            self._silent.clear()
            while self._turns and self._turns[0].flushed:
                await self._turn(self._turns[0])
                self._turns.popleft()

    async def _turn(self, turn: Turn) -> None:
        await self.session.latency.wait()
        await self.session.send(messages.flux_speech_started(turn.speech_id))
        await self.session.send(messages.flux_flushed(turn.speech_id))
        self._letters += len(turn.text)
        if is_speakable(turn.text):
            for piece in self.synthesis.pieces(turn.text):
                await self.session.stream.send(piece)
                length_ms = self.synthesis.audio.ms_in(len(piece))
                turn.made_ms += length_ms
                self._made_ms += length_ms
                await self.synthesis.rest()
        else:
            await self._warn("NO_SYNTHESIZABLE_TEXT", "There is nothing to say in this turn.")
        self.spoken.append(turn.text.strip())
        report = messages.speech_report(turn.speech_id, turn.made_ms, len(turn.text))
        await self.session.send(messages.speech_metadata(report))

    async def _interrupt(self, offset: dict[str, Any] | None) -> None:
        value = None if offset is None else float(offset["value"])
        if not self._turns:
            return await self._warn("NO_ACTIVE_SPEECH", "There is no active turn.")
        if not self._made_ms:
            return await self._warn("NO_AUDIO_GENERATED", "No audio was generated yet.")
        if value is not None and value <= self._offset_ms:
            return await self._warn("INVALID_INTERRUPT_OFFSET", "The offset did not advance.")
        self._stop()
        turn = self._turns.popleft()
        begun_ms = self._made_ms - turn.made_ms
        self._offset_ms = played_ms = self._made_ms if value is None else value
        split = None
        if value is not None:
            split = self.synthesis.heard_of(turn.text.strip(), max(0.0, value - begun_ms))
        report = messages.speech_report(turn.speech_id, turn.made_ms, len(turn.text))
        return await self.session.send(messages.speech_interrupted(played_ms, report, split))

    async def _configure(self, speed: float | None) -> None:
        try:
            check_speed(speed)
        except BadParameter as error:
            body = messages.speed_not_set("SPEED_INCREMENT_INVALID", speed or 0, str(error))
        else:
            body = messages.speed_set(speed)
            if speed is not None and not 0.5 <= speed <= 1.5:
                body = messages.speed_not_set("SPEED_OUT_OF_RANGE", speed, "0.5 to 1.5")
        await self.session.send(body)

    async def _close(self) -> None:
        await self._silent.wait()
        await self.session.send(messages.session_metadata(self._made_ms, self._letters))
        await self.session.stream.end()

    async def _warn(self, code: str, description: str) -> None:
        await self.session.send(messages.warning(code, description))

    async def _fail(self, code: int, name: str, description: str) -> None:
        await self.session.send(messages.error(name, description))
        await self.session.close(code, name)

    def _restart(self, tasks: asyncio.TaskGroup) -> None:
        if self._speaker is None or self._speaker.cancelled() or self._speaker.cancelling():
            self._speaker = tasks.create_task(self._speak(), name="deepgram-double-voice")
            self._wanted.set()

    def _stop(self) -> None:
        if self._speaker is not None:
            self._speaker.cancel()
