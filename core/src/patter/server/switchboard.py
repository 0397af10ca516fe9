"""Where carriers hand over calls, and the owner of every call that runs in this process.

All calls live in one task group that lives as long as the server; what goes wrong in one
never reaches another. The registry says what is true, tokens who may speak, the door who
comes in; the conversation itself is the session's business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeAlias

import attrs

from patter.aio import deadline, task_scope
from patter.clock import Clock, LoopClock
from patter.errors import (
    InputError,
    InternalError,
    PatterError,
    RateLimitError,
    WebhookVerificationError,
)
from patter.observe.summary import CallSummary
from patter.providers.carrier import (
    Answerer,
    CallOutcome,
    CarrierCall,
    CarrierLine,
    Incoming,
    MediaLeg,
    Switchboard,
    Ticket,
)
from patter.server.admission import Admission, proven
from patter.server.call_slot import CallSlot, failed
from patter.server.calls import (
    UNREACHED,
    CallEntry,
    CallRequest,
    CallState,
    Detected,
    Doubted,
    RecordingReady,
    Reported,
    noted,
    unknown,
    used_up,
)
from patter.server.commands import (
    CallCommand,
    DrainCommand,
    HangUp,
    LineDown,
    MachineCommand,
    TransferEnded,
)
from patter.server.live_session import CallStarter
from patter.server.local_registry import LocalRegistry
from patter.server.pending_reports import PendingReports
from patter.server.registry import CallRegistry
from patter.server.timeouts import Timeouts
from patter.server.tokens import MediaClaims, TokenSigner

Dial: TypeAlias = Callable[[Ticket], Awaitable[str]]
"""Places the call of a ticket; returns the carrier's id for it."""
OnCallEnd: TypeAlias = Callable[[CallEntry], Awaitable[object]]
"""Told once of every call that is over, summary and all."""
OnDetected: TypeAlias = Callable[[CallEntry, str], Awaitable[object]]
"""Told once of every call whose carrier says who took it, with the carrier's own word."""

LINE_DOWN = "completed"
log = logging.getLogger("patter.server")


