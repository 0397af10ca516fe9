"""Where carriers hand over calls, and the owner of every call that runs in this process.

All calls live in one task group that lives as long as the server; what goes wrong in one
never reaches another. The registry says what is true, tokens who may speak, the door who
comes in; the conversation itself is the session's business.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias

import attrs

from patter.aio import task_scope
from patter.clock import Clock, LoopClock
from patter.errors import (
    InputError,
    InternalError,
    PatterError,
    PatterTimeoutError,
    RateLimitError,
    WebhookVerificationError,
)
from patter.observe.summary import CallSummary
from patter.providers.carrier import (
    Answerer,
    CallOutcome,
    CarrierCall,
    Incoming,
    MediaLeg,
    Switchboard,
    Ticket,
)
from patter.server.admission import Admission, proven
from patter.server.calls import Attempt, CallEntry, CallState, Doubted, Recorded, Reported, noted
from patter.server.life import UNREACHED, Life, failed
from patter.server.live import CallStarter
from patter.server.local_registry import LocalRegistry
from patter.server.orders import GoAway, LineDown, Machine, Order, TransferEnded
from patter.server.registry import CallRegistry
from patter.server.tokens import MediaClaims, TokenSigner

Dial: TypeAlias = Callable[[Ticket], Awaitable[str]]
"""Places the call of a ticket; returns the carrier's id for it."""
OnCallEnd: TypeAlias = Callable[[CallEntry], Awaitable[object]]
"""Told once of every call that is over, summary and all."""

LINE_DOWN = "completed"
EARLY_REPORTS = 256
log = logging.getLogger("patter.server")
_positive = attrs.validators.gt(0)


@attrs.frozen(kw_only=True)
class Waits:
    """How long anything may take, in milliseconds.

    *media_ms*: from the ticket to the first leg. *leg_ms*: a leg after the end of its call.
    *stop_ms*: for calls to end that were told to; longer than one end callback.
    """

    registry_ms: int = attrs.field(default=2_000, validator=_positive)
    dial_ms: int = attrs.field(default=15_000, validator=_positive)
    media_ms: int = attrs.field(default=60_000, validator=_positive)
    leg_ms: int = attrs.field(default=2_000, validator=_positive)
    stop_ms: int = attrs.field(default=15_000, validator=_positive)
    callback_ms: int = attrs.field(default=10_000, validator=_positive)


