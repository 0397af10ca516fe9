"""What tools and the application may do with a call. Nothing here touches media."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import attrs

from patter.audio.dtmf import KEYS, WAIT
from patter.call.allow import Allowed, operator_allows
from patter.call.call_recording import SECTION, CallRecording
from patter.call.keypad import TAIL_MS, Keypad
from patter.call.turn.effects import DigitsCollected
from patter.call.turn.events import (
    Announce,
    CollectDigits,
    CollectionCancelled,
    Digit,
    EndRequested,
    RulesChanged,
    TransferRequested,
    TurnEvent,
    UtteranceKind,
)
from patter.call.turn.rules import TurnRules
from patter.errors import CallStateError, InputError, PatterConfigError, RateLimitError
from patter.observe.call_events import CallEvents
from patter.observe.events import Wire
from patter.providers.carrier import CarrierLine, TransferRequest
from patter.providers.context import CallContext, Direction
from patter.providers.transfer_target import is_target
from patter.tools.tool import Tool

KEYS_SECTION = "keys"
"""What hides the words that are said while secret keys are pressed."""
DELAY_LEAST_MS, DELAY_MOST_MS = 50, 5_000
KEYS_MAX = 64
"""Keys and waits of one `send_dtmf`."""
WAITING_MAX = 8
"""How many of them may wait for the agent to fall silent."""
SUMMARY_MAX = 400
"""Characters of a warm transfer's summary: it is read out while the caller waits."""


@attrs.frozen(eq=False)
class InsideAnswer:
    """What runs inside an answer to *control*'s caller says something with *say*, in its place.

    *say* returns False when the answer is over. With nothing to say it says what waits for more.
    """

    control: CallControl
    say: Callable[[str], Awaitable[bool]]


INSIDE: ContextVar[InsideAnswer | None] = ContextVar("inside", default=None)
"""The answer that whoever looks is part of: a function of the application, a tool."""

CURRENT_CALL: ContextVar[CallControl] = ContextVar("current_call")
"""The call in which whoever looks runs; inherited by every task and thread of it."""


def current_call() -> CallControl:
    """The controls of the call that runs the code which asks: a tool, a hook, a guardrail.

    Raises CallStateError outside of calls.
    """
    try:
        return CURRENT_CALL.get()
    except LookupError:
        raise CallStateError(
            "no call runs this code", fix="ask inside a tool, a hook, a guardrail or on_message"
        ) from None


