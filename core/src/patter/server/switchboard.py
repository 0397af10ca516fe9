"""Where carriers hand over calls, and the owner of every call that runs in this process.

All calls live in one task group that lives as long as the server; a failure in one never
reaches another. The registry holds the state of calls, tokens decide whose media may come,
admission limits requests; the conversation itself is the session's business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
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
from patter.providers.context import CallContext
from patter.server.admission import Admission, check_paid, release_request
from patter.server.call_slot import CallSlot, failed
from patter.server.calls import (
    CallEntry,
    CallRequest,
    CallState,
    Detected,
    Doubted,
    RecordingReady,
    Reported,
    unknown,
    used_up,
)
from patter.server.carrier_reports import CarrierReports, OnDetected
from patter.server.commands import CallCommand, DrainCommand, HangUp, TransferEnded
from patter.server.live_session import CallStarter, Preparation, RecordKeeper, Session
from patter.server.local_registry import LocalRegistry
from patter.server.registry import CallRegistry
from patter.server.timeouts import Timeouts
from patter.server.tokens import MediaClaims, TokenSigner

Dial: TypeAlias = Callable[[Ticket], Awaitable[str]]
"""Places the call of a ticket; returns the carrier's id for it."""
Prepare: TypeAlias = Callable[[CallContext], Preparation | None]
"""What a call that rings is prepared with; None: nothing."""
OnCallEnd: TypeAlias = Callable[[CallEntry], Awaitable[object]]
"""Called once for every call that is over, with its summary in the entry."""

log = logging.getLogger("patter.server")


