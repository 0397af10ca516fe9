"""The phone: which line calls come in on, and what serves them.

A `Patter` takes what the environment and the command line say when it is made and shares
nothing with another. What runs belongs to `serve` and ends with it.
"""

from __future__ import annotations

import asyncio
import difflib
import inspect
import logging
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any

import attrs

from patter import env
from patter.agent import Agent
from patter.call.plan import Brain, PipelineHooks
from patter.callbacks import INSIDE, Callback, Callbacks
from patter.errors import (
    InputError,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    PatterTypeError,
    ProvisionError,
)
from patter.observe.call_log import CallLog
from patter.observe.journal import Listener
from patter.observe.pricing import Price, merged
from patter.parts import Parts
from patter.plugins.overrides import ambient
from patter.plugins.registry import Registry
from patter.providers.carrier import Carrier, CarrierLine
from patter.public_host import host_of, tunnel_of, unreachable, without_address
from patter.server.admission import Limits
from patter.server.app import Server, Serving
from patter.server.drain import Drain
from patter.serving import Desk

log = logging.getLogger("patter.client")
E164 = re.compile(r"\+[1-9]\d{6,14}\Z")
GRACE_S, STOP_S = 1.0, 30.0
_HOSTED = frozenset({"api_key", "backend_url", "rest_url", "mode"})
_CHOSEN = ("engine", "stt", "llm", "tts", "audio_filter")


@attrs.frozen(kw_only=True)
class _Service:
    """What one `serve` was asked for, checked."""

    callbacks: Callbacks
    brain: Brain | None
    recording: bool
    tunnel: Any
    server: Server
    listeners: tuple[Listener, ...]


