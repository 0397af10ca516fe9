"""One session of ``/v2/listen``: turns, of which Flux says when they begin and when they end.

The ear cuts voice into stretches at short pauses. A turn is one or more of them, so after each
Flux may be sure early, and take it back when the voice goes on.
"""

from __future__ import annotations

from typing import Any

import attrs

from patter.providers.stt import SpeechStarted, STTEvent, Transcript, Word
from patter_deepgram.double import messages
from patter_deepgram.double.params import Params
from patter_deepgram.double.sockets import Idle, Session, Unreadable, command
from patter_testing.doubles.scripted_listener import ScriptedListener

EAGER_MS = 160
"""The pause at which this Flux is surer than any eager threshold."""

SURE_MS = 260
"""And the one at which it is sure, unless its threshold is 1.0."""

TIMEOUT_MS = 5_000.0
UPDATE_MS = 250


@attrs.define(eq=False)
class FluxSession:
    """Hears with *ear*, whose pauses are `EAGER_MS`; *sure_ms* of silence end a turn."""

    session: Session
    params: Params
    ear: ScriptedListener
    idle_s: float
    sure_ms: float = SURE_MS
    thresholds: dict[str, float] = attrs.field(factory=dict, init=False)
    keyterms: list[str] = attrs.field(factory=list, init=False)
    hints: list[str] = attrs.field(factory=list, init=False)
    _sequence: int = attrs.field(default=0, init=False)
    _turn: int = attrs.field(default=0, init=False)
    _begun_ms: float | None = attrs.field(default=None, init=False)
    _ended_ms: float | None = attrs.field(default=None, init=False)
    _eager: bool = attrs.field(default=False, init=False)
    _words: list[Word] = attrs.field(factory=list, init=False)
    _interim: list[Word] = attrs.field(factory=list, init=False)
    _shown_ms: float = attrs.field(default=0.0, init=False)

    async def run(self) -> None:
        """Serve until either side ends it."""
        for name in ("eot_threshold", "eager_eot_threshold", "eot_timeout_ms"):
            if (value := self.params.number(name, 0, 1e9)) is not None:
                self.thresholds[name] = value
        self.keyterms, self.hints = self.params.all("keyterm"), self.params.all("language_hint")
        await self._send(messages.flux_connected())
        try:
            async for frame in self.session.frames(self.idle_s):
                if isinstance(frame, bytes):
                    await self.heard(self.ear.feed(frame))
                    await self._pass_time()
                elif not await self._obey(command(frame)):
                    return
        except Idle:
            await self._send(messages.error("INACTIVE_CLIENT", "No message came for too long."))
            await self.session.close(1011, "INACTIVE_CLIENT")
        except Unreadable:
            await self._send(messages.error("UNPARSABLE_CLIENT_MESSAGE", "Not a known message."))
            await self.session.close(1008, "UNPARSABLE_CLIENT_MESSAGE")

    async def heard(self, events: list[STTEvent]) -> None:
        """Tell of what the ear makes of the audio."""
        for event in events:
            match event:
                case SpeechStarted(at_ms):
                    await self._begin(float(at_ms or 0))
                case Transcript(final=False, words=words):
                    self._interim = list(words)
                    await self._tell("Update")
                case Transcript(text=text, words=words, end_ms=end_ms) if text:
                    self._words += words
                    self._interim, self._ended_ms = [], float(end_ms or 0)
                    if "eager_eot_threshold" in self.thresholds:
                        self._eager = True
                        await self._tell("EagerEndOfTurn")

    async def end_turn(self, trigger: str) -> None:
        """End the turn that is open; what is pending belongs to it."""
        if self._begun_ms is None:
            return
        for event in self.ear.finalize():
            if isinstance(event, Transcript) and event.text:
                self._words += event.words
        self._interim = []
        await self._tell("EndOfTurn", trigger)
        self._turn += 1
        self._begun_ms, self._ended_ms, self._eager = None, None, False
        self._words, self._interim = [], []

    async def _begin(self, at_ms: float) -> None:
        self._ended_ms = None
        if self._begun_ms is None:
            self._begun_ms = at_ms
            await self._tell("StartOfTurn")
        elif self._eager:
            await self._tell("TurnResumed")
        self._eager = False

    async def _pass_time(self) -> None:
        """Silence ends a turn; about every 0.25 s Flux says where it is."""
        now_ms = self.ear.position_ms
        if self._ended_ms is not None:
            silent_ms = now_ms - self._ended_ms
            if silent_ms >= self.sure_ms and self.thresholds.get("eot_threshold", 0.7) < 1.0:
                return await self.end_turn("model")
            if silent_ms >= self.thresholds.get("eot_timeout_ms", TIMEOUT_MS):
                return await self.end_turn("timeout")
        if now_ms - self._shown_ms >= UPDATE_MS:
            await self._tell("Update")
        return None

    async def _obey(self, body: dict[str, Any]) -> bool:
        """Do as the client says; False when that was the last."""
        match body:
            case {"type": "ForceEndTurn"}:
                await self.end_turn("manual")
            case {"type": "Configure"}:
                await self._configure(body)
            case {"type": "CloseStream"}:
                await self.session.stream.end()
                return False
            case _:
                raise Unreadable(str(body))
        return True

    async def _configure(self, body: dict[str, Any]) -> None:
        unknown = set(body) - {"type", "thresholds", "keyterms", "language_hints", "numerals"}
        changed: dict[str, float] = body.get("thresholds") or {}
        wanted = {**self.thresholds, **changed}
        if unknown or not 0.5 <= wanted.get("eot_threshold", 0.7) <= 1.0:
            failure = messages.not_configured("INVALID_CONFIGURATION", "Out of range.")
            return await self._send(failure)
        self.thresholds = wanted
        self.keyterms = body.get("keyterms", self.keyterms)
        self.hints = body.get("language_hints", self.hints)
        return await self._send(messages.flux_configured(wanted, self.keyterms, self.hints))

    async def _tell(self, event: str, trigger: str = "") -> None:
        self._shown_ms = self.ear.position_ms
        words = [*self._words, *self._interim]
        begun_ms = self._shown_ms if self._begun_ms is None else self._begun_ms
        body = messages.turn_info(
            event,
            self._turn,
            words,
            start_ms=min(begun_ms, self._shown_ms),
            end_ms=self._shown_ms,
            confidence=0.9 if event == "EndOfTurn" else 0.5 if event == "EagerEndOfTurn" else 0.1,
            trigger=trigger,
        )
        await self._send(body)

    async def _send(self, body: dict[str, Any]) -> None:
        numbered = {**body, "sequence_id": self._sequence}
        self._sequence += 1
        await self.session.answer(numbered)
