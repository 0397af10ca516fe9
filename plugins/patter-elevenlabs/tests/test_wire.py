"""The protocols, checked without a socket."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import ErrorCode, PatterError
from patter.providers.stt import Word
from patter_elevenlabs import _scribe_wire, _wire
from patter_elevenlabs._scribe_wire import Committed, Partial, Started, Throttled
from patter_elevenlabs._settings import VoiceSettings, dictionaries
from patter_elevenlabs._words import Alignment

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KEYS = (
    *("audio", "isFinal", "is_final", "contextId", "context_id", "alignment", "message_type"),
    *("text", "words", "error", "code", "message", "type"),
    *("chars", "charStartTimesMs", "charDurationsMs"),
)
keys = st.sampled_from(KEYS)


@given(st.binary(), st.text(), st.sampled_from(["contextId", "context_id"]))
def test_audio_arrives_as_it_was_sent(audio: bytes, context: str, name: str) -> None:
    message = json.dumps({"audio": b64encode(audio).decode(), name: context, "alignment": None})
    piece = _wire.decode(message, "k")
    assert piece == (_wire.Piece(context, audio) if audio else None)


@pytest.mark.parametrize("name", ["isFinal", "is_final"])
def test_the_end_of_a_context_has_two_names(name: str) -> None:
    assert _wire.decode(json.dumps({name: True, "contextId": "a"}), "k") == _wire.Piece(
        "a", final=True
    )


def test_what_has_no_audio_and_no_end_is_no_news() -> None:
    for message in ({"type": "flush_done", "context_id": "a"}, {"audio": None}, {"isFinal": None}):
        assert _wire.decode(json.dumps(message), "k") is None


@given(st.text() | st.dictionaries(keys, values).map(json.dumps) | values.map(json.dumps))
def test_garbage_is_an_error_of_ours_or_no_news(message: str) -> None:
    for decode in (_wire.decode, _scribe_wire.decode):
        try:
            decode(message, "k")
        except PatterError as error:
            assert error.fix


@given(st.lists(st.tuples(st.characters(), st.integers(0, 10**6), st.integers(0, 10**6))))
def test_timed_characters_are_read(chars: list[tuple[str, int, int]]) -> None:
    body = {
        "chars": [char for char, _, _ in chars],
        "charStartTimesMs": [start for _, start, _ in chars],
        "charDurationsMs": [length for _, _, length in chars],
    }
    read = _wire.alignment(body)
    assert list(read or ()) == [(char, start + length) for char, start, length in chars]


@pytest.mark.parametrize(
    "body",
    [
        {"chars": ["a"], "charStartTimesMs": [0], "charDurationsMs": []},
        {"chars": ["a"], "charStartTimesMs": ["0"], "charDurationsMs": [1]},
        {"chars": "a", "charStartTimesMs": [0], "charDurationsMs": [1]},
        {"chars": [1], "charStartTimesMs": [0], "charDurationsMs": [1]},
        [],
    ],
)
def test_times_that_cannot_be_read_do_not_cost_the_audio(body: Any) -> None:
    message = json.dumps({"audio": "AAAA", "contextId": "a", "alignment": body})
    assert _wire.decode(message, "k") == _wire.Piece("a", bytes(3))


def test_the_first_message_of_a_context_has_what_holds_for_it() -> None:
    message = json.loads(
        _wire.begin("a", VoiceSettings(stability=0.3, speed=1.1), dictionaries("d:v"), (50, 90))
    )
    assert message == {
        "text": " ",
        "context_id": "a",
        "voice_settings": {"stability": 0.3, "speed": 1.1},
        "generation_config": {"chunk_length_schedule": [50, 90]},
        "pronunciation_dictionary_locators": [
            {"pronunciation_dictionary_id": "d", "version_id": "v"}
        ],
    }
    assert json.loads(_wire.begin("a", VoiceSettings(), (), ())) == {"text": " ", "context_id": "a"}


@given(st.text())
def test_a_sentence_ends_with_one_space(sentence: str) -> None:
    text = json.loads(_wire.speak("a", sentence))["text"]
    assert text == f"{sentence.strip()} "


@given(st.binary(), st.booleans())
def test_a_chunk_has_the_audio(audio: bytes, commit: bool) -> None:
    chunk = json.loads(_scribe_wire.chunk(audio, 8_000, commit=commit))
    assert b64decode(chunk.pop("audio_base_64")) == audio
    assert chunk == {"message_type": "input_audio_chunk", "commit": commit, "sample_rate": 8_000}


def test_what_scribe_says_is_what_is_heard() -> None:
    told = {
        "message_type": "committed_transcript_with_timestamps",
        "text": " hello there ",
        "words": [
            {"text": "hello", "start": 0.5, "end": 0.9, "type": "word", "logprob": 0.0},
            {"text": " ", "start": 0.9, "end": 1.0, "type": "spacing", "logprob": 0.0},
            {"text": "(laughs)", "start": 1.0, "end": 1.0, "type": "audio_event"},
            {"text": "there", "start": 1.0, "end": 1.4, "type": "word", "logprob": -0.5},
        ],
    }
    heard = _scribe_wire.decode(json.dumps(told), "k")
    assert isinstance(heard, Committed)
    assert (heard.text, heard.timed) == ("hello there", True)
    assert heard.words == (Word("hello", 500, 900), Word("there", 1_000, 1_400))
    assert heard.confidence == pytest.approx(0.7788, abs=1e-3)


@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ({"message_type": "partial_transcript", "text": "he"}, Partial("he")),
        ({"message_type": "committed_transcript", "text": "hello"}, Committed("hello")),
        ({"message_type": "commit_throttled", "error": "only 0.01s"}, Throttled()),
        ({"message_type": "session_started", "session_id": "s", "config": {}}, Started()),
        ({"message_type": "warning", "warning": "w"}, None),
        ({"message_type": "committed_transcript_entities", "entities": []}, None),
        ({"message_type": "something_new"}, None),
    ],
)
def test_every_kind_of_message_is_read(message: Any, heard: object) -> None:
    assert _scribe_wire.decode(json.dumps(message), "k") == heard


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)), max_size=5))
def test_words_never_run_back(times: list[tuple[float, float]]) -> None:
    words = [{"text": "w", "start": a, "end": b, "type": "word"} for a, b in times]
    message = {
        "message_type": "committed_transcript_with_timestamps",
        "text": "w",
        "words": words,
    }
    heard = _scribe_wire.decode(json.dumps(message), "k")
    assert isinstance(heard, Committed)
    marks = [mark for word in heard.words for mark in (word.start_ms, word.end_ms)]
    assert marks == sorted(marks)


def test_a_message_without_its_text_is_garbage() -> None:
    with pytest.raises(PatterError) as raised:
        _scribe_wire.decode('{"message_type": "partial_transcript"}', "k")
    assert raised.value.code is ErrorCode.PROVIDER_ERROR


def test_an_alignment_is_its_characters_and_their_ends() -> None:
    assert list(Alignment(("a", "b"), (0, 50), (50, 40))) == [("a", 50), ("b", 90)]
