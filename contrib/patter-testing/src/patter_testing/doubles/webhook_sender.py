"""Sends a double's webhooks to the server under test, signed, with the faults that are injected."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias

import attrs
from aiohttp import ClientError, ClientSession, ClientTimeout

from patter.clock import Clock, LoopClock
from patter.errors import InternalError
from patter_testing.doubles.faults import Delivery, FaultInjector
from patter_testing.doubles.host_map import HostMap

log = logging.getLogger("patter.testing")
ATTEMPTS = 3
AGAIN_MS = 100.0
HELD_MS = 250.0
TIMEOUT_S = 15.0


@attrs.frozen(kw_only=True)
class Webhook:
    """A request to *url*, as the carrier knows it: the public one."""

    url: str
    body: bytes = b""
    content_type: str = "application/x-www-form-urlencoded"
    method: str = "POST"


@attrs.frozen
class Answer:
    """What came back; status 0 when nothing did."""

    status: int
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Was it taken?"""
        return 200 <= self.status < 300


Sign: TypeAlias = Callable[[Webhook], Mapping[str, str]]
Start: TypeAlias = Callable[[Coroutine[Any, Any, object]], None]


def _unstarted(work: Coroutine[Any, Any, object]) -> None:
    work.close()
    raise InternalError(
        "this webhook sender is not part of a double yet", fix="use doubles.runtime.opened"
    )


@attrs.define(eq=False, kw_only=True)
class WebhookSender:
    """Sends webhooks of one double. *sign* gives the headers that prove them genuine.

    Like carriers it tries again when a server fails, never when one refuses.
    *forgeries_taken* are tampered requests that the server believed: there must be none.
    """

    http: ClientSession
    hosts: HostMap
    sign: Sign
    injector: FaultInjector = attrs.field(factory=FaultInjector)
    clock: Clock = attrs.field(factory=LoopClock)
    start: Start = _unstarted
    forgeries_taken: list[Webhook] = attrs.field(factory=list, init=False)
    answers: list[tuple[Webhook, Answer]] = attrs.field(factory=list, init=False)
    _next: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    async def ask(self, webhook: Webhook) -> Answer:
        """Send *webhook* and return what it was answered with."""
        delivery = self.injector.delivery()
        await self._before(webhook, delivery)
        self._passed()
        answer = await self._persist(webhook)
        if delivery.copies > 1:
            self.start(self._persist(webhook))
        return answer

    def tell(self, webhook: Webhook) -> None:
        """Send *webhook* some time; nobody waits for its answer."""
        self.start(self._deliver(webhook, self.injector.delivery()))

    async def forge(self, webhook: Webhook) -> Answer:
        """Send a tampered copy of *webhook*."""
        headers = dict(self.sign(webhook))
        forged = attrs.evolve(webhook, body=webhook.body + b"&Forged=1")
        answer = await self._post(forged, headers)
        if answer.ok:
            self.forgeries_taken.append(forged)
        return answer

    async def _deliver(self, webhook: Webhook, delivery: Delivery) -> None:
        if delivery.reordered:
            await self._until_next()
        await self._before(webhook, delivery)
        self._passed()
        for _ in range(delivery.copies):
            await self._persist(webhook)

    async def _before(self, webhook: Webhook, delivery: Delivery) -> None:
        if delivery.forged:
            await self.forge(webhook)
        if delivery.late_ms:
            await self.clock.sleep(delivery.late_ms)

    async def _persist(self, webhook: Webhook) -> Answer:
        answer = Answer(0)
        for attempt in range(ATTEMPTS):
            answer = await self._post(webhook, self.sign(webhook))
            if 0 < answer.status < 500:
                break
            await self.clock.sleep(AGAIN_MS * 2**attempt)
        self.answers.append((webhook, answer))
        if not answer.ok:
            log.warning("webhook %s was answered with %d", webhook.url, answer.status)
        return answer

    async def _post(self, webhook: Webhook, headers: Mapping[str, str]) -> Answer:
        sent = {"Content-Type": webhook.content_type, **headers}
        try:
            async with self.http.request(
                webhook.method,
                self.hosts.http(webhook.url),
                data=webhook.body or None,
                headers=sent,
                timeout=ClientTimeout(total=TIMEOUT_S),
            ) as response:
                return Answer(response.status, await response.read())
        except (ClientError, TimeoutError, ConnectionError):
            return Answer(0)

    async def _until_next(self) -> None:
        """Let the next webhook go first, if one comes soon."""
        try:
            async with asyncio.timeout(HELD_MS / 1_000):
                await self._next.wait()
        except TimeoutError:
            return

    def _passed(self) -> None:
        self._next.set()
        self._next = asyncio.Event()