@attrs.define(eq=False, kw_only=True)
class LocalSwitchboard:
    """The switchboard of one process. Enter `running` before the first call.

    Media comes to *public_host* over TLS, or without one to *local_host*, host and port.
    The *status* `completed` of a report means for every carrier: the line is down.
    """

    start: CallStarter
    public_host: str = ""
    local_host: str = "127.0.0.1"
    registry: CallRegistry = attrs.field(factory=LocalRegistry)
    admission: Admission = attrs.field(factory=Admission)
    tokens: TokenSigner = attrs.field(factory=TokenSigner)
    waits: Waits = attrs.field(factory=Waits)
    clock: Clock = attrs.field(factory=LoopClock)
    on_call_end: OnCallEnd | None = None
    _tasks: asyncio.TaskGroup | None = attrs.field(default=None, init=False)
    _lives: dict[str, Life] = attrs.field(factory=dict, init=False)
    _early: OrderedDict[CarrierCall, Reported] = attrs.field(factory=OrderedDict, init=False)
    _away_ms: float | None = attrs.field(default=None, init=False)
    _idle: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[LocalSwitchboard]:
        """Own the calls while inside; those still there on leaving are ended."""
        async with task_scope() as tasks:
            self._tasks = tasks
            self._idle.set()
            try:
                yield self
            finally:
                self.admission.close("stopped")
                self._tasks = None
                self.stop()
                await self._all_ended()

    @property
    def calls(self) -> tuple[str, ...]:
        """The ids of the calls this process has."""
        return tuple(self._lives)

    async def ring(self, incoming: Incoming) -> Ticket:
        self.admission.check_open()
        entry = await self._admitted(Attempt.of(incoming))
        if entry.over:
            raise InputError(
                f"{incoming.carrier} call {incoming.carrier_call_id} is over",
                fix="answer the webhook of a call when it comes; a repeated one changes nothing",
            )
        return self._ticket(entry)

    async def again(self, call: CarrierCall) -> Ticket:
        entry = await self._named(call)
        if entry is None or entry.over:
            raise InputError(
                f"{call.carrier} call {call.carrier_call_id} is "
                f"{'over' if entry else 'not known here'}",
                fix="hang up",
            )
        return self._ticket(entry)

    async def place(self, attempt: Attempt, dial: Dial) -> CallEntry:
        """Place a call: written down first, then dialled, then known by the carrier's id.

        When the dial gets no answer the call stays `unknown`: it may ring all the same, and
        its media decides. Raises RateLimitError, and whatever *dial* raises.
        """
        self.admission.check_open()
        entry = await self._admitted(attempt)
        try:
            carrier_call_id = await self._dialled(entry, dial)
        except Exception as exc:
            self._dial_failed(entry, exc)
            raise
        told = attrs.evolve(entry.attempt, carrier_call_id=carrier_call_id)
        async with self._asked("write the call down"):
            entry = await self.registry.open(told)
        if (report := self._early.pop(_named_by(told), None)) is not None:
            await self._take(entry, report)
        return entry

    async def attach(self, token: str, leg: MediaLeg) -> None:
        entry = await self._vouched(self.tokens.read(token))
        life = self._life(entry)
        async with AsyncExitStack() as holding:
            async with self._asked("claim the media"):
                claim = self.registry.attach(entry.call_id, life.deliver)
                life.epoch = await holding.enter_async_context(claim)
            proven()
            if not life.decided:
                self._begin(life, entry)
            await life.serve(leg)

    async def report(self, call: CarrierCall, status: str, outcome: CallOutcome | None) -> None:
        report = Reported(status, outcome)
        if (entry := await self._named(call)) is not None:
            await self._take(entry, report)
        else:
            self._keep_early(call, report)

    async def detected(
        self,
        call: CarrierCall,
        answerer: Answerer,
        *,
        beep: bool = False,
        raw: str = "",  # noqa: ARG002
    ) -> None:
        if answerer is Answerer.MACHINE and (entry := await self._named(call)) is not None:
            await self.tell(entry.call_id, Machine(beep))

    async def transferred(self, call: CarrierCall, *, taken: bool, status: str = "") -> None:
        entry = await self._named(call)
        if entry is not None and entry.state is CallState.LIVE:
            await self.tell(entry.call_id, TransferEnded(taken, status))

    async def recording(self, call: CarrierCall, url: str) -> None:
        if (entry := await self._named(call)) is not None:
            self.registry.note(entry.call_id, Recorded(url))

    async def tell(self, call_id: str, order: Order) -> bool:
        """Hand *order* to the call wherever it runs; False when it is unknown or over."""
        async with self._asked("reach the call"):
            return await self.registry.tell(call_id, order)

    def go_away(self, in_ms: float) -> None:
        """Take no more calls; those here, and those yet to begin, say goodbye *in_ms* from now."""
        self.admission.close()
        self._away_ms = self.clock.ms() + in_ms
        for life in self._lives.values():
            if life.live is not None:
                self._send_away(life)

    async def idle(self) -> None:
        """Return when this process has no call."""
        await self._idle.wait()

    def stop(self) -> None:
        """End every call of this process now."""
        for life in self._lives.values():
            life.stop()

    async def _all_ended(self) -> None:
        """Wait for the calls that were stopped; those that will not end are cancelled."""
        try:
            async with asyncio.timeout(self.waits.stop_ms / 1_000):
                await self.idle()
        except TimeoutError as exc:
            raise InternalError(
                f"{len(self._lives)} calls did not end within {self.waits.stop_ms} ms: "
                f"{', '.join(self._lives)}",
                fix="find what in these calls waits without a bound",
            ) from exc

    async def _admitted(self, attempt: Attempt) -> CallEntry:
        """Write *attempt* down; its media is waited for here unless it runs elsewhere."""
        async with self._asked("admit the call"):
            entry = await self.registry.admit(attempt, limit=self.admission.limits.calls)
        if not entry.over and entry.epoch == 0:
            self._life(entry)
        return entry

    def _ticket(self, entry: CallEntry) -> Ticket:
        """A fresh token for the call: however many it gets, it has one holder."""
        told = entry.attempt
        claims = MediaClaims(
            call_id=entry.call_id,
            carrier=told.carrier,
            account=told.account,
            expires=int(self.clock.wall() + self.waits.media_ms / 1_000) + 1,
        )
        token = self.tokens.sign(claims)
        base = f"wss://{self.public_host}" if self.public_host else f"ws://{self.local_host}"
        url = f"{base}/media/{told.carrier}/{token}"
        return Ticket(call_id=entry.call_id, token=token, media_url=url)

    async def _dialled(self, entry: CallEntry, dial: Dial) -> str:
        bound = asyncio.timeout(self.waits.dial_ms / 1_000)
        try:
            async with bound:
                return await dial(self._ticket(entry))
        except TimeoutError as exc:
            if not bound.expired():
                raise
            raise PatterTimeoutError(
                f"{entry.attempt.carrier} did not answer the dial of call {entry.call_id} "
                f"within {self.waits.dial_ms} ms; it may ring all the same",
                fix="wait for the outcome of this call before you dial again",
            ) from exc

    def _dial_failed(self, entry: CallEntry, exc: Exception) -> None:
        """A refusal ends the attempt; a lost connection leaves it in doubt."""
        if isinstance(exc, ConnectionError | TimeoutError) and not isinstance(exc, RateLimitError):
            self.registry.note(entry.call_id, Doubted())
        else:
            said = exc.message if isinstance(exc, PatterError) else type(exc).__name__
            self._lives[entry.call_id].fail(failed(entry.call_id, said))

    async def _vouched(self, claims: MediaClaims) -> CallEntry:
        """Return the call of *claims*. Its expiry bounds the first leg: a live call may come back.

        Raises WebhookVerificationError.
        """
        async with self._asked("find the call"):
            entry = await self.registry.find(claims.call_id)
        if entry is None or not claims.fit(entry.attempt.carrier, entry.attempt.account):
            raise WebhookVerificationError(
                f"the media token is for a {claims.carrier} call {claims.call_id}, "
                "which is not known here",
                fix="servers behind one address must share one registry; otherwise call again",
            )
        if entry.state is not CallState.LIVE:
            claims.check_fresh(self.clock.wall())
        return entry

    def _life(self, entry: CallEntry) -> Life:
        """Return the life of this call in this process, begun if there is none."""
        if (life := self._lives.get(entry.call_id)) is not None:
            return life
        if entry.over or self._tasks is None:
            life = Life(entry.call_id)
            life.fail(failed(entry.call_id, "over"))
            return life
        life = self._lives[entry.call_id] = Life(
            entry.call_id, epoch=entry.epoch, leg_ms=self.waits.leg_ms
        )
        self._idle.clear()
        self._tasks.create_task(self._through(life), name=f"call-{entry.call_id}")
        return life

    def _begin(self, life: Life, entry: CallEntry) -> None:
        """Make the session of the call; one that cannot be made ends this call only."""
        try:
            live = self.start(entry.context(self.clock))
        except Exception as exc:
            log.exception("call %s: its session could not be made", entry.call_id)
            said = exc.message if isinstance(exc, PatterError) else "internal error"
            life.fail(failed(entry.call_id, said))
            return
        life.begin(live)
        self._send_away(life)

    def _send_away(self, life: Life) -> None:
        if self._away_ms is not None:
            life.deliver(GoAway(max(0, round(self._away_ms - self.clock.ms()))))

    async def _through(self, life: Life) -> None:
        """Own *life* from its ticket until its end is written down and told."""
        try:
            await self._end(life, await life.lived(self.waits.media_ms))
        finally:
            del self._lives[life.call_id]
            if not self._lives:
                self._idle.set()

    async def _end(self, life: Life, summary: CallSummary) -> None:
        try:
            if await self._finished(life, summary):
                await self._tell_end(life.call_id)
        except Exception:
            log.exception("call %s: its end could not be told", life.call_id)

    async def _finished(self, life: Life, summary: CallSummary) -> bool:
        """Did we write the end of the call? A leg that came meanwhile makes us ask again."""
        epoch = -1
        while epoch != life.epoch:
            epoch = life.epoch
            async with self._asked("end the call"):
                if await self.registry.finish(life.call_id, summary, epoch=epoch):
                    return True
        return False

    async def _tell_end(self, call_id: str) -> None:
        if self.on_call_end is None:
            return
        async with self._asked("find the call"):
            entry = await self.registry.find(call_id)
        if entry is not None:
            async with asyncio.timeout(self.waits.callback_ms / 1_000):
                await self.on_call_end(entry)

    async def _named(self, call: CarrierCall) -> CallEntry | None:
        async with self._asked("find the call"):
            return await self.registry.find_at(call.carrier, call.carrier_call_id, call.account)

    def _keep_early(self, call: CarrierCall, report: Reported) -> None:
        """A report may overtake the answer to our own dial: the last of each is kept a while."""
        self._early[call] = report
        if len(self._early) > EARLY_REPORTS:
            self._early.popitem(last=False)

    async def _take(self, entry: CallEntry, report: Reported) -> None:
        """Note *report*, and end what it says is over."""
        down = report.status == LINE_DOWN
        if entry.over or (noted(entry, report) == entry and not down):
            return
        self.registry.note(entry.call_id, report)
        if entry.state is CallState.LIVE:
            if down:
                await self.tell(entry.call_id, LineDown())
        elif down or report.outcome in UNREACHED:
            reason = f"the carrier reports {report.status}"
            if (life := self._lives.get(entry.call_id)) is not None:
                life.fail(failed(entry.call_id, reason, report.outcome))

    @asynccontextmanager
    async def _asked(self, what: str) -> AsyncIterator[None]:
        """Bound a question to the registry. Raises PatterTimeoutError."""
        bound = asyncio.timeout(self.waits.registry_ms / 1_000)
        try:
            async with bound:
                yield
        except TimeoutError as exc:
            if not bound.expired():
                raise
            raise PatterTimeoutError(
                f"could not {what} within {self.waits.registry_ms} ms",
                fix="see why the call registry is slow",
            ) from exc


def _named_by(attempt: Attempt) -> CarrierCall:
    return CarrierCall(attempt.carrier, attempt.carrier_call_id, attempt.account)


_: type[Switchboard] = LocalSwitchboard
