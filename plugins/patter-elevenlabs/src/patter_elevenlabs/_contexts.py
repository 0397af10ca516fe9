"""One socket of a voice, and the contexts on it: one for each reply, five alive at most.

A context lives from its first message until the vendor says that it is final, which for one that
was closed in mid-sentence takes a while. The next reply's context is opened ahead: it is what the
socket is kept alive with, so that the protocol is kept to the letter in minutes of silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import TypeAlias

import attrs

from patter.aio import Full, Mailbox
from patter.errors import PatterError, ProviderError
from patter.vendors.sockets import VendorSocket
from patter_elevenlabs import _wire
from patter_elevenlabs._errors import ERRORS

MOST = 5
"""Contexts alive at once: the vendor ends the socket that opens another."""

MOST_UNREAD = 20_000
"""Messages of a reply that nobody has read; hours of audio."""

CANCEL_S = 0.3
"""How long ending a context, or opening the next, may take; then the socket is given up."""

Heard: TypeAlias = _wire.Piece | Exception


@attrs.define(eq=False)
class Contexts:
    """A socket that speaks; leaving *line* closes it.

    *began* makes the first message of a context; *key* is in no error.
    """

    _socket: VendorSocket
    _line: AsyncExitStack
    _began: Callable[[str], str]
    _key: str
    failure: PatterError | None = attrs.field(default=None, init=False)
    _alive: set[str] = attrs.field(factory=set, init=False)
    _closing: set[str] = attrs.field(factory=set, init=False)
    _next: str = attrs.field(default="", init=False)
    _count: int = attrs.field(default=0, init=False)
    _inboxes: dict[str, Mailbox[Heard]] = attrs.field(factory=dict, init=False)

    @property
    def usable(self) -> bool:
        """Can another reply be spoken here?"""
        return self.failure is None and bool(self._next or len(self._alive) < MOST)

    @property
    def busy(self) -> bool:
        """Does anybody listen to a reply?"""
        return bool(self._inboxes)

    async def prepare(self) -> None:
        """Open the context of the next reply, where there is room for it."""
        if self._next or not self.usable:
            return
        self._count += 1
        name = self._next = f"reply-{self._count}"
        self._alive.add(name)
        await self._send(self._began(name))

    async def take(self) -> tuple[str, Mailbox[Heard]]:
        """The context of a reply that begins now, and where it is heard. Raises PatterError."""
        await self.prepare()
        name, self._next = self._next, ""
        inbox = self._inboxes[name] = Mailbox(MOST_UNREAD, Full.REFUSE)
        return name, inbox

    def give_back(self, context: str) -> None:
        """Nothing was said in *context*: the next reply may have it."""
        self._inboxes.pop(context, None)
        if not self._next and context in self._alive:
            self._next = context

    async def speak(self, context: str, sentence: str) -> None:
        """Have *sentence* spoken. Raises PatterError when the socket is gone."""
        await self._send(_wire.speak(context, sentence))

    async def close(self, context: str) -> None:
        """No more text: what was sent is spoken, then *context* is final."""
        if context in self._alive and context not in self._closing:
            self._closing.add(context)
            await self._send(_wire.close(context))

    async def leave(self, context: str) -> None:
        """Nobody listens to *context* any more; in bounded time, and never an error."""
        self._inboxes.pop(context, None)
        await self._or_fail(self.close(context))

    async def prepare_soon(self) -> None:
        """As `prepare`, in bounded time, and never an error."""
        await self._or_fail(self.prepare())

    async def keep_alive(self) -> None:
        """Begin the time that the contexts may be idle anew. Raises PatterError."""
        for context in sorted(self._alive - self._closing):
            await self._send(_wire.keep_alive(context))

    async def read(self) -> None:
        """Take in what the vendor sends, until the socket ends; then `failure` says how."""
        try:
            async for message in self._socket:
                if (piece := _wire.decode(message, self._key)) is not None:
                    self._deliver(piece)
        except PatterError as failed:
            self.fail(failed)

    def fail(self, failed: PatterError) -> None:
        """The socket is of no use any more."""
        self.failure = self.failure or failed
        for inbox in self._inboxes.values():
            inbox.put(self.failure)

    async def end(self) -> None:
        """Close the socket, in bounded time; what is spoken on it is not spoken to its end."""
        self.fail(ERRORS.hung_up())
        await self._line.aclose()

    async def _or_fail(self, work: Coroutine[object, object, None]) -> None:
        try:
            async with asyncio.timeout(CANCEL_S):
                await work
        except TimeoutError:
            self.fail(ERRORS.late())
        except PatterError as gone:
            self.fail(gone)

    def _deliver(self, piece: _wire.Piece) -> None:
        if piece.final:
            self._alive.discard(piece.context)
            self._closing.discard(piece.context)
            if piece.context == self._next:
                self._next = ""
        inbox = self._inboxes.get(piece.context)
        if inbox is not None and not inbox.put(piece):
            raise ProviderError(
                "ElevenLabs sends more audio than anybody listens to", fix="shorter replies"
            )

    async def _send(self, message: str) -> None:
        if self.failure is not None:
            raise self.failure
        try:
            await self._socket.send(message)
        except PatterError as gone:
            self.fail(gone)
            raise
