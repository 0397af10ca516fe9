"""The phone: its carrier, its number, its public address, and `serve`, which takes calls.

A `Patter` reads the environment and the command line's overrides when it is made, and shares
nothing with another. Everything that runs belongs to `serve` and ends with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Never

import attrs

from patter import env
from patter.agent import Agent
from patter.agent_factory import AgentFactory
from patter.call.answering import MessageHandler
from patter.errors import (
    InputError,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    PatterTypeError,
)
from patter.observe.call_events import Listener
from patter.observe.call_log import CallLog
from patter.observe.event_log import event_listeners
from patter.observe.pricing import Price, merged
from patter.parts import Choice
from patter.phone import arguments as checked
from patter.phone import older_forms, outbound
from patter.phone.callbacks import (
    Callbacks,
    OnCallEnd,
    OnCallStart,
    OnMetrics,
    OnTranscript,
)
from patter.phone.delivery import INSIDE
from patter.phone.event_bus import EventBus
from patter.phone.options import ServeOptions, drain_of
from patter.phone.public_endpoint import (
    Address,
    PublicEndpoint,
    agreed_host,
    host_of,
    public_endpoint,
    unreachable,
)
from patter.phone.results import CallResult, OnMachine
from patter.phone.run import STOP_S, Run, RunningPhone, ServeSetup, StartupFutures
from patter.phone.serving import ServeContext
from patter.phone.speech_events import SpeechEvents, SpeechSlots
from patter.plugins.kinds import (
    CARRIER_KIND,
)
from patter.plugins.overrides import ambient
from patter.plugins.registry import PluginRegistry
from patter.providers.carrier import Carrier
from patter.providers.tunnel import Tunnel
from patter.server.admission import Limits
from patter.server.signals import signalled


class Patter(SpeechSlots, AgentFactory):
    """A phone. Nothing is opened before `serve`.

    *carrier* and *tunnel* are spec strings or objects; ``tunnel=True`` is the installed one.
    *webhook_url* is the public host carriers reach us at; not needed with a tunnel that has a
    fixed hostname. *pricing* goes over the plugins' prices. *persist*: None follows PATTER_LOG_DIR,
    False keeps no records, a path keeps them there. Raises PatterTypeError, PatterConfigError,
    InputError. A *carrier* string that cannot be resolved is reported by `agent`, together
    with what is wrong there.
    """

    def __init__(
        self,
        carrier: Choice[Carrier] | None = None,
        phone_number: str = "",
        webhook_url: str = "",
        tunnel: bool | str | Tunnel | None = None,
        pricing: Mapping[str, Any] | None = None,
        persist: bool | str | None = None,
        *,
        registry: PluginRegistry | None = None,
        **unknown: Never,
    ) -> None:
        reader: Any = older_forms.reader_of(unknown)
        if reader is not None and type(self) is Patter:
            # The oldest applications import this class, so it becomes the one that they mean.
            self.__class__ = reader
            places = (carrier, phone_number, webhook_url, tunnel, pricing, persist)
            reader.__init__(self, *places, registry=registry, **unknown)
            return
        names: dict[str, object] = dict(unknown)
        if names.get("mode") == "local":
            del names["mode"]  # other implementations of this API call the only mode there is so
        checked.refuse_unknown("Patter", names, checked.names_of(Patter.__init__))
        base = registry or PluginRegistry.from_environment()
        self.registry = base.overriding(ambient())
        self.phone_number = phone_number
        self.webhook_url = agreed_host(host_of(checked.text("webhook_url", webhook_url)), tunnel)
        self.tunnel = tunnel
        self.pricing = dict(pricing or {})
        self.persist = persist
        self.events = EventBus()
        self._speech_events = SpeechEvents()
        self._problems = []
        self.carrier = self._resolved(carrier)
        self._startup = StartupFutures()
        self._run: Run | None = None
        self._check_number()

    async def serve(
        self,
        agent: Agent,
        port: int = 8_000,
        recording: bool = False,
        on_call_start: OnCallStart | None = None,
        on_call_end: OnCallEnd | None = None,
        on_transcript: OnTranscript | None = None,
        on_message: MessageHandler | str | None = None,
        on_metrics: OnMetrics | None = None,
        voicemail_message: str = "",
        dashboard: bool = True,
        dashboard_token: str = "",
        tunnel: Any = None,
        *,
        allow_insecure_dashboard: bool = False,
        on_message_secret: str = "",
        local_recording: bool = False,
        consent: str = "",
        set_webhook: bool = True,
        host: str = "",
        max_calls: int = 200,
        trusted_proxies: str | Iterable[str] = (),
        drain_s: float = 30.0,
        listeners: Iterable[Listener] = (),
    ) -> bool:
        """Let *agent* take calls until it is to stop; True if none was cut.

        SIGTERM, SIGHUP and Ctrl-C stop every phone of the process, `disconnect` this one.
        *port* 0 takes a free one. *recording*: the carrier records each call if it can, else a
        stereo WAV is kept beside the call's record, as *local_recording* always does. *consent*
        ``"ask"``: the greeting asks the caller, and nothing is recorded before they have agreed.
        *on_message* answers instead of a model: a function, or the http(s) or ws(s) address of
        a service, which is sent signed requests with *on_message_secret*.
        *set_webhook* False leaves the number as it is at the carrier. *trusted_proxies*, addresses
        or networks, may say in X-Forwarded-For whom a request came from; empty:
        ``PATTER_TRUSTED_PROXIES``. *dashboard*: with its pages, if patter-dashboard is installed;
        where others can reach them, they need *dashboard_token* or
        *allow_insecure_dashboard*. *listeners* are called with the events of every call: those of
        their ``event_types``, or all. Raises PatterError.
        """
        arguments = {name: value for name, value in locals().items() if name != "self"}
        checked.not_imported()
        if self._run is not None:
            raise PatterConfigError("this phone serves already", fix="await phone.disconnect()")
        self._run = run = Run()
        try:
            with self._startup.failing():
                options = self._options(arguments)
                async with signalled(run.stopping):
                    return await run.until_stopped(self._opened(run, options), self._startup)
        finally:
            self._run, self._startup = None, StartupFutures()
            run.over.set()

    async def test(
        self,
        agent: Agent,
        on_message: MessageHandler | None = None,
        on_call_start: OnCallStart | None = None,
        on_call_end: OnCallEnd | None = None,
    ) -> None:
        """Talk to *agent* in the terminal: text in place of telephone, recogniser and voice.

        Model, tools, guardrails, hooks, variables and what *on_call_start* returns are the real
        ones; *on_message* answers instead of a model. Returns when one side has hung up. Nothing
        is recorded. Raises AgentError, PatterTypeError.
        """
        # Not at the top: who serves needs no terminal.
        from patter.phone.text_session import TestSession

        session = TestSession(
            agent=checked.agent("test", agent),
            registry=self.registry,
            callbacks=Callbacks(on_call_start=on_call_start, on_call_end=on_call_end),
            on_message=checked.message_handler(on_message),
            prices=self.prices,
        )
        await session.run()

    async def call(
        self,
        to: str,
        first_message: str = "",
        from_number: str = "",
        agent: Agent | None = None,
        machine_detection: bool = False,
        on_machine: OnMachine | None = None,
        voicemail_message: str = "",
        ring_timeout: float | None = None,
        *,
        on_machine_detection: OnMachine | None = None,
        wait: bool = False,
        variables: Mapping[str, Any] | None = None,
    ) -> CallResult | None:
        """Call *to* while the phone serves; with *wait*, return when the call is over.

        Numbers are E.164; *from_number* is the phone's own if empty. *agent* (the served
        one if None), *first_message*, *voicemail_message* and *variables* are this call's
        alone. It rings for *ring_timeout* seconds, 25 if None, 5 to 600. *on_machine*, or
        *on_machine_detection*, is called once with who answered; either, and a voicemail
        message, has the carrier detect it. Raises InputError, PatterTypeError,
        PatterConfigError for what the carrier cannot, AgentError; PatterConnectionError when
        the phone does not serve, or stops meanwhile; PatterTimeoutError; and what the carrier
        raises.
        """
        request = self.prepare_call(
            to,
            first_message=first_message,
            from_number=from_number,
            agent=agent,
            machine_detection=machine_detection,
            on_machine=outbound.one_of(on_machine, on_machine_detection),
            voicemail_message=voicemail_message,
            ring_timeout=ring_timeout,
            variables=variables,
        )
        return await self._require_running("place a call").dialler.place(request, wait=wait)

    def prepare_call(
        self,
        to: str,
        *,
        first_message: str = "",
        from_number: str = "",
        agent: Agent | None = None,
        machine_detection: bool = False,
        on_machine: OnMachine | None = None,
        voicemail_message: str = "",
        ring_timeout: float | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> outbound.OutboundCall:
        """Check the arguments of `call` as far as that is possible without calling.

        Raises InputError, PatterTypeError, PatterConfigError.
        """
        return outbound.outbound_call(
            self._carrier(),
            to=to,
            from_number=from_number or self.phone_number,
            agent=agent,
            first_message=first_message,
            voicemail_message=voicemail_message,
            ring_timeout=ring_timeout,
            machine_detection=machine_detection,
            on_machine=on_machine,
            variables=variables,
        )

    async def end_call(self, call_id: str) -> None:
        """Hang up a call by our id or the carrier's; one that is over is no error.

        Raises InputError for no id or an unknown one, PatterConnectionError when the phone
        does not serve, and what the carrier raises.
        """
        if not checked.text("call_id", call_id).strip():
            raise InputError("no call is named", fix="give the call_id that on_call_start tells")
        await self._require_running("end a call").serving.switchboard.hang_up(call_id, "end_call")

    async def disconnect(self) -> None:
        """Stop serving and end what runs; twice is fine, and the phone can serve again.

        A call that is ending gets three seconds for it, others are cut. In a callback of a
        call, no call is cut and nothing is waited for: no more calls are taken, and serving
        ends with the last. Raises PatterConnectionError when the server does not stop.
        """
        run = self._run
        if run is None:
            return
        # A callback belongs to a call, and waiting for that call's end in it would never end.
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

    async def draining(self) -> None:
        """Wait until serving is to stop: a signal came, or `disconnect` was called."""
        if self._run is not None:
            await self._run.stopping.drain.wait()

    @property
    def ready(self) -> asyncio.Future[str]:
        """Awaits the URL calls are taken at; raises what keeps `serve` from starting."""
        return self._startup.of("ready")

    @property
    def tunnel_ready(self) -> asyncio.Future[str]:
        """Awaits the public host, at once if it is fixed; empty when there will be none.

        Raises what keeps `serve` from starting.
        """
        if self.webhook_url:
            self._startup.resolve("tunnel_ready", self.webhook_url)
        return self._startup.of("tunnel_ready")

    @property
    def speech_events(self) -> SpeechEvents:
        """The callbacks around speech, which are this phone's attributes, too."""
        return self._speech_events

    @property
    def address(self) -> Address | None:
        """Where the phone takes calls now; None while it does not serve."""
        return None if self._run is None or self._run.running is None else self._run.running.address

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

    def _endpoint(self, tunnel: Any) -> PublicEndpoint:
        """How carriers reach this phone; *tunnel* is that of `serve`, if it was given one."""
        choice = self.tunnel if tunnel is None or tunnel is False else tunnel
        return public_endpoint(self.registry, agreed_host(self.webhook_url, choice), choice)

    def _require_running(self, what: str) -> RunningPhone:
        """The running phone; *what* needs it. Raises PatterConnectionError."""
        if self._run is None or self._run.running is None:
            raise PatterConnectionError(
                f"this phone does not serve, and cannot {what}",
                fix="start phone.serve(agent), then await phone.ready",
            )
        return self._run.running

    def _options(self, arguments: Mapping[str, Any]) -> ServeOptions:
        """The *arguments* of `serve`, by name, checked. Raises PatterError."""
        agent = checked.agent("serve", arguments["agent"])
        if words := checked.text("voicemail_message", arguments["voicemail_message"]):
            agent = attrs.evolve(agent, voicemail_message=words)
        names = ("on_call_start", "on_call_end", "on_transcript", "on_metrics")
        return ServeOptions(
            agent=agent,
            callbacks=Callbacks(**{name: arguments[name] for name in names}),
            on_message=checked.message_handler(
                arguments["on_message"],
                checked.text("on_message_secret", arguments["on_message_secret"]),
            ),
            recording=checked.flag("recording", arguments["recording"]),
            local_recording=checked.flag("local_recording", arguments["local_recording"]),
            consent=checked.consent(arguments),
            set_webhook=checked.flag("set_webhook", arguments["set_webhook"]),
            port=checked.port(arguments["port"]),
            host=arguments["host"] or env.read("PATTER_BIND_HOST", "127.0.0.1"),
            limits=Limits(
                calls=checked.max_calls(arguments["max_calls"]),
                trusted_proxies=checked.proxies(arguments["trusted_proxies"]),
            ),
            drain=drain_of(agent, arguments["drain_s"]),
            endpoint=self._endpoint(arguments["tunnel"]),
            listeners=tuple(arguments["listeners"]),
            extensions={"dashboard": checked.dashboard(self.registry, arguments)},
        )

    @asynccontextmanager
    async def _opened(self, run: Run, options: ServeOptions) -> AsyncIterator[RunningPhone]:
        await self.registry.import_extensions()
        async with self._setup(options).open(self._startup, run.stopping) as running:
            yield running

    def _setup(self, options: ServeOptions) -> ServeSetup:
        context = self._context(options)
        carrier = context.parts.negotiate(self._carrier())
        if carrier.can.outbound and not options.endpoint.exists:
            raise unreachable(carrier.name)
        return ServeSetup(
            context=context,
            carrier=carrier,
            server=options.server,
            endpoint=options.endpoint,
            number=self.phone_number if options.set_webhook else "",
            extension_options=options.extensions,
        )

    def _carrier(self) -> Carrier:
        """The carrier, which must be there. Raises PatterConfigError."""
        if self.carrier is None:
            raise PatterConfigError("this phone has no carrier", fix="Patter(carrier=...)")
        return self.carrier

    def _context(self, options: ServeOptions) -> ServeContext:
        agent, on_message = options.agent, options.on_message
        parts = agent.gather(
            self.registry, carrier=self.carrier, has_handler=on_message is not None
        )
        records = CallLog.of(self.persist, keyed=True)
        theirs = options.recording and self.carrier is not None and self.carrier.can.recording
        ours = options.local_recording or (options.recording and not theirs)
        if ours and records is None:
            raise PatterConfigError(
                "a recording is kept beside the call's record, and there are no records",
                fix="Patter(persist=True), or serve without recording",
            )
        self.registry.load_extensions()
        return ServeContext(
            agent=agent,
            parts=parts,
            registry=self.registry,
            carrier=self.carrier,
            callbacks=options.callbacks,
            on_message=on_message,
            log=records,
            recording=ours,
            carrier_recording=theirs,
            asks_consent=options.consent,
            prices=self.prices,
            listeners=(*options.listeners, *event_listeners(records)),
            speech=self.speech_events,
            bus=self.events,
        )

    def _resolved(self, carrier: Choice[Carrier] | None) -> Carrier | None:
        """The carrier, overrides considered; a string's problem is kept for `agent` to report."""
        chosen = self.registry.chosen(CARRIER_KIND, carrier)
        if chosen is None:
            return None
        try:
            resolved: Carrier = self.registry.resolve(CARRIER_KIND, chosen)
        except PatterError as problem:
            if not isinstance(chosen, str):
                raise PatterTypeError(problem.message, fix=problem.fix) from problem
            self._problems.append(problem)
            return None
        return resolved

    def _check_number(self) -> None:
        if self.phone_number:
            checked.number("phone_number", self.phone_number)
        elif self.carrier is not None and self.carrier.can.outbound:
            raise PatterConfigError(
                f"{self.carrier.name} needs a phone_number",
                fix="Patter(phone_number='+15550188000', ...), with a number you own",
            )
