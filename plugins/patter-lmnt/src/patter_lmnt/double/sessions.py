"""A speech session: text is buffered, a flush speaks it, a reset forgets it, a finish ends it all.

What lmnt 2.13 and the documentation leave open is an option of `SessionTraits`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Protocol

import attrs
from aiohttp import WSMsgType, web

from patter_lmnt.double import messages, params
from patter_lmnt.double.messages import Body, Refusal
from patter_lmnt.double.synthesis import Synthesis, is_speakable, wav_header
from patter_testing.doubles.vendor_faults import FaultyStream, Latency

PROTOCOL, POLICY = 1002, 1008
ENOUGH_LETTERS = 120
"""How much text is spoken without being asked to: LMNT says "enough", and no figure."""


@attrs.frozen(kw_only=True)
class SessionTraits:
    """How a session behaves where nobody has said how LMNT does.

    *header*: mu-law has a WAV header once a ``session``, before each ``flush``, or ``never``.
    *reset*: what is spoken and was flushed ``stops``; is spoken to its ``end`` before the reset is
    confirmed; or is spoken ``on`` after that. *times*: come ``before`` their audio, or ``after``
    it; *enough*: so many letters are spoken without a flush. *init_s* is waited for the first
    message, *idle_s* for each that follows (0: forever).
    """

    header: str = "session"
    reset: str = "stops"
    times: str = "before"
    enough: int = ENOUGH_LETTERS
    init_s: float = 10.0
    idle_s: float = 0.0


class Account(Protocol):
    """The account that sessions speak for."""

    key: str
    latency: Latency

    def admit(self, voice: str) -> None: ...

    def pay(self, text: str) -> None: ...


@attrs.define(eq=False)
class SpeechSession:
    """One client's socket. *spoken* has what was spoken to its end, *log* what clients sent,
    *sent* what was answered in text."""

    socket: web.WebSocketResponse
    stream: FaultyStream
    account: Account
    traits: SessionTraits
    pace: float
    spoken: list[str]
    log: list[Body]
    sent: list[Body]
    _options: Mapping[str, Any] = attrs.field(factory=dict, init=False)
    _synthesis: Synthesis = attrs.field(init=False)
    _buffer: str = attrs.field(default="", init=False)
    _queue: asyncio.Queue[Body] = attrs.field(factory=asyncio.Queue, init=False)
    _speaker: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _headed: bool = attrs.field(default=False, init=False)
    _at_ms: float = attrs.field(default=0.0, init=False)

    async def run(self, tasks: asyncio.TaskGroup) -> None:
        """Serve until either side ends it; what breaks a rule ends it with an error."""
        try:
            await self._begin()
            self._speak(tasks)
            while (raw := await self._receive(self.traits.idle_s)) is not None:
                body = params.command(raw)
                self.log.append(body)
                if await self._obey(body, tasks):
                    return
        except Refusal as refusal:
            await self._refuse(refusal)
        finally:
            self._stop()

    async def _begin(self) -> None:
        raw = await self._receive(self.traits.init_s)
        if raw is None:
            raise Refusal(400, "No first message.")
        body = params.first_message(raw)
        self.log.append({**body, "X-API-Key": "***"})
        if body["X-API-Key"] != self.account.key:
            raise Refusal(401, "Invalid API key")
        self.account.admit(body["voice"])
        self._options, self._synthesis = body, Synthesis(params.audio_of(body), self.pace)
        await self._send(messages.ready())

    async def _receive(self, within_s: float) -> str | bytes | None:
        """What the client sends next; None when it has gone. Raises Refusal for its silence."""
        try:
            async with asyncio.timeout(within_s or None):
                message = await self.socket.receive()
        except TimeoutError:
            raise Refusal(400, "The session was idle for too long.") from None
        if message.type is WSMsgType.BINARY:
            raise Refusal(400, "Text frames only.")
        return message.data if message.type is WSMsgType.TEXT else None

    async def _obey(self, body: Body, tasks: asyncio.TaskGroup) -> bool:
        """Do what *body* says; True when the session is over with it."""
        match body["type"]:
            case "text":
                self.account.pay(body["text"])
                self._buffer += body["text"]
                if len(self._buffer) >= self.traits.enough:
                    self._queue.put_nowait({"text": self._take()})
            case "flush":
                self._queue.put_nowait({"text": self._take(), "flush": body["nonce"]})
            case "reset":
                await self._reset(body["nonce"], tasks)
            case _:
                self._queue.put_nowait({"text": self._take()})
                await self._queue.join()
                await self.stream.end()
                return True
        return False

    async def _reset(self, nonce: int, tasks: asyncio.TaskGroup) -> None:
        self._buffer = ""
        if self.traits.reset == "end":
            self._queue.put_nowait({"text": "", "reset": nonce})
            return
        if self.traits.reset == "stops":
            self._stop()
            self._queue = asyncio.Queue()
            self._speak(tasks)
        await self.account.latency.wait()
        await self._confirm(messages.reset_complete(nonce))

    def _speak(self, tasks: asyncio.TaskGroup) -> None:
        self._speaker = tasks.create_task(self._voice(), name="lmnt-double-voice")

    async def _voice(self) -> None:
        queue = self._queue
        while True:
            item = await queue.get()
            if is_speakable(item["text"]):
                await self.account.latency.wait()
                await self._say(item["text"].strip())
            if "flush" in item:
                await self._confirm(messages.flush_complete(item["flush"]))
            if "reset" in item:
                await self._confirm(messages.reset_complete(item["reset"]))
            queue.task_done()

    async def _say(self, text: str) -> None:
        synthesis, timed = self._synthesis, self._options.get("return_timestamps", False)
        from_ms, pieces = self._at_ms, list(synthesis.pieces(text))
        times = messages.timestamps(
            (part, from_ms + start, from_ms + end) for part, start, end in synthesis.tokens(text)
        )
        if timed and self.traits.times == "before":
            await self._send(times)
        pieces[0] = self._header() + pieces[0]
        for piece in pieces:
            await self.stream.send(piece)
            await synthesis.rest()
        if timed and self.traits.times == "after":
            await self._send(times)
        self._at_ms += len(text) * synthesis.ms_per_letter
        self.spoken.append(text)

    def _header(self) -> bytes:
        if self._headed or self.traits.header == "never" or self._options["format"] != "ulaw":
            return b""
        self._headed = True
        return wav_header(self._synthesis.audio)

    async def _confirm(self, body: Body) -> None:
        """A flush or a reset is done: times begin anew."""
        self._at_ms = 0.0
        if self.traits.header == "flush":
            self._headed = False
        await self._send(body)

    async def _send(self, body: Body) -> None:
        self.sent.append(body)
        await self.stream.send(json.dumps(body))

    async def _refuse(self, refusal: Refusal) -> None:
        await self._send(messages.error(refusal.status, refusal.reason))
        await self.stream.end(PROTOCOL if refusal.status == 400 else POLICY)

    def _take(self) -> str:
        text, self._buffer = self._buffer, ""
        return text

    def _stop(self) -> None:
        if self._speaker is not None:
            self._speaker.cancel()
            self._speaker = None
