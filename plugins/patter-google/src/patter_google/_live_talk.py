"""One conversation at Google, without its socket: what is asked, told and sent next (pure).

The vendor has turns, one at a time, and no names for them: it speaks, and says that its turn is
complete. Its next turn is what it owes first, else its answer to the caller. A row of ours that
asks for an answer interrupts it, so requests wait for the end of a turn that is still listened to.

`events` are for the call and `outbox` is for the vendor, both in order. Whoever owns it empties
both after every step, and calls `tick` at `due_ms`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import attrs

from patter.audio.convert import WholeSamples
from patter.audio.formats import PCM16_24K
from patter.errors import PatterError
from patter.providers.engine_events import (
    EngineEvent,
    EngineProblem,
    EngineUsage,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseText,
    ResponseToolCall,
    SessionEnding,
    SessionHandle,
    ToolCallsCancelled,
    VendorInterrupted,
)
from patter.providers.response_order import ResponseOrder
from patter.providers.stt import SpeechEnded, SpeechStarted
from patter_google import _live_wire as wire
from patter_google._errors import ERRORS, refused
from patter_google._live_caller import CallerTurns
from patter_google._live_reasons import done_of, reason_of
from patter_google._live_setup import turn as row
from patter_google._live_tools import ToolRounds
from patter_google._live_turn import PendingResponse, Request, VendorTurn
from patter_google._live_usage import added, usage_of

GO_ON = "(Please go on.)"
"""What is written for the caller when a response is wanted and nothing is said why."""

UNWANTED_MS = 2_000.0
"""How long a response is waited for that nobody wants any more: then it will not come."""

ABANDONED = "the caller spoke on"
"""The result of a tool that was called in a response that nobody listens to."""

Wire = Mapping[str, Any]


@attrs.define(eq=False, kw_only=True)
class LiveTalk:
    """What both sides know of it.

    *tools_wait*: the model waits for results. *asks_by_text*: requests go in the stream.
    *hears_voice*: where the vendor hears a voice is told. A response of which nothing comes for
    *response_ms* has failed. *secret* is taken out of the vendor's words.
    """

    tools_wait: bool
    asks_by_text: bool
    hears_voice: bool
    manual: bool
    response_ms: float
    secret: str = attrs.field(default="", repr=False)
    events: list[EngineEvent] = attrs.field(factory=list, init=False)
    outbox: list[str] = attrs.field(factory=list, init=False)
    _order: ResponseOrder = attrs.field(factory=ResponseOrder, init=False)
    _ids: count[int] = attrs.field(factory=lambda: count(1), init=False)
    _turn: VendorTurn | None = attrs.field(default=None, init=False)
    _waiting: deque[Request] = attrs.field(factory=deque, init=False)
    _pending: deque[PendingResponse] = attrs.field(factory=deque, init=False)
    _cut_ahead: bool = attrs.field(default=False, init=False)
    """The vendor was interrupted before anything came of what it owes."""
    _unclosed: bool = attrs.field(default=False, init=False)
    """A turn was given up here, whose end may still come."""
    _tools: ToolRounds = attrs.field(factory=ToolRounds, init=False)
    _caller: CallerTurns = attrs.field(init=False)
    _usage: EngineUsage | None = attrs.field(default=None, init=False)
    _samples: WholeSamples = attrs.field(factory=WholeSamples, init=False)
    _active: bool = attrs.field(default=False, init=False)
    """With turns by hand: has the caller's turn begun at the vendor?"""

    def __attrs_post_init__(self) -> None:
        self._caller = CallerTurns(self.manual)

    # --- what the call wants

    def request(
        self, text: str, now_ms: float, cause: ResponseCause = ResponseCause.REQUEST
    ) -> str:
        """Request a response by *text*, the next one when there is one already; returns its id."""
        request = Request(self._new_id(), text, now_ms + self.response_ms, cause)
        self._order.request(request.id, cause)
        self._waiting.append(request)
        self.advance(now_ms)
        return request.id

    def write(self, text: str, now_ms: float) -> None:
        """The caller wrote *text*: a turn that the vendor answers."""
        self._ask(text)
        self._owe(self._new_id(), ResponseCause.CALLER, now_ms)

    def press(self, digits: str) -> None:
        """The caller pressed *digits*: a row that nothing answers."""
        rows = [row("user", wire.pressed(digits))]
        self.outbox.append(wire.client_content(rows, complete=False))

    def hear(self, audio: bytes) -> None:
        """The caller's next audio; by hand, a turn begins with it."""
        if self.manual and not self._active:
            self._active = True
            self.outbox.append(wire.realtime(activityStart={}))
        self.outbox.append(wire.audio(audio))

    def commit(self, now_ms: float) -> None:
        """The caller's turn is over; one of which no audio was sent begins and ends at once."""
        if not self._active:
            self.outbox.append(wire.realtime(activityStart={}))
        self._active = False
        self.outbox.append(wire.realtime(activityEnd={}))
        self._owe(self._new_id(), ResponseCause.CALLER, now_ms)

    def result(
        self, call_id: str, result: str, now_ms: float, *, failed: bool, follow: bool
    ) -> None:
        """The result of a tool; one that nobody waits for is dropped.

        Where the model does not wait, each result is an answer's reason of its own: so all but the
        last of a response are told in silence.
        """
        delivery = self._tools.deliver(call_id, follow=follow)
        if delivery is None:
            return
        scheduling = "WHEN_IDLE" if delivery.follow else "SILENT"
        self.outbox.append(
            wire.tool_response(
                call_id,
                delivery.name,
                result,
                failed=failed,
                scheduling="" if self.tools_wait else scheduling,
            )
        )
        if delivery.due:
            self._owe(self._new_id(), ResponseCause.TOOL, now_ms)

    def interrupt(self, response_id: str, now_ms: float) -> None:
        """End a response here. The vendor goes on until it hears the caller, or is asked again."""
        self._waiting = deque(each for each in self._waiting if each.id != response_id)
        for owed in self._pending:
            if owed.id == response_id:
                owed.unwanted, owed.by_ms = True, min(owed.by_ms, now_ms + UNWANTED_MS)
        self.events += self._order.interrupt(response_id)
        self.advance(now_ms)

    def advance(self, now_ms: float) -> None:
        """Send the next request, if it is its turn."""
        listened = self._turn is not None and self._turn.id == self._order.active
        if not self._waiting or self._pending or listened or self._held:
            return
        request = self._waiting.popleft()
        self._pending.append(PendingResponse(request.id, request.cause, now_ms + self.response_ms))
        self._ask(request.text)

    @property
    def _held(self) -> bool:
        """Would a request take back a call whose result the model waits for?"""
        return self.tools_wait and self._tools.waiting

    # --- time

    @property
    def due_ms(self) -> float | None:
        """When `tick` has something to do, unless a message comes before."""
        dues = [each for each in (self._caller.due_ms,) if each is not None]
        dues += [each.by_ms for each in self._pending]
        dues += [each.by_ms for each in self._waiting if self._held and self._turn is None]
        if self._turn is not None:
            dues.append(self._turn.over_ms(self.response_ms))
        return min(dues, default=None)

    def tick(self, now_ms: float) -> None:
        """Time has passed."""
        self.events += self._caller.tick(now_ms)
        turn = self._turn
        if turn is not None and now_ms >= turn.over_ms(self.response_ms):
            late = not (turn.cut or turn.wants_tools or turn.generated)
            self._finish(turn, now_ms, error=ERRORS.late() if late else None)
            self._unclosed = True
        for owed in [each for each in self._pending if now_ms >= each.by_ms]:
            self._pending.remove(owed)
            self._fail(owed.id, owed.cause)
        if self._held and self._turn is None:
            for request in [each for each in self._waiting if now_ms >= each.by_ms]:
                self._waiting.remove(request)
                self._fail(request.id, request.cause)
        self.advance(now_ms)

    # --- what the vendor says

    def take(self, message: Wire, now_ms: float) -> None:
        """One message of the vendor's. Raises PatterError for garbage, and for what ends it all."""
        try:
            if "error" in message:
                raise refused(200, message, secret=self.secret)
            for name, take in _PARTS.items():
                if (part := message.get(name)) is not None:
                    take(self, part, now_ms)
        except PatterError:
            raise  # some of ours are ValueErrors, too
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ERRORS.garbled(message) from None
        self.advance(now_ms)

    def _take_usage(self, usage: Wire, _: float) -> None:
        self._usage = added(self._usage, usage_of(usage))

    def _take_content(self, content: Wire, now_ms: float) -> None:
        if guess := content.get("interimInputTranscription"):
            self.events += self._caller.guess(guess.get("text") or "", now_ms)
        if heard := content.get("inputTranscription"):
            self._hear(heard.get("text") or "", bool(heard.get("finished")), now_ms)
        if content.get("interrupted"):
            self._interrupted(now_ms)
        for part in (content.get("modelTurn") or {}).get("parts") or ():
            self._sound(wire.sound_of(part), now_ms)
        if text := (content.get("outputTranscription") or {}).get("text"):
            self._report(ResponseText(self._current(now_ms).id, text))
        if content.get("generationComplete") and self._turn is not None:
            self._turn.generated = True
        if content.get("turnComplete"):
            self._complete(reason_of(content), now_ms)

    def _hear(self, text: str, finished: bool, now_ms: float) -> None:
        if text:
            # What comes next is about this, and not about what nobody wants any more.
            self._pending = deque(each for each in self._pending if not each.unwanted)
        self.events += self._caller.hear(text, now_ms, finished=finished)

    def _sound(self, audio: bytes, now_ms: float) -> None:
        if not audio:
            return
        turn = self._current(now_ms)
        turn.play(PCM16_24K.ms_in(len(audio)), now_ms)
        if whole := self._samples.feed(audio):
            self._report(ResponseAudio(turn.id, whole))

    def _take_calls(self, call: Wire, now_ms: float) -> None:
        ids = (f"{self._new_id()}" for _ in call["functionCalls"])
        turn = self._current(now_ms)
        turn.wants_tools = True
        for request in wire.requests_of(call, ids):
            if accepted := self._order.accept(ResponseToolCall(turn.id, request)):
                self._tools.want(turn.id, request.id, request.name)
                self.events += accepted
            else:
                self._abandon(request.id, request.name)
        if self.tools_wait:
            # Nothing more comes before the results, an end of the turn neither.
            self._finish(turn, now_ms)

    def _abandon(self, call_id: str, name: str) -> None:
        scheduling = "" if self.tools_wait else "SILENT"
        self.outbox.append(
            wire.tool_response(call_id, name, ABANDONED, failed=True, scheduling=scheduling)
        )

    def _take_cancellation(self, cancellation: Wire, _: float) -> None:
        cancelled = self._tools.cancel(map(str, cancellation["ids"]))
        if cancelled:
            self.events.append(ToolCallsCancelled(cancelled))

    def _take_farewell(self, farewell: Wire, _: float) -> None:
        self.events.append(SessionEnding(wire.ms_of(farewell.get("timeLeft"))))

    def _take_handle(self, update: Wire, _: float) -> None:
        if update.get("resumable") and (handle := update.get("newHandle")):
            self.events.append(SessionHandle(str(handle)))

    def _take_voice(self, voice: Wire, _: float) -> None:
        kind = voice.get("type") or voice.get("voiceActivityType")
        at_ms = wire.ms_of(voice.get("audioOffset"))
        if self.hears_voice and kind == "ACTIVITY_START":
            self.events.append(SpeechStarted(at_ms))
        elif self.hears_voice and kind == "ACTIVITY_END":
            self.events.append(SpeechEnded(at_ms))

    # --- turns

    def _current(self, now_ms: float) -> VendorTurn:
        """The turn that something came of; it begins if none goes on."""
        turn = self._turn
        if turn is not None and turn.cut:
            # What was interrupted says nothing more, so this is the next one.
            self._finish(turn, now_ms)
            turn = None
        if turn is None:
            turn = self._turn = VendorTurn(self._begin(now_ms), now_ms)
        turn.last_ms = now_ms
        return turn

    def _begin(self, now_ms: float) -> str:
        """Report the begin of the response that the vendor owes, or else of its answer."""
        self._cut_ahead = self._unclosed = False
        owed = self._pending.popleft() if self._pending else None
        cause = owed.cause if owed else ResponseCause.CALLER
        response_id = owed.id if owed else self._new_id()
        if cause is ResponseCause.CALLER:
            self.events += self._caller.answer(now_ms)
        self._report(ResponseStarted(response_id, cause))
        return response_id

    def _interrupted(self, now_ms: float) -> None:
        self.events += self._caller.release()
        turn = self._turn
        if turn is None:
            self._cut_ahead = bool(self._pending) and not self._unclosed
            return
        turn.cut, turn.last_ms = True, now_ms
        if turn.id == self._order.active:
            self._report(VendorInterrupted(turn.id))

    def _complete(self, reason: str, now_ms: float) -> None:
        """The vendor's turn is complete: one that it is in, or one of which nothing came."""
        if self._turn is not None:
            self._finish(self._turn, now_ms, reason)
        elif self._pending and (reason or self._cut_ahead):
            owed = self._pending.popleft()
            self._report(ResponseStarted(owed.id, owed.cause))
            if self._cut_ahead:
                self._report(VendorInterrupted(owed.id))
            self._report(done_of(owed.id, reason, cut=self._cut_ahead, spoke=False))
        elif reason:
            problem = done_of("", reason, cut=False, spoke=False).error
            self.events += [EngineProblem(problem)] if problem else []
        self._cut_ahead = self._unclosed = False

    def _finish(
        self,
        turn: VendorTurn,
        now_ms: float,
        reason: str = "",
        error: PatterError | None = None,
    ) -> None:
        """The turn is over: report it, and what it cost, if its end is still news."""
        self._turn = None
        self._samples.flush()
        self.events += self._caller.release()
        done = done_of(turn.id, reason, cut=turn.cut, spoke=bool(turn.sound_ms or turn.wants_tools))
        if error is not None:
            done = ResponseDone(turn.id, ResponseStatus.FAILED, error=error)
        if turn.id == self._order.active:
            usage, self._usage = self._usage, None
            self._report(attrs.evolve(done, usage=usage))
        if self._tools.end(turn.id):
            self._owe(self._new_id(), ResponseCause.TOOL, now_ms)

    def _fail(self, response_id: str, cause: ResponseCause) -> None:
        """A response that never came is over."""
        self._report(ResponseStarted(response_id, cause))
        self._report(ResponseDone(response_id, ResponseStatus.FAILED, error=ERRORS.late()))

    def _owe(self, response_id: str, cause: ResponseCause, now_ms: float) -> None:
        self._order.request(response_id, cause)
        self._pending.append(PendingResponse(response_id, cause, now_ms + self.response_ms))

    def _ask(self, text: str) -> None:
        """Write *text* for the caller, to be answered."""
        if self.asks_by_text:
            self.outbox.append(wire.realtime(text=text))
        else:
            self.outbox.append(wire.client_content([row("user", text)], complete=True))

    def _report(self, event: EngineEvent) -> None:
        self.events += self._order.accept(event)

    def _new_id(self) -> str:
        return f"response-{next(self._ids)}"


_PARTS: Mapping[str, Callable[[LiveTalk, Any, float], None]] = {
    "usageMetadata": LiveTalk._take_usage,
    "voiceActivity": LiveTalk._take_voice,
    "toolCallCancellation": LiveTalk._take_cancellation,
    "serverContent": LiveTalk._take_content,
    "toolCall": LiveTalk._take_calls,
    "sessionResumptionUpdate": LiveTalk._take_handle,
    "goAway": LiveTalk._take_farewell,
}
"""What a message may have, several at a time, in the order that makes sense of it: what a turn cost
is known before it ends."""
