"""What every provider keeps whose vendor is reached over HTTP or WebSockets.

The vendor in these rules is the suite's own, or the plugin's double at the end of a bad line.
Both need nothing of a plugin but ``provider``: its settings that name an address on this
machine are given another.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
from aiohttp import ClientSession, web
from aiohttp.typedefs import Handler

from patter.errors import ErrorCode, PatterError
from patter.providers.context import CallContext
from patter.safe_text import MASK
from patter_testing.doubles.relay import Relay, relay
from patter_testing.loopback_site import HOST, site
from patter_testing.suites.readiness import ReadinessSuite, checked, ready_or_not
from patter_testing.suites.rules import (
    ANSWER_S,
    SAMPLE,
    has_fix,
    needs_vendor,
    nothing_left,
    secrets,
    settings_of,
    within,
)

_HERE = re.compile(r"(?P<scheme>(?:http|ws)s?)://(?P<at>(?:127\.0\.0\.1|localhost|\[::1\]):\d+)")
BUSY_MS = 100.0
"""For how long the loop may compute at once: what a caller's playback has in store."""

_TICK_S = 0.005
_HOP = ("Host", "Content-Length", "Transfer-Encoding")
"""Headers that are about one connection, not about the request."""

_PASSING = frozenset({ErrorCode.CONNECTION, ErrorCode.TIMEOUT, ErrorCode.RATE_LIMIT})
MEANINGS = {
    400: frozenset({ErrorCode.PROVIDER_ERROR, ErrorCode.CONFIG, ErrorCode.INPUT_VALIDATION}),
    401: frozenset({ErrorCode.AUTH}),
    402: frozenset({ErrorCode.AUTH}),
    403: frozenset({ErrorCode.AUTH}),
    404: frozenset({ErrorCode.CONFIG}),
    429: frozenset({ErrorCode.RATE_LIMIT}),
    500: _PASSING,
    503: _PASSING,
    529: _PASSING,
}
"""What an HTTP status may become; 529 is what overloaded vendors answer beside 503."""

STRANGERS = {
    "a page": ("text/html", "<!doctype html><title>Sign in</title>"),
    "an error": ("application/json", '{"error": {"message": "quota exceeded"}}'),
    "nothing": ("application/octet-stream", ""),
}
"""What is answered with 200 and is not an answer: by proxies, portals and vendors in trouble."""


