"""Any history becomes one that Anthropic takes; any event is a chunk, no news, or an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import PatterError
from patter.providers.llm import (
    DoneChunk,
    LLMChunk,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolRequest,
    UsageChunk,
)
from patter.vendors.chat_wire import clean
from patter_anthropic import AnthropicLLM, _wire
from patter_anthropic._errors import ERRORS
from patter_anthropic._reply import MessagesReply
from patter_anthropic.double.prompt_cache import PromptCache
from patter_anthropic.double.request_check import check
from patter_anthropic.double.turn import Turn, events

from .asking import ASK, BOOKED, WITH_TOOLS

texts = st.text() | st.sampled_from(["", " ", "\n", "\ud800", "Yes."])
ids = st.sampled_from(["a", "b", "call:1", "", "é"])
requests = st.builds(ToolRequest, ids, st.just("book_table"), texts | st.just('{"people": 2}'))
messages = st.one_of(
    st.builds(Message, st.just("user"), texts),
    st.builds(Message, st.just("system"), texts),
    st.builds(Message, st.just("assistant"), texts, st.lists(requests, max_size=2).map(tuple)),
    st.builds(Message, st.just("tool"), texts, tool_call_id=ids),
)
turns = st.builds(
    Turn,
    text=st.text(),
    thinking=st.text(),
    calls=st.lists(
        st.tuples(st.just("book_table"), st.dictionaries(st.text(), st.integers()).map(json.dumps)),
        max_size=3,
    ).map(tuple),
)
PROMPT = {"input_tokens": 7, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 5}
FIELDS = st.sampled_from(["type", "index", "delta", "content_block", "usage", "message", "x"])
KINDS = st.sampled_from(["message_delta", "content_block_start", "text_delta", "tool_use", "error"])
JSON: Any = st.recursive(
    st.none() | st.integers() | KINDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)


def _unique(rows: list[Message]) -> list[Message]:
    """*rows* in which every id is asked for once, as a vendor's are."""
    seen: set[str] = set()
    kept = []
    for row in rows:
        calls = []
        for call in row.tool_calls:
            name = _wire._id(call.id)
            if name not in seen:
                calls.append(call)
            seen.add(name)
        kept.append(Message(row.role, row.text, tuple(calls), row.tool_call_id))
    return kept


def _read(coming: Any) -> list[LLMChunk]:
    reply = MessagesReply(ERRORS)
    chunks = [chunk for event in coming for chunk in reply.take(event)]
    return [*chunks, *reply.end()]


@given(st.lists(messages, max_size=8).map(_unique))
def test_any_history_is_taken_by_the_strictest_model(rows: list[Message]) -> None:
    request = type(ASK)(messages=tuple(rows), tools=WITH_TOOLS.tools, call=ASK.call)
    body = AnthropicLLM(api_key="k", model="claude-opus-5-5").body(request)
    check(json.loads(json.dumps(body)), "2026-10-21")


@given(st.lists(messages, max_size=8).map(_unique))
def test_nothing_that_was_said_is_lost(rows: list[Message]) -> None:
    sent = json.dumps(_wire.conversation(rows), ensure_ascii=False)
    for row in rows:
        if row.role in ("user", "assistant") and row.text.strip():
            assert json.dumps(clean(row.text), ensure_ascii=False) in sent


def test_the_callers_silence_is_said_for_a_greeting() -> None:
    greeted = [Message("assistant", "Bistro, good evening."), Message("user", "A table.")]
    roles = [(row["role"], row["content"][0]["text"]) for row in _wire.conversation(greeted)]
    assert roles == [
        ("user", "(call connected)"),
        ("assistant", "Bistro, good evening."),
        ("user", "A table."),
    ]


def test_rows_of_one_side_are_one_row() -> None:
    rows = [Message("user", "A table."), Message("user", "For two.")]
    assert _wire.conversation(rows) == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "A table."}, {"type": "text", "text": "For two."}],
        }
    ]


def test_a_tool_result_is_said_by_the_user_before_their_words() -> None:
    *_, last = _wire.conversation([*BOOKED, Message("user", "Thanks.")])
    assert last["role"] == "user"
    assert last["content"] == [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"},
        {"type": "text", "text": "Thanks."},
    ]


def test_a_tool_call_is_the_object_that_the_model_wrote() -> None:
    call = _wire.conversation(BOOKED)[1]["content"][0]
    assert call == {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "book_table",
        "input": {"people": 2},
    }


def test_the_agent_never_speaks_last() -> None:
    rows = [Message("user", "Hm."), Message("assistant", "Are you there?")]
    assert _wire.conversation(rows)[-1]["role"] == "user"


