"""A reception with all that an agent can have, and a call of twelve turns that uses all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import attrs

from patter import Agent, Guardrail, PipelineHooks, PluginRegistry, Skill, tool
from patter.errors import ProviderError
from patter.observe.call_log import CallLog
from patter.observe.pricing import Price
from patter.observe.summary import CallSummary
from patter.phone.callbacks import Callbacks
from patter.phone.event_bus import EventBus, PatterEventType
from patter.phone.serving import ServeContext
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, Message, ToolRequest
from patter.server.calls import CallEntry, CallRequest, CallState
from patter_testing import (
    Caller,
    FakeCarrier,
    FakeEngine,
    FakeLLM,
    FakeSTT,
    FakeTTS,
    FakeVAD,
    Reply,
)

SUNDAY, DOWN_AT, KEY = "are you open on sunday", "are you still there", "[DTMF: 4]"
PUT_THROUGH, GOOD_BYE = "put me through", "good bye"
COLLEAGUE = "+15550100200"
TALK_TO = f"A colleague is at {COLLEAGUE}."
GREETING = "Rosa's, good evening."
REFUSED = "I cannot talk about that."
DOWN = ProviderError("the model is down", fix="wait")
CALL = CallContext(call_id="c1", caller="+15550107788", callee="+15550001234", carrier="fake")
PRICES = (
    Price(kind="stt", provider="fake", unit="minutes", usd=0.6),
    Price(kind="tts", provider="fake", unit="characters", usd=0.001),
)
FIRST_SEVEN = (
    f"um {SUNDAY}",
    "book a table for two",
    "we sit outside",
    "or you hear from my lawyer",
    "are there nuts in the cake",
    DOWN_AT,
    "where is my invoice",
)
NEXT = ("no the invoice number five", "i have a complaint", "whom can i talk to")
"""After the key: the first of them cuts its answer."""


def hooks() -> PipelineHooks:
    """Each stage changes something that can be seen."""
    return PipelineHooks(
        after_transcribe=lambda text, _: text.removeprefix("um "),
        after_llm={"on_sentence": lambda sentence, _: sentence.replace("noted", "written")},
        before_synthesize=lambda sentence, _: sentence.replace("R-2", "R two"),
    )


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open."""
    return f"{day}: five to eleven"


@tool(effect="once")
def book_table(people: int) -> str:
    """Book a table."""
    return f"R-{people}"


@tool(effect="idempotent")
def remember(note: str) -> str:
    """Keep a note."""
    return f"kept: {note}"


@tool(effect="read")
def allergens(dish: str) -> str:
    """What is in a dish."""
    return f"{dish}: nuts"


def wants(name: str, arguments: str) -> ToolRequest:
    """The model wants a tool run."""
    return ToolRequest(f"call-{name}", name, arguments)


ANSWERS: dict[str, tuple[ToolRequest | str, ...]] = {
    SUNDAY: (
        wants("opening_hours", '{"day": "sunday"}'),
        "On Sunday from five to eleven.",
    ),
    "book a table for two": (wants("book_table", '{"people": 2}'), "Booked, it is R-2."),
    "we sit outside": (wants("remember", '{"note": "outside"}'), "I have noted it."),
    "or you hear from my lawyer": ("Let me think about the lawsuit. Anything else?",),
    "are there nuts in the cake": (
        wants("use_skill", '{"skill_name": "allergies"}'),
        wants("allergens", '{"dish": "cake"}'),
        "Yes, there are nuts in it.",
    ),
    DOWN_AT: ("Yes, I am.",),
    "where is my invoice": (
        wants("handoff_to", '{"name": "billing", "reason": "an invoice"}'),
        "Billing here, which number?",
    ),
    KEY: ("Invoice four is paid, thank you very much for asking us about it.",),
    "no the invoice number five": ("Invoice five is open.",),
    "i have a complaint": ("I am sorry to hear that.",),
    "whom can i talk to": ("You can talk to my colleague.",),
    PUT_THROUGH: (wants("transfer_call", f'{{"number": "{COLLEAGUE}"}}'),),
    GOOD_BYE: (wants("end_call", '{"reason": "done"}'), "Good bye."),
}
"""What the model does at each turn, by the caller's words: its rounds."""


def asked(messages: Sequence[Message]) -> tuple[str, int]:
    """The caller's last words, and how many tools were run for them."""
    place = max(at for at, each in enumerate(messages) if each.role == "user")
    words = messages[place].text.removeprefix("um ")
    rounds = sum(each.role == "tool" for each in messages[place:])
    return KEY if words == "(The caller pressed 4.)" else words, rounds


def answer(messages: Sequence[Message]) -> str | ToolRequest:
    """What is said, or done, next."""
    words, rounds = asked(messages)
    return ANSWERS[words][rounds]


