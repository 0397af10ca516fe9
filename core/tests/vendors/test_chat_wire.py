"""The protocol that many vendors share, checked without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import ErrorCode, PatterError
from patter.providers.context import CallContext
from patter.providers.llm import (
    DoneChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolRequest,
    ToolSpec,
    UsageChunk,
)
from patter.vendors.chat_wire import ChatReply, ToolCalls, request_body
from patter.vendors.errors import VendorErrors

ERRORS = VendorErrors("Parrot", "PARROT_API_KEY", "status.parrot.example")
CALL = CallContext(call_id="c")
BOOK = ToolSpec("book", "Book a table.", {"type": "object"})

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def of(delta: object = None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk with one choice."""
    return {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": reason}], **more}


def read(*chunks: object, secret: str = "") -> list[object]:
    """What *chunks* add up to, with the end."""
    reply = ChatReply(ERRORS, secret)
    return [each for chunk in chunks for each in reply.take(chunk)] + reply.end()


def body(*messages: Message, tools: tuple[ToolSpec, ...] = ()) -> dict[str, Any]:
    return request_body(LLMRequest(messages=messages, tools=tools, call=CALL), "m")


@given(st.lists(st.text(min_size=1), max_size=5))
def test_text_survives_the_wire(pieces: list[str]) -> None:
    chunks = [of({"content": piece}) for piece in pieces]
    assert read(*chunks, of(reason="stop")) == [*map(TextChunk, pieces), DoneChunk("stop")]


@given(json_values)
def test_anything_else_is_an_error_of_ours_or_no_news(chunk: object) -> None:
    try:
        ChatReply(ERRORS).take(chunk)
    except PatterError as error:
        assert error.fix


@given(st.dictionaries(st.sampled_from(["choices", "usage", "error"]), json_values))
def test_fields_of_the_wrong_kind_are_an_error_of_ours_or_no_news(chunk: object) -> None:
    try:
        ChatReply(ERRORS).take(chunk)
    except PatterError as error:
        assert error.fix


@given(st.text(), st.text())
def test_a_request_can_be_written_down(text: str, arguments: str) -> None:
    called = Message("assistant", text, tool_calls=(ToolRequest("1", "book", arguments),))
    json.dumps(body(Message("user", text), called)).encode()


@given(st.text(alphabet=st.characters(min_codepoint=0xD700, max_codepoint=0xE010)))
def test_halves_of_surrogates_do_not_reach_the_vendor(text: str) -> None:
    json.dumps(body(Message("user", text)), ensure_ascii=False).encode()


def test_a_reply_without_a_reason_is_not_complete() -> None:
    with pytest.raises(PatterError) as caught:
        read(of({"content": "Hel"}))
    assert caught.value.code is ErrorCode.CONNECTION


def test_a_refusal_is_said() -> None:
    assert read(of({"refusal": "I can't."}), of(reason="stop"))[0] == TextChunk("I can't.")


def test_tokens_are_told_once_before_the_end_though_some_count_with_every_chunk() -> None:
    counted = [
        of({"content": "a"}, usage={"prompt_tokens": 9, "completion_tokens": n}) for n in (1, 2)
    ]
    *_, usage, done = read(*counted, of(reason="stop"))
    assert (usage, done) == (UsageChunk(9, 2), DoneChunk("stop"))
    assert sum(isinstance(each, UsageChunk) for each in read(*counted, of(reason="stop"))) == 1


def test_cached_tokens_are_not_counted_twice() -> None:
    details = {"cached_tokens": 6, "cache_write_tokens": 1}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": details}
    chunk = {"choices": [], "usage": usage}
    assert UsageChunk(3, 2, 6, 1) in read(of(reason="stop"), chunk)


def test_pieces_of_a_call_keep_its_index_and_its_first_has_name_and_id() -> None:
    begins = {"index": 0, "id": "t1", "function": {"name": "book", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"a":1}'}}
    chunks = read(of({"tool_calls": [begins]}), of({"tool_calls": [more]}), of(reason="tool_calls"))
    assert chunks[:2] == [ToolCallChunk(0, "t1", "book", ""), ToolCallChunk(0, "", "", '{"a":1}')]


def test_calls_that_share_an_index_are_told_apart_by_their_ids() -> None:
    calls = ToolCalls()
    taken = [calls.take({"index": 0, "id": each, "function": {"name": "book"}}) for each in "ab"]
    assert [(each.index, each.id) for each in taken] == [(0, "a"), (1, "b")]


def test_calls_without_an_index_or_an_id_get_one() -> None:
    calls = ToolCalls()
    taken = [calls.take({"id": each, "function": {"name": "book"}}) for each in ("a", "b")]
    assert [each.index for each in taken] == [0, 1]
    assert ToolCalls().take({"index": 3, "function": {"name": "book"}}).id == "call_0"


def test_an_id_that_is_repeated_begins_no_new_call() -> None:
    calls = ToolCalls()
    taken = [calls.take({"index": 0, "id": "a", "function": {"arguments": "x"}}) for _ in "ab"]
    assert [each.index for each in taken] == [0, 0]


def test_arguments_that_are_an_object_become_text() -> None:
    piece = {"index": 0, "id": "a", "function": {"name": "book", "arguments": {"people": 2}}}
    assert ToolCalls().take(piece).arguments == '{"people":2}'


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"message": "slow", "code": "rate_limit_exceeded"}, ErrorCode.RATE_LIMIT),
        ({"message": "pay", "type": "insufficient_quota"}, ErrorCode.AUTH),
        ({"message": "broken", "type": "server_error"}, ErrorCode.CONNECTION),
        ({"message": "odd"}, ErrorCode.PROVIDER_ERROR),
        ("just text", ErrorCode.PROVIDER_ERROR),
    ],
)
def test_an_error_in_the_stream_has_its_meaning(error: object, code: ErrorCode) -> None:
    with pytest.raises(PatterError) as caught:
        read({"error": error})
    assert caught.value.code is code


def test_a_key_in_a_streams_error_is_left_out() -> None:
    with pytest.raises(PatterError) as caught:
        read({"error": {"message": "hunter2 is bad"}}, secret="hunter2")
    assert "hunter2" not in str(caught.value)


def test_rows_have_the_vendors_names() -> None:
    rows = body(
        Message("system", "Be brief."),
        Message("assistant", tool_calls=(ToolRequest("t1", "book", ""),)),
        Message("tool", "done", tool_call_id="t1", name="book"),
    )["messages"]
    function = {"name": "book", "arguments": "{}"}
    assert rows == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "t1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "done", "tool_call_id": "t1"},
    ]


def test_tools_are_there_only_if_there_are_some_and_strict_only_if_they_are() -> None:
    assert "tools" not in body(Message("user", "hi"))
    strict = ToolSpec("cancel", "Cancel.", {"type": "object"}, strict=True)
    plain, closed = body(Message("user", "hi"), tools=(BOOK, strict))["tools"]
    assert "strict" not in plain["function"] and closed["function"]["strict"] is True
    assert plain["function"]["parameters"] == {"type": "object"}


def test_tokens_are_asked_for() -> None:
    assert body()["stream"] is True
    assert body()["stream_options"] == {"include_usage": True}
