"""The plumbing of every double: its clock, its connections, its calls, and what it was dealt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeVar

import attrs
from aiohttp import ClientSession, TCPConnector, web
from aiohttp.typedefs import Handler

from patter.aio import Mailbox, task_scope
from patter.audio.formats import MULAW_8K, AudioFormat
from patter.clock import Clock, LoopClock
from patter.errors import PatterTimeoutError
from patter_testing.doubles.call import PATIENCE_S, DoubleCall
from patter_testing.doubles.faults import FaultInjector, Faults
from patter_testing.doubles.host_map import HostMap
from patter_testing.doubles.rest import faulty
from patter_testing.doubles.stream import CarrierFrames, Ended, Stream
from patter_testing.doubles.webhook_sender import Sign, WebhookSender
from patter_testing.fakes.carrier import FakeLeg
from patter_testing.loopback_site import site

C = TypeVar("C")
DIALLED = 10_000

Work: TypeAlias = Callable[[], Awaitable[object] | None]
OnEnded: TypeAlias = Callable[[Ended], Awaitable[object] | None]
Refuse: TypeAlias = Callable[[int], web.Response]
Legs: TypeAlias = Callable[[DoubleCall, AudioFormat, Clock], FakeLeg]
"""Makes the far end of a call's stream."""


def _leg(_: DoubleCall, audio: AudioFormat, clock: Clock) -> FakeLeg:
    return FakeLeg(audio, clock=clock)


@attrs.define(eq=False, kw_only=True)
class DoubleRuntime:
    """What a running double works with. Made by `opened`.

    *legs* may be set to another kind of far end, such as one that speaks by itself. *paced*:
    callers are sent as `Stream` says.
    """

    hosts: HostMap
    injector: FaultInjector
    clock: Clock
    tasks: asyncio.TaskGroup
    http: ClientSession
    sender: WebhookSender
    url: str = ""
    legs: Legs = _leg
    paced: bool = True
    calls: dict[str, DoubleCall] = attrs.field(factory=dict)
    requests: list[tuple[str, str]] = attrs.field(factory=list)
    _dialled: Mailbox[DoubleCall] = attrs.field(factory=lambda: Mailbox(DIALLED), init=False)
    _running: set[asyncio.Task[object]] = attrs.field(factory=set, init=False)

    def took(self, call: DoubleCall) -> DoubleCall:
        """*call* exists from now on."""
        self.calls[call.call_id] = call
        if call.parent is not None:
            call.parent.humans.append(call)
            call.parent.note()
        return call

    def dials(self, call: DoubleCall) -> None:
        """The server placed *call*: `dialled` returns it to the test."""
        self._dialled.put(self.took(call))

    async def dialled(self) -> DoubleCall:
        """The next call that the server places, waiting for one."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await anext(self._dialled)
        except TimeoutError as error:
            raise PatterTimeoutError("the server dialled nobody", fix="place a call") from error

    def stream(
        self,
        call: DoubleCall,
        url: str,
        frames: CarrierFrames,
        ended: OnEnded,
        audio: AudioFormat = MULAW_8K,
    ) -> Stream:
        """Carry *call* over a media socket to *url*; *ended* gets who ended it."""
        leg = self.legs(call, audio, self.clock)
        stream = Stream(leg, frames, self.injector, paced=self.paced)
        call.streaming(stream)
        self.start(self._run(stream, url, ended))
        return stream

    async def streamed(self, call: DoubleCall, url: str, frames: CarrierFrames) -> Ended:
        """Carry *call* over a media socket to *url* until that ends; cancelled, it is stopped."""
        ended: list[Ended] = []
        over = asyncio.Event()

        def end(how: Ended) -> None:
            ended.append(how)
            over.set()

        stream = self.stream(call, url, frames, end)
        try:
            await over.wait()
        finally:
            if not ended:
                stream.stop()
        return ended[0]

    def later(self, after_ms: float, work: Work) -> None:
        """Do *work*, which may be a coroutine function, after a while."""
        self.start(self._later(after_ms, work))

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Run *work* until it is done or the double is closed; its failure fails the double."""
        task = self.tasks.create_task(work, name="double")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def stop(self) -> None:
        """Let nothing that was started go on."""
        for task in tuple(self._running):
            task.cancel()

    async def stopped(self) -> None:
        """Stop, and return when nothing goes on: no request is on its way any more."""
        self.stop()
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=PATIENCE_S)

    async def _run(self, stream: Stream, url: str, ended: OnEnded) -> None:
        how = await stream.run(self.http, self.hosts.socket(url))
        if (more := ended(how)) is not None:
            await more

    async def _later(self, after_ms: float, work: Work) -> None:
        await self.clock.sleep(after_ms)
        if (more := work()) is not None:
            await more


@asynccontextmanager
async def opened(
    *,
    sign: Sign,
    refuse: Refuse,
    vendor: Callable[[DoubleRuntime], C],
    routes: Callable[[C], list[web.RouteDef]],
    faults: Faults | None = None,
    hosts: HostMap | None = None,
    clock: Clock | None = None,
    paced: bool = True,
) -> AsyncIterator[C]:
    """The *vendor* that works with a new runtime, its API served on 127.0.0.1 by *routes*.

    On leaving, everything of it ends.
    """
    hosts, clock = hosts or HostMap(), clock or LoopClock()
    injector = FaultInjector(faults or Faults())
    unbounded = TCPConnector(limit=0)
    async with ClientSession(connector=unbounded) as http, task_scope() as tasks:
        sender = WebhookSender(http=http, hosts=hosts, sign=sign, injector=injector, clock=clock)
        runtime = DoubleRuntime(
            hosts=hosts,
            injector=injector,
            clock=clock,
            tasks=tasks,
            http=http,
            sender=sender,
            paced=paced,
        )
        sender.start = runtime.start
        opening = vendor(runtime)
        async with _served(runtime, routes(opening), refuse) as url:
            runtime.url = url
            try:
                yield opening
            finally:
                runtime.stop()


@asynccontextmanager
async def _served(
    runtime: DoubleRuntime, routes: list[web.RouteDef], refuse: Refuse
) -> AsyncIterator[str]:
    @web.middleware
    async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
        runtime.requests.append((request.method, request.path_qs))
        return await handler(request)

    app = web.Application(middlewares=[noted, faulty(runtime.injector, runtime.clock, refuse)])
    app.add_routes(routes)
    async with site(app) as url:
        yield url
