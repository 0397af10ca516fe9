"""``patter call``: let an agent call somebody, watch the call, and say how it went.

The phone serves for this one call: its number is not pointed anywhere, and nobody else is
taken.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING, Any

import attrs

from patter import event_loop
from patter.aio import task_scope
from patter.cli import entrance
from patter.cli.board import ID_CHARS
from patter.cli.exits import INTERRUPTED, NO, OK
from patter.cli.explain import explain
from patter.cli.loading import loaded
from patter.cli.out import Out
from patter.cli.screen import Screen, can_repaint
from patter.cli.target import add_arguments
from patter.clock import Clock, LoopClock
from patter.errors import InputError
from patter.observe.events import CallEvent, Row, Started
from patter.observe.log_root import log_root
from patter.observe.root_secret import redactor_for
from patter.plugins.commands import Command
from patter.providers.carrier import Answerer, CallOutcome

if TYPE_CHECKING:
    from patter.client import Patter
    from patter.observe.pricing import Bill
    from patter.phone.results import CallResult, MachineDetectionResult

# The call is over by then, or is to be cut: a goodbye is not worth more of a terminal's time.
LEAVE_S = 2.0
TICK_MS = 250
_WHO = {Answerer.HUMAN: "a person", Answerer.MACHINE: "a machine", Answerer.FAX: "a fax"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_arguments(parser)
    parser.add_argument("to", metavar="TO", help="whom to call, like +15550188000")
    parser.add_argument(
        "--from", dest="from_number", default="", metavar="N", help="default: this phone's number"
    )
    parser.add_argument("--say", default="", metavar="TEXT", help="the agent's first words")
    parser.add_argument(
        "--var", action="append", default=[], metavar="K=V", help="fill {K}; may be repeated"
    )
    parser.add_argument(
        "--voicemail", default="", metavar="TEXT", help="the message for an answering machine"
    )
    parser.add_argument("--ring", type=int, default=25, metavar="S", help="seconds; default: 25")
    entrance.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Confirm, call and watch; OK when somebody answered, or a message was left."""
    target = loaded(args)
    phone: Patter = target.phone
    entrance.enter_by(phone, args)
    explained = explain(phone, target.thing)
    wanted = wanted_of(args)
    from_number = phone.prepare_call(args.to, **wanted).from_number
    redactor = redactor_for(log_root(phone.persist))
    ours, theirs = redactor.number(from_number), redactor.number(args.to)
    if not args.out.confirm(f"dial {theirs} from {ours}, {price(explained.money())}?"):
        args.out.progress("not dialled")
        return NO
    screen = Screen(args.out, redactor, (from_number, args.to), can_repaint(args.out))
    return event_loop.run(_watched(phone, target.thing, args, screen))


