"""One agent, one script, every carrier: the same calls come to the same ends.

What a carrier cannot do at all it refuses in words; whatever it can, it does like the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import attrs
import pytest

from patter import CallOutcome, InputError, Patter, PatterConfigError, tool
from patter.observe.codec import event_fields
from patter.observe.events import CallEvent, Row, Wire
from patter.providers.carrier import Answerer
from patter.providers.llm import LLMRequest, ToolRequest
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, Reply
from patter_testing.doubles.call import CallerLocation, DoubleCall

from .far_ends import HOST, LETTER_MS, OURS, FarEnd, OverDouble, OverVendor, Talk, far_end
from .processes import free_port

CARRIERS = ("softphone", "twilio", "telnyx", "plivo")
COMPANIES = CARRIERS[1:]
GREETING = "Good evening, this is Rosa. Tonight we have mussels with garlic and wine."
MESSAGE = "This is Rosa. Please call us back."
HUMAN = "+15550100200"
A_MOMENT_S = 0.5
"""So long after the last word everybody knows that it was heard."""

pytestmark = pytest.mark.patter_timeout(90)


Said: TypeAlias = tuple[tuple[str, str], ...]
Scene: TypeAlias = "Callable[[House, Talk, str], Awaitable[None]]"


@tool(effect="once")
async def book_table(people: int) -> str:
    """Book a table."""
    return f"R{people}"


def answer(request: LLMRequest) -> Reply | str:
    """What the agent says to the last thing it was told."""
    last = request.messages[-1]
    asked = next(each.text for each in reversed(request.messages) if each.role == "user")
    match asked.split()[-1], last.role:
        case "open", _:
            return "Until eleven."
        case "two", "user":
            return Reply(tools=(ToolRequest("t1", "book_table", '{"people": 2}'),))
        case "two", _:
            return f"Booked, {last.text}."
        case "5]", _:
            return "You pressed five."
        case ("cold" | "warm") as mode, "user":
            told = f'{{"number": "{HUMAN}", "mode": "{mode}", "summary": "wants Rosa"}}'
            return Reply(text="One moment.", tools=(ToolRequest("t2", "transfer_call", told),))
        case "cold" | "warm", _:
            return "" if "being transferred" in last.text else "I cannot do that."
        case "bye", "user":
            return Reply(text="Goodbye.", tools=(ToolRequest("t3", "end_call", "{}"),))
    return ""


@attrs.define
class House:
    """A phone that is served, and everything it noted."""

    end: FarEnd
    phone: Patter
    stt: FakeSTT
    events: list[CallEvent] = attrs.field(factory=list)
    ended: dict[str, dict[str, Any]] = attrs.field(factory=dict)

    def on_call_end(self, data: dict[str, Any]) -> None:
        assert data["call_id"] not in self.ended, "a call ended twice"
        self.ended[data["call_id"]] = data

    def hear(self, number: str) -> Callable[[str], object]:
        """What makes the recogniser of the call with *number* understand."""
        return lambda words: self._session(number).hear(words)

    def _session(self, number: str) -> Any:
        found = [
            each for each in self.stt.sessions if number in (each.call.caller, each.call.callee)
        ]
        return found[-1]

    async def story(self, number: str) -> Story:
        """What was noted of the call with *number*, once it has ended."""
        async with asyncio.timeout(30):
            while not (call_id := self._over(number)):
                await asyncio.sleep(0.02)
        return told(self.ended[call_id], [each for each in self.events if each.call == call_id])

    def _over(self, number: str) -> str:
        return next(
            (
                call
                for call, data in self.ended.items()
                if number in (data["caller"], data["callee"])
            ),
            "",
        )


@attrs.frozen
class Story:
    """A call as its record tells it, without the times."""

    outcome: str
    reason: str
    said: tuple[tuple[str, str], ...]
    where: tuple[str, ...] = ()


def told(data: dict[str, Any], events: list[CallEvent]) -> Story:
    """The story of a call; words that were cut short count as such, wherever the cut fell."""
    rows = [event_fields(each) for each in events if isinstance(each, Row)]
    said = tuple((row["role"], cut(row)) for row in rows if row["role"] != "tool")
    where = [each.name for each in events if isinstance(each, Wire) and each.what == "where"]
    reason = data["metrics"].reason if data["metrics"] else ""
    return Story(data["outcome"], reason, said, tuple(where))


def cut(row: Any) -> str:
    """What was heard; of the interrupted greeting only that it was interrupted."""
    if not row.get("interrupted"):
        return str(row["text"])
    assert GREETING.startswith(row["text"]), row["text"]
    assert row["unheard"], "nothing was cut"
    return "Good evening..."


@asynccontextmanager
async def house(name: str) -> AsyncIterator[House]:
    """The agent of the script, served over the carrier *name*."""
    async with far_end(name) as end, asyncio.TaskGroup() as tasks:
        host = HOST if end.carrier.can.outbound else ""
        number = OURS if end.carrier.can.outbound else ""
        phone = Patter(carrier=end.carrier, phone_number=number, webhook_url=host, persist=False)
        at = House(end, phone, FakeSTT())
        agent = phone.agent(
            f"Be brief. A human answers at {HUMAN}.",
            stt=at.stt,
            llm=FakeLLM(answer=answer),
            tts=FakeTTS(ms_per_letter=LETTER_MS),
            vad=FakeVAD(),
            first_message=GREETING,
            tools=[book_table],
        )
        port = free_port()
        end.reaches(f"http://127.0.0.1:{port}")
        serving = tasks.create_task(
            phone.serve(
                agent,
                port=port,
                on_call_end=at.on_call_end,
                listeners=[at.events.append],
                dashboard=False,
            )
        )
        await phone.ready
        yield at
        await phone.disconnect()
        assert await serving, "a call had to be cut"


async def conversation(at: House, talk: Talk, number: str) -> None:
    """Interrupt, ask for a tool, press a key, be said goodbye to."""
    hear = at.hear(number)
    await talk.hears("Good")
    await talk.says("are you open", hear)
    await talk.hears("Until eleven.")
    await talk.says("a table for two", hear)
    await talk.hears("Booked, R2.")
    await asyncio.sleep(A_MOMENT_S)
    await talk.presses("5")
    await talk.hears("You pressed five.")
    await talk.says("good bye", hear)
    await talk.hears("Goodbye.")
    await talk.is_let_go()


async def hanging_up(at: House, talk: Talk, number: str) -> None:
    """Hear the greeting, and hang up."""
    await talk.hears("wine.")
    await asyncio.sleep(A_MOMENT_S)
    await talk.hangs_up()


async def a_lost_line(at: House, talk: Talk, number: str) -> None:
    """Lose the media in the greeting, hear the rest of it, go on."""
    await talk.hears("Tonight")
    await talk.loses_the_line()
    await talk.hears("wine.")
    await talk.says("are you open", at.hear(number))
    await talk.hears("Until eleven.")
    await asyncio.sleep(A_MOMENT_S)
    await talk.hangs_up()


SCENES: dict[str, Scene] = {
    "+15550107001": conversation,
    "+15550107002": hanging_up,
    "+15550107003": a_lost_line,
}
EXPECTED = {
    conversation: Story(
        "completed",
        "agent",
        (
            ("agent", "Good evening..."),
            ("caller", "are you open"),
            ("agent", "Until eleven."),
            ("caller", "a table for two"),
            ("agent", "Booked, R2."),
            ("caller", "[DTMF: 5]"),
            ("agent", "You pressed five."),
            ("caller", "good bye"),
            ("agent", "Goodbye."),
        ),
        ("ended",),
    ),
    hanging_up: Story("completed", "caller", (("agent", GREETING),), ("ended",)),
    a_lost_line: Story(
        "completed",
        "caller",
        (("agent", GREETING), ("caller", "are you open"), ("agent", "Until eleven.")),
        ("ended",),
    ),
}


@pytest.mark.parametrize("name", CARRIERS)
async def test_a_call_goes_the_same_way_over_every_carrier(name: str) -> None:
    async with house(name) as at:
        stories = await asyncio.gather(*(played(at, *each) for each in SCENES.items()))
    assert dict(zip(SCENES.values(), stories, strict=True)) == EXPECTED


async def played(at: House, number: str, scene: Scene) -> Story:
    """What came of *scene* with a caller of *number*."""
    async with at.end.rings(number) as talk:
        await scene(at, talk, number)
        return await at.story(number)


async def human_of(talk: Talk, at: House, number: str, mode: str) -> tuple[DoubleCall, DoubleCall]:
    """A caller who asked for somebody else, and the call that rings there."""
    assert isinstance(talk, OverDouble)
    await talk.hears("wine.")
    await talk.says(f"a person please {mode}", at.hear(number))
    return talk.call, await talk.call.human()


async def cold_taken(at: House, talk: Talk, number: str) -> None:
    """Be connected to somebody."""
    call, human = await human_of(talk, at, number, "cold")
    await human.answers()
    await call.is_with(CallerLocation.HUMAN)
    await at.story(number)
    await talk.hangs_up()


async def cold_refused(at: House, talk: Talk, number: str) -> None:
    """Come back to the agent, who knows why."""
    _, human = await human_of(talk, at, number, "cold")
    await human.refuses(CallOutcome.BUSY)
    await comes_back(at, talk, number)


async def warm_taken(at: House, talk: Talk, number: str) -> None:
    """Wait while somebody is told, then talk to them."""
    call, human = await human_of(talk, at, number, "warm")
    await call.is_with(CallerLocation.HOLD)
    await human.answers()
    await call.is_with(CallerLocation.HUMAN)
    assert any("wants Rosa" in words for words in human.spoken)
    await at.story(number)
    await talk.hangs_up()


async def warm_refused(at: House, talk: Talk, number: str) -> None:
    """Wait for somebody who does not answer, and come back to the agent."""
    _, human = await human_of(talk, at, number, "warm")
    await human.refuses(CallOutcome.NO_ANSWER)
    await comes_back(at, talk, number)


async def gone_on_hold(at: House, talk: Talk, number: str) -> None:
    """Have enough of waiting; nobody is rung for somebody who has gone."""
    _, human = await human_of(talk, at, number, "warm")
    await talk.hangs_up()
    await human.is_with(CallerLocation.ENDED)


async def comes_back(at: House, talk: Talk, number: str) -> None:
    await talk.hears("Sorry, nobody could take your call there. How else can I help?")
    await asyncio.sleep(A_MOMENT_S)
    await talk.says("good bye", at.hear(number))
    await talk.hears("Goodbye.")
    await talk.is_let_go()


TRANSFERS: dict[str, Scene] = {
    "+15550107011": cold_taken,
    "+15550107012": cold_refused,
    "+15550107013": warm_taken,
    "+15550107014": warm_refused,
    "+15550107015": gone_on_hold,
}


def handed(mode: str, outcome: str, reason: str, where: tuple[str, ...], more: Said = ()) -> Story:
    """A story in which the agent hands the caller over."""
    asked = (("agent", GREETING), ("caller", f"a person please {mode}"), ("agent", "One moment."))
    return Story(outcome, reason, (*asked, *more), where)


BACK: Said = (
    ("agent", "Sorry, nobody could take your call there. How else can I help?"),
    ("caller", "good bye"),
    ("agent", "Goodbye."),
)
TRANSFERRED = {
    cold_taken: handed("cold", "completed", "transferred", ("hold", "human", "ended")),
    cold_refused: handed("cold", "completed", "agent", ("hold", "agent", "ended"), BACK),
    warm_taken: handed("warm", "completed", "transferred", ("hold", "human", "ended")),
    warm_refused: handed("warm", "completed", "agent", ("hold", "agent", "ended"), BACK),
    gone_on_hold: handed("warm", "completed", "caller", ("hold", "ended")),
}


@pytest.mark.parametrize("name", COMPANIES)
async def test_a_caller_is_handed_over_or_comes_back(name: str) -> None:
    async with house(name) as at:
        stories = await asyncio.gather(*(played(at, *each) for each in TRANSFERS.items()))
    assert dict(zip(TRANSFERS.values(), stories, strict=True)) == TRANSFERRED


async def test_a_line_that_cannot_hand_over_says_so() -> None:
    async with house("softphone") as at, at.end.rings(CALLEE) as talk:
        await talk.hears("wine.")
        await talk.says("a person please cold", at.hear(CALLEE))
        await talk.hears("I cannot do that.")
        await talk.hangs_up()


async def picks_up(at: House, call: DoubleCall) -> None:
    """Take the call, hear the greeting, hang up."""
    await call.answers(Answerer.HUMAN)
    await call.up()
    await OverDouble(call).hears("wine.")
    await asyncio.sleep(A_MOMENT_S)
    await call.hangs_up()


async def lets_the_machine(at: House, call: DoubleCall) -> None:
    """Have a machine take the message."""
    await call.answers(Answerer.MACHINE, greeting_ms=300)
    await OverDouble(call).hears(MESSAGE)
    await call.is_with(CallerLocation.ENDED)


async def is_busy(at: House, call: DoubleCall) -> None:
    await call.refuses(CallOutcome.BUSY)


async def does_not_answer(at: House, call: DoubleCall) -> None:
    await call.refuses(CallOutcome.NO_ANSWER)


async def is_let_off(at: House, call: DoubleCall) -> None:
    """We think better of it while it rings."""
    async with asyncio.timeout(15):
        while not call.over:
            with suppress(InputError):  # until the carrier's id has come back from the dial
                await at.phone.end_call(call.call_id)
            await asyncio.sleep(0.02)


CALLEE = "+15550107020"
CALLED: dict[str, tuple[Callable[[House, DoubleCall], Awaitable[None]], CallOutcome]] = {
    "+15550107021": (picks_up, CallOutcome.ANSWERED),
    "+15550107022": (lets_the_machine, CallOutcome.VOICEMAIL),
    "+15550107023": (is_busy, CallOutcome.BUSY),
    "+15550107024": (does_not_answer, CallOutcome.NO_ANSWER),
    "+15550107025": (is_let_off, CallOutcome.CANCELED),
}


@pytest.mark.parametrize("name", COMPANIES)
async def test_calls_that_are_placed_come_to_the_same_ends(name: str) -> None:
    async with house(name) as at:
        outcomes = await asyncio.gather(*(placed(at, number) for number in CALLED))
    assert outcomes == [outcome for _, outcome in CALLED.values()]


async def placed(at: House, number: str) -> CallOutcome:
    """How a call to *number* ended; that a machine took it was told if, and only if, one did."""
    found: list[Answerer] = []
    calling = at.phone.call(
        number,
        voicemail_message=MESSAGE,
        on_machine=lambda result: found.append(result.classification),
        wait=True,
    )
    result, _ = await asyncio.gather(calling, callee(at, number))
    assert result is not None
    assert (Answerer.MACHINE in found) == (result.outcome is CallOutcome.VOICEMAIL)
    return result.outcome


async def callee(at: House, number: str) -> None:
    """Do as *number* does when it rings."""
    assert isinstance(at.end, OverVendor)
    call = await at.end.call_to(number)
    await CALLED[number][0](at, call)


async def test_a_line_that_cannot_dial_says_so() -> None:
    async with house("softphone") as at:
        with pytest.raises(PatterConfigError, match="softphone cannot place calls"):
            await at.phone.call(CALLEE)