@attrs.define(eq=False, kw_only=True)
class LocalSwitchboard:
    """The switchboard of one process. Enter `running` before the first call.

    Media comes to *public_host* over TLS, or without one to *local_host*, host and port.
    The *status* `completed` of a report means for every carrier: the line is down. *lines*:
    the carriers that are open, by name.
    """

    start: CallStarter
    public_host: str = ""
    local_host: str = "127.0.0.1"
    registry: CallRegistry = attrs.field(factory=LocalRegistry)
    admission: Admission = attrs.field(factory=Admission)
    tokens: TokenSigner = attrs.field(factory=TokenSigner)
    waits: Timeouts = attrs.field(factory=Timeouts)
    clock: Clock = attrs.field(factory=LoopClock)
    on_call_end: OnCallEnd | None = None
    on_detected: OnDetected | None = None
    lines: dict[str, CarrierLine] = attrs.field(factory=dict)
    _tasks: asyncio.TaskGroup | None = attrs.field(default=None, init=False)
    _lives: dict[str, CallSlot] = attrs.field(factory=dict, init=False)
    _early: PendingReports = attrs.field(factory=PendingReports, init=False)
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
        attempt = CallRequest.of(incoming)
        if await self._named(attempt.carrier_call) is None:
            self.admission.check_open()
        entry = await self._admitted(attempt)
        await self._catch_up(attempt.carrier_call)
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

    async def place(self, attempt: CallRequest, dial: Dial, ring_ms: int = 0) -> CallEntry:
        """Place a call: written down first, then dialled, then known by the carrier's id.

        Its media is waited for *ring_ms* longer than that of others. When the dial gets no
        answer the call stays `unknown`: it may ring all the same, and its media decides.
        Raises RateLimitError, and whatever *dial* raises.
        """
        self.admission.check_open()
        entry = await self._admitted(attempt, ring_ms)
        try:
            carrier_call_id = await self._dialled(entry, dial, ring_ms)
        except Exception as exc:
            self._dial_failed(entry, exc)
            raise
        return await self._rings(attrs.evolve(entry.attempt, carrier_call_id=carrier_call_id))

    async def attach(self, token: str, leg: MediaLeg, carrier_call_id: str = "") -> None:
        entry = await self._vouched(self.tokens.read(token))
        _check_own(entry, carrier_call_id)
        if carrier_call_id and not entry.attempt.carrier_call_id:
            # Its dial has no answer yet, or never will: the media tells what the carrier calls it.
            entry = await self._rings(attrs.evolve(entry.attempt, carrier_call_id=carrier_call_id))
        life = self._life(entry)
        if life.over:
            raise used_up(entry.call_id)
        async with AsyncExitStack() as holding:
            async with self._asked("claim the media"):
                claim = self.registry.attach(entry.call_id, life.deliver)
                life.epoch = await holding.enter_async_context(claim)
            proven()
            if not life.decided:
                self._begin(life, entry)
            await life.serve(leg)

    async def report(self, call: CarrierCall, status: str, outcome: CallOutcome | None) -> None:
        await self._hear(call, Reported(status, outcome))

    async def detected(
        self, call: CarrierCall, answerer: Answerer, *, beep: bool = False, raw: str = ""
    ) -> None:
        await self._hear(call, Detected(answerer, beep, raw))

    async def transferred(self, call: CarrierCall, *, taken: bool, status: str = "") -> None:
        entry = await self._named(call)
        if entry is not None and entry.state is CallState.LIVE:
            await self.tell(entry.call_id, TransferEnded(taken, status))

    async def recording(self, call: CarrierCall, url: str) -> None:
        if (entry := await self._named(call)) is not None:
            self.registry.note(entry.call_id, RecordingReady(url))

    async def tell(self, call_id: str, order: CallCommand) -> bool:
        """Hand *order* to the call wherever it runs; False when it is unknown or over."""
        async with self._asked("reach the call"):
            return await self.registry.tell(call_id, order)

    async def hang_up(self, call_id: str, reason: str) -> None:
        """End the call of that id, ours or the carrier's; one that is over is no error.

        One that nobody has answered ends as CANCELED. Raises InputError for an unknown id,
        PatterTimeoutError, and whatever the carrier raises.
        """
        entry = await self._either(call_id)
        if entry.over:
            return
        life = self._lives.get(entry.call_id)
        if entry.state is not CallState.LIVE:
            await self._hang_up_at_carrier(entry.attempt)
            if life is not None:
                life.fail(failed(entry.call_id, reason, CallOutcome.CANCELED))
        if life is None or not life.given_up:
            await self.tell(entry.call_id, HangUp(reason))

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

    async def _admitted(self, attempt: CallRequest, ring_ms: int = 0) -> CallEntry:
        """Write *attempt* down; its media is waited for here unless it runs elsewhere."""
        attempt = attrs.evolve(attempt, wall=self.clock.wall())
        async with self._asked("admit the call"):
            entry = await self.registry.admit(attempt, limit=self.admission.limits.calls)
        if not entry.over and entry.epoch == 0:
            self._life(entry, ring_ms)
        return entry

    async def _rings(self, told: CallRequest) -> CallEntry:
        """The carrier has dialled: its id is known, what it said already is taken in.

        A call that was given up while it was dialled is hung up now.
        """
        life = self._lives.get(told.call_id)
        unwanted = life is None or life.given_up
        async with self._asked("write the call down"):
            entry = await self.registry.open(told)
        await self._catch_up(told.carrier_call)
        if unwanted:
            await self._hang_up_at_carrier(told)
        return entry

    async def _hang_up_at_carrier(self, told: CallRequest) -> None:
        """Take back a call that rings, or is about to. Raises what the carrier raises."""
        line = self.lines.get(told.carrier)
        if line is not None and told.carrier_call_id:
            said = f"{told.carrier} did not hang up call {told.call_id}"
            async with deadline(self.waits.hangup_ms / 1_000, said, fix="hang it up again"):
                await line.hangup(told.carrier_call_id)

    def _ticket(self, entry: CallEntry, ring_ms: int = 0) -> Ticket:
        """A fresh token for the call: however many it gets, it has one holder."""
        told = entry.attempt
        claims = MediaClaims(
            call_id=entry.call_id,
            carrier=told.carrier,
            account=told.account,
            expires=int(self.clock.wall() + (ring_ms + self.waits.media_ms) / 1_000) + 1,
        )
        token = self.tokens.sign(claims)
        base = f"wss://{self.public_host}" if self.public_host else f"ws://{self.local_host}"
        url = f"{base}/media/{told.carrier}/{token}"
        return Ticket(call_id=entry.call_id, token=token, media_url=url)

    async def _dialled(self, entry: CallEntry, dial: Dial, ring_ms: int) -> str:
        said = f"{entry.attempt.carrier} did not answer the dial of call {entry.call_id}"
        fix = "wait for the outcome of this call before you dial again: it may ring all the same"
        async with deadline(self.waits.dial_ms / 1_000, said, fix=fix):
            return await dial(self._ticket(entry, ring_ms))

    def _dial_failed(self, entry: CallEntry, exc: Exception) -> None:
        """A refusal ends the attempt; a lost connection leaves it in doubt."""
        if isinstance(exc, ConnectionError | TimeoutError) and not isinstance(exc, RateLimitError):
            self.registry.note(entry.call_id, Doubted())
        elif (life := self._lives.get(entry.call_id)) is not None:
            said = exc.message if isinstance(exc, PatterError) else type(exc).__name__
            life.fail(failed(entry.call_id, said))

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

    def _life(self, entry: CallEntry, ring_ms: int = 0) -> CallSlot:
        """Return the life of this call in this process, begun if there is none."""
        if (life := self._lives.get(entry.call_id)) is not None:
            return life
        if entry.over or self._tasks is None:
            life = CallSlot(entry.call_id)
            life.fail(failed(entry.call_id, "over"))
            return life
        life = self._lives[entry.call_id] = CallSlot(
            entry.call_id,
            epoch=entry.epoch,
            media_ms=ring_ms + self.waits.media_ms,
            leg_ms=self.waits.leg_ms,
        )
        self._idle.clear()
        self._tasks.create_task(self._through(life), name=f"call-{entry.call_id}")
        return life

    def _begin(self, life: CallSlot, entry: CallEntry) -> None:
        """Make the session of the call; one that cannot be made ends this call only."""
        try:
            live = self.start(entry.context(self.clock))
        except Exception as exc:
            log.exception("call %s: its session could not be made", entry.call_id)
            said = exc.message if isinstance(exc, PatterError) else "internal error"
            life.fail(failed(entry.call_id, said), still_up=True)
            return
        life.begin(live)
        self._send_away(life)

    def _send_away(self, life: CallSlot) -> None:
        if self._away_ms is not None:
            life.deliver(DrainCommand(max(0, round(self._away_ms - self.clock.ms()))))

    async def _through(self, life: CallSlot) -> None:
        """Own *life* from its ticket until its end is written down and told."""
        try:
            await self._end(life, await life.lived())
        finally:
            del self._lives[life.call_id]
            if not self._lives:
                self._idle.set()

    async def _end(self, life: CallSlot, summary: CallSummary) -> None:
        if life.still_up:
            await self._let_go(life.call_id)
        try:
            if await self._finished(life, summary):
                await self._tell_end(life.call_id)
        except Exception:
            log.exception("call %s: its end could not be told", life.call_id)

    async def _let_go(self, call_id: str) -> None:
        """Nobody will talk to this caller: the carrier is not to keep the line up."""
        try:
            async with self._asked("find the call"):
                entry = await self.registry.find(call_id)
            if entry is not None:
                await self._hang_up_at_carrier(entry.attempt)
        except Exception as exc:
            log.warning("call %s: its line may still be up: %s", call_id, exc)

    async def _finished(self, life: CallSlot, summary: CallSummary) -> bool:
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

    async def _either(self, call_id: str) -> CallEntry:
        """The call of that id, ours or a carrier's. Raises InputError."""
        async with self._asked("find the call"):
            entry = await self.registry.find(call_id)
        for line in self.lines.values():
            entry = entry or await self._named(CarrierCall(line.name, call_id, line.account))
        if entry is None:
            raise unknown(call_id)
        return entry

    async def _catch_up(self, call: CarrierCall) -> None:
        """Take in what the carrier said of a call before it was known."""
        for note in self._early.take(call):
            await self._hear(call, note)

    async def _hear(self, call: CarrierCall, note: Reported | Detected) -> None:
        """Take in what the carrier says; of a call nobody knows yet, it is kept a while."""
        entry = await self._named(call)
        if entry is None:
            self._early.keep(call, note)
        elif isinstance(note, Detected):
            await self._take_answerer(entry, note)
        else:
            await self._take_report(entry, note)

    async def _take_answerer(self, entry: CallEntry, note: Detected) -> None:
        """Note who took the call; a machine gets its message, a fax nothing."""
        after = noted(entry, note)
        if after == entry:
            return
        self.registry.note(entry.call_id, note)
        if after.answerer is Answerer.MACHINE:
            await self.tell(entry.call_id, MachineCommand(after.beep))
        elif after.answerer is Answerer.FAX:
            await self.tell(entry.call_id, HangUp("fax"))
        self._tell_answerer(after, note.raw)

    def _tell_answerer(self, entry: CallEntry, raw: str) -> None:
        """Told once: what is found out of this call later is no news to the application."""
        life = self._lives.get(entry.call_id)
        if life is None or life.answerer_told or self.on_detected is None or self._tasks is None:
            return
        life.answerer_told = True
        telling = self._told_answerer(self.on_detected, entry, raw)
        self._tasks.create_task(telling, name=f"detected-{entry.call_id}")

    async def _told_answerer(self, tell: OnDetected, entry: CallEntry, raw: str) -> None:
        try:
            async with asyncio.timeout(self.waits.callback_ms / 1_000):
                await tell(entry, raw)
        except Exception:
            log.exception("call %s: who took it could not be told", entry.call_id)

    async def _take_report(self, entry: CallEntry, report: Reported) -> None:
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

    def _asked(self, what: str) -> AbstractAsyncContextManager[None]:
        """Bound a question to the registry. Raises PatterTimeoutError."""
        within_s = self.waits.registry_ms / 1_000
        return deadline(within_s, f"could not {what}", fix="see why the call registry is slow")


def _check_own(entry: CallEntry, carrier_call_id: str) -> None:
    """A token is for its own call's media only. Raises WebhookVerificationError."""
    own = entry.attempt.carrier_call_id
    if own and carrier_call_id and carrier_call_id != own:
        raise WebhookVerificationError(
            f"the media is of {entry.attempt.carrier} call {carrier_call_id[:64]}, "
            f"the token of call {own}",
            fix="open each media socket with the media_url of its own call",
        )


_: type[Switchboard] = LocalSwitchboard