def engine() -> FakeEngine:
    """An engine that answers as the model does, and is lost in the turn `DOWN_AT`."""
    lost: list[str] = []

    def reply(rows: Sequence[Message]) -> str | ToolRequest:
        words, _ = asked(rows)
        if words == DOWN_AT and not lost:
            lost.append(words)
            made.sessions[-1].fail()
        return answer(rows)

    made = FakeEngine(answer=reply, listens=True, words_ms=0)
    return made


def model(fails_at: str = "") -> FakeLLM:
    """The model, which is down in the turn *fails_at*."""

    def reply(request: LLMRequest) -> Reply | str:
        if asked(request.messages)[0] == fails_at:
            return Reply(fails=DOWN)
        said = answer(request.messages)
        return Reply(tools=(said,)) if isinstance(said, ToolRequest) else said

    return FakeLLM(answer=reply)


@attrs.define(eq=False)
class Heard:
    """What of a call everybody outside it is told, in order."""

    events: list[tuple[str, Any]] = attrs.field(factory=list)

    def hears(self, name: str) -> Callable[[Any], Coroutine[Any, Any, None]]:
        async def callback(data: Any) -> None:
            self.events.append((name, data))

        return callback

    def of(self, name: str) -> list[Any]:
        return [data for each, data in self.events if each == name]


@attrs.define(eq=False)
class Reception(Heard):
    """A reception, and the call that it takes; with *engine* that hears, thinks and speaks."""

    root: Path = attrs.field(kw_only=True)
    engine: FakeEngine | None = attrs.field(default=None, kw_only=True)
    stt: FakeSTT = attrs.field(factory=FakeSTT, kw_only=True)
    carrier: FakeCarrier = attrs.field(factory=FakeCarrier, kw_only=True)

    def agent(self) -> Agent:
        """The agent; its invoices are the business of another."""
        shared: dict[str, Any] = {"vad": FakeVAD(), "echo_gate": False}
        if self.engine is not None:
            shared["engine"] = self.engine
        else:
            models = [model(fails_at=DOWN_AT), model()]
            shared |= {"stt": self.stt, "tts": FakeTTS(), "llm": models, "hooks": hooks()}
        billing = Agent(name="billing", system_prompt=f"You know invoices. {TALK_TO}", **shared)
        return Agent(
            name="reception",
            system_prompt=f"You are the reception. {TALK_TO}",
            first_message=GREETING,
            tools=[opening_hours, book_table, remember],
            guardrails=[Guardrail("legal", blocked_terms=["lawsuit"], replacement=REFUSED)],
            skills=[Skill("allergies", "What is in our dishes.", "Never guess.", [allergens])],
            handoffs={"billing": billing},
            **shared,
        )

    def context(self) -> ServeContext:
        """What serves it: a log, prices, callbacks and a bus, each of which is listened to."""
        agent, bus = self.agent(), EventBus()
        for kind in PatterEventType:
            bus.on(kind, self.hears(str(kind)))
        registry = PluginRegistry.from_environment({}, source=[])
        names = ("on_call_start", "on_call_end", "on_transcript", "on_metrics")
        return ServeContext(
            agent=agent,
            parts=agent.gather(registry, carrier=self.carrier),
            registry=registry,
            carrier=self.carrier,
            line=self.carrier,
            callbacks=Callbacks(**{name: self.hears(name) for name in names}),
            log=CallLog(root=self.root),
            bus=bus,
            prices=PRICES,
        )

    async def call(self, last: str) -> CallSummary:
        """The twelve turns, of which the last says *last*; the caller listens to each answer."""
        context, leg = self.context(), self.carrier.leg()
        answering = context.answer(CALL)
        caller = Caller(leg, on_speech=self.understand)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(answering.run())
            tasks.create_task(answering.attach(leg))
            await caller.hears_the_agent_out()
            for words in (*FIRST_SEVEN, "4", *NEXT[1:], last):
                await self.turn(caller, words)
            caller.hangs_up()
        summary = running.result()
        await context.ended(
            CallEntry(
                call_id=CALL.call_id,
                request=CallRequest(carrier="fake", caller=CALL.caller, callee=CALL.callee),
                state=CallState.ENDED,
                summary=summary,
            )
        )
        return summary

    def understand(self, words: str) -> None:
        """What the caller says is understood."""
        (self.engine or self.stt).sessions[-1].hear(words)

    async def turn(self, caller: Caller, words: str) -> None:
        """Say *words*, or press them and cut the answer, and hear the answer out."""
        if words.isdigit():
            await caller.presses(words)
            await caller.interrupts(NEXT[0], after_ms=900)
        else:
            await caller.says(words)
        if words == PUT_THROUGH:
            await caller.waits(1_000)
        else:
            await caller.hears_the_agent_out()
