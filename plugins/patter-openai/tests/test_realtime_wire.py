"""The Realtime protocol and its bookkeeping, checked without a socket."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import PatterError
from patter.audio.formats import PCM16_24K
from patter.errors import ErrorCode
from patter.providers.engine import EngineSetup
from patter.providers.engine_events import (
    EngineUsage,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseText,
    VendorInterrupted,
)
from patter.providers.llm import Message, ToolRequest
from patter_openai import _realtime_wire as wire
from patter_openai._realtime_conversation import RealtimeConversation

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
KINDS = (
    *(
        "response.created",
        "response.done",
        "response.output_item.added",
        "response.output_item.done",
    ),
    *("response.output_audio.delta", "response.output_audio_transcript.delta"),
    *("response.output_text.delta", "input_audio_buffer.speech_started"),
    *("input_audio_buffer.speech_stopped", "input_audio_buffer.committed"),
    *("conversation.item.truncated", "conversation.item.deleted", "error", "session.updated"),
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.failed",
)
NAMES = st.sampled_from(
    ["response", "response_id", "item_id", "item", "delta", "id", "error", "status", "type"]
)
SETUP = EngineSetup(instructions="Be brief.", audio_in=PCM16_24K, audio_out=PCM16_24K)


def conversation(**changes: Any) -> RealtimeConversation:
    fields = {"responds": False, "manual": False, "audio_out": PCM16_24K, **changes}
    return RealtimeConversation(instructions="Be brief.", **fields)


def created(name: str, own_id: str | None = None) -> wire.Wire:
    metadata = {"patter": own_id} if own_id else None
    return {"type": "response.created", "response": {"id": name, "metadata": metadata}}


def done(name: str, status: str = "completed", **more: Any) -> wire.Wire:
    return {"type": "response.done", "response": {"id": name, "status": status, **more}}


def piece(name: str, item: str, audio: bytes) -> wire.Wire:
    delta = base64.b64encode(audio).decode()
    return {
        "type": "response.output_audio.delta",
        "response_id": name,
        "item_id": item,
        "delta": delta,
    }


def sent(talk: RealtimeConversation, kind: str) -> list[wire.Wire]:
    return [message for message in talk.outbox if message["type"] == kind]


# --- garbage


@given(st.text())
def test_what_is_no_message_is_an_error_of_ours(text: str) -> None:
    with pytest.raises(PatterError) as raised:
        wire.read(text)
    assert raised.value.fix


@given(st.sampled_from(KINDS), st.dictionaries(NAMES | st.text(max_size=4), JSON, max_size=6))
def test_a_message_that_makes_no_sense_is_one_too(kind: str, rest: dict[str, Any]) -> None:
    talk = conversation()
    talk.respond("")
    try:
        talk.take({**rest, "type": kind})
    except PatterError as error:
        assert error.fix


@given(st.text(), JSON)
def test_kinds_that_nobody_knows_yet_are_no_news(kind: str, rest: Any) -> None:
    talk = conversation()
    talk.take({"type": f"later.{kind}", "rest": rest})
    assert (talk.events, talk.outbox) == ([], [])


@given(st.binary())
def test_audio_survives_the_wire(audio: bytes) -> None:
    body = orjson.loads(wire.append(audio))
    assert body["type"] == "input_audio_buffer.append"
    assert base64.b64decode(body["audio"]) == audio


@given(st.lists(st.binary(min_size=1, max_size=7), min_size=1, max_size=9))
def test_audio_comes_in_whole_samples_and_none_is_lost(pieces: list[bytes]) -> None:
    talk = conversation()
    talk.take(created("r"))
    for audio in pieces:
        talk.take(piece("r", "i", audio))
    heard = [event.audio for event in talk.events if isinstance(event, ResponseAudio)]
    whole = b"".join(pieces)
    assert all(len(audio) % 2 == 0 for audio in heard)
    assert b"".join(heard) == whole[: len(whole) & ~1]


# --- rows, usage, ends


def test_rows_become_items_in_their_order() -> None:
    rows = (
        Message("user", "Hello."),
        Message("assistant", "One moment.", tool_calls=(ToolRequest("c1", "find", "{}"),)),
        Message("tool", "seven", tool_call_id="c1"),
        Message("assistant", ""),
    )
    assert wire.items_of(rows) == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "One moment."}],
        },
        {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "seven"},
    ]


def test_cached_tokens_are_counted_once() -> None:
    usage = {
        "input_token_details": {
            "text_tokens": 100,
            "audio_tokens": 50,
            "cached_tokens": 70,
            "cached_tokens_details": {"text_tokens": 60, "audio_tokens": 10},
        },
        "output_token_details": {"text_tokens": 5, "audio_tokens": 40},
    }
    assert wire.usage_of({"usage": usage}) == EngineUsage(
        input_text_tokens=40,
        input_audio_tokens=40,
        cached_text_tokens=60,
        cached_audio_tokens=10,
        output_text_tokens=5,
        output_audio_tokens=40,
    )
    assert wire.usage_of({"usage": None}) is None


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"code": "insufficient_quota", "message": "pay"}, ErrorCode.AUTH),
        ({"code": "rate_limit_exceeded", "message": "wait"}, ErrorCode.RATE_LIMIT),
        ({"type": "server_error", "message": "sorry, k-1"}, ErrorCode.CONNECTION),
        ({}, ErrorCode.PROVIDER_ERROR),
    ],
)
def test_a_failed_response_has_an_error_without_the_key(
    details: dict[str, str], code: ErrorCode
) -> None:
    ended = {"id": "r", "status": "failed", "status_details": {"error": details}}
    result = wire.done_of("own", ended, secret="k-1")
    assert result.error is not None and result.error.code is code
    assert "k-1" not in str(result.error)


def test_a_call_that_was_cut_off_is_none() -> None:
    item = {"type": "function_call", "call_id": "c", "name": "n", "arguments": '{"a'}
    assert wire.call_of({**item, "status": "incomplete"}) is None
    assert wire.call_of({**item, "status": "completed"}) == ToolRequest("c", "n", '{"a')


# --- requests


def test_a_second_request_waits_for_the_end_of_the_first() -> None:
    talk = conversation()
    first, second = talk.respond(""), talk.respond("")
    assert [each["event_id"] for each in sent(talk, "response.create")] == [first]
    talk.take(created("r1", first))
    talk.take(done("r1"))
    assert [each["event_id"] for each in sent(talk, "response.create")] == [first, second]


def test_a_request_that_met_a_response_of_the_vendors_is_made_again() -> None:
    talk = conversation(responds=True)
    own = talk.respond("")
    talk.take(created("theirs"))
    error = {"code": "conversation_already_has_active_response", "event_id": own}
    talk.take({"type": "error", "error": error})
    talk.take(done("theirs"))
    talk.take(created("r2", own))
    assert len(sent(talk, "response.create")) == 2
    started = [event for event in talk.events if isinstance(event, ResponseStarted)]
    assert started == [
        ResponseStarted("theirs", ResponseCause.CALLER),
        ResponseStarted(own, ResponseCause.REQUEST),
    ]


def test_a_request_is_not_made_again_for_ever() -> None:
    talk = conversation()
    own = talk.respond("")
    error = {"code": "conversation_already_has_active_response", "event_id": None}
    for _ in range(3):
        talk.take({"type": "error", "error": error})
    assert len(sent(talk, "response.create")) == 3
    assert isinstance(talk.events[-1], ResponseDone)
    assert (talk.events[-1].response_id, talk.events[-1].status) == (own, ResponseStatus.FAILED)
    assert not talk.pending


def test_a_refused_request_fails_and_the_next_one_goes() -> None:
    talk = conversation()
    first, second = talk.respond(""), talk.respond("")
    talk.take({"type": "error", "error": {"code": "invalid_value", "event_id": first}})
    assert [type(event) for event in talk.events] == [ResponseStarted, ResponseDone]
    assert sent(talk, "response.create")[-1]["event_id"] == second


def test_one_that_is_interrupted_before_it_has_a_name_is_cancelled_when_it_has() -> None:
    talk = conversation()
    own = talk.respond("")
    talk.interrupt(own, 0)
    assert not sent(talk, "response.cancel")
    talk.take(created("r1", own))
    assert [each["response_id"] for each in sent(talk, "response.cancel")] == ["r1"]
    talk.take(piece("r1", "i1", b"\0\0" * 480))
    talk.take(done("r1", "cancelled"))
    assert [type(event) for event in talk.events] == [ResponseStarted, ResponseDone]
    assert [each["item_id"] for each in sent(talk, "conversation.item.delete")] == ["i1"]


def test_one_that_is_interrupted_while_it_waits_is_never_asked_for() -> None:
    talk = conversation()
    first, second = talk.respond(""), talk.respond("")
    talk.take(created("r1", first))
    talk.interrupt(second, 0)
    talk.take(done("r1"))
    assert len(sent(talk, "response.create")) == 1 and not talk.pending
    ends = [event.response_id for event in talk.events if isinstance(event, ResponseDone)]
    assert ends == [first, second]


def test_an_interrupted_response_says_no_more() -> None:
    talk = conversation()
    own = talk.respond("")
    talk.take(created("r1", own))
    talk.interrupt(own, 0)
    kind = "response.output_audio_transcript.delta"
    talk.take({"type": kind, "response_id": "r1", "item_id": "i", "delta": "and so on"})
    assert not any(isinstance(event, ResponseText) for event in talk.events)


def test_half_a_sample_is_not_carried_into_the_next_response() -> None:
    talk = conversation(responds=True)
    for name, audio in (("r1", b"\1\2\3"), ("r2", b"\4\5")):
        talk.take(created(name))
        talk.take(piece(name, f"i-{name}", audio))
        talk.take(done(name))
    heard = [event.audio for event in talk.events if isinstance(event, ResponseAudio)]
    assert heard == [b"\1\2", b"\4\5"]


def test_one_that_is_interrupted_and_refused_is_not_asked_for_again() -> None:
    talk = conversation()
    own = talk.respond("")
    talk.interrupt(own, 0)
    error = {"code": "conversation_already_has_active_response", "event_id": own}
    talk.take({"type": "error", "error": error})
    assert len(sent(talk, "response.create")) == 1 and not talk.pending


def test_the_end_of_an_interrupted_response_tells_what_it_cost() -> None:
    talk = conversation()
    own = talk.respond("")
    talk.take(created("r1", own))
    talk.take(piece("r1", "i1", b"\0\0" * 4_800))
    talk.interrupt(own, 100)
    talk.take(piece("r1", "i1", b"\0\0" * 4_800))
    usage = {"output_token_details": {"audio_tokens": 7}}
    talk.take(done("r1", "completed", usage=usage))
    ended = talk.events[-1]
    assert ended == ResponseDone(own, ResponseStatus.CANCELLED, EngineUsage(output_audio_tokens=7))
    assert sum(isinstance(event, ResponseAudio) for event in talk.events) == 1
    assert sent(talk, "conversation.item.truncate")[0]["audio_end_ms"] == 100


def test_what_the_vendor_does_not_end_ends_here_and_the_next_one_goes() -> None:
    talk = conversation()
    own = talk.respond("")
    talk.take(created("r1", own))
    talk.interrupt(own, 0)
    following = talk.respond("")
    talk.insist(own)
    assert [type(event) for event in talk.events] == [ResponseStarted, ResponseDone]
    assert sent(talk, "response.create")[-1]["event_id"] == following


def test_a_response_without_metadata_is_ours_where_the_vendor_never_begins_one() -> None:
    talk = conversation(responds=False)
    own = talk.respond("")
    talk.take(created("r1"))
    assert talk.events == [ResponseStarted(own, ResponseCause.REQUEST)]


def test_an_interruption_by_the_vendor_is_told_before_its_end() -> None:
    talk = conversation(responds=True)
    talk.take(created("r1"))
    talk.take(done("r1", "cancelled", status_details={"reason": "turn_detected"}))
    assert talk.events[1:] == [
        VendorInterrupted("r1"),
        ResponseDone("r1", ResponseStatus.CANCELLED, reason="turn_detected"),
    ]


def test_what_is_owed_and_never_comes_is_given_up() -> None:
    talk = conversation()
    first, second = talk.respond(""), talk.respond("")
    talk.give_up()
    assert isinstance(talk.events[-1], ResponseDone) and talk.events[-1].response_id == first
    talk.take(created("r2", second))
    talk.give_up()
    ended = talk.events[-1]
    assert isinstance(ended, ResponseDone) and ended.response_id == second
    assert ended.error is not None and ended.error.code is ErrorCode.TIMEOUT
    assert sent(talk, "response.cancel") and not talk.pending


def test_the_late_end_of_one_that_was_given_up_lets_no_other_go() -> None:
    talk = conversation()
    first, second, third = (talk.respond("") for _ in range(3))
    talk.take(created("r1", first))
    talk.give_up()
    talk.take(created("r2", second))
    talk.take(done("r1"))
    assert [each["event_id"] for each in sent(talk, "response.create")] == [first, second]
    talk.take(done("r2"))
    assert sent(talk, "response.create")[-1]["event_id"] == third
