"""A call's media on a WebSocket of JSON text frames, as most carriers speak it.

What differs between vendors is a `Frames` value: pure, one for each stream. No queue and no
task of its own: what is read is yielded, what is sent is written.
"""

from __future__ import annotations

import asyncio
import binascii
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import attrs
import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from patter.audio.formats import AudioFormat
from patter.errors import InputError, PatterConnectionError, WebhookVerificationError
from patter.providers.carrier import Dtmf, Hangup, LegEvent, MediaLeg, Switchboard

log = logging.getLogger("patter.media")

Body: TypeAlias = Mapping[str, Any]
START_S = 10.0
CLOSE_S = 2.0
MAX_FRAME_BYTES = 65_536
MAX_COMPLAINTS = 50
KEYS = frozenset("0123456789*#ABCD")


class Frames(Protocol):
    """One stream's frames. What is sent is JSON text; *decode* raises InputError for nonsense."""

    @property
    def audio(self) -> AudioFormat: ...

    @property
    def carrier_call_id(self) -> str:
        """Whose stream it is, as its first frame said."""
        ...

    def decode(self, body: Body) -> Sequence[LegEvent]:
        """What a frame tells the call, in order; often nothing."""
        ...

    def media(self, audio: bytes) -> Sequence[str]:
        """The frames that carry *audio*."""
        ...

    def mark(self, name: str) -> str: ...

    def clear(self) -> str: ...


Begin: TypeAlias = Callable[[Body], Frames | None]
"""Takes the frames of a new stream until one begins it; raises InputError for a wrong one."""


@attrs.define(eq=False)
class SocketLeg:
    """A leg on *socket*. *lost* once the socket was gone without a word from either side."""

    socket: web.WebSocketResponse
    frames: Frames
    lost: bool = attrs.field(default=False, init=False)
    _closed: bool = attrs.field(default=False, init=False)
    _complaints: int = attrs.field(default=0, init=False)

    @property
    def audio(self) -> AudioFormat:
        """The format both ways."""
        return self.frames.audio

    async def __aiter__(self) -> AsyncIterator[LegEvent]:
        async for message in self.socket:
            if self._closed:
                return
            for event in self._decoded(message.type, message.data):
                yield event
                if isinstance(event, Hangup):
                    return
            if self._complaints > MAX_COMPLAINTS:
                break
        self.lost = not self._closed

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

    async def close(self) -> None:
        """Close the socket; twice is fine."""
        self._closed = True
        await self.socket.close()

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
) -> web.WebSocketResponse:
    """Serve one media socket whose route has a ``{token}``, from handshake to close.

    *on_lost* is awaited when the call goes on and this socket does not: ask the carrier for
    another there. Raises WebhookVerificationError, which the server answers by closing.
    """
    socket = web.WebSocketResponse(
        compress=False, max_msg_size=MAX_FRAME_BYTES, decode_text=False, timeout=CLOSE_S
    )
    await socket.prepare(request)
    try:
        leg = SocketLeg(socket, await _begun(socket, begin))
        token = request.match_info["token"]
        await switchboard.attach(token, leg, leg.frames.carrier_call_id)
        if leg.lost and on_lost is not None:
            await on_lost(leg)
    except WebhookVerificationError as error:
        said = error.message.encode()[:120].decode(errors="ignore").encode()
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=said)
        raise
    finally:
        await socket.close()
    return socket


def parsed(kind: WSMsgType, data: Any) -> Body:
    """The JSON object in a text frame. Raises InputError."""
    if kind is not WSMsgType.TEXT:
        raise InputError("a media frame is not text", fix="send JSON in text frames")
    try:
        body = orjson.loads(data)
    except ValueError as error:
        raise InputError("a media frame is not JSON", fix="send JSON in text frames") from error
    if not isinstance(body, dict):
        raise InputError("a media frame is not an object", fix='send {"event": ...}')
    return body


def audio_of(payload: object) -> bytes:
    """The audio in a frame's base64. Raises InputError."""
    if not isinstance(payload, str):
        raise InputError("a media frame has no payload", fix="send base64 text")
    try:
        return binascii.a2b_base64(payload, strict_mode=True)
    except ValueError as error:
        raise InputError("a media payload is not base64", fix="send base64 text") from error


def part(body: Body, name: str) -> Body:
    """The object that a frame has under *name*. Raises InputError."""
    found: Any = body.get(name)
    if not isinstance(found, dict):
        raise InputError(f"a media frame has no {name}", fix="send frames as the carrier does")
    return found


def text_of(body: Body, name: str) -> str:
    """The text, not empty, that a frame or its part has under *name*. Raises InputError."""
    found = body.get(name)
    if not isinstance(found, str) or not found:
        raise InputError(f"a media frame has no {name}", fix="send frames as the carrier does")
    return found


def key_of(digit: str) -> Dtmf:
    """The key that was pressed. Raises InputError for what is none."""
    if digit not in KEYS:
        raise InputError(f"{digit[:10]!r} is no key", fix="send one of 0-9 * # A-D")
    return Dtmf(digit)


async def _begun(socket: web.WebSocketResponse, begin: Begin) -> Frames:
    """Read until the stream has begun. Raises WebhookVerificationError when it does not."""
    try:
        async with asyncio.timeout(START_S):
            async for message in socket:
                if (frames := begin(parsed(message.type, message.data))) is not None:
                    return frames
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
