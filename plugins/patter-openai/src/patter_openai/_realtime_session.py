"""A conversation and its socket: what the call wants goes out, what comes in becomes events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from patter.aio import Mailbox
from patter.errors import PatterConnectionError, PatterError
from patter.providers.engine import (
    DELIVER_S,
    INTERRUPT_S,
    EngineCapabilities,
    EngineSetup,
    EngineUpdate,
    TextOutSession,
    check_update,
    unsupported,
)
from patter.providers.engine_events import EngineEvent, ResponseCause, SessionEnding
from patter_openai import _realtime_wire as wire
from patter_openai._errors import ERRORS, reported
from patter_openai._realtime_config import check_formats
from patter_openai._realtime_conversation import Heard, RealtimeConversation
from patter_openai._realtime_wire import Wire

if TYPE_CHECKING:
    from patter.providers.engine import EngineSession
    from patter.vendors.sockets import VendorSocket

WHO = "OpenAI Realtime"

MAX_SESSION_S = 3_600
"""The vendor ends a session after an hour."""

ENDING_S = 60
"""How long before its end a session says so."""

GRACE_S = INTERRUPT_S / 2
"""How long the vendor may take to end a response that was interrupted."""

MOST_EVENTS = 100_000
_FIRST = "session-1"
_IN_ORDER = 1_000
"""The code of a socket whose end is no failure."""


class Ended(PatterConnectionError):
    """The vendor is done with the session, in order."""


@attrs.define(eq=False, kw_only=True)
class RealtimeSession:
    """One call's conversation at OpenAI."""

    _socket: VendorSocket
    _talk: RealtimeConversation
    _can: EngineCapabilities
    _setup: EngineSetup
    _response_s: float
    expires_at: float | None = attrs.field(default=None, init=False)
    """When the vendor ends it, in seconds since 1970, as far as it said so."""
    _events: Mailbox[EngineEvent] = attrs.field(factory=lambda: Mailbox(MOST_EVENTS), init=False)
    _error: PatterError | None = attrs.field(default=None, init=False)
    _over: bool = attrs.field(default=False, init=False)
    _sending: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _woken: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _grace: dict[str, float] = attrs.field(factory=dict, init=False)
    """Until when the vendor may end responses that were interrupted."""
    _since_s: float = attrs.field(default=0.0, init=False)
    _seen: int = attrs.field(default=0, init=False)

    async def begin(self, session: Wire) -> None:
        """Tell the vendor the whole *session* and all rows, and wait until it is in force."""
        created = (await self._next("session.created"))["session"]
        self.expires_at = created.get("expires_at") if isinstance(created, dict) else None
        await self._send({"type": "session.update", "event_id": _FIRST, "session": session})
        for item in wire.items_of(self._setup.history):
            await self._send(wire.item_create(item))
        check_formats((await self._next("session.updated")).get("session") or {}, self._setup)
        if self._setup.greeting:
            words = wire.word_for_word(self._setup.greeting)
            self._talk.request(ResponseCause.GREETING, words)
        await self._step()

    async def send(self, audio: bytes) -> None:
        """Send the caller's next audio."""
        await self._send_text(wire.append(audio))

    async def send_text(self, text: str) -> None:
        """The caller wrote *text*; it is answered when voices are."""
        self._talk.write(text)
        await self._step()

    async def send_keys(self, digits: str) -> None:
        """The caller pressed *digits*: a row that says so."""
        self._talk.press(digits)
        await self._step()

    async def commit(self) -> None:
        """The caller's turn is over, with manual turns."""
        if not self._talk.manual:
            raise unsupported(WHO, "have turns ended by hand without manual turn detection")
        self._talk.commit()
        await self._step()

    async def respond(self, instructions: str = "") -> str:
        """Request a response, with *instructions* beside the session's; return its id."""
        return await self._requested(self._talk.respond(instructions))

    async def say(self, text: str) -> str:
        """Request that *text* is said, as exactly as a model can be told to."""
        words = wire.word_for_word(text)
        return await self._requested(self._talk.request(ResponseCause.REQUEST, words))

    async def interrupt(self, response_id: str, heard_ms: int) -> None:
        """End a response here at once, at the vendor as soon as it can, and cut its history.

        Where there is text alone no history is cut, unless nothing at all was heard.
        """
        text_heard = None if heard_ms else ""
        await self._interrupt(response_id, text_heard if self._setup.text_only else heard_ms)

    async def interrupt_text(self, response_id: str, heard: str) -> None:
        """End a response of text alone, of which *heard* is what history keeps."""
        if not self._setup.text_only:
            raise unsupported(WHO, "cut a text short in a session that speaks")
        await self._interrupt(response_id, heard)

    async def tool_result(
        self, tool_call_id: str, result: str, *, failed: bool = False, respond: bool = True
    ) -> None:
        """Answer a tool call. The vendor has no mark for a failure, so it is put into words."""
        output = f"The tool failed: {result}" if failed else result
        self._talk.result(tool_call_id, output, follow=respond)
        await self._step()

    async def update(self, update: EngineUpdate) -> None:
        """Change tools and instructions."""
        check_update(WHO, self._can, update)
        self._talk.update(update)
        await self._step()

    async def __aiter__(self) -> AsyncIterator[EngineEvent]:
        async for event in self._events:
            yield event
        if self._error is not None:
            raise self._error

    async def read(self) -> None:
        """Turn messages into events until the socket closes."""
        try:
            while True:
                self._talk.take(await self._receive())
                await self._step()
        except Ended:
            return
        except PatterError as error:
            self._error = error
        finally:
            self._tell()
            self.end()

    async def watch(self) -> None:
        """End what was interrupted, and give up what is owed, when the vendor says nothing."""
        while not self._over:
            self._woken.clear()
            wait_s = self._look()
            try:
                await self._step()
            except PatterError:
                return  # the reader meets the same, and tells it
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()

    def warn(self, in_ms: int) -> None:
        """Tell the call that the session ends in *in_ms*."""
        self._events.put(SessionEnding(in_ms))

    def end(self) -> None:
        """Let the reader of the events go, and take nothing more."""
        self._over = True
        self._events.close()

    async def _interrupt(self, response_id: str, heard: Heard) -> None:
        self._talk.interrupt(response_id, heard)
        self._grace[response_id] = asyncio.get_running_loop().time() + GRACE_S
        self._woken.set()
        await self._step()

    def _look(self) -> float:
        """Insist on what is due; returns after how many seconds to look again."""
        now_s = asyncio.get_running_loop().time()
        if not self._talk.pending or self._seen != self._talk.progress:
            self._seen, self._since_s = self._talk.progress, now_s
        elif now_s >= self._since_s + self._response_s:
            self._since_s = now_s
            self._talk.give_up()
        for response_id in [each for each, due_s in self._grace.items() if due_s <= now_s]:
            del self._grace[response_id]
            self._talk.insist(response_id)
        due = [self._since_s + self._response_s, now_s + self._response_s / 4]
        return max(0.0, min(*due, *self._grace.values()) - now_s)

    async def _requested(self, own_id: str) -> str:
        await self._step()
        return own_id

    async def _step(self) -> None:
        """Report and send what the last step led to."""
        self._tell()
        # One at a time: under back pressure two senders would mix their messages.
        with ERRORS.translated():
            async with asyncio.timeout(DELIVER_S), self._sending:
                while self._talk.outbox:
                    await self._send(self._talk.outbox.pop(0))

    def _tell(self) -> None:
        for event in self._talk.events:
            self._events.put(event)
        self._talk.events.clear()

    async def _next(self, kind: str) -> Any:
        """The vendor's next message of *kind*; an error before it is why there is none."""
        while (message := await self._receive())["type"] != kind:
            if message["type"] == "error" and isinstance(message.get("error"), dict):
                raise reported(ERRORS, message["error"], secret=self._talk.secret)
            self._talk.take(message)
        return message

    async def _receive(self) -> Wire:
        """The next message. Raises PatterError: Ended when the vendor hung up in order."""
        return wire.read(await self._socket.receive())

    async def _send(self, message: Wire) -> None:
        await self._send_text(wire.write(message))

    async def _send_text(self, text: str) -> None:
        if self._over:
            raise self._error or ERRORS.hung_up()
        await self._socket.send(text)


def hung_up(code: int | None, reason: str) -> PatterError:
    """Why the vendor closed: its reason is ``type.code`` of an error, or words."""
    if code == _IN_ORDER:
        ended = ERRORS.hung_up(code)
        return Ended(ended.message, fix=ended.fix)
    word = reason.rpartition(".")[2]
    if word and word.replace("_", "").isalpha():
        return reported(ERRORS, {"code": word, "message": f"it closed the socket ({code})"})
    return ERRORS.hung_up(code, reason)


if TYPE_CHECKING:
    _text: type[TextOutSession] = RealtimeSession
    _session: type[EngineSession] = RealtimeSession
