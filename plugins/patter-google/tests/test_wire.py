"""Any history becomes one that Gemini takes; any piece is a chunk, no news, or an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import ErrorCode, PatterError
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
from patter_google import GoogleLLM, _wire
from patter_google._errors import ERRORS
from patter_google._reply import BROKEN, REFUSALS, GeminiReply
from patter_google.double.request_check import NOT_THEIRS, checked
from patter_google.double.turn import Turn, pieces, signature

from .asking import ASK, WITH_TOOLS, booked

texts = st.text() | st.sampled_from(["", " ", "\n", "\ud800", '{"ok": true}', "[1]"])
ids = st.sampled_from(["a", "b", "", "é"])
requests = st.builds(ToolRequest, ids, st.just("book_table"), texts | st.just('{"people": 2}'))
messages = st.one_of(
    st.builds(Message, st.just("user"), texts),
    st.builds(Message, st.just("system"), texts),
    st.builds(Message, st.just("assistant"), texts, st.lists(requests, max_size=3).map(tuple)),
    st.builds(Message, st.just("tool"), texts, tool_call_id=ids),
)
turns = st.builds(
    Turn,
    text=st.text(),
    thought=st.text(),
    calls=st.lists(
        st.tuples(st.just("book_table"), st.dictionaries(st.text(), st.integers()).map(json.dumps)),
        max_size=3,
    ).map(tuple),
)
FIELDS = st.sampled_from(["candidates", "content", "parts", "text", "functionCall", "error"])
JSON: Any = st.recursive(
    st.none() | st.integers() | st.sampled_from(["STOP", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)


def _read(coming: Any) -> list[LLMChunk]:
    reply = GeminiReply(ERRORS)
    chunks = [chunk for piece in coming for chunk in reply.take(piece)]
    return [*chunks, *reply.end()]


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3.8-flash"])
@given(rows=st.lists(messages, max_size=8))
def test_any_history_is_taken(model: str, rows: list[Message]) -> None:
    request = type(ASK)(messages=tuple(rows), tools=WITH_TOOLS.tools, call=ASK.call)
    body = GoogleLLM(api_key="k", model=model).body(request)
    checked(json.loads(json.dumps(body)), model, set())


@given(st.lists(messages, max_size=8))
def test_nothing_that_was_said_is_lost(rows: list[Message]) -> None:
    sent = json.dumps(_wire.contents(rows, "gemini-2.5-flash", {}), ensure_ascii=False)
    for row in rows:
        if row.role in ("user", "assistant") and row.text.strip():
            assert json.dumps(clean(row.text), ensure_ascii=False) in sent


def _contents(*rows: Message, signatures: dict[str, str] | None = None) -> list[dict[str, Any]]:
    return _wire.contents(rows, "gemini-3.8-flash", signatures or {})


def test_the_callers_silence_is_said_for_a_greeting() -> None:
    rows = _contents(Message("assistant", "Good evening."), Message("user", "A table."))
    assert [(row["role"], row["parts"][0]["text"]) for row in rows] == [
        ("user", "(call connected)"),
        ("model", "Good evening."),
        ("user", "A table."),
    ]


def test_rows_of_one_side_are_one_row() -> None:
    assert _contents(Message("user", "A table."), Message("user", "For two.")) == [
        {"role": "user", "parts": [{"text": "A table."}, {"text": "For two."}]}
    ]


def test_one_tool_called_twice_is_answered_in_the_order_of_the_calls() -> None:
    user, calls, first, second = booked("a", "b")
    *_, last = _contents(user, calls, second, first, Message("user", "Thanks."))
    said = [part.get("functionResponse", {}).get("response") for part in last["parts"]]
    assert said == [{"output": "for a"}, {"output": "for b"}, None]
    assert last["parts"][-1] == {"text": "Thanks."}


def test_a_result_that_is_an_object_is_sent_as_it_is() -> None:
    user, calls, _ = booked("a")
    result = Message("tool", '{"ok":true}', tool_call_id="a")
    *_, last = _contents(user, calls, result)
    assert last["parts"][0]["functionResponse"]["response"] == {"ok": True}


def test_a_call_goes_back_with_the_id_and_the_signature_it_came_with() -> None:
    _, made, answered = _contents(*booked("fc-1"), signatures={"fc-1": signature(1)})
    call = {"id": "fc-1", "name": "book_table", "args": {"people": 0}}
    assert made["parts"] == [{"functionCall": call, "thoughtSignature": signature(1)}]
    assert answered["parts"][0]["functionResponse"]["id"] == "fc-1"


def test_a_call_of_another_model_is_marked_as_such_and_only_the_first() -> None:
    _, made, answered = _contents(*booked("toolu_1", "toolu_2"))
    assert [part.get("thoughtSignature") for part in made["parts"]] == [NOT_THEIRS, None]
    assert "id" not in made["parts"][0]["functionCall"]
    assert "id" not in answered["parts"][0]["functionResponse"]


def test_an_older_model_is_sent_no_signature_of_ours() -> None:
    _, made, _ = _wire.contents(booked("a"), "gemini-2.5-flash", {})
    assert "thoughtSignature" not in made["parts"][0]


def test_an_id_made_here_is_not_sent() -> None:
    reply, signatures = GeminiReply(ERRORS), dict[str, str]()
    reply.signatures = signatures
    call = {"functionCall": {"name": "book_table"}, "thoughtSignature": signature(3)}
    (chunk,) = reply.take({"candidates": [{"content": {"parts": [call]}}]})
    assert isinstance(chunk, ToolCallChunk) and chunk.id
    _, made, _ = _contents(*booked(chunk.id), signatures=signatures)
    assert made["parts"][0]["thoughtSignature"] == signature(3)
    assert "id" not in made["parts"][0]["functionCall"]


def test_several_system_rows_are_one_instruction() -> None:
    rows = [Message("system", "A"), Message("user", "x"), Message("system", " ")]
    assert _wire.system_instruction(rows) == {"parts": [{"text": "A"}]}
    assert _wire.system_instruction(rows[1:]) is None


@given(turns, st.booleans())
def test_what_is_streamed_is_what_is_read(turn: Turn, signs: bool) -> None:
    chunks = _read(pieces(turn, "m", 9, signs))
    assert "".join(c.text for c in chunks if isinstance(c, TextChunk)) == turn.text
    calls = [c for c in chunks if isinstance(c, ToolCallChunk)]
    assert [json.loads(c.arguments) for c in calls] == [json.loads(a) for _, a in turn.calls]
    assert [c.index for c in calls] == list(range(len(calls)))
    assert len({c.id for c in calls}) == len(calls)
    assert chunks[-1] == DoneChunk("STOP")


@given(turns, st.integers(0, 9))
def test_tokens_are_told_once(turn: Turn, cached: int) -> None:
    turn = Turn(text=turn.text, thought=turn.thought, calls=turn.calls, cached=cached)
    (used,) = [c for c in _read(pieces(turn, "m", 9, False)) if isinstance(c, UsageChunk)]
    written = len(turn.parts(False))
    assert (used.input_tokens, used.cache_read_tokens) == (9 - cached, cached)
    assert used.output_tokens in (written, written + 1)


@given(st.lists(JSON, max_size=3))
def test_any_piece_is_a_chunk_no_news_or_an_error_of_ours(coming: list[object]) -> None:
    try:
        _read(coming)
    except PatterError as error:
        assert error.fix


def test_parts_of_other_kinds_are_no_news() -> None:
    parts = [{"executableCode": {"code": "1"}}, {"inlineData": {}}, {"text": "", "x": 1}]
    assert GeminiReply(ERRORS).take({"candidates": [{"content": {"parts": parts}}]}) == []


def _ending(reason: str, said: str = "") -> GeminiReply:
    reply = GeminiReply(ERRORS)
    parts = [{"text": said}] if said else []
    reply.take({"candidates": [{"content": {"parts": parts}, "finishReason": reason}]})
    return reply


@pytest.mark.parametrize("reason", sorted(REFUSALS))
def test_a_refusal_without_a_word_is_an_error_and_with_one_an_end(reason: str) -> None:
    with pytest.raises(PatterError, match=reason) as raised:
        _ending(reason).end()
    assert raised.value.code is ErrorCode.PROVIDER_ERROR
    assert _ending(reason, "I would").end() == [DoneChunk(reason)]


@pytest.mark.parametrize("reason", sorted(BROKEN))
def test_a_broken_reply_may_be_tried_again(reason: str) -> None:
    with pytest.raises(PatterError, match=reason) as raised:
        _ending(reason, "I will").end()
    assert raised.value.passing


@pytest.mark.parametrize("reason", ["STOP", "MAX_TOKENS", "SOMETHING_NEW"])
def test_any_other_reason_ends_a_reply(reason: str) -> None:
    assert _ending(reason).end() == [DoneChunk(reason)]


@pytest.mark.parametrize("kept", [0, 1])
def test_a_stream_that_ends_without_a_reason_is_no_reply(kept: int) -> None:
    coming = list(pieces(Turn(text="One two."), "m", 9, False))
    with pytest.raises(PatterError) as raised:
        _read(coming[:kept])
    assert raised.value.code is ErrorCode.CONNECTION


def test_every_reason_of_the_sdk_means_something() -> None:
    from google.genai.types import FinishReason

    known = REFUSALS | BROKEN | {"STOP", "MAX_TOKENS", "MISSING_THOUGHT_SIGNATURE", "CONTINUATION"}
    ours = {each for each in FinishReason.__members__ if not each.startswith(("IMAGE", "NO_IMAGE"))}
    assert ours - known == {"FINISH_REASON_UNSPECIFIED"}
