"""The protocol of agents, without a socket: what is read, what is written, what is refused."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin

import pytest
from elevenlabs.types import (
    ClientEvent,
    ConversationInitiationClientDataRequestInput,
)
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.formats import MULAW_8K
from patter.errors import ErrorCode, PatterConfigError, PatterError
from patter.providers.context import CallContext
from patter.providers.engine import EngineSetup
from patter.providers.llm import Message
from patter_elevenlabs import _convai_wire as wire
from patter_elevenlabs._convai_setup import overrides, prompt, variables, written_history
from patter_elevenlabs.double import convai_events as events
from patter_elevenlabs.double.convai_rules import audio_in, checked
from patter_elevenlabs.engine import ElevenLabsConvAI

from .convai_lab import without_extras

CALL = CallContext(call_id="c1", variables={"name": "Rosa", "system__time": "no"})
HISTORY = (
    Message("user", "I am Rosa."),
    Message("assistant", "Good evening."),
    Message("tool", "7", tool_call_id="t1"),
)


def setup(**changes: Any) -> EngineSetup:
    fields = {"instructions": "Be brief.", "audio_in": MULAW_8K, "audio_out": MULAW_8K}
    return EngineSetup(**{**fields, **changes})


def settings(**changes: Any) -> ElevenLabsConvAI:
    return ElevenLabsConvAI(**{"agent_id": "a", "api_key": "k", **changes})


def decode(body: dict[str, Any]) -> wire.ServerMessage | None:
    return wire.decode(json.dumps(body))


def test_every_event_of_the_vendors_client_is_read_or_ignored_on_purpose() -> None:
    (named,) = [each for each in get_args(ClientEvent) if get_origin(each) is Literal]
    known = {*wire._READERS, *wire.ERROR_EVENTS, *wire.IGNORED}
    assert set(get_args(named)) - known == set()
    assert not wire.IGNORED & set(wire._READERS)


@pytest.mark.parametrize("kind", [*sorted(wire.IGNORED), "something_new"])
def test_what_is_no_news_is_passed_over(kind: str) -> None:
    assert decode({"type": kind, f"{kind}_event": {"event_id": 1}}) is None


@given(st.binary(max_size=50), st.integers(1, 9999), st.text("ab c", max_size=8))
def test_audio_survives_the_wire(audio: bytes, event_id: int, text: str) -> None:
    letters = tuple(wire.Letter(char, 20 * (at + 1)) for at, char in enumerate(text))
    assert decode(events.audio(audio, event_id, text, 20)) == wire.Audio(event_id, audio, letters)


@given(st.binary(max_size=400))
def test_the_callers_audio_survives_the_wire(audio: bytes) -> None:
    body = json.loads(wire.caller_audio(audio))
    assert checked(body) == "audio" and audio_in(body) == audio


@given(st.text())
def test_garbage_is_an_error_of_ours(message: str) -> None:
    try:
        assert wire.decode(message) is None
    except PatterError as error:
        assert error.fix and error.code is ErrorCode.PROVIDER_ERROR


def test_garbage_that_has_the_key_does_not_tell_it() -> None:
    with pytest.raises(PatterError) as caught:
        wire.decode("your key is k3y", "k3y")
    assert "k3y" not in str(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("AAA="),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.data(), st.sampled_from(sorted({*wire._READERS, *wire.ERROR_EVENTS})))
def test_a_message_of_the_wrong_shape_is_an_error_of_ours(data: st.DataObject, kind: str) -> None:
    samples = {body["type"]: body for body in EVERY_EVENT}
    body = json.loads(json.dumps(samples[kind]))
    at: Any = body
    while isinstance(at, dict):
        name = data.draw(st.sampled_from(sorted(at)))
        if not isinstance(at[name], dict) or data.draw(st.booleans()):
            at[name] = data.draw(VALUES)
            break
        at = at[name]
    try:
        decode(body)
    except PatterError as error:
        assert error.fix


EVERY_EVENT: list[dict[str, Any]] = [
    events.metadata("c", "ulaw_8000", "ulaw_8000"),
    events.audio(b"x", 1, "x", 20),
    events.response("Hello.", 2),
    events.part("Hel", "delta", 2),
    events.complete(3),
    events.correction("Hello.", "He", 4),
    events.interruption(1),
    events.transcript("hi", 5),
    events.tentative("h", 5),
    events.vad_score(0.5),
    events.ping(1),
    events.tool_call("t", "book", {"people": 2}, 6, True),
    events.tool_failed("t", 7),
    events.error(1008, "override_error", "no"),
    events.client_error(1002, "llm_timeout", "late"),
]


def test_all_that_the_double_can_send_is_read() -> None:
    assert {body["type"] for body in EVERY_EVENT} == {*wire._READERS, *wire.ERROR_EVENTS}
    assert all(decode(body) is not None for body in EVERY_EVENT)


def test_what_is_said_and_heard_is_stripped_of_the_space_around_it() -> None:
    assert decode(events.response(" Hi. \n", 1)) == wire.FullText("Hi.", 1)
    assert decode(events.transcript(" Hi ", 1)) == wire.Heard("Hi", 1)
    assert decode(events.tentative(" H", 1)) == wire.Heard("H", 1, tentative=True)
    assert decode(events.correction(" Hi. ", " H ", 1)) == wire.Correction("Hi.", "H")


def test_a_part_keeps_its_spaces_and_tells_whether_a_response_begins() -> None:
    assert decode(events.part("", "start", 3)) == wire.Part("", 3, begins=True)
    assert decode(events.part(" you", "delta", 3)) == wire.Part(" you", 3)


def test_a_tool_call_has_its_arguments_as_text() -> None:
    call = decode(events.tool_call("t", "book", {"people": 2}, 6, True))
    assert call == wire.ToolCall("t", "book", '{"people":2}', 6, answered=True)
    silent = decode(events.tool_call("t", "wave", {}, 6, False))
    assert isinstance(silent, wire.ToolCall) and not silent.answered


def test_a_tool_call_of_an_old_server_is_answered() -> None:
    body = events.tool_call("t", "book", {}, 6, False)
    del body["client_tool_call"]["expects_response"]
    assert decode(body) == wire.ToolCall("t", "book", "{}", 6, answered=True)


def test_a_tool_that_did_well_is_no_news() -> None:
    body = events.tool_failed("t", 7)
    body["agent_tool_response"]["is_error"] = False
    assert decode(body) is None


def test_an_event_without_a_number_has_none() -> None:
    body = events.response("Hi.", 1)
    del body["agent_response_event"]["event_id"]
    assert decode(body) == wire.FullText("Hi.", 0)


@pytest.mark.parametrize("name", ["mp3_44100", "pcm_", "pcm_1", "ulaw", "", "pcm_96000"])
def test_an_unknown_format_names_the_setting(name: str) -> None:
    with pytest.raises(PatterConfigError, match="audio format") as caught:
        wire.audio_format(name)
    assert "μ-law 8000" in caught.value.fix


def test_the_first_message_has_nothing_that_was_not_asked_for() -> None:
    plain = settings(override_prompt=False)
    assert json.loads(wire.initiation(overrides(plain, setup()), {}, {})) == {
        "type": "conversation_initiation_client_data"
    }


def test_the_first_message_has_everything_that_was_asked_for() -> None:
    asked = settings(
        voice="v", model_id="eleven_flash_v2_5", language="de", speed="1.1", stability=0.4,
        similarity_boost=0, max_duration_s="90", custom_llm_extra_body='{"top_k": 3}', user_id="u",
    )  # fmt: skip
    body = json.loads(
        wire.initiation(
            overrides(asked, setup(greeting="Hello.")),
            variables({"city": "Rome"}, CALL),
            asked.custom_llm_extra_body,
            asked.user_id,
        )
    )
    assert body == {
        "type": "conversation_initiation_client_data",
        "conversation_config_override": {
            "agent": {
                "prompt": {"prompt": "Be brief."},
                "first_message": "Hello.",
                "language": "de",
            },
            "tts": {
                "voice_id": "v",
                "model_id": "eleven_flash_v2_5",
                "speed": 1.1,
                "stability": 0.4,
                "similarity_boost": 0.0,
            },
            "conversation": {"max_duration_seconds": 90},
        },
        "dynamic_variables": {"name": "Rosa", "city": "Rome"},
        "custom_llm_extra_body": {"top_k": 3},
        "user_id": "u",
    }
    # The vendor's client has a model of it.
    del body["type"]
    without_extras(ConversationInitiationClientDataRequestInput, body)


def test_the_voice_and_language_of_a_call_are_the_second_choice() -> None:
    call = setup(voice="ada", language="it")
    assert overrides(settings(override_prompt=False), call) == {
        "agent": {"language": "it"},
        "tts": {"voice_id": "ada"},
    }
    chosen = overrides(settings(override_prompt=False, voice="v", language="fr"), call)
    assert chosen == {"agent": {"language": "fr"}, "tts": {"voice_id": "v"}}


def test_english_is_what_calls_have_when_nobody_chose() -> None:
    assert "language" not in overrides(settings(), setup(language="en"))["agent"]
    assert overrides(settings(language="en"), setup())["agent"]["language"] == "en"


def test_what_was_said_before_is_in_the_prompt_in_order() -> None:
    lines = prompt(setup(history=HISTORY)).splitlines()
    assert lines[0] == "Be brief."
    assert lines[-3:] == ["Caller: I am Rosa.", "You: Good evening.", "Tool result: 7"]


def test_a_new_conversation_has_the_instructions_alone() -> None:
    assert prompt(setup()) == "Be brief." and written_history(setup()) == ""


def test_given_variables_win_and_the_vendors_own_are_left_to_it() -> None:
    assert variables({"name": "Ada"}, CALL) == {"name": "Ada"}


def test_messages_keep_the_vendors_rules() -> None:
    kinds = [
        checked(json.loads(each))
        for each in (
            wire.pong(3),
            wire.user_message("hi"),
            wire.contextual_update("note"),
            wire.user_activity(),
            wire.tool_result("t", "done", False),
            wire.initiation({}, {}, {}),
        )
    ]
    assert kinds == [
        "pong",
        "user_message",
        "contextual_update",
        "user_activity",
        "client_tool_result",
        "conversation_initiation_client_data",
    ]
