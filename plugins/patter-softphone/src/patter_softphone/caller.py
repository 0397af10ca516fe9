"""A softphone without a page: a program that calls, speaks, listens, presses keys, hangs up.

It keeps a caller's time: 20 ms of audio go up every 20 ms, what comes down is played at the
pace of a loudspeaker, and a mark is answered when it was really played.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any
from urllib.parse import urlsplit

import attrs
from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    WSMsgType,
    WSServerHandshakeError,
)

from patter.aio import Mailbox, task_scope
from patter.audio.formats import MULAW_8K
from patter.audio.g711 import pcm16_to_mulaw
from patter.clock import Clock, LoopClock
from patter.errors import (
    ErrorCode,
    InputError,
    PatterConnectionError,
    PatterError,
    WebhookVerificationError,
)
from patter.providers.carrier import Dtmf, Hangup, MarkPlayed, TypedText
from patter_softphone import _wire
from patter_softphone._faults import Faults
from patter_softphone._speaker import Speaker

FRAME_MS = 20
FRAME_BYTES = MULAW_8K.bytes_in(FRAME_MS)
MAX_FRAME_BYTES = 1 << 20
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
Over = tuple[str, int | None]


@attrs.define(eq=False)
class SoftphoneCall:
    """A call this program makes. *sent_audio* and *heard* grow together, sample for sample.

    Both are mu-law 8 kHz and begin when the socket opened. *events* are what the agent's
    side reports of the call, as `patter.observe.events` words it.
    """

    call_id: str
    media_path: str
    clock: Clock
    _socket: ClientWebSocketResponse
    _sends_silence: bool = True
    sent_audio: bytearray = attrs.field(factory=bytearray, init=False)
    heard: bytearray = attrs.field(factory=bytearray, init=False)
    events: Mailbox[Mapping[str, Any]] = attrs.field(factory=lambda: Mailbox(4_096), init=False)
    received: bytearray = attrs.field(factory=bytearray, init=False)
    clears: int = attrs.field(default=0, init=False)
    complaints: list[_wire.Complaint] = attrs.field(factory=list, init=False)
    reason: str = attrs.field(default="", init=False)
    close_code: int | None = attrs.field(default=None, init=False)
    speaker: Speaker = attrs.field(factory=Speaker, init=False)
    _microphone: bytearray = attrs.field(factory=bytearray, init=False)
    _spoken: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _changed: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _over: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    @property
    def over(self) -> bool:
        """Has the agent's side ended it, or has the connection gone?"""
        return self._over.is_set()

    async def say(self, audio: bytes) -> None:
        """Speak mu-law *audio* in real time; return when its last sample went up."""
        self._spoken.clear()
        self._microphone += audio
        await self._spoken.wait()

    async def press(self, digit: str) -> None:
        """Press a key: one of 0-9 * # A-D."""
        await self._send(Dtmf(digit))

    async def write(self, text: str) -> None:
        """Enter *text* as the caller's words."""
        await self._send(TypedText(text))

    async def suffer(self, faults: Faults) -> None:
        """Make the line bad, where the server offers that."""
        await self._send(_wire.SetFaults(faults))

    async def hang_up(self, reason: str = "") -> None:
        """End the call from the caller's side and wait until the socket is closed."""
        await self._send(Hangup(reason))
        await self._over.wait()

    async def lose(self) -> None:
        """Let the connection break without a word, as a network does."""
        if line := self._socket.get_extra_info("socket"):
            line.shutdown(SHUT_RDWR)
        await self._over.wait()

    async def ended(self) -> str:
        """Wait for the end; say what the agent's side gave as the reason."""
        await self._over.wait()
        return self.reason

    async def when(self, condition: Callable[[], bool]) -> None:
        """Wait until *condition* holds. Raises PatterConnectionError when the call ends first."""
        while not condition():
            if self.over:
                raise PatterConnectionError(
                    f"call {self.call_id} ended ({self.close_code}) before what was waited for",
                    fix="see what the server logged, and the call's record, call.jsonl",
                )
            await self._changed.wait()

    async def until(self, wanted: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
        """Wait for an event that is *wanted*. Raises PatterConnectionError if none came."""
        async for event in self.events:
            if wanted(event):
                return event
        raise PatterConnectionError(
            f"call {self.call_id} ended before the event that was waited for",
            fix="see what the server logged, and the call's record, call.jsonl",
        )

    async def _send(self, frame: _wire.ClientFrame) -> None:
        await self._socket.send_str(_wire.encode(frame))

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _keep_time(self) -> None:
        began, ticks = self.clock.ms(), 0
        while not self.over:
            await self._tick()
            ticks += 1
            await self.clock.sleep(began + ticks * FRAME_MS - self.clock.ms())

    async def _tick(self) -> None:
        for name in self.speaker.reached():
            await self._send(MarkPlayed(name))
        spoken = bytes(self._microphone[:FRAME_BYTES])
        frame = spoken.ljust(FRAME_BYTES, MULAW_8K.silence)
        del self._microphone[:FRAME_BYTES]
        self.sent_audio += frame
        self.heard += self.speaker.play(FRAME_BYTES)
        if spoken or self._sends_silence:
            await self._socket.send_bytes(frame)
        if not self._microphone:
            self._spoken.set()
        self._notify()

    async def _listen(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                self.speaker.put(message.data)
                self.received += message.data
            elif message.type is WSMsgType.TEXT:
                await self._obey(_wire.decode_server(message.data))
            self._notify()

    async def _obey(self, frame: _wire.ServerFrame | None) -> None:
        match frame:
            case _wire.Mark(name):
                self.speaker.mark(name)
            case _wire.Clear():
                self.clears += 1
                for name in self.speaker.clear():
                    await self._send(MarkPlayed(name))
            case _wire.CallNote(data):
                self.events.put(data)
            case _wire.Complaint():
                self.complaints.append(frame)
            case _wire.Ended(reason):
                self.reason = reason

    async def live(self) -> None:
        """Speak and listen until the socket is closed."""
        async with task_scope() as tasks:
            timer = tasks.create_task(_while_open(self._keep_time), name="caller-time")
            await _while_open(self._listen)
            self.close_code = self._socket.close_code
            self._over.set()
            self._spoken.set()
            self._notify()
            self.events.close()
            timer.cancel()


def _no_slash(url: str) -> str:
    return url.rstrip("/")


@attrs.frozen(kw_only=True)
class Softphone:
    """Who calls, and where. With *remote*, a server that is not on this machine.

    Without *sends_silence* nothing goes up while there is nothing to say; recognisers then
    do not see time pass.
    """

    url: str = attrs.field(default="http://127.0.0.1:8080", converter=_no_slash)
    caller: str = "softphone"
    variables: Mapping[str, str] = attrs.field(factory=dict)
    remote: bool = False
    sends_silence: bool = True
    timeout_s: float = 10.0
    clock: Clock = attrs.field(factory=LoopClock, repr=False)

    def __attrs_post_init__(self) -> None:
        host = urlsplit(self.url).hostname
        if host not in LOOPBACK and not self.remote:
            raise InputError(
                f"{host!r} is not this machine", fix="pass remote=True to call another one"
            )

    @asynccontextmanager
    async def call(self, media_path: str = "") -> AsyncIterator[SoftphoneCall]:
        """Call, and hang up on leaving. With *media_path*, come back to a call that was lost.

        Raises PatterError with the server's own code when it does not take the call.
        """
        async with ClientSession(timeout=ClientTimeout(total=self.timeout_s)) as client:
            rung: Mapping[str, str] = {"call_id": "", "media_path": media_path}
            if not media_path:
                rung = await self._ring(client)
            async with self._on_air(client, rung) as call:
                yield call

    @asynccontextmanager
    async def _on_air(
        self, client: ClientSession, rung: Mapping[str, str]
    ) -> AsyncIterator[SoftphoneCall]:
        path = rung["media_path"]
        async with await self._socket(client, path) as socket, task_scope() as tasks:
            call = SoftphoneCall(rung["call_id"], path, self.clock, socket, self.sends_silence)
            living = tasks.create_task(call.live(), name="caller-live")
            yield call
            if not call.over:
                await _while_open(partial(call._send, Hangup()))
                await asyncio.wait({living}, timeout=self.timeout_s)
            living.cancel()

    async def _socket(self, client: ClientSession, path: str) -> ClientWebSocketResponse:
        try:
            return await client.ws_connect(self.url + path, max_msg_size=MAX_FRAME_BYTES)
        except WSServerHandshakeError as refused:
            raise WebhookVerificationError(
                f"the server does not take this media path: {refused.status}",
                fix="use the media_path of a call of this server, while that lasts",
            ) from None

    async def _ring(self, client: ClientSession) -> Mapping[str, str]:
        body = {"caller": self.caller, "variables": dict(self.variables)}
        try:
            async with client.post(f"{self.url}/webhooks/softphone/call", json=body) as answer:
                reply: dict[str, Any] = await answer.json()
        except (ClientError, TimeoutError) as error:
            raise PatterConnectionError(
                f"no softphone server answers at {self.url}: {error}",
                fix="start one: patter phone",
            ) from error
        if refusal := reply.get("error"):
            code = ErrorCode(refusal["code"])
            raise PatterError(refusal["message"], fix=refusal["fix"], code=code)
        return reply


async def _while_open(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Do *work* on a socket, which may be closed at any time by the other side."""
    try:
        await work()
    except ConnectionError:
        return


def read_wav(path: str | Path) -> bytes:
    """The mu-law 8 kHz audio of a WAV file that holds 8 kHz, one channel, 16 bits."""
    with wave.open(str(path), "rb") as file:
        shape = file.getframerate(), file.getnchannels(), file.getsampwidth()
        if shape != (8_000, 1, 2):
            raise InputError(
                f"{path} is {shape[0]} Hz, {shape[1]} channels, {8 * shape[2]} bits",
                fix="sox in.wav -r 8000 -c 1 -b 16 out.wav",
            )
        return pcm16_to_mulaw(file.readframes(file.getnframes()))