class VendorSuite(ReadinessSuite):
    """The rules on what a vendor answers, and on the line to it.

    A provider that finds its vendor otherwise than by such a setting overrides `address` and
    `relocate`; without a vendor (no ``hosts``, no address) these rules are skipped.
    """

    def address(self, provider: Any) -> str:
        """Where the double of *provider* listens, as ``host:port``."""
        addresses = [_address_in(value) for value in settings_of(provider).values()]
        if not any(addresses):
            needs_vendor(provider, "address", "method")
        return next(address for address in addresses if address)

    def relocate(self, provider: Any, address: str) -> Any:
        """The same provider, whose vendor is at *address*, given as ``host:port``."""
        now = self.address(provider)
        moved = {
            name: value.replace(now, address, 1)
            for name, value in settings_of(provider).items()
            if _address_in(value) == now
        }
        return attrs.evolve(provider, **moved)

    @asynccontextmanager
    async def line(self, provider: Any, **faults: Any) -> AsyncIterator[tuple[Any, Relay]]:
        """The provider and its double, with a `Relay` that has *faults* between them."""
        async with relay(self.address(provider), **faults) as between:
            yield self.relocate(provider, between.address), between

    @pytest.mark.parametrize("status", MEANINGS)
    async def test_a_status_has_one_meaning(
        self, provider: Any, call: CallContext, status: int
    ) -> None:
        """A refusal is an error by what can be done: a key, a setting, or waiting.

        If this fails: raise AUTH for 401, 402 (nobody paid) and 403, CONFIG for 404 (a model or
        voice that does not exist), RATE_LIMIT for 429, CONNECTION from 500 on, PROVIDER_ERROR for
        what is left; or let `patter.vendors.errors.VendorErrors` do it.
        """
        self.address(provider)
        async with vendor_of(status, "application/json", "{}") as address:
            error = await self._failure(self.relocate(provider, address), call)
        expected = sorted(MEANINGS[status])
        assert error.code in expected, f"{status} became {error.code}, not {' or '.join(expected)}"

    async def test_how_long_to_wait_is_told(self, provider: Any, call: CallContext) -> None:
        """A 429 that says when to come back says so to the call, too.

        If this fails: give RateLimitError the ``retry_after_ms`` of the answer's Retry-After.
        """
        self.address(provider)
        async with vendor_of(429, "application/json", "{}", {"Retry-After": "7"}) as address:
            error = await self._failure(self.relocate(provider, address), call)
        retry_ms = getattr(error, "retry_after_ms", None)
        assert retry_ms == 7_000, f"Retry-After: 7 became retry_after_ms={retry_ms}"

    async def test_a_secret_is_never_in_an_error(self, provider: Any, call: CallContext) -> None:
        """A vendor that repeats the key it refuses does not get it into a log.

        If this fails: keep the vendor's words and the request's address out of message and fix,
        and raise ``from None`` where the client's error has them.
        """
        async with self._indiscreet(provider, 401) as secretive:
            error = await self._failure(secretive, call)
        _keeps_the_secret(error)

    @pytest.mark.parametrize("status", [200, 401, 500])
    async def test_a_secret_is_never_in_a_check(self, provider: Any, status: int) -> None:
        """``patter doctor`` shows what `check` tells and raises; a refused key is AUTH there, too.

        If this fails: as for errors of a call; and raise for a status that is not a success.
        """
        async with self._indiscreet(provider, status) as secretive, within(ANSWER_S, "the check"):
            try:
                report = await checked(secretive)
            except PatterError as error:
                has_fix(error)
                _keeps_the_secret(error)
                assert status != 401 or error.code == ErrorCode.AUTH, f"401 became {error.code}"
                return
        if report is None:
            pytest.skip("it cannot be tried out (no 'check')")
        assert not _tells(report), "it tells the secret"
        assert status == 200, f"{status} passed the check"

    async def test_a_vendor_out_of_reach_keeps_nobody_from_getting_ready(
        self, provider: Any
    ) -> None:
        """`warm` raises what a call would raise, or nothing, and never a secret.

        If this fails: bound and translate what `warm` asks of the vendor.
        """
        self.address(provider)
        away = self.relocate(provider, f"{HOST}:{_free_port()}")
        async with within(ANSWER_S, "getting ready"), nothing_left():
            error = await ready_or_not(away)
        assert error is None or error.passing, f"{error.code} is not tried again"

    @asynccontextmanager
    async def _indiscreet(self, provider: Any, status: int) -> AsyncIterator[Any]:
        """The provider with a secret, and with a vendor that repeats it."""
        self.address(provider)
        if not (names := secrets(provider)):
            pytest.skip("it has no secret")
        secretive = attrs.evolve(provider, **dict.fromkeys(names, SAMPLE))
        async with vendor_of(status, "application/json", None) as address:
            yield self.relocate(secretive, address)

    async def test_a_vendor_out_of_reach_may_come_back(
        self, provider: Any, call: CallContext
    ) -> None:
        """Nobody listens: an error that may pass, so that the call tries again.

        If this fails: raise PatterConnectionError for what the client raises on connecting.
        """
        self.address(provider)
        error = await self._failure(self.relocate(provider, f"{HOST}:{_free_port()}"), call)
        assert error.passing, f"{error.code} is not tried again"

    @pytest.mark.parametrize("answer", STRANGERS)
    async def test_an_answer_of_something_else_raises(
        self, provider: Any, call: CallContext, answer: str
    ) -> None:
        """A success that carries no answer is a failure, never a silent one.

        If this fails: check the content type, and raise ProviderError or PatterConnectionError
        when the body ends before there was an answer.
        """
        self.address(provider)
        async with vendor_of(200, *STRANGERS[answer]) as address:
            await self._failure(self.relocate(provider, address), call)

    async def test_the_event_loop_stays_free(self, provider: Any, call: CallContext) -> None:
        """A call at work does not hold up the others, whose audio is due every 20 ms.

        If this fails: compute with ``asyncio.to_thread``, in small pieces, and not in the loop.
        """
        async with within(3 * ANSWER_S, "using it three times"):
            await self.use(provider, call)  # what is imported or loaded once does not count
            busy = [await _busy_ms(self.use(provider, call)) for _ in range(2)]
        # Garbage is collected now and then, hardly twice in a row.
        assert min(busy) <= BUSY_MS, f"the loop was busy for {min(busy):.0f} ms at once"

    async def _failure(self, provider: Any, call: CallContext) -> PatterError:
        """The error with a fix that using *provider* raises."""
        async with within(ANSWER_S, "the vendor's refusal"), nothing_left():
            with pytest.raises(PatterError) as raised:
                await self.use(provider, call)
        has_fix(raised.value)
        return raised.value


