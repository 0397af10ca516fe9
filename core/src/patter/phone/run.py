"""One run of `serve`: what it opens, the futures that wait for its start, and how it is ended.

It belongs to one phone, and lasts from the moment that phone begins to serve until it stopped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from functools import partial
from typing import Any

import attrs

from patter.client_pool import client_pool
from patter.egress.addresses import is_loopback_host
from patter.errors import PatterError, ProvisionError
from patter.phone.first_call import ready_for_calls
from patter.phone.outbound import Dialler
from patter.phone.public_endpoint import Address, PublicEndpoint
from patter.phone.reach import validate_webhook_url
from patter.phone.results import ServingStopped
from patter.phone.served import Served
from patter.phone.serving import ServeContext
from patter.phone.static_tunnel import StaticTunnel
from patter.phone.warming import warming
from patter.providers.carrier import Carrier, CarrierLine
from patter.safe_logs import make_logs_safe
from patter.server.app import Server, Serving
from patter.server.drain import Stopping, unless_stopped

# A call that is at its end already says goodbye, or runs its last callback, within GRACE_S.
# STOP_S is longer than the server's own bounds for ending calls and closing connections (20 s
# and a few), so that it only expires for a fault.
GRACE_S, STOP_S = 3.0, 30.0
log = logging.getLogger("patter.client")


@attrs.frozen(kw_only=True)
class RunningPhone:
    """A phone that serves: it takes calls and places them."""

    serving: Serving
    address: Address
    dialler: Dialler


@attrs.frozen(kw_only=True)
class ServeSetup:
    """What one `serve` opens. The webhook of *number* is set to us unless it is empty."""

    context: ServeContext
    carrier: Carrier
    server: Server
    endpoint: PublicEndpoint
    number: str = ""
    extension_options: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict, repr=False)

    @asynccontextmanager
    async def open(
        self, startup: StartupFutures, stopping: Stopping
    ) -> AsyncIterator[RunningPhone]:
        """Server and tunnel while inside, until *stopping*; *startup* gets the public host."""
        context = self.context
        make_logs_safe()
        async with AsyncExitStack() as stack:
            # First in, last out: calls that end while the server closes are still reported, and
            # whoever waits for one after that is released.
            stack.callback(context.pending_calls.close)
            context.records.finish_abandoned()
            await stack.enter_async_context(client_pool())
            await stack.enter_async_context(context.mcp_tools.open(context.agent))
            context.leg_audio = self.carrier.formats[0]
            serving = await stack.enter_async_context(self._server(stopping))
            context.line = serving.line(self.carrier.name)
            host = await self._public_host(stack, serving)
            startup.resolve("tunnel_ready", host)
            await stack.enter_async_context(warming(context.parts, self.server.freeze_gc))
            yield RunningPhone(
                serving=serving,
                address=await self._address(context.line, serving, host),
                dialler=Dialler(
                    context=context, switchboard=serving.switchboard, line=context.line
                ),
            )

    def _server(self, stopping: Stopping) -> AbstractAsyncContextManager[Serving]:
        context = self.context
        return self.server.open(
            context.answer,
            carriers=[self.carrier],
            extensions=context.registry,
            on_call_end=context.ended,
            on_detected=context.pending_calls.detected,
            prepare=context.prepare,
            records=context.records,
            make_ready=partial(
                ready_for_calls,
                context.agent,
                context.parts,
                self.carrier,
                recording=context.recording,
            ),
            stopping=stopping,
            served=Served(
                agent=context.agent,
                log=context.log,
                prices=context.prices,
                exposed=self.exposed,
                options=self.extension_options,
            ),
        )

    @property
    def exposed(self) -> bool:
        """Can others than this machine reach the server?"""
        return self.endpoint.exists or not is_loopback_host(self.server.host)

    async def _public_host(self, stack: AsyncExitStack, serving: Serving) -> str:
        host = self.endpoint.host
        if (tunnel := self.endpoint.tunnel) is not None:
            host = await stack.enter_async_context(tunnel.open(serving.port))
            serving.reachable_at(host)
        if host and (doubt := validate_webhook_url(f"https://{host}")):
            log.warning("carriers will not reach this phone: %s", doubt)
        return host

    async def _address(self, line: CarrierLine, serving: Serving, host: str) -> Address:
        number = self.number if host else ""
        return Address(
            host=host,
            local_url=serving.url,
            number=number,
            problem=await _configured(line, number) if number else None,
            checked=not isinstance(self.endpoint.tunnel, StaticTunnel | None),
        )


async def _configured(line: CarrierLine, number: str) -> PatterError | None:
    """Set the webhook of *number* to us; when that fails, log what to do by hand and go on."""
    try:
        await line.configure(number)
    except ProvisionError as problem:
        log.warning("%s", problem)
        return problem
    return None


@attrs.define(eq=False)
class Run:
    """The state of one `serve`: *running* is set once it takes calls, *over* when it ended."""

    running: RunningPhone | None = None
    stopping: Stopping = attrs.field(factory=Stopping)
    unwanted: bool = False
    over: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def until_stopped(
        self, opening: AbstractAsyncContextManager[RunningPhone], startup: StartupFutures
    ) -> bool:
        """Serve until a request to stop, which ends the *opening* as well; True if none was cut."""
        async with AsyncExitStack() as stack:
            entering = stack.enter_async_context(opening)
            self.running = await unless_stopped(self.stopping, entering)
            if self.running is None:
                log.info("stopped before the first call could come")
                return True
            startup.resolve("ready", self.running.address.url)
            return await self.running.serving.until_stopped()

    def leave(self) -> None:
        """Drain: take no more calls and end with the last; works before the start as well."""
        if not self.unwanted:
            self.stopping.ask()
        self.unwanted = True

    async def end(self) -> None:
        """Drain, and after `GRACE_S` for calls that are ending already, cut the rest.

        Raises TimeoutError.
        """
        self.leave()
        if await self._is_over(GRACE_S):
            return
        self.stopping.ask()
        if not await self._is_over(STOP_S):
            raise TimeoutError

    async def _is_over(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self.over.wait()
        except TimeoutError:
            return False
        return True


@attrs.define(eq=False)
class StartupFutures:
    """Futures of what a phone knows only once it has started, by name."""

    _futures: dict[str, asyncio.Future[str]] = attrs.field(factory=dict)

    def of(self, name: str) -> asyncio.Future[str]:
        """The future of *name*; call it inside a running loop."""
        if name not in self._futures:
            self._futures[name] = asyncio.get_running_loop().create_future()
        return self._futures[name]

    def resolve(self, name: str, value: str) -> None:
        """Resolve *name* with *value*; only the first one counts."""
        if not self.of(name).done():
            self.of(name).set_result(value)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Fail the futures with what is raised inside; those still open at its end were stopped."""
        try:
            yield
        except BaseException as exc:
            self.fail(exc)
            raise
        self.fail(asyncio.CancelledError())

    def fail(self, exc: BaseException) -> None:
        """Fail the unresolved futures with *exc*, which `serve` raises as well."""
        stopped = ServingStopped("serving was stopped", fix="serve again")
        for future in self._futures.values():
            if not future.done():
                future.set_exception(exc if isinstance(exc, Exception) else stopped)
                # Looked at once, so that asyncio does not log a future that nobody awaits.
                future.exception()
