"""The protocol as pure functions, and the order of events whatever the vendor sends."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter.errors import PatterError
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    EngineUsage,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseEvent,
    ResponseStarted,
)
from patter_google import _live_wire as wire
from patter_google._live_talk import LiveTalk
from patter_google._live_tools import ToolRounds
from patter_google._live_usage import added, usage_of

PIECE = {"mimeType": "audio/pcm;rate=24000", "data": base64.b64encode(bytes(960)).decode()}


@given(st.binary(max_size=400))
def test_audio_is_the_json_that_it_looks_like(sound: bytes) -> None:
    body = json.loads(wire.audio(sound))
    blob = body["realtimeInput"]["audio"]
    assert body.keys() == {"realtimeInput"} and blob["mimeType"] == "audio/pcm;rate=16000"
    assert base64.b64decode(blob["data"]) == sound


@given(st.binary(max_size=400))
def test_sound_is_read_as_it_was_sent(sound: bytes) -> None:
    data = base64.b64encode(sound).decode()
    assert wire.sound_of({"inlineData": {"mimeType": "audio/pcm", "data": data}}) == sound


@pytest.mark.parametrize("part", [{}, {"text": "a"}, {"thought": True, "inlineData": PIECE}])
def test_what_is_not_to_be_heard_has_no_sound(part: dict[str, Any]) -> None:
    assert wire.sound_of(part) == b""


@given(st.text(), st.booleans())
def test_a_result_is_always_an_object(result: str, failed: bool) -> None:
    body = json.loads(wire.tool_response("c", "book", result, failed=failed))
    (response,) = body["toolResponse"]["functionResponses"]
    assert isinstance(response["response"], dict)
    assert ("error" in response["response"]) >= failed


@given(st.integers(0, 10**6))
def test_durations_are_milliseconds(ms: int) -> None:
    assert wire.ms_of(f"{ms / 1_000:.3f}s") == ms


def test_tokens_of_no_kind_are_text_and_cached_ones_are_not_read_again() -> None:
    told = {
        "promptTokenCount": 522,
        "cachedContentTokenCount": 100,
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 60}],
        "responseTokenCount": 42,
        "thoughtsTokenCount": 136,
        "toolUsePromptTokenCount": 7,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 332},
            {"modality": "AUDIO", "tokenCount": 165},
        ],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 42}],
    }
    assert usage_of(told) == EngineUsage(
        input_text_tokens=522 - 165 + 7 - 40,
        input_audio_tokens=105,
        cached_text_tokens=40,
        cached_audio_tokens=60,
        output_text_tokens=136,
        output_audio_tokens=42,
    )


def test_the_cloud_has_another_name_for_what_was_said() -> None:
    details = [{"modality": "AUDIO", "tokenCount": 9}]
    told = usage_of({"candidatesTokenCount": 11, "candidatesTokensDetails": details})
    assert (told.output_text_tokens, told.output_audio_tokens) == (2, 9)


def test_usage_adds_up() -> None:
    one = EngineUsage(input_text_tokens=1, output_audio_tokens=2)
    assert added(added(None, one), one) == EngineUsage(input_text_tokens=2, output_audio_tokens=4)


def test_a_round_of_tools_is_answered_once_whatever_comes_last() -> None:
    rounds = ToolRounds()
    rounds.want("r", "a", "book")
    rounds.want("r", "b", "book")
    first = rounds.deliver("b", follow=True)
    assert first is not None and (first.last, first.follow, first.due) == (False, False, False)
    assert not rounds.end("r") and rounds.waiting
    last = rounds.deliver("a", follow=True)
    assert last is not None and last.due
    assert rounds.deliver("a", follow=True) is None


def test_results_that_are_there_before_the_response_is_done_are_answered_then() -> None:
    rounds = ToolRounds()
    rounds.want("r", "a", "book")
    delivery = rounds.deliver("a", follow=True)
    assert delivery is not None and delivery.follow and not delivery.due
    assert rounds.end("r") and not rounds.end("r")


def test_what_is_taken_back_is_not_waited_for() -> None:
    rounds = ToolRounds()
    rounds.want("r", "a", "book")
    assert rounds.cancel(["a", "x"]) == ("a",)
    assert not rounds.waiting and rounds.deliver("a", follow=True) is None


# --- the order of events

CONTENTS: list[dict[str, Any]] = [
    {"modelTurn": {"parts": [{"inlineData": PIECE}]}},
    {"outputTranscription": {"text": "so "}},
    {"inputTranscription": {"text": "hm "}},
    {"inputTranscription": {"text": "hm", "finished": True}},
    {"interimInputTranscription": {"text": "hm"}},
    {"interrupted": True},
    {"generationComplete": True},
    {"turnComplete": True},
    {"turnComplete": True, "turnCompleteReason": "RESPONSE_REJECTED"},
]
STEPS = st.one_of(
    st.sampled_from([{"serverContent": each} for each in CONTENTS]),
    st.sampled_from(
        [
            {"toolCall": {"functionCalls": [{"id": "c", "name": "book"}]}},
            {"toolCall": {"functionCalls": [{"name": "book"}, {"name": "book"}]}},
            {"toolCallCancellation": {"ids": ["c"]}},
            {"usageMetadata": {"promptTokenCount": 3}},
            {"goAway": {"timeLeft": "1s"}},
        ]
    ),
    st.sampled_from(["respond", "interrupt", "result", "write", "press", "wait", "long wait"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=40), st.booleans(), st.booleans())
def test_responses_are_started_and_done_once_and_never_mix(
    steps: list[Any], tools_wait: bool, asks_by_text: bool
) -> None:
    talk = LiveTalk(
        tools_wait=tools_wait,
        asks_by_text=asks_by_text,
        hears_voice=False,
        manual=False,
        response_ms=1_000,
    )
    now_ms, asked = 0.0, list[str]()
    for step in steps:
        now_ms += 10
        match step:
            case "respond":
                asked.append(talk.request("Go on.", now_ms))
            case "interrupt" if asked:
                talk.interrupt(asked[-1], now_ms)
            case "result":
                talk.result("c", "ok", now_ms, failed=False, follow=True)
            case "write":
                talk.write("Hi.", now_ms)
            case "press":
                talk.press("1")
            case "wait" | "long wait":
                now_ms += 100 if step == "wait" else 5_000
                talk.tick(now_ms)
            case dict():
                talk.take(step, now_ms)
    # The vendor says nothing more: all that was asked for is over some time.
    for _ in range(2 * len(steps) + 4):
        now_ms = max(now_ms, talk.due_ms or now_ms)
        talk.tick(now_ms)
    _check_responses(talk, asked)
    _check_caller(talk)
    for each in talk.outbox:
        assert len(json.loads(each)) == 1


def _check_responses(talk: LiveTalk, asked: list[str]) -> None:
    active, over = "", list[str]()
    for event in talk.events:
        if not isinstance(event, ResponseEvent):
            continue
        if isinstance(event, ResponseStarted):
            assert not active and event.response_id not in over
            active = event.response_id
            assert (event.cause is ResponseCause.REQUEST) == (active in asked)
        assert event.response_id == active
        if isinstance(event, ResponseAudio):
            assert len(event.audio) % 2 == 0
        if isinstance(event, ResponseDone):
            over.append(active)
            active = ""
    assert not active and set(asked) <= set(over), "a response never ends"


def _check_caller(talk: LiveTalk) -> None:
    finals = [e.item_id for e in talk.events if isinstance(e, CallerTranscript) and e.final]
    ended = [each.item_id for each in talk.events if isinstance(each, CallerTurnEnded)]
    assert len(set(finals)) == len(finals) and len(set(ended)) == len(ended)
    closed: set[str] = set()
    for event in talk.events:
        if isinstance(event, CallerTranscript):
            assert event.item_id not in closed, "words after the final ones"
            closed |= {event.item_id} if event.final else set()


NAMES = (
    *("serverContent", "modelTurn", "parts", "inlineData", "data", "mimeType", "toolCall", "error"),
    *("functionCalls", "name", "id", "usageMetadata", "goAway", "timeLeft", "text", "ids", "code"),
    "inputTranscription",
)
GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["serverContent", "toolCall", "usageMetadata", "goAway", "error"]), GARBAGE
    )
)
def test_garbage_is_an_error_of_ours_or_nothing(message: dict[str, Any]) -> None:
    talk = LiveTalk(
        tools_wait=False, asks_by_text=False, hears_voice=False, manual=False, response_ms=1_000
    )
    try:
        talk.take(message, 0)
    except PatterError as error:
        assert error.fix
