"""One session of ``/stt/turns/websocket``: turns, of which Ink says when they begin and end.

The ear cuts voice into stretches at short pauses. A turn is one or more of them, so after each
Ink says that it may have ended, and takes it back when the voice goes on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs

from patter.providers.stt import SpeechStarted, STTEvent, Transcript
from patter_cartesia.double import messages
from patter_cartesia.double.params import THRESHOLDS, BadParameter, check_order
from patter_cartesia.double.sockets import Idle, Session
from patter_testing.doubles.scripted_listener import ScriptedListener

EAGER_MS = 160
"""The pause at which this Ink says early that a turn has ended."""

SURE_MS = 260
"""And the one at which it is sure."""


@attrs.define(eq=False)
class TurnsSession:
    """Hears with *ear*, whose pauses are `EAGER_MS`; *sure_ms* of silence end a turn.

    Where that is longer, the timeout among the *thresholds* ends it.
    """

    session: Session
    thresholds: dict[str, float]
    ear: ScriptedListener
    sure_ms: float = SURE_MS
    _open: bool = attrs.field(default=False, init=False)
    _eager: bool = attrs.field(default=False, init=False)
    _ended_ms: float | None = attrs.field(default=None, init=False)
    _text: str = attrs.field(default="", init=False)
    _interim: str = attrs.field(default="", init=False)

    async def run(self) -> None:
        """Serve until either side ends it."""
        await self.session.send(messages.connected())
        try:
            async for frame in self.session.frames():
                if isinstance(frame, bytes):
                    await self._listen(frame)
                elif not await self._obey(frame):
                    return
        except Idle:
            await self.session.close(1000, "idle")
        except BadParameter as wrong:
            await self.session.send(messages.error(400, str(wrong)))
            await self.session.close(1008, "bad request")

    async def heard(self, events: Sequence[STTEvent]) -> None:
        """Tell of what the ear makes of the audio."""
        for event in events:
            match event:
                case SpeechStarted():
                    await self._begin()
                case Transcript(text=text, final=False):
                    self._interim = text
                    await self._tell("update")
                case Transcript(text=text, end_ms=end_ms) if text:
                    self._text, self._interim = self._joined(text), ""
                    self._ended_ms, self._eager = float(end_ms or 0), True
                    await self._tell("eager_end")

    async def _listen(self, audio: bytes) -> None:
        """Hear *audio* in small parts, as time goes: one frame may have the end of a turn."""
        size = self.ear.audio.bytes_in(20)
        for at in range(0, len(audio), size):
            await self.heard(self.ear.feed(audio[at : at + size]))
            if self._ended_ms is not None:
                silent_ms = self.ear.position_ms - self._ended_ms
                if silent_ms >= min(self.sure_ms, self.thresholds["turn_end_timeout_ms"]):
                    await self._end()

    async def _begin(self) -> None:
        self._ended_ms = None
        if not self._open:
            self._open = True
            await self.session.answer(messages.turn("start"))
        elif self._eager:
            await self.session.answer(messages.turn("resume"))
        self._eager = False

    async def _end(self) -> None:
        """What is pending belongs to the turn that is open."""
        await self._tell("end")
        self._open = self._eager = False
        self._ended_ms, self._text, self._interim = None, "", ""

    async def _tell(self, event: str) -> None:
        text = self._joined(self._interim) if self._interim else self._text
        await self.session.answer(messages.turn(event, text))

    def _joined(self, text: str) -> str:
        return f"{self._text} {text}" if self._text else text

    async def _obey(self, text: str) -> bool:
        """Do as the client says; False when that was the last. Raises BadParameter."""
        match _object(text):
            case {"type": "close", **rest} if not rest:
                await self.heard(self.ear.finalize())
                if self._open:
                    await self._end()
                await self.session.stream.end()
                return False
            case {"type": "config", "turn": dict(turn), **rest} if not rest:
                self._configure(turn)
                return True
        raise BadParameter(f"unknown command {text[:40]!r}")

    def _configure(self, turn: dict[str, Any]) -> None:
        changed = {f"turn_{name}": value for name, value in turn.items()}
        for name, value in changed.items():
            if name not in THRESHOLDS or not isinstance(value, int | float):
                raise BadParameter(f"unknown setting {name!r}")
            least, most, _ = THRESHOLDS[name]
            if not least <= value <= most:
                raise BadParameter(f"{name} must be between {least:g} and {most:g}")
        wanted = {**self.thresholds, **changed}
        check_order(wanted)
        self.thresholds = wanted


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
