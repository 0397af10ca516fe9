"""A served agent whose calls somebody listens to: a scripted caller, and what was heard of it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import attrs

from patter import Agent, PluginRegistry
from patter.observe.summary import CallSummary
from patter.phone.event_bus import EventBus
from patter.phone.serving import ServeContext
from patter.phone.speech_events import SPEECH_CALLBACKS, SpeechEvents
from patter.providers.context import CallContext
from patter_testing import (
    Caller,
    FakeCarrier,
    FakeEngine,
    FakeLeg,
    FakeLLM,
    FakeSTT,
    FakeTTS,
    FakeVAD,
    Reply,
)


@attrs.define(eq=False)
class Listened:
    """An agent in a pipeline, or with *engine*, and what was heard of its calls, in order.

    With *interim* the recogniser is not sure of the words before it is asked.
    """

    engine: FakeEngine | None = None
    replies: tuple[str | Reply, ...] = ("We open at five, every day.", "You are welcome.")
    tools: tuple[Any, ...] = ()
    interim: bool = False
    speech: SpeechEvents = attrs.field(factory=SpeechEvents)
    bus: EventBus = attrs.field(factory=EventBus)
    stt: FakeSTT = attrs.field(factory=FakeSTT)
    tts: FakeTTS = attrs.field(factory=FakeTTS)
    llm: FakeLLM = attrs.field(init=False)
    context: ServeContext = attrs.field(init=False)
    heard: list[tuple[str, Any]] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.llm = FakeLLM(replies=self.replies)
        ears: dict[str, Any] = {"stt": self.stt, "llm": self.llm, "tts": self.tts}
        parts = ears if self.engine is None else {"engine": self.engine}
        agent = Agent(
            system_prompt="",
            first_message="Hello there.",
            vad=FakeVAD(),
            echo_gate=False,
            tools=self.tools,
            **parts,
        )
        registry, carrier = PluginRegistry.from_environment({}, source=[]), FakeCarrier()
        self.context = ServeContext(
            agent=agent,
            parts=agent.gather(registry, carrier=carrier),
            registry=registry,
            carrier=carrier,
            line=carrier,
            speech=self.speech,
            bus=self.bus,
        )

    def listen_to_speech(self, *names: str) -> None:
        """Keep what the callbacks of *names* are called with; all of them without names."""
        for name in names or SPEECH_CALLBACKS:
            self.speech.set(name, partial(self._hears, name))

    def listen(self, *types: str) -> None:
        """Keep what the bus tells of *types*."""
        for kind in types:
            self.bus.on(kind, partial(self._hears, kind))

    def _hears(self, name: str, data: Any) -> None:
        self.heard.append((name, data))

    def of(self, name: str) -> list[Any]:
        return [data for each, data in self.heard if each == name]

    async def call(self, call_id: str = "c1", *lines: str, cut: str = "") -> CallSummary:
        """Hear the greeting, say each of *lines*, hear the answer; speak *cut* over the first."""
        leg, call = FakeLeg(), CallContext(call_id=call_id, caller="+15550107788", carrier="fake")
        answering = self.context.answer(call)

        def understood(text: str) -> None:
            mine = (self.engine or self.stt).sessions
            ears = next(each for each in mine if each.call.call_id == call_id)
            ears.hear(text, **({"final": False} if self.interim else {}))

        caller = Caller(leg, on_speech=understood)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(answering.run())
            tasks.create_task(answering.attach(leg))
            await caller.hears_the_agent_out()
            for text in lines or ("when are you open",):
                await caller.says(text)
                if cut:
                    await caller.interrupts(cut, after_ms=600)
                    cut = ""
                await caller.hears_the_agent_out()
            caller.hangs_up()
        return running.result()