@attrs.define(eq=False)
class CallControl:
    """One call's controls. Raises PatterError for what the call's carrier cannot do.

    *rules* are those in force now. *away*: is the caller being transferred? *leaving*: will they
    be, once what is being said was heard? *recording* is the call's, and *on_consent* gets what
    the caller said to it, if they are asked. *offers* are tools that the model has besides.
    """

    context: CallContext
    transfer_allowed: Allowed | None
    carrier: CarrierLine | None
    events: CallEvents
    post: Callable[[TurnEvent], None]
    rules: Callable[[], TurnRules] = TurnRules
    away: Callable[[], bool] = attrs.field(default=lambda: False, repr=False)
    leaving: Callable[[], bool] = attrs.field(default=lambda: False, repr=False)
    recording: CallRecording | None = attrs.field(default=None, repr=False)
    on_consent: Callable[[bool], None] | None = attrs.field(default=None, repr=False)
    offers: tuple[Tool, ...] = attrs.field(default=(), repr=False)
    acts: int = attrs.field(default=0, init=False)
    _requested: TransferRequest | None = attrs.field(default=None, init=False)
    _collecting: asyncio.Future[str] | None = attrs.field(default=None, init=False)
    _keypad: Keypad = attrs.field(factory=Keypad, init=False, repr=False)
    key_pause_ms: int | None = attrs.field(default=None, init=False)
    _to_press: dict[str, tuple[str, int | None]] = attrs.field(factory=dict, init=False, repr=False)
    _pressed: int = attrs.field(default=0, init=False)
    _closed: bool = attrs.field(default=False, init=False)

    @property
    def call_id(self) -> str:
        return self.context.call_id

    @property
    def caller(self) -> str:
        return self.context.caller

    @property
    def callee(self) -> str:
        return self.context.callee

    @property
    def telephony_provider(self) -> str:
        """The carrier's name."""
        return self.context.carrier

    async def hangup(self, reason: str = "agent", *, goodbye: bool = False) -> None:
        """End the call once what is being said was heard; with *goodbye*, say one first.

        A caller who is being transferred is hung up on at once.
        """
        self.acts += 1
        self.post(EndRequested(self._now(), reason, goodbye))

    async def say(self, text: str) -> None:
        """Say *text* as soon as nobody speaks; inside an answer, as part of it, in its place.

        Raises CallStateError while the caller is being transferred, or about to be.
        """
        self._check_here("say")
        if not await self._say_inside(text):
            self._check_stays("say")
            self.post(Announce(self._now(), text))

    async def set_silence(self, silence_ms: int) -> None:
        """From now on a pause of *silence_ms* ends the caller's turn, in this call.

        Longer while they spell or count, shorter for yes and no. Raises PatterConfigError.
        """
        self.post(RulesChanged(self._now(), attrs.evolve(self.rules(), silence_ms=silence_ms)))

    # --- recordings

    async def pause_recording(self, *, sensitive: bool = True) -> None:
        """Record nothing until `resume_recording`, ours or the carrier's; twice is fine.

        Our file is silent for so long. While a *sensitive* pause lasts, what is said, pressed
        and passed to tools is in no record, log, event, trace or page either, and afterwards
        the model reads nothing of it. Raises PatterError, and pauses ours and hides the words all
        the same, when the carrier records and cannot be paused, or does not answer within 3 s.
        """
        if sensitive:
            self.events.sensitivity.begin(SECTION)
        if self.recording is not None:
            self.recording.hold(SECTION)
            await self.recording.follow()

    async def resume_recording(self) -> None:
        """Record again; what is said is in the record again. Raises what the carrier raises.

        Without the consent that the caller was asked for, nothing is recorded all the same.
        """
        self.events.sensitivity.end(SECTION, self._now())
        if self.recording is not None:
            self.recording.release(SECTION)
            await self.recording.follow()

    async def record_consent(self, agreed: bool) -> None:
        """Note whether the caller agrees to be recorded, and record from now on, or no more.

        Raises PatterConfigError unless they are asked: ``serve(consent="ask")``.
        """
        if self.on_consent is None:
            raise PatterConfigError(
                "no consent is asked for on this call", fix='serve(agent, consent="ask", ...)'
            )
        self.on_consent(agreed)

    # --- transfers

    async def transfer(self, target: str, *, mode: str = "cold", summary: str = "") -> None:
        """Transfer the caller to *target*, E.164 or SIP, once what is being said was heard.

        Whoever takes a ``warm`` transfer is told *summary* first. Raises InputError for another
        form of *target* or a summary too long to be listened to, PatterConfigError when the
        carrier cannot do it, or application or operator do not allow it, CallStateError while
        another transfer is under way.
        """
        self._check_here("transfer")
        if len(summary) > SUMMARY_MAX:
            raise InputError(
                f"the summary has {len(summary)} characters",
                fix=f"use {SUMMARY_MAX} at most: the caller waits while it is read out",
            )
        request = self._request(target, mode, summary)
        self._check_able(target, mode)
        self._requested = request
        self.acts += 1
        self.post(TransferRequested(self._now(), target))

    def transfer_request(self, target: str) -> TransferRequest:
        """The request to the carrier for a transfer to *target*, whoever asked for it.

        Raises as `transfer` does.
        """
        request = self._requested
        return request if request and request.target == target else self._request(target)

    @property
    def can_transfer(self) -> bool:
        """Can this call be transferred in any way?"""
        return self.carrier is not None and self.carrier.can.transfers

    # --- keys

    async def send_dtmf(self, digits: str, *, delay_ms: int | None = None) -> None:
        """Press *digits* (0-9 * # A-D, w waits half a second) towards the other side.

        Between two keys *delay_ms* pass, 50 to 5000; None: as short as carrier or tones are.

        The carrier presses them at once, if it can. Else they go out as tones, whole, when what
        is being said has been heard; they stand in line for that when this returns. Raises
        InputError for what is not a key, RateLimitError when too much waits, CallStateError while
        the caller is being transferred, or is about to be and tones would have to wait, and what
        the carrier raises.
        """
        self._check_here("send_dtmf")
        if not digits or set(digits) - {*KEYS, WAIT} or len(digits) > KEYS_MAX:
            raise InputError("these are not keys", fix=f"use 0-9 * # A-D and w, 1 to {KEYS_MAX}")
        if delay_ms is not None and not DELAY_LEAST_MS <= delay_ms <= DELAY_MOST_MS:
            raise InputError(
                f"delay_ms={delay_ms!r} is out of range",
                fix=f"give {DELAY_LEAST_MS} to {DELAY_MOST_MS}, or leave it out",
            )
        if self.carrier is not None and self.carrier.can.dtmf_out:
            await self._press_there(self.carrier, digits, delay_ms)
            return
        self._check_stays("send_dtmf")
        if len(self._to_press) >= WAITING_MAX:
            raise RateLimitError(
                f"{WAITING_MAX} rows of keys wait to be sent", fix="send fewer, or wait"
            )
        self._pressed += 1
        name = f"keys-{self._pressed}"
        self._to_press[name] = (digits, delay_ms)
        self.post(Announce(self._now(), name, UtteranceKind.TONES))

    def to_press(self, name: str) -> str:
        """The keys the engine calls *name*, which it never sees; their time has come.

        *key_pause_ms* is then what is between them.
        """
        digits, self.key_pause_ms = self._to_press.pop(name, ("", None))
        return digits

    async def _press_there(self, carrier: CarrierLine, digits: str, delay_ms: int | None) -> None:
        """Have *carrier* press them: all at once, or one after the other."""
        for at, row in enumerate((digits,) if delay_ms is None else digits):
            if at and delay_ms is not None:
                await self.context.clock.sleep(delay_ms)
            await carrier.send_dtmf(self.context.carrier_call_id, row)
            self.pressed(row)

    def pressed(self, digits: str) -> None:
        """*digits* are on their way to the other side; how many is written down."""
        count = len(digits.replace(WAIT, ""))
        self.events.emit(Wire(what="dtmf_sent", count=count))

    async def collect_digits(
        self,
        count: int = 0,
        end: str = "#",
        wait_ms: int = 10_000,
        *,
        sensitive: bool = False,
    ) -> str:
        """Wait for *count* digits, or up to *end*; what came within *wait_ms* is returned.

        The wait for the first key begins when nobody speaks. Empty when the call ends, or goes
        elsewhere, first. *sensitive* digits are returned and stand nowhere else: the record,
        the transcript and the model learn how many there were. Meanwhile our recording of the
        caller is silent, since a line may carry the tones, the carrier's is paused if it can be,
        and what is said is hidden as in a sensitive `pause_recording`. Raises InputError, and
        CallStateError while the caller is being transferred.
        """
        _check_entry(count, end, wait_ms)
        self._check_here("collect_digits")
        await self._say_inside("")
        if self._closed:
            return ""
        if self._collecting is not None:
            raise PatterConfigError(
                "digits are being collected already", fix="await the first collect_digits"
            )
        self._collecting = asyncio.get_running_loop().create_future()
        try:
            if sensitive:
                self.events.sensitivity.begin(KEYS_SECTION)
            self._keypad.collect(end, sensitive=sensitive)
            self.post(CollectDigits(self._now(), count, end, wait_ms))
            if sensitive and self.recording is not None:
                await self.recording.keys_begin()
            return await self._collecting
        except asyncio.CancelledError:
            self._keypad.forget()
            self.post(CollectionCancelled(self._now()))
            raise
        finally:
            self._collecting = None
            self._keys_over()

    def key(self, digit: str) -> None:
        """The caller pressed *digit*."""
        now = self._now()
        key = self._keypad.press(digit, now)
        if key.shown:
            self.events.emit(Wire(what="dtmf", digits=digit))
        if key.posted:
            self.post(Digit(now, key.posted))

    def without_keys(self, take: Callable[[float, bytes], None]) -> Callable[[float, bytes], None]:
        """*take* for the caller's audio, but for what may be tones of a sensitive entry."""

        def heard(at_ms: float, audio: bytes) -> None:
            if not self._keypad.hides(self._now()):
                take(at_ms, audio)

        return heard

    def collected(self, effect: DigitsCollected) -> None:
        """The engine's answer to `collect_digits`."""
        digits, hidden = self._keypad.close(effect.digits, self._now(), complete=effect.complete)
        if hidden:
            self.events.sensitivity.remember(digits)
            self.events.emit(Wire(what="dtmf", hidden=hidden))
        self._keys_over()
        self._answer(digits)

    def _keys_over(self) -> None:
        self.events.sensitivity.end(KEYS_SECTION, self._now())
        if self.recording is not None:
            self.recording.keys_end(TAIL_MS)

    def stop_collecting(self) -> None:
        """The caller's keys are for somebody else, or for nobody."""
        self._keypad.forget()
        self._answer("")

    def close(self) -> None:
        """The call is over: no keys come any more."""
        self._closed = True
        self._to_press.clear()
        self.stop_collecting()

    def _now(self) -> int:
        return self.events.now_ms()

    def _answer(self, digits: str) -> None:
        if self._collecting is not None and not self._collecting.done():
            self._collecting.set_result(digits)

    async def _say_inside(self, text: str) -> bool:
        """Say *text* as part of the answer that whoever asks is part of; False if of none."""
        inside = INSIDE.get()
        return inside is not None and inside.control is self and await inside.say(text)

    def _check_here(self, what: str) -> None:
        if self.away():
            raise _unheard(what)

    def _check_stays(self, what: str) -> None:
        """Raise CallStateError for what waits in line for a caller who will be gone by then."""
        if self.leaving():
            raise _unheard(what)

    def _request(self, target: str, mode: str = "cold", summary: str = "") -> TransferRequest:
        self._check_target(target)
        call = self.context
        ours = call.caller if call.direction is Direction.OUTBOUND else call.callee
        return TransferRequest(target=target, mode=mode, summary=summary, from_number=ours)

    def _check_target(self, target: str) -> None:
        if not is_target(target):
            raise InputError(f"{target!r} is not an E.164 number", fix="write it like +15550188000")
        for allowed in (self.transfer_allowed, operator_allows()):
            if allowed is not None and not allowed(target):
                raise PatterConfigError(
                    f"transfers to {target} are not allowed", fix="add it to the allow-list"
                )

    def _check_able(self, target: str, mode: str) -> None:
        can = self.carrier.can if self.carrier else None
        able = can is not None and (
            can.warm_transfer
            if mode == "warm"
            else can.sip_transfer
            if target.startswith("sip")
            else can.cold_transfer
        )
        if not able:
            who = self.carrier.name if self.carrier else "this line"
            raise PatterConfigError(
                f"{who} cannot do a {mode} transfer to {target}",
                fix="choose another carrier or another kind of transfer",
            )


def _check_entry(count: int, end: str, wait_ms: int) -> None:
    if count < 0 or wait_ms <= 0:
        raise InputError(
            f"count={count!r} with wait_ms={wait_ms!r} collects nothing",
            fix="give a count of 0 (any number) or more, and a wait_ms above 0",
        )
    if len(end) > 1 or end not in KEYS:
        raise InputError(f"end={end!r} is not a key", fix="give one of 0-9 * # A-D, or nothing")


def _unheard(what: str) -> CallStateError:
    return CallStateError(
        f"{what} while the caller is being transferred: nobody would hear it",
        fix="hang up, or wait until the transfer has failed",
    )