@attrs.define(eq=False, kw_only=True)
class LocalSwitchboard:
    """The switchboard of one process. Enter `running` before the first call.

    Media comes to *public_host* over TLS, or without one to *local_host*, host and port.
    *prepare* is called for each call that rings here. *lines*: the carriers that are open, by name.
    """

    start: CallStarter
    public_host: str = ""
    local_host: str = "127.0.0.1"
    registry: CallRegistry = attrs.field(factory=LocalRegistry)
    admission: Admission = attrs.field(factory=Admission)
    tokens: TokenSigner = attrs.field(factory=TokenSigner)
    timeouts: Timeouts = attrs.field(factory=Timeouts)
    clock: Clock = attrs.field(factory=LoopClock)
    on_call_end: OnCallEnd | None = None
    on_detected: OnDetected | None = None
    prepare: Prepare | None = None
    records: RecordKeeper | None = None
    lines: dict[str, CarrierLine] = attrs.field(factory=dict)
    _tasks: asyncio.TaskGroup | None = attrs.field(default=None, init=False)
    _slots: dict[str, CallSlot] = attrs.field(factory=dict, init=False)
    _reports: CarrierReports = attrs.field(init=False)
    _drain_at_ms: float | None = attrs.field(default=None, init=False)
    _idle: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._reports = CarrierReports(
            registry=self.registry,
            timeouts=self.timeouts,
            slots=self._slots,
            tell=self.tell,
            spawn=self._spawn,
            on_detected=self.on_detected,
        )

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
                # Before the calls are stopped: a webhook that is being answered right now must
                # not start another call in a group that is about to be waited for.
                self._tasks = None
                self.stop()
                await self._all_ended()

    @property
    def calls(self) -> tuple[str, ...]:
        """The ids of the calls this process has."""
        return tuple(self._slots)

    def session_of(self, call_id: str) -> Session | None:
        """The session of a call of this process; None when it has none."""
        slot = self._slots.get(call_id)
        return None if slot is None else slot.session

    async def register(self, incoming: Incoming) -> Ticket:
        check_paid()
        request = CallRequest.of(incoming)
        # A repeated webhook of a call that is open is answered even while nothing new is taken.
        if await self._reports.find(request.carrier_call) is None:
            self.admission.check_open()
        entry = await self._admit(request)
        await self._reports.apply_pending(request.carrier_call)
        if entry.over:
            raise InputError(
                f"{incoming.carrier} call {incoming.carrier_call_id} is over",
                fix="answer the webhook of a call when it comes; a repeated one changes nothing",
            )
        self._prepare(entry)
        return self._ticket(entry)

    async def reissue(self, call: CarrierCall) -> Ticket:
        check_paid()
        entry = await self._reports.find(call)
        if entry is None or entry.over:
            raise InputError(
                f"{call.carrier} call {call.carrier_call_id} is "
                f"{'over' if entry else 'not known here'}",
                fix="hang up",
            )
        return self._ticket(entry)

    async def place(self, request: CallRequest, dial: Dial, ring_ms: int = 0) -> CallEntry:
        """Place a call: written down first, then dialled, then bound to the carrier's id.

        Its media is waited for *ring_ms* longer than that of others. When the dial gets no
        answer the call stays `unknown`: it may ring all the same, and its media decides.
        Raises RateLimitError, and whatever *dial* raises.
        """
        self.admission.check_open()
        entry = await self._admit(request, ring_ms)
        try:
            carrier_call_id = await self._dial(entry, dial, ring_ms)
        except Exception as exc:
            self._dial_failed(entry, exc)
            raise
        return await self._bind(entry, carrier_call_id)

    async def attach(self, token: str, leg: MediaLeg, carrier_call_id: str = "") -> None:
        entry = await self._entry_of(self.tokens.read(token))
        _check_own(entry, carrier_call_id)
        if carrier_call_id and not entry.request.carrier_call_id:
            # Media may overtake the answer to the dial, which may also never come: the stream
            # is then the first to say what the carrier calls this call.
            entry = await self._bind(entry, carrier_call_id)
        slot = self._slot(entry)
        if slot.over:
            raise used_up(entry.call_id)
        async with AsyncExitStack() as holding:
            async with self.timeouts.registry("claim the media"):
                claim = self.registry.attach(entry.call_id, slot.deliver)
                slot.epoch = await holding.enter_async_context(claim)
            release_request()
            # Another leg may have begun the session while the registry was asked.
            if not slot.decided:
                self._start_session(slot, entry)
            await slot.serve(leg)

    async def report(self, call: CarrierCall, status: str, outcome: CallOutcome | None) -> None:
        check_paid()
        await self._reports.take(call, Reported(status, outcome))

    async def detected(
        self, call: CarrierCall, answerer: Answerer, *, beep: bool = False, raw: str = ""
    ) -> None:
        check_paid()
        await self._reports.take(call, Detected(answerer, beep, raw))

    async def transferred(self, call: CarrierCall, *, taken: bool, status: str = "") -> None:
        check_paid()
        entry = await self._reports.find(call)
        if entry is not None and entry.state is CallState.LIVE:
            await self.tell(entry.call_id, TransferEnded(taken, status))

    async def recording(self, call: CarrierCall, url: str) -> None:
        check_paid()
        if (entry := await self._reports.find(call)) is not None:
            self.registry.note(entry.call_id, RecordingReady(url))

    async def tell(self, call_id: str, command: CallCommand) -> bool:
        """Hand *command* to the call wherever it runs; False when it is unknown or over."""
        async with self.timeouts.registry("reach the call"):
            return await self.registry.tell(call_id, command)

    async def hang_up(self, call_id: str, reason: str) -> None:
        """End the call of that id, ours or the carrier's; one that is over is no error.

        One that nobody has answered ends as CANCELED. Raises InputError for an unknown id,
        PatterTimeoutError, and whatever the carrier raises.
        """
        entry = await self._find_by_any_id(call_id)
        if entry.over:
            return
        slot = self._slots.get(entry.call_id)
        if entry.state is not CallState.LIVE:
            await self._hang_up_at_carrier(entry.request)
            if slot is not None:
                slot.fail(failed(entry.call_id, reason, CallOutcome.CANCELED))
        # Its media may have come while the carrier was asked: then there is a session to end.
        if slot is None or not slot.abandoned:
            await self.tell(entry.call_id, HangUp(reason))

    def drain(self, in_ms: float) -> None:
        """Take no more calls; those here, and those yet to begin, say goodbye *in_ms* from now."""
        self.admission.close()
        self._drain_at_ms = self.clock.ms() + in_ms
        for slot in self._slots.values():
            if slot.session is not None:
                self._send_drain(slot)

    async def idle(self) -> None:
        """Return when this process has no call."""
        await self._idle.wait()

    def stop(self) -> None:
        """End every call of this process now."""
        for slot in self._slots.values():
            slot.stop()

    async def _all_ended(self) -> None:
        """Wait for the calls that were stopped; those that will not end are cancelled."""
        try:
            async with asyncio.timeout(self.timeouts.stop_ms / 1_000):
                await self.idle()
        except TimeoutError as exc:
            raise InternalError(
                f"{len(self._slots)} calls did not end within {self.timeouts.stop_ms} ms: "
                f"{', '.join(self._slots)}",
                fix="find what in these calls waits without a bound",
            ) from exc

    async def _admit(self, request: CallRequest, ring_ms: int = 0) -> CallEntry:
        """Write *request* down; its media is waited for here unless it runs elsewhere."""
        request = attrs.evolve(request, wall=self.clock.wall())
        async with self.timeouts.registry("admit the call"):
            entry = await self.registry.admit(request, limit=self.admission.limits.calls)
        if not entry.over and entry.epoch == 0:
            self._slot(entry, ring_ms)
            if self.records is not None and entry.call_id in self._slots:
                await self.records.announce(entry)
        return entry

    async def _bind(self, entry: CallEntry, carrier_call_id: str) -> CallEntry:
        """Give the call of *entry* its carrier's id; apply the reports that came under it before.

        A call that was given up while it was dialled is hung up now.
        """
        request = attrs.evolve(entry.request, carrier_call_id=carrier_call_id)
        slot = self._slots.get(request.call_id)
        # Before the pending reports: one that says the call failed gives it up as well, and
        # what the carrier ended itself needs no hang-up.
        unwanted = slot is None or slot.abandoned
        async with self.timeouts.registry("write the call down"):
            entry = await self.registry.open(request)
        await self._reports.apply_pending(request.carrier_call)
        if unwanted:
            await self._hang_up_at_carrier(request)
        else:
            self._prepare(entry)
        return entry

    async def _hang_up_at_carrier(self, request: CallRequest) -> None:
        """Hang up a call that rings, or is about to. Raises what the carrier raises."""
        line = self.lines.get(request.carrier)
        if line is not None and request.carrier_call_id:
            message = f"{request.carrier} did not hang up call {request.call_id}"
            async with deadline(self.timeouts.hangup_ms / 1_000, message, fix="hang it up again"):
                await line.hangup(request.carrier_call_id)

    def _ticket(self, entry: CallEntry, ring_ms: int = 0) -> Ticket:
        """A fresh token for the call: however many it gets, it has one holder."""
        request = entry.request
        claims = MediaClaims(
            call_id=entry.call_id,
            carrier=request.carrier,
            account=request.account,
            # One second more, so that rounding down never ends a token before its wait does.
            expires=int(self.clock.wall() + (ring_ms + self.timeouts.media_ms) / 1_000) + 1,
        )
        token = self.tokens.sign(claims)
        base = f"wss://{self.public_host}" if self.public_host else f"ws://{self.local_host}"
        url = f"{base}/media/{request.carrier}/{token}"
        return Ticket(call_id=entry.call_id, token=token, media_url=url)

    async def _dial(self, entry: CallEntry, dial: Dial, ring_ms: int) -> str:
        message = f"{entry.request.carrier} did not answer the dial of call {entry.call_id}"
        fix = "wait for the outcome of this call before you dial again: it may ring all the same"
        async with deadline(self.timeouts.dial_ms / 1_000, message, fix=fix):
            return await dial(self._ticket(entry, ring_ms))

    def _dial_failed(self, entry: CallEntry, exc: Exception) -> None:
        """End a call whose dial was refused; one whose dial got no answer is in doubt."""
        # RateLimitError is a connection error by class, but it is an answer: nothing rings.
        if isinstance(exc, ConnectionError | TimeoutError) and not isinstance(exc, RateLimitError):
            self.registry.note(entry.call_id, Doubted())
        elif (slot := self._slots.get(entry.call_id)) is not None:
            reason = exc.message if isinstance(exc, PatterError) else type(exc).__name__
            slot.fail(failed(entry.call_id, reason))

    async def _entry_of(self, claims: MediaClaims) -> CallEntry:
        """Return the call of *claims*. Raises WebhookVerificationError."""
        async with self.timeouts.registry("find the call"):
            entry = await self.registry.find(claims.call_id)
        if entry is None or not claims.fit(entry.request.carrier, entry.request.account):
            raise WebhookVerificationError(
                f"the media token is for a {claims.carrier} call {claims.call_id}, "
                "which is not known here",
                fix="servers behind one address must share one registry; otherwise call again",
            )
        # The expiry bounds the first leg only: a live call that lost its media may come back.
        if entry.state is not CallState.LIVE:
            claims.check_fresh(self.clock.wall())
        return entry

    def _slot(self, entry: CallEntry, ring_ms: int = 0) -> CallSlot:
        """The slot of this call in this process, made and run if there is none."""
        if (slot := self._slots.get(entry.call_id)) is not None:
            return slot
        if entry.over or self._tasks is None:
            slot = CallSlot(entry.call_id)
            slot.fail(failed(entry.call_id, "over"))
            return slot
        slot = self._slots[entry.call_id] = CallSlot(
            entry.call_id,
            epoch=entry.epoch,
            media_ms=ring_ms + self.timeouts.media_ms,
            leg_ms=self.timeouts.leg_ms,
        )
        self._idle.clear()
        self._tasks.create_task(self._run(slot), name=f"call-{entry.call_id}")
        return slot

    def _prepare(self, entry: CallEntry) -> None:
        """While it rings, get ready for the call; without that it goes on all the same."""
        slot = self._slots.get(entry.call_id)
        if self.prepare is None or slot is None or slot.decided or slot.preparation is not None:
            return
        try:
            slot.preparation = self.prepare(entry.context(self.clock))
        except Exception:
            log.exception("call %s: nothing is prepared for it", entry.call_id)
            return
        if slot.preparation is not None:
            self._spawn(slot.preparation.run, f"prepare-{entry.call_id}")

    def _start_session(self, slot: CallSlot, entry: CallEntry) -> None:
        """Make the session of the call; one that cannot be made ends this call only."""
        try:
            session = self.start(entry.context(self.clock))
        except Exception as exc:
            log.exception("call %s: its session could not be made", entry.call_id)
            reason = exc.message if isinstance(exc, PatterError) else "internal error"
            slot.fail(failed(entry.call_id, reason), still_up=True)
            return
        slot.begin(session)
        self._send_drain(slot)

    def _send_drain(self, slot: CallSlot) -> None:
        if self._drain_at_ms is not None:
            slot.deliver(DrainCommand(max(0, round(self._drain_at_ms - self.clock.ms()))))

    async def _run(self, slot: CallSlot) -> None:
        """Own *slot* from its ticket until its end is written down and reported."""
        try:
            await self._end(slot, await slot.run())
        finally:
            if slot.preparation is not None:
                slot.preparation.abandon()
            if self.records is not None:
                self.records.release(slot.call_id)
            del self._slots[slot.call_id]
            if not self._slots:
                self._idle.set()

    async def _end(self, slot: CallSlot, summary: CallSummary) -> None:
        if slot.still_up:
            await self._release_line(slot.call_id)
        try:
            if await self._finish(slot, summary):
                await self._notify_end(slot.call_id)
        except Exception:
            log.exception("call %s: its end could not be told", slot.call_id)

    async def _release_line(self, call_id: str) -> None:
        """Hang up a call that no session talks to; failing that, log it."""
        # The carrier would keep the caller in silence, and keep charging, until they hang up.
        try:
            async with self.timeouts.registry("find the call"):
                entry = await self.registry.find(call_id)
            if entry is not None:
                await self._hang_up_at_carrier(entry.request)
        except Exception as exc:
            log.warning("call %s: its line may still be up: %s", call_id, exc)

    async def _finish(self, slot: CallSlot, summary: CallSummary) -> bool:
        """Write down the end of the call; False when another process has the call, or did."""
        epoch = -1
        # A leg that attached while the registry was asked has raised the epoch, and the registry
        # refuses the old one: ask again with the new, or the call would never end.
        while epoch != slot.epoch:
            epoch = slot.epoch
            async with self.timeouts.registry("end the call"):
                if await self.registry.finish(slot.call_id, summary, epoch=epoch):
                    return True
        return False

    async def _notify_end(self, call_id: str) -> None:
        if self.on_call_end is None:
            return
        # Asked for again: what the carrier reported meanwhile belongs to the end as well.
        async with self.timeouts.registry("find the call"):
            entry = await self.registry.find(call_id)
        if entry is not None:
            async with asyncio.timeout(self.timeouts.callback_ms / 1_000):
                await self.on_call_end(entry)

    async def _find_by_any_id(self, call_id: str) -> CallEntry:
        """The call of that id, ours or a carrier's. Raises InputError."""
        async with self.timeouts.registry("find the call"):
            entry = await self.registry.find(call_id)
        for line in self.lines.values():
            call = CarrierCall(line.name, call_id, line.account)
            entry = entry or await self._reports.find(call)
        if entry is None:
            raise unknown(call_id)
        return entry

    def _spawn(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Run *work* beside the calls; nothing is begun once the calls were stopped."""

        async def run() -> None:
            await work()

        if self._tasks is not None:
            self._tasks.create_task(run(), name=name)


def _check_own(entry: CallEntry, carrier_call_id: str) -> None:
    """Refuse the media of another call. Raises WebhookVerificationError."""
    own = entry.request.carrier_call_id
    if own and carrier_call_id and carrier_call_id != own:
        raise WebhookVerificationError(
            f"the media is of {entry.request.carrier} call {carrier_call_id[:64]}, "
            f"the token of call {own}",
            fix="open each media socket with the media_url of its own call",
        )


_: type[Switchboard] = LocalSwitchboard
