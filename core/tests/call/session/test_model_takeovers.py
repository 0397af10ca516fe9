"""A model dies, at whatever stage: another goes on, within 1.5 s, and no word is said twice."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import pytest

from patter.call.mind import ModelMind
from patter.call.plan import CallPlan
from patter.errors import AuthenticationError, PatterConnectionError, ProviderError, RateLimitError
from patter.llm.continuation import GO_ON
from patter.llm.fallback import FallbackLLMProvider
from patter.observe.events import ErrorEvent, Link, ToolRun, Usage
from patter.providers.llm import LLMChunk, LLMRequest, TextChunk, ToolRequest
from patter.tools.tool import tool
from patter_testing import FakeLLM, LabCall, Reply, lab

from . import plans
from .far_end import MOST_MS, first_sound_ms, longest_gap_ms

pytestmark = pytest.mark.virtual_time
STORY = "We are open from five to eleven. The kitchen closes at ten. Shall I book a table?"
HEALTHY: dict[str, Any] = {"first_ms": 300.0, "gap_ms": 20.0}
LOST = PatterConnectionError("the vendor went away", fix="wait a moment")
REFUSED = AuthenticationError("the vendor refused the key (401)", fix="export A_KEY")
BUSY = RateLimitError("too many requests (429)", fix="wait", retry_after_ms=20_000)


def dies(**how: Any) -> FakeLLM:
    return FakeLLM(replies=(Reply(text=STORY, **{**HEALTHY, **how}),))


@attrs.frozen(kw_only=True)
class Stops(FakeLLM):
    """Sends *words* words, then nothing; with *closes* it ends as if complete.

    With *trickles* there are more, one each 1.2 s.
    """

    words: int
    trickles: bool = False
    closes: bool = False

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        self.requests.append(request)
        for at, word in enumerate(re.findall(r"\s*\S+", STORY)):
            if at >= self.words and not self.trickles:
                break
            await asyncio.sleep(1.2 if at >= self.words else 0.02)
            yield TextChunk(word)
        if not self.closes:
            await asyncio.Event().wait()


def goes_on(request: LLMRequest) -> Reply:
    """Says the story, or the rest of it."""
    rows = request.messages
    begun = rows[-2].text if rows[-1].text == GO_ON else ""
    assert STORY.startswith(begun)
    return Reply(text=STORY[len(begun) :].lstrip(), **HEALTHY)


STAGES: dict[str, Callable[[], FakeLLM]] = {
    "never connects": lambda: dies(silent=True),
    "error before the first word": lambda: dies(fails=LOST),
    "refused key": lambda: dies(fails=REFUSED),
    "too many requests": lambda: dies(fails=BUSY),
    "error after four words": lambda: dies(fails=LOST, fails_after=4),
    "error in the second sentence": lambda: dies(fails=LOST, fails_after=10),
    "silent after four words": lambda: Stops(words=4),
    "silent after a sentence": lambda: Stops(words=7),
    "ends after four words": lambda: Stops(words=4, closes=True),
    "a word every 1.2 s after a sentence": lambda: Stops(words=7, trickles=True),
    "a word every 1.2 s after two words": lambda: Stops(words=2, trickles=True),
    "a plugin's bug": lambda: Breaks(),
}


@attrs.frozen(kw_only=True)
class Breaks(FakeLLM):
    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        raise KeyError(request.call.call_id)
        yield TextChunk("")


def plan(*models: FakeLLM, **changes: Any) -> CallPlan:
    names = [("first", "a"), ("second", "b"), ("third", "c")][: len(models)]
    mind = ModelMind(FallbackLLMProvider(models, names=names))
    made = plans.plan(mind=mind, **changes)
    return attrs.evolve(made, rules=attrs.evolve(made.rules, filler_ms=0, progress_ms=0))


async def asked(call: LabCall) -> float:
    """Ask, and hear the answer out; how long the first sound took."""
    await call.caller.says("when are you open")
    spoke_ms = call.leg.now_ms - 500
    await call.caller.hears_the_agent_out(quiet_ms=3_000)
    return first_sound_ms(call, spoke_ms)


async def usual_ms() -> float:
    async with lab(plan(FakeLLM(answer=goes_on))) as call:
        return await asked(call)


def model_links(call: LabCall) -> list[tuple[str, str]]:
    return [(link.provider, link.what) for link in call.of(Link) if link.kind == "llm"]


@pytest.mark.parametrize("stage", STAGES)
async def test_another_model_goes_on_and_the_caller_hears_one_answer(stage: str) -> None:
    second = FakeLLM(answer=goes_on)
    usual = await usual_ms()
    async with lab(plan(STAGES[stage](), second)) as call:
        first_ms = await asked(call)
        heard, gap_ms = call.caller.heard_text(), longest_gap_ms(call)
    assert heard.replace(" ", "") == STORY.replace(" ", "")
    assert call.utterances == [STORY]
    assert first_ms - usual <= MOST_MS and gap_ms <= MOST_MS
    assert model_links(call) == [("first", "failed"), ("second", "took_over")]
    assert call.of(ErrorEvent)[0].where == "llm first"
    assert all(link.text for link in call.of(Link)), "an operator reads why"


async def test_a_model_that_trickles_from_the_first_word_on_is_left_soon() -> None:
    usual = await usual_ms()
    async with lab(plan(Stops(words=0, trickles=True), FakeLLM(answer=goes_on))) as call:
        assert await asked(call) - usual <= 2_500
    assert call.utterances == [STORY]


async def test_the_tokens_are_charged_to_the_model_that_made_them() -> None:
    async with lab(plan(dies(fails=LOST), FakeLLM(answer=goes_on))) as call:
        await asked(call)
    assert {used.provider for used in call.of(Usage) if used.kind == "llm"} == {"second"}


async def test_the_next_call_does_not_try_a_model_that_was_found_dead() -> None:
    first, second = dies(silent=True), FakeLLM(answer=goes_on)
    usual = await usual_ms()
    async with lab(plan(first, second)) as call:
        await asked(call)
    async with lab(plan(first, second)) as call:
        assert await asked(call) - usual <= 50
    assert len(first.requests) == 1
    took_over = call.of(Link)[0]
    assert (took_over.what, took_over.provider) == ("took_over", "second")
    assert "had not begun to answer" in took_over.text


async def test_half_a_tool_call_is_not_run_and_a_whole_one_once() -> None:
    ran: list[int] = []

    @tool
    async def book_table(people: int) -> str:
        """Book."""
        ran.append(people)
        return "booked"

    request = (ToolRequest("call-1", "book_table", '{"people":2}'),)
    half = FakeLLM(replies=(Reply(tools=request, fails=LOST, fails_after=1),))
    whole = FakeLLM(replies=(Reply(tools=request), "It is booked."))
    async with lab(plan(half, whole, tools=(book_table,))) as call:
        assert await call.says("a table for two") == "It is booked."
    assert ran == [2]
    assert len([run for run in call.of(ToolRun) if run.what == "started"]) == 1


async def test_a_model_that_begins_anew_is_not_heard_anew() -> None:
    second = FakeLLM(replies=(Reply(text=STORY, **HEALTHY),))
    async with lab(plan(dies(fails=LOST, fails_after=10), second)) as call:
        await asked(call)
    assert call.utterances == [STORY]


async def test_when_the_second_breaks_off_too_the_third_goes_on() -> None:
    second = FakeLLM(
        answer=lambda request: attrs.evolve(goes_on(request), fails=LOST, fails_after=3)
    )
    third = FakeLLM(answer=goes_on)
    async with lab(plan(dies(fails=LOST, fails_after=4), second, third)) as call:
        await asked(call)
    assert call.utterances == [STORY]


async def test_when_no_model_is_left_the_caller_hears_an_apology() -> None:
    broken = dies(fails=LOST, fails_after=10)
    async with lab(plan(broken, dies(fails=REFUSED))) as call:
        await asked(call)
    call.expect_said("something went wrong on my side")
    assert STORY.startswith(call.utterances[0])


async def test_a_caller_who_interrupts_stops_every_model() -> None:
    closed: list[str] = []

    @attrs.frozen(kw_only=True)
    class Notes(FakeLLM):
        async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
            try:
                yield TextChunk("We are open from five to eleven, every day but Monday. ")
                await asyncio.sleep(2)
                yield TextChunk("And on feasts.")
                await asyncio.Event().wait()
            finally:
                closed.append(request.call.call_id)

    async with lab(plan(Notes(), FakeLLM(replies=("Two it is.",)))) as call:
        await call.caller.says("when are you open")
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(500)
        await call.caller.says("stop it please")
        await call.caller.waits(200)
        assert closed == ["lab"]


async def test_a_malformed_request_condemns_no_model_for_all_calls() -> None:
    wrong = ProviderError("the vendor refused the request (400)", fix="check the options")
    first, second = dies(fails=wrong), FakeLLM(answer=goes_on)
    for _ in range(2):
        async with lab(plan(first, second)) as call:
            await asked(call)
    assert len(first.requests) == 2, "one refused request may be its own fault"