def wanted_of(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `Patter.call`, from the flags. Raises InputError."""
    return {
        "from_number": args.from_number,
        "first_message": args.say,
        "voicemail_message": args.voicemail,
        "ring_timeout": args.ring,
        "variables": variables_of(args.var),
    }


def variables_of(pairs: list[str]) -> dict[str, str]:
    """``["name=Ada"]`` as a mapping. Raises InputError."""
    for pair in pairs:
        if not pair.partition("=")[0].strip() or "=" not in pair:
            raise InputError(f"--var {pair} is not name=value", fix="write --var name=Ada")
    return dict(pair.split("=", 1) for pair in pairs)


def price(money: Bill) -> str:
    """What a minute costs: about, or at least when a part has no known price."""
    per_minute = f"${sum(money.costs.values()):.2f}/min"
    return f"at least {per_minute}" if money.unpriced else f"about {per_minute}"


@attrs.define(eq=False)
class Watch:
    """A call's listener that adds what events do not contain: how long it rang, who answered."""

    screen: Screen
    clock: Clock = attrs.field(factory=LoopClock)
    left_message: bool = False
    _dialled_ms: float = attrs.field(init=False)
    _answered_ms: float | None = attrs.field(default=None, init=False)
    _who: str = attrs.field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self._dialled_ms = self.clock.ms()

    def __call__(self, event: CallEvent) -> None:
        """Take *event* of the call."""
        if isinstance(event, Started):
            self._answered_ms = self.clock.ms()
            text = f"ringing {self.rang_s} s, answered" + (f" by {self._who}" if self._who else "")
            self.screen.say(text, self._value())
        if isinstance(event, Row) and event.kind == "voicemail":
            self.left_message = bool(event.text)
        self.screen(event)

    async def on_machine(self, result: MachineDetectionResult) -> None:
        """Take who answered, which the carrier may report before or after the media came."""
        self._who = _WHO.get(result.classification, "")
        if self._who and self._answered_ms is not None:
            self.screen.say(f"answered by {self._who}", self._value())

    def begin(self) -> None:
        """Note that it is dialled now."""
        self._dialled_ms = self.clock.ms()
        self.screen.say("", {"event": "dialled"})

    @property
    def rang_s(self) -> int:
        """How long it has rung, or rang, in seconds."""
        until = self.clock.ms() if self._answered_ms is None else self._answered_ms
        return round((until - self._dialled_ms) / 1_000)

    async def tick(self) -> None:
        """Repaint the status line below the call, for ever."""
        while True:
            since = self._dialled_ms if self._answered_ms is None else self._answered_ms
            ringing = self._answered_ms is None
            self.screen.tick(round(self.clock.ms() - since), ringing=ringing)
            await self.clock.sleep(TICK_MS)

    def _value(self) -> dict[str, Any]:
        return {"event": "answered", "rang_s": self.rang_s, "by": self._who or None}


def status_of(result: CallResult, *, left_message: bool) -> int:
    """OK when somebody was reached or a message was left."""
    left = result.outcome is CallOutcome.VOICEMAIL and left_message
    return OK if left or result.outcome is CallOutcome.ANSWERED else NO


def last_line(result: CallResult, rang_s: int) -> str:
    """How it went: ``answered  38 s  $0.041``, or how long it rang in vain."""
    cost = "cost unknown" if result.cost is None else f"${result.cost:.3f}"
    lasted = f"{result.duration_seconds:.0f} s" if result.duration_seconds else f"rang {rang_s} s"
    return (
        f"{result.outcome.value}  {lasted}  {cost}  patter calls show {result.call_id[:ID_CHARS]}"
    )


async def _watched(phone: Patter, agent: Any, args: argparse.Namespace, screen: Screen) -> int:
    watch = Watch(screen)
    try:
        result = await _called(phone, agent, args, watch)
    finally:
        await screen.finish()
    if result is None:
        return INTERRUPTED
    _conclude(args.out, result, watch)
    return status_of(result, left_message=watch.left_message)


def _conclude(out: Out, result: CallResult, watch: Watch) -> None:
    value = {
        "event": "result",
        "call": result.call_id,
        "outcome": result.outcome.value,
        "status": result.status,
        "duration_seconds": result.duration_seconds,
        "cost": result.cost,
        "left_message": watch.left_message,
    }
    out.event(last_line(result, watch.rang_s), value)


async def _called(
    phone: Patter, agent: Any, args: argparse.Namespace, watch: Watch
) -> CallResult | None:
    """Serve for the one call; None when it was interrupted."""
    async with task_scope() as tasks:
        placing = tasks.create_task(_placed(phone, args, watch), name="call-place")
        try:
            await phone.serve(
                agent,
                port=args.port,
                listeners=(watch,),
                max_calls=1,
                drain_s=LEAVE_S,
                set_webhook=False,
                dashboard=False,
            )
        except BaseException:
            placing.cancel()
            raise
    return placing.result()


async def _placed(phone: Patter, args: argparse.Namespace, watch: Watch) -> CallResult | None:
    from patter.phone.results import ServingStopped

    detects = phone.carrier is not None and phone.carrier.can.machine_detection
    try:
        await asyncio.shield(phone.ready)
        async with task_scope() as tasks:
            watch.begin()
            ticker = tasks.create_task(watch.tick(), name="call-tick")
            try:
                return await phone.call(
                    args.to,
                    on_machine=watch.on_machine if detects else None,
                    wait=True,
                    **wanted_of(args),
                )
            finally:
                ticker.cancel()
    except ServingStopped:
        return None
    finally:
        await phone.disconnect()


COMMAND = Command(
    name="call",
    help="let an agent call somebody, and watch",
    configure=configure,
    run=run,
    example="patter call bistro:agent +15550107788 --var name=Ada",
)
