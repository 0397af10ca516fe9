"""A call's media on a WebSocket of JSON text frames, from its handshake to its close.

What differs between vendors is a `MediaFrames` value. There is no queue and no task of its own:
what is read is yielded, what is sent is written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from patter.audio.formats import AudioFormat
from patter.carriers.media_frames import Begin, HoldingFrames, MediaFrames, parsed
from patter.errors import InputError, PatterConnectionError, WebhookVerificationError
from patter.providers.carrier import (
    AbortableLeg,
    Hangup,
    LegEvent,
    MediaLeg,
    PromptLeg,
    StreamError,
    Switchboard,
)

log = logging.getLogger("patter.media")

START_S = 10.0
CLOSE_S = 2.0
MAX_FRAME_BYTES = 65_536
MAX_COMPLAINTS = 50
ENDS = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED})
# A close frame holds 125 bytes, and two of them are its code (RFC 6455, 5.5).
MAX_REASON_BYTES = 120


@attrs.define(eq=False)
class SocketLeg:
    """A leg on *socket*. *lost*: the socket closed, and neither side had ended the call.

    *failed*: the carrier had said before that the stream is of no more use.
    """

    socket: web.WebSocketResponse
    frames: MediaFrames
    lost: bool = attrs.field(default=False, init=False)
    failed: bool = attrs.field(default=False, init=False)
    _holding: HoldingFrames | None = attrs.field(init=False)
    _closed: bool = attrs.field(default=False, init=False)
    _hung_up: bool = attrs.field(default=False, init=False)
    _complaints: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._holding = self.frames if isinstance(self.frames, HoldingFrames) else None

    @property
    def audio(self) -> AudioFormat:
        """The format both ways."""
        return self.frames.audio

    async def __aiter__(self) -> AsyncIterator[LegEvent]:
        receive = self.socket.receive if self._holding is None else self._patiently
        # Every skipped frame is a line in the log, so a hostile peer gets no more than these.
        while not self.failed and self._complaints <= MAX_COMPLAINTS:
            message = await receive()
            if message is None:
                events = self._released()
            elif self._closed or message.type in ENDS:
                break
            else:
                events = self._decoded(message.type, message.data)
            for event in events:
                if isinstance(event, bytes):
                    yield event
                    continue
                self._hung_up = isinstance(event, Hangup)
                yield event
                if self._hung_up:
                    return
                self.failed |= isinstance(event, StreamError) and event.fatal
        if self._holding is not None and not self._closed:
            for event in self._holding.rest():
                yield event
        self.lost = self.lost or not self._closed

    async def _patiently(self) -> WSMessage | None:
        """The next frame; None when something was held long enough before one came."""
        wait_ms = None if self._holding is None else self._holding.patience_ms()
        if wait_ms is None:
            return await self.socket.receive()
        if wait_ms <= 0:
            return None
        try:
            return await self.socket.receive(wait_ms / 1_000)
        except TimeoutError:
            return None

    def _released(self) -> Sequence[LegEvent]:
        return () if self._holding is None else self._holding.release()

    async def send(self, audio: bytes) -> None:
        """Hand *audio* to the carrier. Raises PatterConnectionError when the socket is gone."""
        for frame in self.frames.media(audio):
            await self._write(frame)

    async def mark(self, name: str) -> None:
        """Ask for MarkPlayed(name). Raises PatterConnectionError."""
        await self._write(self.frames.mark(name))

    async def clear(self) -> None:
        """Drop what was not played. Raises PatterConnectionError."""
        await self._write(self.frames.clear())

    def clear_now(self) -> bool:
        """`clear`, unless the peer has to be waited for. Raises PatterConnectionError."""
        if self.socket.closed:
            raise _gone()
        if self._hung_up:
            return False
        # A frame is written before anything is waited for.
        writing = self.socket.send_str(self.frames.clear())
        try:
            writing.send(None)
        except StopIteration:
            return True
        except ConnectionError as error:
            raise _gone() from error
        writing.close()
        return False

    async def close(self) -> None:
        """Close the socket; twice is fine."""
        self._closed = True
        await self.socket.close()

    async def abort(self) -> None:
        """Close the socket of a call that goes on: it is `lost`."""
        self.lost = True
        await self.socket.close(code=WSCloseCode.TRY_AGAIN_LATER)

    async def _write(self, frame: str) -> None:
        if self.socket.closed:
            raise _gone()
        try:
            await self.socket.send_str(frame)
        except ConnectionError as error:
            raise _gone() from error

    def _decoded(self, kind: WSMsgType, data: Any) -> Sequence[LegEvent]:
        try:
            return self.frames.decode(parsed(kind, data))
        except InputError as error:
            self._complaints += 1
            log.warning("a media frame is skipped: %s", error.message)
            return ()


async def media_socket(
    request: web.Request,
    switchboard: Switchboard,
    begin: Begin,
    on_lost: Callable[[SocketLeg], Awaitable[None]] | None = None,
    legs: set[SocketLeg] | None = None,
) -> web.WebSocketResponse:
    """Serve one media socket whose route has a ``{token}``, from handshake to close.

    *on_lost* is awaited when the call goes on and this socket does not: ask the carrier for
    another there. The leg is in *legs* as long as it lasts. Raises WebhookVerificationError,
    which the server answers by closing.
    """
    # orjson reads bytes: decoding the text first would be work for every frame.
    socket = web.WebSocketResponse(
        compress=False, max_msg_size=MAX_FRAME_BYTES, decode_text=False, timeout=CLOSE_S
    )
    await socket.prepare(request)
    try:
        leg = SocketLeg(socket, await _begun(socket, begin))
        with _listed(leg, legs):
            token = request.match_info["token"]
            await switchboard.attach(token, leg, leg.frames.carrier_call_id)
        if leg.lost and on_lost is not None:
            # A carrier gives no second stream to a call while the first socket is open.
            await socket.close()
            await on_lost(leg)
    except WebhookVerificationError as error:
        # The cut may fall inside a character, and the reason of a close must be UTF-8.
        reason = error.message.encode()[:MAX_REASON_BYTES].decode(errors="ignore").encode()
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=reason)
        raise
    finally:
        await socket.close()
    return socket


@contextmanager
def _listed(leg: SocketLeg, legs: set[SocketLeg] | None) -> Iterator[None]:
    if legs is None:
        yield
        return
    legs.add(leg)
    try:
        yield
    finally:
        legs.discard(leg)


async def _begun(socket: web.WebSocketResponse, begin: Begin) -> MediaFrames:
    """Read until the stream has begun. Raises WebhookVerificationError when it does not."""
    try:
        async with asyncio.timeout(START_S):
            async for message in socket:
                if (frames := begin(parsed(message.type, message.data))) is not None:
                    return frames
                # A full buffer never waits by itself, and others have their turn all the same.
                await asyncio.sleep(0)
    except TimeoutError:
        log.warning("a media socket said nothing for %g s", START_S)
    except InputError as error:
        raise _not_begun(error.message) from error
    raise _not_begun("it ended before it began")


def _not_begun(why: str) -> WebhookVerificationError:
    return WebhookVerificationError(
        f"the media stream did not begin: {why}",
        fix="open the media socket as the carrier does: its start frame comes first",
    )


def _gone() -> PatterConnectionError:
    return PatterConnectionError(
        "the media socket is gone", fix="stop sending when the leg's events end"
    )


if TYPE_CHECKING:
    _: type[MediaLeg] = SocketLeg
    __: type[AbortableLeg] = SocketLeg
    ___: type[PromptLeg] = SocketLeg
