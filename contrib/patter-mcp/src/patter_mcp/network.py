"""The network of sessions: requests go to addresses that were checked, answers have a bound.

A name is resolved, each of its addresses checked by the egress policy, and the request sent to one
of those very addresses, with the name in its TLS handshake. Nothing is unpacked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import httpx2

from patter.client_pool import NAMES_S
from patter.clock import Clock
from patter.egress.addresses import literal
from patter.egress.client import CheckedResolver
from patter.egress.policy import EgressPolicy

ANSWER_BYTES = 1 << 20
CONNECT_S, WRITE_S, GRACE_S = 3.0, 10.0, 5.0
ATTEMPTS = 3
"""Addresses of a name that are tried."""


@attrs.define(eq=False)
class CheckedTransport(httpx2.AsyncBaseTransport):
    """Sends by *inner* what *policy* allows. Raises EgressError for the rest."""

    policy: EgressPolicy
    inner: httpx2.AsyncBaseTransport
    clock: Clock
    _addresses: dict[str, tuple[float, list[str]]] = attrs.field(factory=dict, init=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer to *request*, whose body is read up to a bound."""
        addresses = await self._resolved(request.url.host, request.url.port or 0)
        for attempt, address in enumerate(addresses[:ATTEMPTS], 1):
            try:
                return _bounded(await self.inner.handle_async_request(_to(address, request)))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                self._addresses.pop(request.url.host, None)
                if attempt == min(ATTEMPTS, len(addresses)):
                    raise
        raise httpx2.ConnectError(f"{request.url.host} has no address")

    async def aclose(self) -> None:
        """Close the connections."""
        await self.inner.aclose()

    async def _resolved(self, host: str, port: int) -> list[str]:
        self.policy.check_host(host)
        if (address := literal(host)) is not None:
            return [str(address)]
        until_ms, addresses = self._addresses.get(host, (0.0, []))
        if self.clock.ms() > until_ms:
            try:
                rows = await CheckedResolver(self.policy).resolve(host, port, 0)  # type: ignore[arg-type]
            except OSError as problem:
                raise httpx2.ConnectError(f"{host} is not known: {problem}") from problem
            addresses = list(dict.fromkeys(row["host"] for row in rows))
            self._addresses[host] = self.clock.ms() + NAMES_S * 1_000, addresses
        return addresses


class _BoundedStream(httpx2.AsyncByteStream):
    """A body of which no more than *limit* bytes are read."""

    def __init__(self, inner: Any, limit: int) -> None:
        self._inner, self._left = inner, limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            self._left -= len(part)
            if self._left < 0:
                # A StreamError fails the one request, anything else the session.
                raise httpx2.StreamError(f"the answer has more than {ANSWER_BYTES} bytes")
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()


def http_client(
    policy: EgressPolicy,
    headers: dict[str, str],
    timeout_s: float,
    clock: Clock,
    inner: Callable[[], httpx2.AsyncBaseTransport],
) -> httpx2.AsyncClient:
    """A client that reaches what *policy* allows; an answer may pause for *timeout_s* seconds."""
    return httpx2.AsyncClient(
        transport=CheckedTransport(policy, inner(), clock),
        headers={**headers, "Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(
            connect=CONNECT_S, write=WRITE_S, pool=CONNECT_S, read=timeout_s + GRACE_S
        ),
        trust_env=False,
    )


def _to(address: str, request: httpx2.Request) -> httpx2.Request:
    """*request* to *address*, under the name it has."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


def _bounded(response: httpx2.Response) -> httpx2.Response:
    """*response*, unpacked by nobody; a stream of events is bounded event by event."""
    headers = [
        (name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"
    ]
    is_events = response.headers.get("content-type", "").startswith("text/event-stream")
    stream: Any = response.stream
    return httpx2.Response(
        response.status_code,
        headers=headers,
        stream=stream if is_events else _BoundedStream(stream, ANSWER_BYTES),
        extensions=response.extensions,
    )