async def _busy_ms(work: Awaitable[None]) -> float:
    """How long the loop computed without a break, at most, until *work* was done.

    Time in which it had no processor is not counted.
    """
    loop, longest, before = asyncio.get_running_loop(), 0.0, time.thread_time()

    def tick() -> None:
        nonlocal longest, before
        now = time.thread_time()
        longest, before = max(longest, now - before), now
        timers[:] = [loop.call_later(_TICK_S, tick)]

    timers = [loop.call_later(_TICK_S, tick)]
    try:
        await work
        tick()
    finally:
        timers[0].cancel()
    return longest * 1_000


@asynccontextmanager
async def vendor_of(
    status: int, content_type: str, body: str | None, headers: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """A vendor that answers every request alike; without a *body* it repeats the request."""

    async def answer(request: web.Request) -> web.Response:
        text = json.dumps({"error": [*request.headers.values(), str(request.url)]})
        return web.Response(
            status=status,
            content_type=content_type,
            text=text if body is None else body,
            headers=headers,
        )

    async with _serving(answer) as address:
        yield address


def _address_in(setting: object) -> str:
    """``host:port``, if *setting* is an address on this machine."""
    match = _HERE.match(setting) if isinstance(setting, str) else None
    return match["at"] if match else ""


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def half_of(target: str) -> AsyncIterator[str]:
    """The vendor at *target*, of whose answers only the first half comes, as if it were all.

    Half is counted in bytes, up to the end of a line; the answer then ends as it should. That
    is what a gateway makes of a stream whose server it has lost.
    """

    async def answer(request: web.Request) -> web.Response:
        headers = {name: request.headers[name] for name in request.headers if name not in _HOP}
        async with (
            ClientSession(headers=headers) as client,
            client.request(
                request.method, f"http://{target}{request.path_qs}", data=await request.read()
            ) as complete,
        ):
            body = await complete.read()
            half = body[: body[: len(body) // 2].rfind(b"\n") + 1]
            return web.Response(
                status=complete.status, content_type=complete.content_type, body=half
            )

    async with _serving(answer) as address:
        yield address


@asynccontextmanager
async def _serving(answer: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with site(app) as url:
        yield url.removeprefix("http://")


def _keeps_the_secret(error: BaseException) -> None:
    for each in _causes(error):
        assert not _tells(str(each)), f"{type(each).__name__} tells the secret"


def _tells(text: str) -> bool:
    """Is the secret in *text*, or was it until a PatterError hid it?"""
    return SAMPLE in text or MASK in text


def _causes(error: BaseException | None) -> list[BaseException]:
    """*error* and what its traceback would show below it."""
    shown = []
    while error is not None:
        shown.append(error)
        hidden = error.__suppress_context__
        error = error.__cause__ or (None if hidden else error.__context__)
    return shown
