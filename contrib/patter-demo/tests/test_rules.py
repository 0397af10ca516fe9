"""Rules decide: what is said, what is called and with what, and what is wrong with a rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import PatterConfigError, PatterError
from patter.plugins.spec import ProviderSpec
from patter.providers.context import CallContext
from patter.providers.llm import (
    DoneChunk,
    LLMChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolSpec,
    UsageChunk,
)
from patter_demo import Rule, RulesLLM
from patter_demo.plugin import patter_llm
from patter_testing import LLMSuite, run_virtual

CALL = CallContext(call_id="c1")
BOOK = Rule(
    r"table for (?P<people>\w+)",
    tool="book_table",
    arguments={"people": "{people}", "note": "said: {message}", "tables": 1},
    then="A table for {people}, {result:words}.",
)
OFFERED = (ToolSpec("book_table", "Book.", {"type": "object", "properties": {}}),)
ASKED = Message("user", "Book a TABLE for Two")


async def reply(llm: RulesLLM, *rows: Message, tools: tuple[ToolSpec, ...] = OFFERED) -> list[Any]:
    request = LLMRequest(messages=rows, tools=tools, call=CALL)
    return [chunk async for chunk in llm.stream(request)]


def text(chunks: list[LLMChunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


def calls(chunks: list[LLMChunk]) -> list[ToolCallChunk]:
    return [chunk for chunk in chunks if isinstance(chunk, ToolCallChunk)]


async def test_the_first_rule_that_fits_speaks() -> None:
    llm = RulesLLM(rules=[Rule("open", say="Yes."), Rule("op", say="No.")], default="Sorry?")
    assert text(await reply(llm, Message("user", "are you OPEN"))) == "Yes."
    assert text(await reply(llm, Message("user", "option"))) == "No."
    assert text(await reply(llm, Message("user", "hello"))) == "Sorry?"


async def test_a_tool_is_called_with_what_was_said_and_numbers_are_numbers() -> None:
    chunks = await reply(RulesLLM(rules=[BOOK]), ASKED)
    (call,) = calls(chunks)
    assert (call.name, bool(call.id), text(chunks)) == ("book_table", True, "")
    expected = {"people": 2, "note": "said: Book a TABLE for Two", "tables": 1}
    assert json.loads(call.arguments) == expected
    assert chunks[-1] == DoneChunk("tool_calls")


@pytest.mark.parametrize("result", ["R-17", '"R-17"'])
async def test_the_result_is_spoken(result: str) -> None:
    row = Message("tool", result, tool_call_id="call_1", name="book_table")
    chunks = await reply(RulesLLM(rules=[BOOK]), ASKED, Message("assistant"), row)
    assert text(chunks) == "A table for Two, R seventeen."
    assert not calls(chunks)


async def test_a_result_of_an_earlier_turn_is_not_used_again() -> None:
    row = Message("tool", "R-17", tool_call_id="call_1", name="book_table")
    assert calls(await reply(RulesLLM(rules=[BOOK]), ASKED, row, ASKED))


async def test_a_tool_that_is_not_offered_is_not_called() -> None:
    assert not calls(await reply(RulesLLM(rules=[BOOK]), ASKED, tools=()))


async def test_usage_counts_words_and_comes_before_the_end() -> None:
    chunks = await reply(RulesLLM(default="one two three"), Message("user", "a b"))
    assert chunks[-2:] == [UsageChunk(input_tokens=2, output_tokens=3), DoneChunk("stop")]


def test_words_come_at_their_pace() -> None:
    async def paced() -> float:
        started = CALL.clock.ms()
        await reply(RulesLLM(default="one two three", token_ms=500), Message("user", "a"))
        return CALL.clock.ms() - started

    assert run_virtual(paced()) == pytest.approx(1_500)


@given(st.text())
def test_what_a_caller_says_is_never_a_template(said: str) -> None:
    rule = Rule("(?s)(?P<all>.*)", say="{all}")
    values = rule.match(said)
    assert values is not None and values["all"] == said


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_rules_come_from_a_file(tmp_path: Path, suffix: str) -> None:
    toml = 'default = "Hm."\n[[rules]]\npattern = "open"\nsay = "Yes."\n'
    as_json = json.dumps({"default": "Hm.", "rules": [{"pattern": "open", "say": "Yes."}]})
    path = tmp_path / f"rules{suffix}"
    path.write_text(as_json if suffix == ".json" else toml)
    llm = patter_llm(ProviderSpec.parse(f"rules?file={path}"))

    async def both() -> tuple[str, str]:
        yes = text(await reply(llm, Message("user", "open?")))
        return yes, text(await reply(llm, Message("user", "so")))

    assert run_virtual(both()) == ("Yes.", "Hm.")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: Rule("("), "regular expression"),
        (lambda: Rule("a", say="{nobody}"), "nobody"),
        (lambda: Rule("a", say="{result}"), "result"),
        (lambda: Rule("a", say="{"), "template"),
        (lambda: Rule("a", arguments={"x": "{y}"}), "y"),
        (lambda: RulesLLM(file="/nowhere.toml"), r"nowhere\.toml"),
        (lambda: RulesLLM(rules=[{"patern": "a"}]), "not a rule"),
        (lambda: RulesLLM(rules="a"), "string"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_work_is_refused_when_it_is_written(make: Any, what: str) -> None:
    with pytest.raises(PatterConfigError, match=what) as caught:
        make()
    assert caught.value.fix


def test_a_misspelt_option_is_corrected() -> None:
    with pytest.raises(PatterError) as caught:
        patter_llm(ProviderSpec.parse("rules?fil=x"))
    assert caught.value.fix == "did you mean 'file'?"


class TestRulesLLM(LLMSuite):
    """The model keeps what every model has to keep."""

    @pytest.fixture
    def provider(self) -> RulesLLM:
        return RulesLLM(rules=[BOOK])
