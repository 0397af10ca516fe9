"""A vendor of speech or language, impersonated on 127.0.0.1: the part that all vendors share.

A plugin's double has the vendor's own protocol in `routes`, and this around it: a key that is
checked, faults, latencies, and a log of what was asked. Entry point group ``patter.double``, by
the provider's name; `lab(agent, simulate=True)` and ``patter phone --simulate`` find it there.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from random import Random
from statistics import NormalDist
from typing import Any, Self, TypeVar

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from patter_testing.loopback_site import site

P = TypeVar("P")
KEY = "double-key"
_P95 = NormalDist().inv_cdf(0.95)


@attrs.frozen(kw_only=True)
class VendorFaults:
    """What a vendor does wrong, from its *after*-th message of a session or answer on.

    At once, whatever *after* is: *status* is answered to every request and handshake, with
    *retry_after* as its header; *silent* takes connections and never answers. Then: *garbage* is
    sent in place of a message, *oversize* sends a message of that many bytes, *over* sends the
    message with which this vendor ends a session, *close_code* closes the socket (an HTTP answer
    ends there), *stalls* sends nothing more. *trickle_ms* is waited before each message.
    """

    status: int = 0
    retry_after: str = ""
    silent: bool = False
    after: int = 0
    garbage: bytes | str = ""
    oversize: int = 0
    over: bool = False
    close_code: int = 0
    stalls: bool = False
    trickle_ms: float = 0


@attrs.define
class Latency:
    """How long the vendor takes: log-normal, by its median and its 95th percentile."""

    p50_ms: float = 0
    p95_ms: float = 0
    seed: int = 0
    _random: Random = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._random = Random(self.seed)

    def draw_ms(self) -> float:
        """The next one."""
        if self.p50_ms <= 0:
            return 0.0
        spread = math.log(max(self.p95_ms, self.p50_ms) / self.p50_ms) / _P95
        return self._random.lognormvariate(math.log(self.p50_ms), spread)

    async def wait(self) -> None:
        """Take that long."""
        if (ms := self.draw_ms()) > 0:
            await asyncio.sleep(ms / 1_000)


@attrs.frozen
class VendorRequest:
    """What was asked: a request, or the handshake of a socket."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@attrs.define(eq=False, kw_only=True)
class VendorDouble:
    """Subclass: `routes` speaks the protocol, `refusal` words errors as the vendor does."""

    key: str = KEY
    faults: VendorFaults = attrs.field(factory=VendorFaults)
    latency: Latency = attrs.field(factory=Latency)
    url: str = attrs.field(default="", init=False)
    requests: list[VendorRequest] = attrs.field(factory=list, init=False, repr=False)

    def routes(self) -> Iterable[web.RouteDef]:
        """The vendor's paths."""
        raise NotImplementedError("a vendor has paths")

    def key_in(self, request: web.Request) -> str:
        """The key that *request* shows; a bearer token unless overridden."""
        return request.headers.get("Authorization", "").removeprefix("Bearer ")

    def refusal(self, status: int, reason: str = "") -> web.Response:
        """The vendor's answer of HTTP *status*, with its own body."""
        return web.json_response(
            {"error": {"message": reason or f"refused: {status}"}}, status=status
        )

    def pointed(self, provider: P) -> P:
        """The same *provider*, whose vendor is this double."""
        changed: dict[str, Any] = {"base_url": self.url, "api_key": self.key}
        return attrs.evolve(provider, **changed)  # type: ignore[misc]

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