def test_several_system_rows_are_one_text() -> None:
    rows = [Message("system", "A"), Message("user", "x"), Message("system", " "), *BOOKED[:0]]
    assert _wire.system_text([*rows, Message("system", "B")]) == "A\n\nB"


def test_tools_system_and_the_last_row_are_marked_for_the_cache() -> None:
    body = AnthropicLLM(api_key="k", cache_ttl="1h").body(WITH_TOOLS)
    mark = {"type": "ephemeral", "ttl": "1h"}
    for part in ("tools", "system"):
        assert body[part][-1]["cache_control"] == mark
    assert body["messages"][-1]["content"][-1]["cache_control"] == mark
    assert str(body).count("cache_control") == 3


def test_marking_changes_nothing_that_is_shared() -> None:
    AnthropicLLM(api_key="k").body(WITH_TOOLS)
    assert "cache_control" not in WITH_TOOLS.tools[0].parameters


def test_the_next_turn_reads_this_one_from_the_cache() -> None:
    cache, llm = PromptCache(least=1), AnthropicLLM(api_key="k")
    first = cache.count(llm.body(WITH_TOOLS))
    rows = (*WITH_TOOLS.messages, Message("assistant", "Hello."), Message("user", "A table."))
    second = cache.count(llm.body(type(ASK)(messages=rows, tools=WITH_TOOLS.tools, call=ASK.call)))
    assert first["cache_read_input_tokens"] == 0
    assert second["cache_read_input_tokens"] == first["cache_creation_input_tokens"] > 0


@given(turns)
def test_what_is_streamed_is_what_is_read(turn: Turn) -> None:
    chunks = _read(events(turn, {"model": "m"}, PROMPT))
    assert "".join(c.text for c in chunks if isinstance(c, TextChunk)) == turn.text
    called: dict[int, list[str]] = {}
    for chunk in chunks:
        if isinstance(chunk, ToolCallChunk):
            called.setdefault(chunk.index, []).append(chunk.arguments)
    written = [json.loads("".join(pieces)) for _, pieces in sorted(called.items())]
    assert written == [json.loads(arguments) for _, arguments in turn.calls]
    assert list(called) == list(range(len(turn.calls)))


@given(turns)
def test_tokens_are_told_once_and_what_was_read_at_once(turn: Turn) -> None:
    chunks = _read(events(turn, {"model": "m"}, PROMPT))
    assert chunks[0] == UsageChunk(7, 0, 5, 3)
    assert [c for c in chunks if isinstance(c, UsageChunk)][1:] == [
        UsageChunk(output_tokens=turn.tokens())
    ]


@given(st.lists(JSON, max_size=3))
def test_any_event_is_a_chunk_no_news_or_an_error_of_ours(coming: list[object]) -> None:
    try:
        _read(coming)
    except PatterError as error:
        assert error.fix


@given(st.sampled_from(["content_block_start", "content_block_delta", "message_delta"]), JSON)
def test_an_event_without_its_parts_is_an_error_of_ours(kind: str, part: object) -> None:
    with pytest.raises(PatterError):
        MessagesReply(ERRORS).take({"type": kind, "index": part, "content": part})


def test_what_is_added_to_the_protocol_is_no_news() -> None:
    reply = MessagesReply(ERRORS)
    block = {"type": "hologram", "depth": 3}
    delta = {"type": "hologram_delta", "depth": 4}
    assert reply.take({"type": "hologram"}) == []
    assert reply.take({"type": "content_block_start", "index": 0, "content_block": block}) == []
    assert reply.take({"type": "content_block_delta", "index": 0, "delta": delta}) == []
    assert reply.take({"type": "content_block_stop", "index": 0}) == []


def test_arguments_that_come_whole_are_kept() -> None:
    reply = MessagesReply(ERRORS)
    block = {"type": "tool_use", "id": "t", "name": "book_table", "input": {"people": 2}}
    reply.take({"type": "content_block_start", "index": 4, "content_block": block})
    assert reply.take({"type": "content_block_stop", "index": 4}) == [
        ToolCallChunk(0, arguments='{"people":2}')
    ]


def test_a_gateway_that_counts_at_the_end_is_believed() -> None:
    reply = MessagesReply(ERRORS)
    reply.take({"type": "message_start", "message": {"usage": {"input_tokens": 0}}})
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"input_tokens": 9, "output_tokens": 4},
    }
    assert reply.take(end) == [UsageChunk(input_tokens=9, output_tokens=4)]
    assert reply.end() == [DoneChunk("end_turn")]
