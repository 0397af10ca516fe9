"""A vendor of speech or language, impersonated on 127.0.0.1: the part that all vendors share.

A plugin's double has the vendor's own protocol in `routes`, and this around it: a key that is
checked, faults, latencies, scripts, and a log of what was asked. Entry point group
``patter.double``, by the provider's name; `lab(agent, simulate=True)` and ``patter phone
--simulate`` find it there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from patter.audio.formats import AudioFormat
from patter_testing.doubles.scripted_listener import ScriptedListener, measured
from patter_testing.doubles.scripted_model import ScriptedModel
from patter_testing.doubles.vendor_faults import FaultyStream, Latency, Message, VendorFaults
from patter_testing.loopback_site import site

__all__ = ["KEY", "Latency", "Lines", "VendorDouble", "VendorFaults", "VendorRequest"]

P = TypeVar("P")
KEY = "double-key"


@attrs.frozen
class VendorRequest:
    """What was asked: a request, or the handshake of a socket."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


def _queue(lines: Iterable[str]) -> deque[str]:
    return deque(lines)


@attrs.define(eq=False)
class Lines:
    """Lines that are each taken once, by whoever is next; more may be put behind them.

    >>> lines = Lines(["one"])
    >>> lines.put("two")
    >>> list(lines), list(lines)
    (['one', 'two'], [])
    """

    _left: deque[str] = attrs.field(default=(), converter=_queue)

    def put(self, line: str) -> None:
        """Have *line* be said last."""
        self._left.append(line)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if not self._left:
            raise StopIteration
        return self._left.popleft()


def _lines(lines: Lines | Iterable[str]) -> Lines:
    return lines if isinstance(lines, Lines) else Lines(lines)


@attrs.define(eq=False, kw_only=True)
class VendorDouble:
    """Subclass: `routes` speaks the protocol, `refusal` words errors as the vendor does.

    *lines* are what the next stretches of voice are heard as, and *otherwise* says what all
    others are, by their milliseconds; `listener` hears so. *model* answers. A double waits for its
    *latency* before each answer, and sends through `stream`, so that its faults are those of all.
    """

    key: str = KEY
    faults: VendorFaults = attrs.field(factory=VendorFaults)
    latency: Latency = attrs.field(factory=Latency)
    lines: Lines = attrs.field(factory=Lines, converter=_lines)
    otherwise: Callable[[float], str] = measured
    model: ScriptedModel = attrs.field(factory=ScriptedModel)
    url: str = attrs.field(default="", init=False)
    requests: list[VendorRequest] = attrs.field(factory=list, init=False, repr=False)

    def routes(self) -> Iterable[web.RouteDef]:
        """The vendor's paths."""
        raise NotImplementedError("a vendor has paths")

    def key_in(self, request: web.Request) -> str:
        """The key that *request* shows; a bearer token unless overridden."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        return key if scheme.lower() == "bearer" else ""

    def refusal(self, status: int, reason: str = "") -> web.Response:
        """The vendor's answer of HTTP *status*, with its own body."""
        return web.json_response(
            {"error": {"message": reason or f"refused: {status}"}}, status=status
        )

    def pointed(self, provider: P) -> P:
        """The same *provider*, whose vendor is this double."""
        changed: dict[str, Any] = {"base_url": self.url, "api_key": self.key}
        return attrs.evolve(provider, **changed)  # type: ignore[misc]

    async def hear(self, text: str) -> None:
        """Have every open session understand *text* now; for a vendor that listens."""
        raise NotImplementedError(f"{type(self).__name__} does not listen")

    def listener(
        self, audio: AudioFormat, *, pause_ms: float = 0.0, word_ms: float = 250.0
    ) -> ScriptedListener:
        """Ears of one session; the script is the double's, so it goes on in the next session."""
        return ScriptedListener(
            audio, self.lines, otherwise=self.otherwise, pause_ms=pause_ms, word_ms=word_ms
        )

    def stream(self, response: web.StreamResponse, farewell: Message = "") -> FaultyStream:
        """A session's socket, or an answer that streams, with this double's faults."""
        return FaultyStream(response, self.faults, farewell)

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Self]:
        """Serve while inside; `url` is where."""
        app = web.Application(middlewares=[self._admitted], client_max_size=32 << 20)
        app.add_routes(self.routes())
        async with site(app, port=port, handler_cancellation=True) as self.url:
            yield self

    @web.middleware
    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note *request*, and refuse it as the faults and its key demand."""
        self.requests.append(
            VendorRequest(request.method, request.path, request.query, request.headers)
        )
        if self.faults.silent:
            await asyncio.get_running_loop().create_future()
        if self.faults.status:
            refused = self.refusal(self.faults.status)
            if self.faults.retry_after:
                refused.headers["Retry-After"] = self.faults.retry_after
            return refused
        if self.key_in(request) != self.key:
            return self.refusal(401)
        return await handler(request)