@attrs.define(eq=False)
class _Run:
    """One `serve` that is under way."""

    serving: Serving | None = None
    unwanted: bool = False
    over: asyncio.Event = attrs.field(factory=asyncio.Event)

    def leave(self) -> None:
        """Take no more calls and end when there is none; also when it is not up yet."""
        if not self.unwanted and self.serving is not None:
            self.serving.stop()
        self.unwanted = True

    async def end(self) -> None:
        """Leave, and after a moment for what is ending already, cut the rest.

        Raises TimeoutError.
        """
        self.leave()
        if await self._is_over(GRACE_S):
            return
        if self.serving is not None:
            self.serving.stop()
        if not await self._is_over(STOP_S):
            raise TimeoutError

    def came_up(self, serving: Serving) -> None:
        """It serves from now on, unless it was to leave before."""
        self.serving = serving
        if self.unwanted:
            serving.stop()

    async def _is_over(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self.over.wait()
        except TimeoutError:
            return False
        return True


class Patter:
    """A phone. Nothing is opened before `serve`.

    *carrier* and *tunnel* are spec strings or objects; ``tunnel=True`` is the installed one.
    *webhook_url* is the public host carriers reach us at. *pricing* goes over the plugins'
    prices. *persist*: None follows PATTER_LOG_DIR, False keeps no records, a path keeps them
    there. Raises PatterTypeError, PatterConfigError, InputError. A *carrier* string that
    cannot be resolved is told together with what is wrong with the agent.
    """

    def __init__(
        self,
        carrier: Any = None,
        phone_number: str = "",
        webhook_url: str = "",
        tunnel: Any = None,
        pricing: Mapping[str, Any] | None = None,
        persist: bool | str | None = None,
        *,
        registry: Registry | None = None,
        **unknown: Any,
    ) -> None:
        _refuse_unknown("Patter", unknown, _arguments(Patter.__init__))
        base = registry or Registry.from_environment()
        self.registry = base.overriding(ambient())
        self.phone_number = phone_number
        self.webhook_url = host_of(webhook_url)
        self.tunnel = tunnel
        self.pricing = dict(pricing or {})
        self.persist = persist
        self._problems: list[PatterError] = []
        self.carrier = self._resolved(carrier)
        self._ready: asyncio.Future[str] | None = None
        self._run: _Run | None = None
        _refuse_two_addresses(self.webhook_url, tunnel)
        self._check_number()

    def agent(
        self,
        system_prompt: str,
        engine: Any = None,
        stt: Any = None,
        llm: Any = None,
        tts: Any = None,
        voice: str = "",
        model: str = "",
        language: str = "en",
        first_message: str = "",
        tools: Iterable[Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        guardrails: Iterable[Any] | None = None,
        hooks: PipelineHooks | None = None,
        text_transforms: Iterable[Any] | None = None,
        vad: Any = None,
        audio_filter: Any = None,
        **more: Any,
    ) -> Agent:
        """Describe who answers; *more* are the other fields of `Agent`.

        Raises AgentError with everything that is wrong, carrier included, and PatterTypeError
        for a field there is not.
        """
        given = {name: value for name, value in locals().items() if name not in ("self", "more")}
        fields = attrs.fields_dict(Agent)
        _refuse_unknown("agent", {n: v for n, v in more.items() if n not in fields}, list(fields))
        for kind in _CHOSEN:
            given[kind] = self.registry.chosen(kind, given[kind])
        given["vad"] = self.registry.chosen("vad", vad)
        given["variables"] = {} if variables is None else variables
        given["hooks"] = PipelineHooks() if hooks is None else hooks
        described = Agent(**given, **more)
        self.gathered(described)
        return described

    def gathered(self, agent: Agent, *, brain: bool | None = None) -> Parts:
        """The parts of *agent* on this phone's line. Raises AgentError, carrier included."""
        return agent.gather(
            self.registry, carrier=self.carrier, brain=brain, problems=self._problems
        )

    async def serve(
        self,
        agent: Agent,
        port: int = 8_000,
        recording: bool = False,
        on_call_start: Callback | None = None,
        on_call_end: Callback | None = None,
        on_transcript: Callback | None = None,
        on_message: Brain | None = None,
        on_metrics: Callback | None = None,
        voicemail_message: str = "",
        tunnel: Any = None,
        *,
        host: str = "",
        max_calls: int = 200,
        drain_s: float = 30.0,
        listeners: Iterable[Listener] = (),
    ) -> bool:
        """Let *agent* take calls until SIGTERM, Ctrl-C or `disconnect`; True if none was cut.

        *port* 0 takes a free one. *recording* keeps a stereo WAV beside the record of each
        call. *on_message* answers instead of a model. *listeners* are told every event of
        every call. Raises PatterError.
        """
        _check_served(agent, port, recording)
        _refuse_two_addresses(self.webhook_url, tunnel)
        service = _Service(
            callbacks=Callbacks(
                on_call_start=on_call_start,
                on_call_end=on_call_end,
                on_transcript=on_transcript,
                on_metrics=on_metrics,
            ),
            brain=_checked_brain(on_message),
            recording=recording,
            tunnel=self.tunnel if tunnel is None or tunnel is False else tunnel,
            server=self._server(host, port, max_calls, drain_s),
            listeners=tuple(listeners),
        )
        if voicemail_message:
            agent = attrs.evolve(agent, voicemail_message=voicemail_message)
        return await self._serve(agent, service)

    async def disconnect(self) -> None:
        """Stop serving and end what runs; twice is fine, and the phone can serve again.

        A call that is ending gets a second for it, others are cut. In a callback of a call,
        which cannot wait for its own end, nothing is: no more calls are taken, and serving
        ends with the last.
        """
        run = self._run
        if run is None:
            return
        if INSIDE.get():
            run.leave()
            return
        try:
            await run.end()
        except TimeoutError as exc:
            raise PatterConnectionError(
                f"the server did not stop within {STOP_S:g} s",
                fix="see in the log what a call waits for",
            ) from exc

    @property
    def ready(self) -> asyncio.Future[str]:
        """Awaits the URL calls are taken at; raises what keeps `serve` from coming up."""
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
        return self._ready

    @property
    def prices(self) -> tuple[Price, ...]:
        """The prices of the loaded plugins with *pricing* over them. Raises PatterConfigError."""
        return merged(self.registry.prices(), self.pricing)

    async def __aenter__(self) -> Patter:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.disconnect()

    def _server(self, host: str, port: int, max_calls: int, drain_s: float) -> Server:
        return Server(
            host=host or env.read("PATTER_BIND_HOST", "127.0.0.1"),
            port=port,
            public_host="" if without_address(self.registry) else self.webhook_url,
            limits=Limits(calls=max_calls),
            drain=Drain(drain_ms=round(drain_s * 1_000)),
        )

    async def _serve(self, agent: Agent, service: _Service) -> bool:
        if self._run is not None:
            raise PatterConfigError("this phone serves already", fix="await phone.disconnect()")
        run = self._run = _Run()
        try:
            async with self._opened(agent, service) as (serving, url):
                run.came_up(serving)
                if not self.ready.done():
                    self.ready.set_result(url)
                return await serving.until_stopped()
        except BaseException as exc:
            self._not_ready(exc)
            raise
        finally:
            self._run, self._ready = None, None
            run.over.set()

    @asynccontextmanager
    async def _opened(self, agent: Agent, service: _Service) -> AsyncIterator[tuple[Serving, str]]:
        """The server and the URL it is reached at, public if there is one."""
        desk = self._desk(agent, service)
        carrier = self._reachable(service)
        async with AsyncExitStack() as stack:
            opened = service.server.open(
                desk.answer, carriers=[carrier], extensions=self.registry, on_call_end=desk.ended
            )
            serving = await stack.enter_async_context(opened)
            desk.line = serving.line(carrier.name)
            host = service.server.public_host
            if (tunnel := tunnel_of(self.registry, service.tunnel)) is not None:
                host = await stack.enter_async_context(tunnel.open(serving.port))
                serving.reachable_at(host)
            if host and self.phone_number:
                await _configured(desk.line, self.phone_number)
            yield serving, f"https://{host}" if host else serving.url

    def _reachable(self, service: _Service) -> Carrier:
        """The carrier, which must be there and reachable. Raises PatterConfigError."""
        if self.carrier is None:
            raise PatterConfigError("this phone has no carrier", fix="Patter(carrier=...)")
        tunnel = tunnel_of(self.registry, service.tunnel)
        if self.carrier.can.outbound and tunnel is None and not service.server.public_host:
            raise unreachable(self.carrier.name)
        return self.carrier

    def _desk(self, agent: Agent, service: _Service) -> Desk:
        parts = agent.gather(self.registry, carrier=self.carrier, brain=service.brain is not None)
        records = CallLog.of(self.persist)
        if service.recording and records is None:
            raise PatterConfigError(
                "a recording is kept beside the call's record, and there are no records",
                fix="Patter(persist=True), or serve without recording",
            )
        self.registry.load_extensions()
        return Desk(
            agent=agent,
            parts=parts,
            registry=self.registry,
            carrier=self.carrier,
            callbacks=service.callbacks,
            brain=service.brain,
            log=records,
            recording=service.recording,
            prices=self.prices,
            listeners=service.listeners,
        )

    def _not_ready(self, exc: BaseException) -> None:
        """Tell whoever waits for `ready`; the error is raised by `serve` all the same."""
        if self._ready is None or self._ready.done():
            return
        stopped = PatterConnectionError("serving was stopped", fix="serve again")
        self._ready.set_exception(exc if isinstance(exc, Exception) else stopped)
        self._ready.exception()

    def _resolved(self, carrier: Any) -> Carrier | None:
        """The carrier in force; what is wrong with a string is kept for `agent` to tell."""
        chosen = self.registry.chosen("carrier", carrier)
        if chosen is None:
            return None
        try:
            resolved: Carrier = self.registry.resolve("carrier", chosen)
        except PatterError as problem:
            if not isinstance(chosen, str):
                raise PatterTypeError(problem.message, fix=problem.fix) from problem
            self._problems.append(problem)
            return None
        return resolved

    def _check_number(self) -> None:
        number = self.phone_number
        if number and not E164.match(number):
            raise InputError(f"{number!r} is not an E.164 number", fix="write it like +15550188000")
        if self.carrier is not None and self.carrier.can.outbound and not number:
            raise PatterConfigError(
                f"{self.carrier.name} needs a phone_number",
                fix="Patter(phone_number='+15550188000', ...), with a number you own",
            )


async def _configured(line: CarrierLine, number: str) -> None:
    """Point *number* at us; when that fails, say what to do by hand and go on."""
    try:
        await line.configure(number)
    except ProvisionError as problem:
        log.warning("%s", problem)


def _checked_brain(on_message: Any) -> Brain | None:
    if on_message is None or callable(on_message):
        brain: Brain | None = on_message
        return brain
    raise PatterTypeError(
        f"on_message is a {type(on_message).__name__}, not a function",
        fix="pass a function that takes the message and returns what to say",
    )


def _check_served(agent: object, port: object, recording: object) -> None:
    if not isinstance(agent, Agent):
        raise PatterTypeError(
            f"serve was given a {type(agent).__name__}, not an agent",
            fix="agent = phone.agent(...), then phone.serve(agent)",
        )
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65_535:
        raise PatterConfigError(f"port={port!r} is no port", fix="give a number from 1 to 65535")
    if not isinstance(recording, bool):
        raise PatterTypeError(f"recording={recording!r} is neither", fix="write True or False")


def _refuse_two_addresses(webhook_url: str, tunnel: object) -> None:
    if webhook_url and tunnel not in (None, False):
        raise PatterConfigError(
            "the phone has both webhook_url and tunnel", fix="remove webhook_url, or remove tunnel"
        )


def _arguments(function: Any) -> list[str]:
    names = inspect.signature(function).parameters
    return [name for name in names if name not in ("self", "unknown", "more")]


def _refuse_unknown(what: str, unknown: Iterable[str], known: Sequence[str]) -> None:
    """Raise PatterTypeError for arguments there are not."""
    names = sorted(unknown)
    if not names:
        return
    close = difflib.get_close_matches(names[0], known, n=1)
    fix = f"did you mean {close[0]!r}?" if close else "remove it"
    if _HOSTED & set(names):
        fix = "remove it: there is no hosted service, Patter runs in your process"
    raise PatterTypeError(f"{what} has no argument {', '.join(map(repr, names))}", fix=fix)
