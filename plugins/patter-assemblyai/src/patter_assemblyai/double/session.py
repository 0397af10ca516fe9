"""One session of ``/v3/ws``: what is let in, what ends it, and messages as turns are taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import attrs
from aiohttp import WSMsgType, web

from patter.audio.formats import AudioFormat
from patter_assemblyai.double import messages
from patter_assemblyai.double.messages import Body
from patter_assemblyai.double.params import BadParameter, Params
from patter_assemblyai.double.turns import HEARTBEAT_MS, TurnTaking
from patter_testing.doubles.vendor_double import Latency
from patter_testing.doubles.vendor_faults import FaultyStream

LEAST_MS, MOST_MS = 50, 1_000
LONGEST_REASON = 123
"""How many bytes a close frame has for its reason."""


class Refused(Exception):
    """The session ends with *code*, which *words* explain."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


@attrs.frozen(kw_only=True)
class Limits:
    """AssemblyAI's limits in seconds, each of which takes *second_s*."""

    age_s: float
    ahead_s: float
    second_s: float


@attrs.define(eq=False)
class RealtimeSession:
    """One client's socket; *commands* are the types of what it said in text."""

    socket: web.WebSocketResponse
    stream: FaultyStream
    latency: Latency
    limits: Limits
    commands: list[str]
    frames_ms: list[float] = attrs.field(factory=list, init=False)
    params: Params = attrs.field(init=False)
    turns: TurnTaking = attrs.field(init=False)
    _begun_at: float = attrs.field(init=False)
    _active_at: float = attrs.field(init=False)
    _beat_ms: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._begun_at = self._active_at = asyncio.get_running_loop().time()

    async def run(self, expires_at: int) -> None:
        """Serve until either side ends it. Raises Refused."""
        mode = self.params.values.get("mode")
        await self.tell([messages.begin(expires_at, self.params.model, mode)])
        async for frame in self._received():
            if isinstance(frame, bytes):
                await self._hear(frame)
            elif not await self._obey(_command(frame)):
                return

    async def tell(self, bodies: Iterable[Body]) -> None:
        """Send *bodies*, each when the vendor has had its time to think."""
        for body in bodies:
            await self.latency.wait()
            await self.stream.send(json.dumps(body))

    async def fail(self, code: int, words: str) -> None:
        """Say that the session failed, and close it with the same code."""
        await self.tell([messages.error(code, words)])
        self.stream.ended = True
        reason = words.encode()
        if len(reason) > LONGEST_REASON:
            reason = b"See Error message for details"
        await self.socket.close(code=code, message=reason)

    @property
    def _audio(self) -> AudioFormat:
        return self.turns.ear.audio

    @property
    def _age_s(self) -> float:
        """How old the session is, in the vendor's seconds."""
        return (asyncio.get_running_loop().time() - self._begun_at) / self.limits.second_s

    async def _received(self) -> AsyncIterator[bytes | str]:
        """What the client sends, to its end. Raises Refused when its time is over."""
        while True:
            try:
                async with asyncio.timeout_at(self._ends_at()):
                    message = await self.socket.receive()
            except TimeoutError:
                raise self._too_late() from None
            if message.type in (WSMsgType.PING, WSMsgType.PONG):
                continue  # seen here when nobody answers them
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            self._active_at = asyncio.get_running_loop().time()
            yield message.data

    def _ends_at(self) -> float:
        ends = self._begun_at + self.limits.age_s * self.limits.second_s
        idle_s = self.params.values.get("inactivity_timeout")
        if idle_s is None:
            return ends
        return min(ends, self._active_at + float(idle_s) * self.limits.second_s)

    def _too_late(self) -> Refused:
        if self._age_s >= self.limits.age_s:
            return Refused(3008, "Session Expired: Maximum session duration exceeded")
        return Refused(4031, "Session idle for too long")

    async def _hear(self, frame: bytes) -> None:
        length_ms = self._audio.ms_in(len(frame))
        if not LEAST_MS <= length_ms <= MOST_MS:
            words = f"Input Duration Violation: {length_ms} ms. Expected between 50 and 1000 ms"
            raise Refused(3007, words)
        self.frames_ms.append(length_ms)
        received_s = sum(self.frames_ms) / 1_000
        if received_s - self._age_s > self.limits.ahead_s:
            words = f"Received {received_s:.1f} sec. audio in {self._age_s:.1f} sec"
            raise Refused(3007, f"Audio Transmission Rate Exceeded: {words}")
        await self.tell(self.turns.heard(self.turns.ear.feed(frame)))
        await self.tell(self.turns.pass_time())
        await self._beat()

    async def _beat(self) -> None:
        now_ms = self.turns.ear.position_ms
        if self.params.flag("session_heartbeat") and now_ms - self._beat_ms >= HEARTBEAT_MS:
            self._beat_ms = now_ms
            probability = 0.9 if self.turns.ear.pending else 0.0
            await self.tell([messages.heartbeat(now_ms, self._age_s * 1_000, probability)])

    async def _obey(self, body: dict[str, Any]) -> bool:
        """Do as the client says; False when that was the last."""
        kind = body.pop("type")
        self.commands.append(kind)
        if body and kind != "UpdateConfiguration":
            raise Refused(3006, f"Invalid Message: {json.dumps(body)}")
        match kind:
            case "ForceEndpoint":
                await self.tell(self.turns.force())
            case "KeepAlive":
                pass
            case "UpdateConfiguration":
                try:
                    self.params.update(body)
                except BadParameter as error:
                    raise Refused(3006, f"User Input Validation Error: {error}") from None
            case "Terminate":
                await self.tell(self.turns.force() if self.turns.is_open else [])
                audio_s = self.turns.ear.position_ms / 1_000
                await self.tell([messages.termination(audio_s, self._age_s)])
                await self.stream.end()
                return False
            case _:
                raise Refused(3006, f"Invalid Message Type: {kind}")
        return True


def _command(text: str) -> dict[str, Any]:
    """The client's message in *text*. Raises Refused."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(3006, f"Invalid JSON: {text[:80]}") from None
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise Refused(3006, f"Invalid Message: {text[:80]}")
    return body
