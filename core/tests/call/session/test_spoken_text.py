"""From what a model writes to what the voice is given: sentences, and only what is to be said."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from patter import PipelineHooks, filter_emoji, filter_for_tts, filter_markdown
from patter.call.mind import FunctionMind
from patter.observe.events import Note, ToolRun
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailVerdict
from patter.providers.llm import ToolRequest
from patter.text.markdown import MarkdownStream
from patter.tools.tool import tool
from patter_testing import FakeLLM, FakeTTS, Reply, lab

from .plans import plan

pytestmark = pytest.mark.virtual_time
ASKED = "what do you have"


async def given_to_the_voice(reply: str | Reply, **changes: Any) -> list[str]:
    """The sentences that the voice was given of a model's *reply*."""
    tts = FakeTTS(ms_per_letter=5)
    async with lab(plan(FakeLLM(replies=(reply,)), **changes), tts=tts) as call:
        await call.says(ASKED)
    return tts.sessions[-1].sentences


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ("**Note. Text.** Yes.", ["Note.", "Text.", "Yes."]),
        ("12. Would you like one?", ["12. Would you like one?"]),
        (
            "See [St. Mary. A church.](https://x.example/a.b) now.",
            ["See St. Mary.", "A church. now."],
        ),
        ("It is x**2 here. **Yes. No.**", ["It is x**2 here.", "Yes.", "No."]),
        ("```py\nprint('_all of it_')\n```\nDone.", ["print('_all of it_')", "Done."]),
        ("We have soup! 😀 And bread too. 🍞", ["We have soup!", "And bread too."]),
        ("| a | b |\n|---|---|\n| 1 | 2 |", ["a, b\n1, 2"]),
        ("Tea &amp; cake. Is that fine?", ["Tea & cake.", "Is that fine?"]),
    ],
)
async def test_marks_are_gone_before_a_text_is_cut(reply: str, wanted: list[str]) -> None:
    assert await given_to_the_voice(reply, text_transforms=(filter_for_tts,)) == wanted


async def test_bold_is_never_read_out_whatever_the_transforms() -> None:
    said = await given_to_the_voice("**Note. It is late.** And <break/> x**2.")
    assert said == ["Note.", "It is late.", "And <break/> x**2."]


@pytest.mark.parametrize(
    "reply",
    [
        "<think>They want. A table? Yes.</think>We have one.",
        "<think>\nHm. So.\n</think>\n\nWe have one.",
        "We have one.<think>Was that right. I think so.",
        "We have one. <THINKING>x. Y.</THINKING>",
    ],
)
async def test_a_thought_is_never_said(reply: str) -> None:
    assert await given_to_the_voice(reply) == ["We have one."]


async def test_a_thought_that_never_ends_is_noted_and_not_said() -> None:
    tts = FakeTTS()
    llm = FakeLLM(replies=("<think>They want. A table", "We have one."))
    async with lab(plan(llm), tts=tts) as call:
        await call.caller.says(ASKED)
        await call.caller.waits(1_000)
    assert not any("want" in said or "table" in said for said in tts.sessions[-1].sentences)
    assert "unclosed_thought" in [note.what for note in call.of(Note)]


async def test_a_thought_before_a_tool_does_not_swallow_what_comes_after_it() -> None:
    @tool(effect="read")
    def hours() -> str:
        return "five to eleven"

    first = Reply(text="<think>I will look. Now", tools=(ToolRequest("t", "hours", "{}"),))
    llm = FakeLLM(replies=(first, "From five to eleven."))
    async with lab(plan(llm, tools=(hours,))) as call:
        assert await call.says(ASKED) == "From five to eleven."


async def test_functions_of_the_application_see_whole_sentences_without_marks() -> None:
    seen: list[str] = []

    class Guard:
        name = "guard"

        async def check(self, text: str, speaker: str, call: object) -> GuardrailVerdict:
            seen.append(text)
            return GuardrailVerdict(True)

    def shout(text: str) -> str:
        seen.append(text)
        return text.upper()

    said = await given_to_the_voice(
        "**Dr. Smith is in. Is that fine?**",
        guardrails=(Guard(),),
        text_transforms=(shout, filter_markdown),
    )
    assert seen == ["Dr. Smith is in."] * 2 + ["Is that fine?"] * 2
    assert said == ["DR. SMITH IS IN.", "IS THAT FINE?"]


class Masked:
    """A filter of an application's own that wants the text before it is cut."""

    def __call__(self, text: str) -> str:
        return text.replace("secret", "***")

    def stream(self) -> Any:
        whole = self

        class Pieces:
            held = ""

            def push(self, text: str) -> str:
                *words, self.held = re.split(r"(?<=\s)", self.held + text)
                return whole("".join(words))

            def flush(self) -> str:
                rest, self.held = whole(self.held), ""
                return rest

        return Pieces()


