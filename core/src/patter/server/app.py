"""The server: settings that are a frozen value, and a scope that serves while it is entered.

Healthy means the process answers; ready means calls may be sent here. It is ready from the
moment the last extension's scope was entered until it is asked to stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from importlib import import_module
from typing import Any, Protocol

import attrs
import orjson
from aiohttp import web

from patter.audio.formats import AudioFormat
from patter.call.allow import operator_allows
from patter.call.listen_in import AudioListener
from patter.clock import Clock, LoopClock
from patter.errors import CallStateError, InputError, InternalError, PatterConfigError
from patter.providers.carrier import Carrier, CarrierLine
from patter.providers.transfer_target import is_target
from patter.server.admission import Admission, Limits
from patter.server.carrier_reports import OnDetected
from patter.server.client_address import is_untrusted_proxy
from patter.server.collector import collecting
from patter.server.commands import HangUp, TransferCommand
from patter.server.connections import Connections
from patter.server.descriptors import open_files
from patter.server.drain import Drain, Stopping, until_stopped
from patter.server.listening import listening, maker
from patter.server.live_session import AudibleSession, CallStarter, RecordKeeper
from patter.server.local_registry import LocalRegistry
from patter.server.middleware import Guard, note_started
from patter.server.registry import CallRegistry
from patter.server.signals import signalled
from patter.server.stalls import StallWatch
from patter.server.switchboard import LocalSwitchboard, OnCallEnd, Prepare
from patter.server.timeouts import Timeouts
from patter.server.tokens import MediaClaims, TokenSigner
from patter.task_wall import walled_tasks

FIRST_USED = ("numpy", "soxr", "patter.audio.g711", "patter.audio.resample", "patter.audio.mix")
"""What a first call may import: hundreds of milliseconds, in which no other gets any audio."""

LINGER_S = 0.2
"""How long the rest of a refused request is read and dropped, so that the client gets its refusal.

