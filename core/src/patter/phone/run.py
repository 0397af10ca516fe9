"""One `serve` that is under way: who waits for it to come up, and how it is asked to end.

It belongs to one phone, is made when that phone begins to serve and forgotten when it stopped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import attrs

from patter.errors import PatterConnectionError, PatterError, ProvisionError
from patter.phone.outbound import Dialler
from patter.phone.public_endpoint import Address, PublicEndpoint
from patter.phone.reach import validate_webhook_url
from patter.phone.serving import ServeContext
from patter.phone.static_tunnel import StaticTunnel
from patter.providers.carrier import Carrier, CarrierLine
from patter.server.app import Server, Serving

GRACE_S, STOP_S = 3.0, 30.0
log = logging.getLogger("patter.client")


@attrs.frozen(kw_only=True)
class RunningPhone:
    """A phone that takes calls and places them."""

    serving: Serving
    address: Address
    dialler: Dialler


@attrs.frozen(kw_only=True)
class ServeSetup:
    """What has to be opened for one `serve`. *number* is pointed at us unless it is empty."""

    desk: ServeContext
    carrier: Carrier
    server: Server
    endpoint: PublicEndpoint
    number: str = ""

    @asynccontextmanager
    async def opened(self, awaited: StartupFutures) -> AsyncIterator[RunningPhone]:
        """Server and tunnel while inside; *awaited* is told the public host."""
        desk = self.desk
        async with AsyncExitStack() as stack:
            stack.callback(desk.placed.close)
            opened = self.server.open(
                desk.answer,
                carriers=[self.carrier],
                extensions=desk.registry,
                on_call_end=desk.ended,
                on_detected=desk.placed.detected,
            )
            serving = await stack.enter_async_context(opened)
            desk.line = serving.line(self.carrier.name)
            host = await self._public_host(stack, serving)
            awaited.tell("tunnel_ready", host)
            yield RunningPhone(
                serving=serving,
                address=await self._address(desk.line, serving, host),
                dialler=Dialler(desk=desk, switchboard=serving.switchboard, line=desk.line),
            )

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
    """Point *number* at us; when that fails, say what to do by hand and go on."""
    try:
        await line.configure(number)
    except ProvisionError as problem:
        log.warning("%s", problem)
        return problem
    return None


@attrs.define(eq=False)
class Run:
    """What runs; *up* once it takes calls."""

    up: RunningPhone | None = None
    unwanted: bool = False
    over: asyncio.Event = attrs.field(factory=asyncio.Event)

    def leave(self) -> None:
        """Take no more calls and end when there is none; also when it is not up yet."""
        if not self.unwanted and self.up is not None:
            self.up.serving.stop()
        self.unwanted = True

    async def end(self) -> None:
        """Leave, and after a moment for what is ending already, cut the rest.

        Raises TimeoutError.
        """
        self.leave()
        if await self._is_over(GRACE_S):
            return
        if self.up is not None:
            self.up.serving.stop()
        if not await self._is_over(STOP_S):
            raise TimeoutError

    def came_up(self, up: RunningPhone) -> None:
        """It serves from now on, unless it was to leave before."""
        self.up = up
        if self.unwanted:
            up.serving.stop()

    async def _is_over(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self.over.wait()
        except TimeoutError:
            return False
        return True


@attrs.define(eq=False)
class StartupFutures:
    """What becomes known while a phone comes up, by name, for whoever asks before or after."""

    _futures: dict[str, asyncio.Future[str]] = attrs.field(factory=dict)

    def of(self, name: str) -> asyncio.Future[str]:
        """What will be known as *name*; ask inside a running loop."""
        if name not in self._futures:
            self._futures[name] = asyncio.get_running_loop().create_future()
        return self._futures[name]

    def tell(self, name: str, value: str) -> None:
        """*name* is *value*; only the first word on it counts."""
        if not self.of(name).done():
            self.of(name).set_result(value)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Whoever waits is told of what is raised inside."""
        try:
            yield
        except BaseException as exc:
            self.fail(exc)
            raise

    def fail(self, exc: BaseException) -> None:
        """What is not known yet never will be; the error is raised by `serve` all the same."""
        stopped = PatterConnectionError("serving was stopped", fix="serve again")
        for future in self._futures.values():
            if not future.done():
                future.set_exception(exc if isinstance(exc, Exception) else stopped)
                future.exception()
