"""What is pure, checked without a socket."""

from __future__ import annotations

import gzip
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import ErrorCode, PatterError
from patter.errors import RateLimitError
from patter.providers.llm import DoneChunk, TextChunk, ToolCallChunk, UsageChunk
from patter_cerebras._body import compressed, encoded
from patter_cerebras._errors import ERRORS, refused
from patter_cerebras._reply import CerebrasReply
from patter_cerebras.double.chat import chunks
from patter_testing.doubles.chat_turn import Turn

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
fields = st.sampled_from(
    ["error", "usage", "choices", "delta", "code", "status_code", "tool_calls", "index", "id"]
)
chunk_like = st.recursive(
    json_values,
    lambda inner: st.dictionaries(fields, inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=12,
)

# Bodies.

bodies = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
)


@given(bodies, st.booleans(), st.booleans())
def test_a_body_is_the_same_however_it_is_written(
    body: dict[str, Any], msgpack: bool, squeezed: bool
) -> None:
    data, headers = encoded(body, msgpack=msgpack)
    if squeezed:
        data, how = compressed(data)
        assert how == {"Content-Encoding": "gzip"}
        data = gzip.decompress(data)
    kind = headers["Content-Type"]
    assert kind == ("application/vnd.msgpack" if msgpack else "application/json")
    assert (msgspec.msgpack.decode(data) if msgpack else json.loads(data)) == body


# Replies.


@given(st.text(min_size=1).filter(str.strip))
def test_a_reply_survives_the_wire(text: str) -> None:
    reply = CerebrasReply(ERRORS)
    told = [chunk for event in chunks(Turn(text), BODY) for chunk in reply.take(event)]
    assert "".join(chunk.text for chunk in told if isinstance(chunk, TextChunk)) == text
    usage, done = reply.end()
    assert isinstance(usage, UsageChunk) and usage.output_tokens > 0
    assert done == DoneChunk("stop")


@given(chunk_like)
def test_garbage_in_a_reply_is_an_error_of_ours_or_no_news(event: object) -> None:
    try:
        CerebrasReply(ERRORS).take(event)
    except PatterError as error:
        assert error.fix


def piece(id_: str, arguments: str = "", **more: Any) -> dict[str, Any]:
    return {"type": "function", "id": id_, "function": {"arguments": arguments}, **more}


@pytest.mark.parametrize(
    "deltas",
    [
        [[piece("a", "{}"), piece("b", "[]")]],
        [[piece("", "{}"), piece("", "[]")]],
        [[piece("a", "{}")], [piece("b", "[]")]],
        [[piece("a", "{")], [piece("", "}")], [piece("b", "[]")]],
        [[piece("a", "{}", index=0), piece("b", "[", index=1)], [piece("", "]", index=1)]],
    ],
    ids=["at once", "without an id", "one by one", "in pieces", "with an index"],
)
def test_tool_calls_without_an_index_are_told_apart(deltas: list[list[dict[str, Any]]]) -> None:
    reply, calls = CerebrasReply(ERRORS), dict[int, str]()
    for delta in deltas:
        for chunk in reply.take({"choices": [{"delta": {"tool_calls": delta}}]}):
            assert isinstance(chunk, ToolCallChunk)
            calls[chunk.index] = calls.get(chunk.index, "") + chunk.arguments
    assert calls == {0: "{}", 1: "[]"}


def test_a_chunk_without_choices_is_no_news() -> None:
    quiet: list[dict[str, Any]] = [
        {"choices": None},
        {},
        {"choices": []},
        {"choices": [{"delta": None}]},
    ]
    for event in quiet:
        assert CerebrasReply(ERRORS).take(event) == []


def test_a_reply_without_an_end_is_not_complete() -> None:
    with pytest.raises(PatterError) as caught:
        CerebrasReply(ERRORS).end()
    assert caught.value.code is ErrorCode.CONNECTION


# Refusals.


@pytest.mark.parametrize("nested", [True, False], ids=["under error", "bare"])
@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, {"code": "wrong_api_format"}, ErrorCode.PROVIDER_ERROR),
        (401, {"code": "wrong_api_key"}, ErrorCode.AUTH),
        (402, {"message": "Payment required"}, ErrorCode.AUTH),
        (404, {"code": "model_not_found"}, ErrorCode.CONFIG),
        (422, {"code": "wrong_api_format"}, ErrorCode.PROVIDER_ERROR),
        (429, {"code": "queue_exceeded"}, ErrorCode.RATE_LIMIT),
        (429, {"code": "token_quota_exceeded"}, ErrorCode.RATE_LIMIT),
        (429, {"code": "request_quota_exceeded"}, ErrorCode.RATE_LIMIT),
        (429, {"message": "slow"}, ErrorCode.RATE_LIMIT),
        (503, {"message": "down"}, ErrorCode.CONNECTION),
    ],
)
def test_a_refusal_has_its_meaning(
    nested: bool, status: int, error: dict[str, Any], code: ErrorCode
) -> None:
    told = refused(status, {"error": error} if nested else error)
    assert told.code is code and told.fix


@given(st.integers(400, 599), chunk_like)
def test_any_refusal_is_an_error_with_a_fix(status: int, body: object) -> None:
    assert refused(status, body).fix


@given(st.sampled_from([400, 401, 402, 404, 422, 429, 500]))
def test_the_key_is_in_no_refusal(status: int) -> None:
    for code in ("queue_exceeded", "model_not_found", "wrong_api_key", "x"):
        told = refused(status, {"message": "csk-1 is bad", "code": code}, secret="csk-1")
        assert "csk-1" not in f"{told} {told.__cause__}"


@pytest.mark.parametrize("code", ["queue_exceeded", "x"])
@pytest.mark.parametrize(
    ("headers", "ms"),
    [
        ({}, 0),
        ({"Retry-After": "3"}, 3_000),
        (
            {
                "X-RateLimit-Remaining-Tokens-Minute": "0",
                "X-RateLimit-Reset-Tokens-Minute": "11.382867097854614",
            },
            11_383,
        ),
        (
            {
                "x-ratelimit-remaining-tokens-minute": "7",
                "x-ratelimit-reset-tokens-minute": "11.3",
            },
            0,
        ),
        (
            {
                "x-ratelimit-remaining-requests-day": "0",
                "x-ratelimit-reset-requests-day": "33011.382867097855",
            },
            33_011_383,
        ),
        (
            {
                "x-ratelimit-remaining-tokens-minute": "0",
                "x-ratelimit-reset-tokens-minute": "soon",
            },
            0,
        ),
    ],
)
def test_when_to_come_back_is_read_from_what_has_run_out(
    headers: dict[str, str], ms: float, code: str
) -> None:
    told = refused(429, {"code": code}, headers)
    assert isinstance(told, RateLimitError) and told.retry_after_ms == ms
