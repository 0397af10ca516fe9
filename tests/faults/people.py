"""What people do with a phone: those who call it, those it calls, and the humans it hands over to.

Every part returns with `Case.accepted` set to what may truthfully be written down of the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from random import Random
from typing import Any, TypeAlias

import attrs

from patter.errors import PatterConnectionError, PatterError, PatterTimeoutError, RateLimitError
from patter.phone.results import CallResult
from patter.providers.carrier import Answerer, CallOutcome
from patter_testing.doubles.call import CallerLocation, DoubleCall

from .marks import name_of
from .phone import Phone, until
from .talk import GREETING, MESSAGE

NOBODY = ""
"""Accepted where a call may leave no record: it was over before we were told of it."""
UNHEARD = frozenset({"canceled", "failed"})
"""What is written down of a caller who hangs up before anybody could say a word."""
REFUSALS = {"busy": "busy", "no_answer": "no_answer", "failed": "failed"}
PATIENCE_S, LEFT_S, HEARS_S, TRIES = 12.0, 5.0, 1.5, 6
RINGS_S = 1.6
"""How long a telephone rings at least before somebody does anything about it."""


@attrs.define(eq=False, kw_only=True)
class Case:
    """One call. *party* is the number of the other side, and of no other call.

    *call* is the far end, once it is there. *result* or *error* is what `Patter.call` gave.
    *trouble* is what did not go as people expect it, *answers* how often what they asked was
    answered.
    """

    name: str
    party: str
    random: Random = attrs.field(factory=lambda: Random(0))
    call: DoubleCall | None = None
    accepted: frozenset[str] = frozenset()
    result: CallResult | None = None
    error: PatterError | None = None
    trouble: list[str] = attrs.field(factory=list)
    answers: int = 0

    @property
    def inbound(self) -> bool:
        """Did they call us?"""
        return not self.name.startswith("out ")

    @property
    def far(self) -> DoubleCall:
        """The far end, which is there."""
        assert self.call is not None
        return self.call

    def may_be(self, *outcomes: str) -> None:
        """This is what happened."""
        self.accepted = frozenset(outcomes)


Part: TypeAlias = Callable[[Phone, Case], Coroutine[Any, Any, None]]


# --- what both sides of a call can do


def heard(case: Case) -> float:
    """How much of the agent the far end has heard so far, in milliseconds."""
    return sum(each.heard_ms for each in case.call.streams) if case.call is not None else 0.0


async def greeted(phone: Phone, case: Case) -> bool:
    """Wait until the agent is heard; False when nobody will be."""
    if await until(lambda: heard(case) or case.far.over, PATIENCE_S) and not case.far.over:
        return True
    case.trouble.append("not greeted")
    return False


async def says(phone: Phone, case: Case, words: str, done: Callable[[], object]) -> bool:
    """Say *words*, again if nothing comes of them, as people do."""
    for _ in range(TRIES):
        if case.far.over:
            break
        await phone.hear(case.far, case.party, words)
        if await until(lambda: done() or case.far.over, phone.try_s):
            break
    if not done():
        case.trouble.append(f"nothing came of {words!r}")
    return bool(done())


async def hangs_up(case: Case) -> None:
    """The far end has had enough."""
    if not case.far.over:
        await case.far.hangs_up()


async def asks(phone: Phone, case: Case) -> bool:
    """Ask something, and hear the answer."""
    before = heard(case)
    answered = await says(phone, case, "hello", lambda: heard(case) > before)
    case.answers += answered
    return answered


async def hears(phone: Phone, case: Case, words: str) -> None:
    """Listen for a while until the agent has said *words*; of real voices nobody can tell."""
    if phone.vendors is None:
        await until(lambda: case.far.over or words in phone.said(case.far), HEARS_S)


async def talks(phone: Phone, case: Case) -> None:
    """Ask, hear the answer, hang up."""
    if await greeted(phone, case):
        case.may_be("answered")
        await hears(phone, case, GREETING)
        await asks(phone, case)
        await hears(phone, case, name_of(case.party))
    await hangs_up(case)


async def leaves_in_the_greeting(phone: Phone, case: Case) -> None:
    """Hear that somebody is there, and hang up."""
    if await greeted(phone, case):
        case.may_be("answered")
    await hangs_up(case)


async def stays(phone: Phone, case: Case) -> None:
    """Hear that somebody is there, and stay until the line is cut."""
    if await greeted(phone, case):
        case.may_be("failed")
        if not await until(lambda: case.far.over, PATIENCE_S):
            case.trouble.append("left in silence")
    await hangs_up(case)


async def is_left(phone: Phone, case: Case) -> None:
    """Say goodbye; the agent hangs up."""
    if await greeted(phone, case):
        case.may_be("answered")
        await says(phone, case, "bye", lambda: case.far.over)
    await hangs_up(case)


async def loses_the_media(phone: Phone, case: Case) -> None:
    """The socket breaks in the middle; the talk goes on over another."""
    if await greeted(phone, case):
        case.may_be("answered")
        count = len(case.far.streams)
        case.far.drops()
        if not await until(lambda: len(case.far.streams) > count or case.far.over, PATIENCE_S):
            case.trouble.append("the media did not come back")
        await asks(phone, case)
    await hangs_up(case)


async def handed(phone: Phone, case: Case, mode: str) -> DoubleCall | None:
    """Ask for a human; the call to them, if one is made."""
    if not await greeted(phone, case):
        return None
    case.may_be("answered")
    if not await says(phone, case, mode, lambda: case.far.humans):
        return None
    # An order whose answer was lost is given again: then another is rung instead.
    while await until(partial(another, case, len(case.far.humans)), RINGS_S):
        continue
    return case.far.humans[-1]


def another(case: Case, count: int) -> bool:
    """Are more than *count* humans rung?"""
    return len(case.far.humans) > count


def taken(mode: str, *, caller_leaves: bool) -> Part:
    """A human takes the call; then one of the two hangs up."""

    async def part(phone: Phone, case: Case) -> None:
        if (human := await handed(phone, case, mode)) is not None:
            await human.answers()
            if not await until(lambda: case.far.where is CallerLocation.HUMAN, PATIENCE_S):
                case.trouble.append("never with the human")
            elif not caller_leaves:
                await human.hangs_up()
                if not await until(lambda: case.far.over, PATIENCE_S):
                    case.trouble.append("still there after the human left")
        await hangs_up(case)

    return part


def refused(mode: str, outcome: CallOutcome) -> Part:
    """No human takes the call; the caller is with the agent again."""

    async def part(phone: Phone, case: Case) -> None:
        if (human := await handed(phone, case, mode)) is not None:
            await human.refuses(outcome)
            if await until(lambda: case.far.where is CallerLocation.AGENT, PATIENCE_S):
                await asks(phone, case)
            else:
                case.trouble.append("did not come back from the transfer")
        await hangs_up(case)

    return part


def left(mode: str) -> Part:
    """The caller hangs up while the human is rung; that is not rung on."""

    async def part(phone: Phone, case: Case) -> None:
        human = await handed(phone, case, mode)
        await hangs_up(case)
        if human is not None:
            await until(lambda: human.over, LEFT_S)

    return part


async def decline(phone: Phone, case: Case) -> None:
    """Humans who are rung although nobody waits for them any more do not answer."""
    for human in case.call.humans if case.call is not None else ():
        if human.where is CallerLocation.RINGING:
            if not any(human.call_id in asked for asked in phone.asked):
                case.trouble.append("a human is rung for nobody, and the carrier not asked to stop")
            await human.refuses(CallOutcome.NO_ANSWER)


# --- who calls us


def calls(part: Part) -> Part:
    """Somebody calls and does *part*; one who is not answered hangs up."""

    async def calling(phone: Phone, case: Case) -> None:
        case.may_be(*UNHEARD)
        case.call = phone.vendor.rings(caller=case.party)
        await part(phone, case)

    return calling


async def gives_up_at_once(phone: Phone, case: Case) -> None:
    """Hang up before, or just as, the call is taken."""
    await asyncio.sleep(case.random.random() * 0.1)
    case.may_be(NOBODY, *UNHEARD, *(["answered"] if case.far.streams else []))
    await hangs_up(case)


# --- whom we call


def is_called(part: Part, **options: Any) -> Part:
    """We call somebody who does *part*, unless the carrier will not place the call."""

    async def calling(phone: Phone, case: Case) -> None:
        case.may_be("failed")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_call(phone, case, options))
            if await until(lambda: case.error or phone.placed(case.party), PATIENCE_S):
                await until(lambda: phone.placed(case.party), 0.5)
            if (call := phone.placed(case.party)) is not None:
                case.call = call
                await part(phone, case)
        if isinstance(case.error, PatterConnectionError | PatterTimeoutError):
            _in_doubt(case)

    return calling


async def _call(phone: Phone, case: Case, options: dict[str, Any]) -> None:
    try:
        case.result = await phone.patter.call(case.party, wait=True, **options)
    except PatterError as error:
        case.error = error


def _in_doubt(case: Case) -> None:
    """Nobody told us whether this call was placed, so what became of it unseen is not known."""
    assert not isinstance(case.error, RateLimitError) or case.call is None, case
    if case.accepted != {"answered"}:
        case.accepted |= {"failed"}


def refuses(outcome: CallOutcome) -> Part:
    """Do not take the call."""

    async def part(phone: Phone, case: Case) -> None:
        await asyncio.sleep(case.random.random() * 0.2)
        case.may_be(outcome.value)
        await case.far.refuses(outcome)

    return part


async def lets_it_ring(phone: Phone, case: Case) -> None:
    """Do nothing, until it stops ringing."""
    case.may_be("no_answer")
    await until(lambda: case.far.over, 20)


async def is_called_off(phone: Phone, case: Case) -> None:
    """It rings, and then we do not want it any more."""
    for _ in range(TRIES * 2):
        await asyncio.sleep(case.random.random() * 0.2)
        try:
            await phone.patter.end_call(case.far.call_id)
        except PatterError:
            continue
        case.may_be("canceled")
        await until(lambda: case.far.over, PATIENCE_S)
        break
    if not case.far.over:
        if case.error is None:
            case.trouble.append("could not be called off")
        case.may_be("no_answer")
        await case.far.refuses(CallOutcome.NO_ANSWER)


def answers(part: Part) -> Part:
    """Take the call, and do *part*."""

    async def taking(phone: Phone, case: Case) -> None:
        await asyncio.sleep(case.random.random() * 0.2)
        await case.far.answers()
        await part(phone, case)

    return taking


async def answers_and_leaves(phone: Phone, case: Case) -> None:
    """Hang up with the same move that took the call: answered, and nobody heard a word."""
    await case.far.answers()
    case.may_be("answered", *UNHEARD)
    await hangs_up(case)


async def takes_a_message(phone: Phone, case: Case) -> None:
    """A machine answers; it is left a message, and the agent hangs up."""
    await case.far.answers(Answerer.MACHINE, greeting_ms=200)
    case.may_be("voicemail")
    if not await until(lambda: case.far.over, PATIENCE_S):
        case.trouble.append("the agent stayed with the machine")
    await hangs_up(case)


async def is_full(phone: Phone, case: Case) -> None:
    """A machine answers, and hangs up before its beep: it may not have been found out."""
    await case.far.answers(Answerer.MACHINE, greeting_ms=2_000)
    case.may_be("answered", "voicemail", *UNHEARD)
    if await until(lambda: heard(case), 1):
        case.may_be("answered", "voicemail")
    await hangs_up(case)


async def is_a_fax(phone: Phone, case: Case) -> None:
    """A fax answers; the agent hangs up if the carrier tells."""
    await case.far.answers(Answerer.FAX)
    case.may_be("answered", *UNHEARD)
    await until(lambda: case.far.over, 3)
    await hangs_up(case)


def _parts() -> dict[str, Part]:
    busy, no_answer, failed = CallOutcome.BUSY, CallOutcome.NO_ANSWER, CallOutcome.FAILED
    talk: dict[str, Part] = {
        "talks": talks,
        "leaves in the greeting": leaves_in_the_greeting,
        "is left": is_left,
        "loses the media": loses_the_media,
        "cold taken": taken("cold", caller_leaves=False),
        "cold busy": refused("cold", busy),
        "cold left": left("cold"),
        "warm taken": taken("warm", caller_leaves=True),
        "warm not answered": refused("warm", no_answer),
        "warm left": left("warm"),
    }
    return {
        **{f"in {name}": calls(part) for name, part in talk.items()},
        "in gives up at once": calls(gives_up_at_once),
        **{f"out {name}": is_called(answers(part)) for name, part in talk.items()},
        "out is busy": is_called(refuses(busy)),
        "out does not answer": is_called(refuses(no_answer)),
        "out fails": is_called(refuses(failed)),
        "out lets it ring": is_called(lets_it_ring, ring_timeout=5),
        "out is called off": is_called(is_called_off),
        "out answers and leaves": is_called(answers_and_leaves),
        "out machine": is_called(takes_a_message, voicemail_message=MESSAGE),
        "out machine is full": is_called(is_full, voicemail_message=MESSAGE),
        "out fax": is_called(is_a_fax, machine_detection=True),
    }


PARTS = _parts()
LONG = frozenset({"out lets it ring"})
"""Parts that take seconds whatever happens."""