async def test_a_filter_of_the_applications_own_may_see_the_text_before_it_is_cut() -> None:
    said = await given_to_the_voice("The secret. is out. Yes.", text_transforms=(Masked(),))
    assert said == ["The ***. is out.", "Yes."]


@pytest.mark.parametrize("raised", [ValueError("no"), SystemExit(1)])
@pytest.mark.parametrize("when", ["make", "push", "flush"])
async def test_a_filter_that_fails_changes_nothing(raised: BaseException, when: str) -> None:
    class Failing:
        def __call__(self, text: str) -> str:
            return text

        def stream(self) -> Any:
            self.fails("make")
            return self

        def push(self, text: str) -> str:
            self.fails("push")
            return text

        def flush(self) -> str:
            self.fails("flush")
            return ""

        def fails(self, at: str) -> None:
            if at == when:
                raise raised

    transforms = (Failing(), filter_emoji)
    assert await given_to_the_voice("We have one. 😀", text_transforms=transforms) == [
        "We have one."
    ]


async def test_a_function_that_exits_changes_nothing_and_ends_nothing() -> None:
    def leave(*args: object) -> Any:
        sys.exit(3)

    hooks = PipelineHooks(after_transcribe=leave, before_llm=leave, before_synthesize=leave)
    said = await given_to_the_voice("We have one.", text_transforms=(leave,), hooks=hooks)
    assert said == ["We have one."]


async def test_a_sentence_that_is_over_is_said_while_the_model_pauses() -> None:
    tts = FakeTTS()

    async def slow(message: dict[str, Any]) -> AsyncIterator[str]:
        yield "Let me look. "
        await asyncio.sleep(3)
        yield "we have one"
        await asyncio.sleep(3)
        yield ". And bread."

    async with lab(plan(mind=FunctionMind(slow)), tts=tts) as call:
        await call.caller.says(ASKED)
        await call.caller.waits(1_500)
        assert tts.sessions[-1].sentences == ["Let me look."]
        await call.caller.waits(3_500)
        assert tts.sessions[-1].sentences == ["Let me look."]
        await call.caller.waits(4_000)
    assert tts.sessions[-1].sentences == ["Let me look.", "we have one.", "And bread."]


async def test_a_pause_between_tokens_does_not_cut_a_sentence() -> None:
    reply = Reply(text="Yahoo! and Dr. Smith are both in today. Is that fine?", gap_ms=250)
    assert await given_to_the_voice(reply) == [
        "Yahoo! and Dr. Smith are both in today.",
        "Is that fine?",
    ]


async def test_a_handler_may_yield_without_being_async() -> None:
    def pieces(message: dict[str, Any]) -> Iterator[str | None]:
        yield "Hello "
        yield None
        yield "there."

    async with lab(plan(mind=FunctionMind(pieces))) as call:
        assert await call.says(ASKED) == "Hello there."


@pytest.mark.parametrize("kind", ["sync", "async", "yields"])
async def test_a_handler_that_exits_is_apologised_for(kind: str) -> None:
    def answer(message: dict[str, Any]) -> str:
        sys.exit(1)

    async def answer_async(message: dict[str, Any]) -> str:
        sys.exit(1)

    async def answer_in_pieces(message: dict[str, Any]) -> AsyncIterator[str]:
        if message:
            sys.exit(1)
        yield ""

    handler = {"sync": answer, "async": answer_async, "yields": answer_in_pieces}[kind]
    async with lab(plan(mind=FunctionMind(handler))) as call:
        assert "something went wrong" in await call.says(ASKED)


@pytest.mark.parametrize("sync", [True, False])
async def test_a_tool_that_exits_is_told_to_the_model_and_the_call_goes_on(sync: bool) -> None:
    def book() -> str:
        sys.exit("no more")

    async def book_async() -> str:
        await asyncio.sleep(0.1)
        return book()

    made = tool(handler=book if sync else book_async, name="book")
    llm = FakeLLM(replies=(Reply(tools=(ToolRequest("t", "book", "{}"),)), "I could not.", "Bye."))
    async with lab(plan(llm, tools=(made,))) as call:
        assert await call.says("book it") == "I could not."
        assert await call.says("thank you") == "Bye."
    [shown] = [message for message in llm.requests[1].messages if message.role == "tool"]
    assert "tried to exit" in shown.text


async def test_a_tool_that_has_booked_has_booked_whatever_it_returns() -> None:
    @tool(effect="once")
    def book(call: CallContext) -> object:
        return {("table", 7): 2**80, "note": "\ud83d", "self": call}

    llm = FakeLLM(replies=(Reply(tools=(ToolRequest("t", "book", "{}"),)), "It is booked."))
    async with lab(plan(llm, tools=(book,))) as call:
        assert await call.says("book it") == "It is booked."
    [run] = [run for run in call.of(ToolRun) if run.what == "finished"]
    assert run.ok and str(2**80) in str(run.result)


def test_a_filter_says_how_it_filters_text_in_pieces() -> None:
    assert filter_markdown.stream is MarkdownStream  # type: ignore[attr-defined]
