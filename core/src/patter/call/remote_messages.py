"""The application's own web service answers callers: by a POST, or in pieces by a WebSocket.

The service gets the message of `MessageHandler` as JSON. Whatever it does instead of answering is
an error that the caller hears an apology for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from patter.client_pool import client_pool
from patter.clock import Clock, LoopClock
from patter.egress.policy import HTTP, WEBSOCKET, EgressPolicy
from patter.egress.post import Post, PostFailure
from patter.egress.signing import SIGNATURE, secret_of, signature
from patter.errors import PatterConnectionError, PatterError, PatterTimeoutError, ProviderError

if TYPE_CHECKING:
    import aiohttp

ANSWER_BYTES = 64 << 10
POST_S = 30.0
CONNECT_S, IDLE_S, SOCKET_S, GOODBYE_S = 10.0, 30.0, 300.0, 0.5
_GOOD_CLOSES = (1000, 1001, 1005)
_FIX = "look at the log of the service behind the address"


def is_remote_url(value: object) -> bool:
    """Is *value* the address of a web service, HTTP or WebSocket?

    >>> is_remote_url("https://example.com/answer"), is_remote_url("openai/gpt-4o-mini")
    (True, False)
    """
    schemes = tuple(f"{each}://" for each in (*HTTP, *WEBSOCKET))
    return isinstance(value, str) and value.lower().startswith(schemes)


def is_websocket_url(value: object) -> bool:
    """Is *value* the address of a WebSocket?

    >>> is_websocket_url("wss://example.com/answer"), is_websocket_url("https://example.com")
    (True, False)
    """
    return is_remote_url(value) and str(value).lower().startswith("ws")


@attrs.frozen
class RemoteMessageHandler:
    """Asks the service at *url* for each answer: http(s), or ws(s) for one in pieces.

    Requests are signed with *secret*, or with PATTER_WEBHOOK_SECRET. An HTTP answer is
    ``{"text": ...}`` or plain text; a WebSocket's are frames ``{"text": ...}`` up to
    ``{"done": true}``, or its end. Raises EgressError for an address that nothing may be sent to.
    """

    url: str = attrs.field()
    secret: str = attrs.field(default="", repr=False)
    clock: Clock = attrs.field(factory=LoopClock, repr=False, eq=False)

    @url.validator
    def _check(self, _: object, url: str) -> None:
        EgressPolicy.of().check_url(url, (*HTTP, *WEBSOCKET))

    async def __call__(self, message: Mapping[str, Any]) -> AsyncGenerator[str, None]:
        """Yield the answer to *message*. Raises PatterError when there is none, or no more."""
        if not is_websocket_url(self.url):
            yield await self._post(message)
            return
        size = 0
        async with self._socket(message) as socket:
            while (piece := await _piece(socket)) is not None:
                size += len(piece)
                if size > ANSWER_BYTES:
                    raise _garbled(f"more than {ANSWER_BYTES} characters")
                yield piece

    async def _post(self, message: Mapping[str, Any]) -> str:
        post = Post(
            url=self.url,
            secret=secret_of(self.secret),
            policy=EgressPolicy.of(),
            limit_bytes=ANSWER_BYTES,
            within_s=POST_S,
        )
        try:
            return text_of(await post.send(message, self.clock))
        except PostFailure as failed:
            raise failed.error from None

    @asynccontextmanager
    async def _socket(self, message: Mapping[str, Any]) -> AsyncIterator[_Socket]:
        """The open socket, to which *message* was sent."""
        body, secret = orjson.dumps(message), secret_of(self.secret)
        headers = {SIGNATURE: signature(body, secret, self.clock.wall())} if secret else {}
        from patter.egress.client import egress_client

        async with client_pool() as pool:
            client = egress_client(pool, EgressPolicy.of())
            with _translated():
                async with asyncio.timeout(CONNECT_S):
                    opened = await client.ws_connect(
                        self.url, headers=headers, max_msg_size=ANSWER_BYTES
                    )
            try:
                with _translated():
                    async with asyncio.timeout(CONNECT_S):
                        await opened.send_str(body.decode())
                yield _Socket(opened, self.clock, self.clock.ms() + SOCKET_S * 1_000)
            finally:
                await _left(opened)


@attrs.define
class _Socket:
    """An open socket, which is read until *until_ms*."""

    socket: aiohttp.ClientWebSocketResponse
    clock: Clock
    until_ms: float
    done: bool = False


async def _piece(open_socket: _Socket) -> str | None:
    """The next piece of the answer; None at its end."""
    from aiohttp import WSMsgType

    if open_socket.done:
        return None
    left_s = (open_socket.until_ms - open_socket.clock.ms()) / 1_000
    with _translated():
        async with asyncio.timeout(max(0.0, min(IDLE_S, left_s))):
            frame = await open_socket.socket.receive()
    if frame.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED):
        if open_socket.socket.close_code not in _GOOD_CLOSES:
            raise PatterConnectionError("the service hung up in mid-answer", fix=_FIX)
        return None
    if frame.type is not WSMsgType.TEXT:
        raise _garbled("a frame that is not text")
    value = _json(frame.data.encode())
    if not isinstance(value, Mapping):
        raise _garbled(repr(frame.data[:40]))
    open_socket.done = bool(value.get("done"))
    return _text(value, default="")


def text_of(body: bytes) -> str:
    """What *body*, ``{"text": ...}`` or plain text, says. Raises ProviderError for garbage."""
    value = _json(body)
    if isinstance(value, Mapping):
        return _text(value)
    if isinstance(value, str):
        return value
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _garbled("bytes that are no text") from None
    if text.lstrip().startswith(("<!", "<html", "<HTML", "<?xml", "{", "[")):
        # An error page of a proxy is nothing to read out.
        raise _garbled(repr(text[:40]))
    return text


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _text(value: Mapping[str, Any], default: object = None) -> str:
    text = value.get("text", default)
    if not isinstance(text, str):
        raise _garbled("JSON without a text")
    return text


def _garbled(what: str) -> ProviderError:
    return ProviderError(f"the service answered with {what}", fix='answer with {"text": "..."}')


@contextmanager
def _translated() -> Iterator[None]:
    """Raise as ours what aiohttp and the loop raise."""
    from aiohttp import ClientError

    try:
        yield
    except PatterError:
        raise
    except TimeoutError:
        raise PatterTimeoutError("the service did not answer in time", fix=_FIX) from None
    except (ClientError, OSError) as broken:
        raise PatterConnectionError(
            f"the service cannot be used: {type(broken).__name__}", fix=_FIX
        ) from None


async def _left(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Close *socket*; whether anybody listens does not matter any more."""
    from aiohttp import ClientError

    try:
        async with asyncio.timeout(GOODBYE_S):
            await socket.close()
    except (ClientError, OSError, TimeoutError):
        return
    finally:
        # Of a line that broke aiohttp keeps the connection, and warns when it is collected.
        socket._response.close()