A socket closed with unread data is reset, and the reset may overtake the response.
"""


def import_first_used() -> None:
    """Import whatever any call may need."""
    for name in FIRST_USED:
        import_module(name)


class Extensions(Protocol):
    """The plugins that add routes and scopes to a server."""

    def load_extensions(self) -> None: ...

    def add_routes(self, router: web.UrlDispatcher, server: Any) -> None: ...

    def server_scopes(self, server: Any) -> Iterable[AbstractAsyncContextManager[object]]: ...


@attrs.frozen(kw_only=True)
class Server:
    """Where and how to serve. Times in milliseconds, sizes in bytes.

    *public_host*: where carriers reach us, without scheme; may be set later. *port* 0 takes
    a free one. *body_ms* bounds the wait for a body, and for a connection's first request.
    *stall_ms* 0 watches no stalls. *token_key*: give the same one to every server behind an
    address. *freeze_gc*: keep what exists after the start out of the garbage collector,
    and have it look at the rest while no call is open.
    """

    host: str = "127.0.0.1"
    port: int = attrs.field(
        default=8_000, validator=[attrs.validators.ge(0), attrs.validators.le(65_535)]
    )
    public_host: str = ""
    limits: Limits = attrs.field(factory=Limits)
    timeouts: Timeouts = attrs.field(factory=Timeouts)
    drain: Drain = attrs.field(factory=Drain)
    body_limit: int = attrs.field(default=256 * 1_024, validator=attrs.validators.gt(0))
    body_ms: int = attrs.field(default=10_000, validator=attrs.validators.gt(0))
    stall_ms: int = attrs.field(default=200, validator=attrs.validators.ge(0))
    freeze_gc: bool = True
    token_key: bytes | None = attrs.field(default=None, repr=False)

    @asynccontextmanager
    async def open(
        self,
        start: CallStarter,
        *,
        carriers: Iterable[Carrier] = (),
        extensions: Extensions | None = None,
        registry: CallRegistry | None = None,
        on_call_end: OnCallEnd | None = None,
        on_detected: OnDetected | None = None,
        prepare: Prepare | None = None,
        records: RecordKeeper | None = None,
        clock: Clock | None = None,
        make_ready: Callable[[], object] = import_first_used,
        stopping: Stopping | None = None,
        served: Any = None,
    ) -> AsyncIterator[Serving]:
        """Serve while inside; on leaving, calls are ended and nothing is left.

        *served* is for extensions, and not looked at here. *stopping* has the requests to stop,
        where they may come before this. *make_ready* does, before calls come, what the first
        would otherwise wait for; *prepare* is called for each that rings. Raises
        PatterConfigError when the port cannot be had.
        """
        clock = clock or LoopClock()
        switchboard = LocalSwitchboard(
            start=start,
            public_host=self.public_host,
            registry=registry or LocalRegistry(),
            admission=Admission(self.limits, clock, closed="starting"),
            tokens=TokenSigner(self.token_key) if self.token_key else TokenSigner(),
            timeouts=self.timeouts,
            clock=clock,
            on_call_end=on_call_end,
            on_detected=on_detected,
            prepare=prepare,
            records=records,
        )
        serving = Serving(
            settings=self,
            switchboard=switchboard,
            carriers=tuple(carriers),
            stopping=stopping or Stopping(),
            served=served,
        )
        async with serving.running(extensions, make_ready):
            yield serving


@attrs.define(eq=False, kw_only=True)
class Serving:
    """A server that runs; what `patter_routes` and `patter_server_scope` get as *server*.

    *served* is a `patter.phone.served.Served` where a phone serves, else None.
    """

    settings: Server
    switchboard: LocalSwitchboard
    carriers: tuple[Carrier, ...] = ()
    stopping: Stopping = attrs.field(factory=Stopping)
    served: Any = attrs.field(default=None, repr=False)
    port: int = attrs.field(default=0, init=False)

    @property
    def registry(self) -> CallRegistry:
        """The calls this server knows."""
        return self.switchboard.registry

    @property
    def ready(self) -> bool:
        """May calls be sent here?"""
        return not self.switchboard.admission.closed

    @property
    def url(self) -> str:
        """Where this server is reached from the machine it runs on."""
        return f"http://{_url_host(self.settings.host)}:{self.port}"

    def line(self, name: str) -> CarrierLine:
        """The open line of the carrier *name*. Raises PatterConfigError when there is none."""
        if (line := self.switchboard.lines.get(name)) is None:
            names = ", ".join(self.switchboard.lines) or "none"
            raise PatterConfigError(
                f"no carrier {name!r} is served here", fix=f"choose one of those that are: {names}"
            )
        return line

    async def hang_up(self, call_id: str, *, goodbye: bool = False) -> bool:
        """End a call for its operator, after the agent's *goodbye* if asked for; False if over.

        Raises PatterTimeoutError.
        """
        return await self.switchboard.tell(call_id, HangUp("operator", goodbye))

    async def transfer(self, call_id: str, target: str) -> bool:
        """Hand the caller to *target*, E.164 or SIP, for an operator; False if the call is over.

        It is done once what is being said was heard, and may fail then. Raises InputError for
        another form of *target*, CallStateError when no carrier here can, PatterConfigError when
        PATTER_TRANSFER_ALLOW does not allow it, PatterTimeoutError.
        """
        if not is_target(target):
            raise InputError(f"{target!r} is not a valid number", fix="write it like +15550188000")
        if not any(line.can.transfers for line in self.switchboard.lines.values()):
            raise CallStateError("no carrier here can transfer", fix="serve with another carrier")
        if (allowed := operator_allows()) is not None and not allowed(target):
            raise PatterConfigError(
                f"transfers to {target} are not allowed", fix="add it to PATTER_TRANSFER_ALLOW"
            )
        return await self.switchboard.tell(call_id, TransferCommand(target))

    def listen(self, call_id: str, listener: AudioListener) -> AbstractContextManager[AudioFormat]:
        """Let *listener* hear a call of this process while inside; in which format.

        Raises CallStateError when it has no media, or is not here.
        """
        session = self.switchboard.session_of(call_id)
        if not isinstance(session, AudibleSession):
            raise CallStateError(f"call {call_id} cannot be heard here", fix="see its process")
        return session.listen(listener)

    def reachable_at(self, public_host: str) -> None:
        """Set the host at which carriers reach us."""
        self.switchboard.public_host = public_host

    def stop(self) -> None:
        """Ask to drain and stop; a second time, to stop at once. Like SIGTERM."""
        self.stopping.ask()

    async def until_stopped(self) -> bool:
        """Serve until a signal or `stop`, then drain; True when no call was cut."""
        async with signalled(self.stopping):
            return await until_stopped(self.stopping, self.settings.drain, self.switchboard)

    @asynccontextmanager
    async def running(
        self, extensions: Extensions | None, make_ready: Callable[[], object] = import_first_used
    ) -> AsyncIterator[None]:
        """Open the lines, listen, enter scopes, take calls; leave all of it in reverse."""
        # The order is that of need: routes belong to open lines, an extension's scope may use the
        # port, calls may use the extensions; on leaving, calls end while all of it still works.
        async with AsyncExitStack() as stack:
            stack.enter_context(walled_tasks())
            for carrier in self.carriers:
                line = await stack.enter_async_context(carrier.open(self.switchboard))
                self.switchboard.lines[carrier.name] = line
            await stack.enter_async_context(self._listening(extensions))
            for scope in extensions.server_scopes(self) if extensions else ():
                await stack.enter_async_context(scope)
            await stack.enter_async_context(self.switchboard.running())
            make_ready()
            await self._warm_up()
            # After the warm-up, so that what it imported is frozen as well.
            if self.settings.freeze_gc:
                stack.enter_context(collecting(lambda: len(self.switchboard.calls)))
            if self.settings.stall_ms:
                watch = StallWatch(self.settings.stall_ms)
                await stack.enter_async_context(watch.running())
            self.switchboard.admission.open()
            yield

    def _application(
        self, extensions: Extensions | None, connections: Connections
    ) -> web.Application:
        settings = self.settings
        of_lines = [each for line in self.switchboard.lines.values() for each in line.routes()]
        guard = Guard(
            self.switchboard.admission,
            self.switchboard.tokens,
            connections,
            settings.body_limit,
            settings.body_ms / 1_000,
            frozenset(each.path for each in of_lines if each.method == "POST"),
        )
        app = web.Application(middlewares=[guard.middleware()], client_max_size=settings.body_limit)
        app.on_response_prepare.append(note_started)
        app.add_routes([web.get("/health", self._health), web.get("/ready", self._ready)])
        app.add_routes(of_lines)
        if extensions is not None:
            extensions.load_extensions()
            extensions.add_routes(app.router, self)
        return app

    @asynccontextmanager
    async def _listening(self, extensions: Extensions | None) -> AsyncIterator[None]:
        host, port = self.settings.host, self.settings.port
        admission = self.switchboard.admission
        connections = Connections(
            first_s=self.settings.body_ms / 1_000,
            most=open_files() // 2,
            on_malformed=admission.charge,
        )
        runner = web.AppRunner(
            self._application(extensions, connections), access_log=None, shutdown_timeout=2.0
        )
        await runner.setup()
        make = connections.maker(maker(runner), lingering_s=LINGER_S)
        try:
            async with listening(make, host, port) as self.port:
                self.switchboard.local_host = f"{_url_host(host)}:{self.port}"
                yield
        finally:
            await runner.cleanup()
            # After the cleanup: connections that asked for something were answered by it.
            connections.close()

    async def _health(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = {"status": "ok", "mode": "local"}
        forwarded = request.headers.getall("X-Forwarded-For", [])
        trusted = self.switchboard.admission.limits.trusted_proxies
        if is_untrusted_proxy(request.remote or "", forwarded, trusted):
            # `patter doctor` asks through the proxy, and sees only here what it does to limits.
            body["proxy"] = "untrusted"
        return _json_response(body)

    async def _ready(self, _: web.Request) -> web.Response:
        calls = len(self.switchboard.calls)
        why = self.switchboard.admission.closed
        return _json_response(
            {"status": why or "ready", "calls": calls}, status=503 if why else 200
        )

    async def _warm_up(self) -> None:
        """Do once what the first call would otherwise wait for."""
        signer = self.switchboard.tokens
        signer.read(signer.sign(MediaClaims(call_id="", carrier="")))
        # A request to ourselves that takes longer than this says the machine cannot serve.
        async with asyncio.timeout(5):
            await _ask_health(self.settings.host, self.port)


async def _ask_health(host: str, port: int) -> None:
    """Make one request to ourselves."""
    reader, writer = await asyncio.open_connection(_connectable(host), port)
    try:
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    if b" 200 " not in answer.partition(b"\r\n")[0]:
        raise InternalError("the server does not answer its own /health", fix="see its log")


def _connectable(host: str) -> str:
    """The address to connect to for a socket that listens on *host*."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)


def _url_host(host: str) -> str:
    """*host* as it is written in a URL."""
    reached = _connectable(host)
    return f"[{reached}]" if ":" in reached else reached


def _json_response(body: dict[str, object], status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
