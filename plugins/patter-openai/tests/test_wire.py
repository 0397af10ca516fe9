"""The protocols, checked without a socket."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import ErrorCode, PatterError
from patter.providers.context import CallContext
from patter.providers.llm import (
    DoneChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolRequest,
    ToolSpec,
    UsageChunk,
)
from patter.providers.stt import STTEvent, Transcript
from patter_openai._errors import ERRORS
from patter_openai._responses import ResponsesReply, request_body
from patter_openai._transcription_wire import (
    Committed,
    Complete,
    Delta,
    NothingToCommit,
    ServerEvent,
    append,
    decode,
)
from patter_openai._transcripts import MOST_ABANDONED, Transcripts
from patter_openai.double.responses import events
from patter_testing.doubles.chat_turn import Turn

CALL = CallContext(call_id="c")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
RESPONSE_TYPES = (
    "response.output_text.delta",
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.completed",
    "response.incomplete",
    "response.failed",
    "error",
)
TRANSCRIPTION_TYPES = (
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.failed",
    "error",
)


def of_type(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    fields = st.sampled_from(["item", "delta", "response", "error", "item_id", "logprobs", "text"])
    return st.builds(
        lambda name, rest: {**rest, "type": name},
        st.sampled_from(names),
        st.dictionaries(fields, json_values),
    )


# Responses.


@given(st.text(min_size=1).filter(str.strip))
def test_a_response_survives_the_wire(text: str) -> None:
    reply = ResponsesReply(ERRORS)
    body = {"model": "m", "input": "hi"}
    chunks = [chunk for event in events(Turn(text), body) for chunk in reply.take(event)]
    assert "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk)) == text
    assert reply.end()[-1] == DoneChunk("stop")


@given(json_values | of_type(*RESPONSE_TYPES))
def test_garbage_in_responses_is_an_error_of_ours_or_no_news(event: object) -> None:
    try:
        ResponsesReply(ERRORS).take(event)
    except PatterError as error:
        assert error.fix


def test_a_response_without_an_end_is_not_complete() -> None:
    with pytest.raises(PatterError) as caught:
        ResponsesReply(ERRORS).end()
    assert caught.value.code is ErrorCode.CONNECTION


def test_a_response_that_failed_has_its_meaning() -> None:
    failed = {
        "type": "response.failed",
        "response": {"error": {"code": "rate_limit_exceeded", "message": "k-1 is slow"}},
    }
    with pytest.raises(PatterError) as caught:
        ResponsesReply(ERRORS, "k-1").take(failed)
    assert caught.value.code is ErrorCode.RATE_LIMIT and "k-1" not in str(caught.value)


def test_tokens_of_a_response_are_told_once() -> None:
    reply = ResponsesReply(ERRORS)
    usage = {
        "input_tokens": 10,
        "output_tokens": 3,
        "input_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 1},
    }
    reply.take({"type": "response.completed", "response": {"usage": usage}})
    assert reply.end() == [UsageChunk(3, 3, 6, 1), DoneChunk("stop")]


def test_rows_are_items_and_a_call_is_an_item_of_its_own() -> None:
    called = ToolRequest("t1", "book", "")
    rows = (
        Message("system", "Be brief."),
        Message("assistant", "One moment.", tool_calls=(called,)),
        Message("tool", "done", tool_call_id="t1"),
        Message("assistant", tool_calls=(called,)),
    )
    call = {"type": "function_call", "call_id": "t1", "name": "book", "arguments": "{}"}
    assert request_body(LLMRequest(messages=rows, call=CALL), "m")["input"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "One moment."},
        call,
        {"type": "function_call_output", "call_id": "t1", "output": "done"},
        call,
    ]


@pytest.mark.parametrize("strict", [True, False])
def test_a_tool_says_whether_it_is_strict(strict: bool) -> None:
    tool = ToolSpec("book", "Book.", {"type": "object"}, strict=strict)
    body = request_body(LLMRequest(messages=(), tools=(tool,), call=CALL), "m")
    assert body["tools"][0]["strict"] is strict


# Transcription sessions.


@given(st.binary())
def test_audio_survives_the_wire(audio: bytes) -> None:
    assert base64.b64decode(json.loads(append(audio))["audio"]) == audio


@given(st.text() | st.binary() | json_values.map(json.dumps))
def test_garbage_from_a_socket_is_an_error_of_ours_or_no_news(message: str | bytes) -> None:
    try:
        assert decode(message) is None
    except PatterError as error:
        assert error.fix


@given(of_type(*TRANSCRIPTION_TYPES))
def test_messages_without_their_fields_are_an_error_of_ours(body: dict[str, Any]) -> None:
    try:
        decode(json.dumps(body))
    except PatterError as error:
        assert error.fix


def test_a_key_in_an_error_of_a_socket_is_left_out() -> None:
    error = {"type": "error", "error": {"message": "bad k-1", "code": "invalid_value"}}
    with pytest.raises(PatterError) as caught:
        decode(json.dumps(error), "k-1")
    assert "k-1" not in str(caught.value)


def test_too_little_to_commit_is_no_error() -> None:
    error = {"type": "error", "error": {"code": "input_audio_buffer_commit_empty"}}
    assert decode(json.dumps(error)) == NothingToCommit()


# Which words stand.


def texts(events: list[STTEvent], *, final: bool) -> list[str]:
    return [e.text for e in events if isinstance(e, Transcript) and e.final is final]


items = st.lists(st.sampled_from(["", "a", "b c"]), min_size=1, max_size=5)


@given(items, st.randoms(use_true_random=False))
def test_finals_come_in_the_order_of_speech_and_each_pause_is_answered(
    words: list[str], random: Any
) -> None:
    told, seen = Transcripts(), list[STTEvent]()
    for at, _ in enumerate(words):
        told.commit(at * 100)
        seen += told.take(Committed(str(at)))
    assert told.pause() == []
    order = list(enumerate(words))
    random.shuffle(order)
    for at, text in order:
        assert told.waiting
        seen += told.take(Complete(str(at), text))
    spoken = [text for text in words if text]
    assert texts(seen, final=True) == (spoken or [""])
    assert not told.waiting
    assert texts(told.pause(), final=True) == [""]


events_ = st.lists(
    st.one_of(
        st.builds(Committed, st.sampled_from("abc")),
        st.builds(Delta, st.sampled_from("abc"), st.text(max_size=3)),
        st.builds(Complete, st.sampled_from("abc"), st.sampled_from(["", "x"])),
        st.just(NothingToCommit()),
        st.sampled_from(["pause", "late", "commit"]),
    ),
    max_size=25,
)


@given(events_)
def test_whatever_comes_a_pause_that_is_given_up_is_answered_once(
    given: list[ServerEvent | str],
) -> None:
    told = Transcripts()
    for event in given:
        if event == "pause":
            assert told.pause() in ([], [Transcript("", final=True)])
        elif event == "commit":
            told.commit(1)
        elif event == "late":
            was_waiting = told.waiting
            answers = texts(told.give_up(), final=True)
            assert not told.waiting and (answers.count("") == 0 or was_waiting)
        elif not isinstance(event, str):
            told.take(event)
    told.give_up()
    assert not told.waiting


def test_interims_are_those_of_the_oldest_words() -> None:
    told = Transcripts()
    told.take(Committed("a"))
    told.take(Committed("b"))
    assert texts(told.take(Delta("a", " one")), final=False) == ["one"]
    assert told.take(Delta("b", "two")) == []


def test_words_that_were_given_up_hold_up_no_others() -> None:
    told = Transcripts()
    told.commit(10)
    told.take(Committed("a"))
    told.pause()
    assert texts(told.give_up(), final=True) == [""]
    told.commit(20)
    told.take(Committed("b"))
    assert told.pause() == []
    assert texts(told.take(Complete("b", "two")), final=True) == ["two"]
    assert texts(told.take(Complete("a", "one")), final=True) == ["one"]


def test_what_was_given_up_is_forgotten_in_the_end() -> None:
    told = Transcripts()
    for at in range(3 * MOST_ABANDONED):
        told.take(Committed(str(at)))
        told.give_up()
    assert len(told._items) == MOST_ABANDONED
