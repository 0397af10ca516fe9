"""The protocol as pure functions and states, checked without a socket."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from soniox.types import RealtimeSTTConfig

from patter import PatterError
from patter.audio.formats import MULAW_8K
from patter.errors import ErrorCode, PatterConfigError
from patter.providers.stt import Transcript, TurnEnded, Word
from patter_soniox import SonioxSTT, _socket
from patter_soniox._errors import failed
from patter_soniox._hearing import Hearing
from patter_soniox._models import fitting
from patter_soniox._options import api_of, plain
from patter_soniox._tokens import tokens_in, words
from patter_soniox.double import messages
from patter_soniox.double.vendor import MODELS

END, FIN = messages.marker("<end>"), messages.marker("<fin>")


def token(text: str, start_ms: int = 0, end_ms: int = 0, **more: Any) -> dict[str, Any]:
    known = {"text": text, "start_ms": start_ms, "end_ms": end_ms, "is_final": True}
    return known | more


def response(*tokens: dict[str, Any], final_ms: int = 0, **more: Any) -> str:
    return json.dumps(messages.response(tokens, final_ms=final_ms, total_ms=final_ms) | more)


def texts_of(events: list[Any]) -> list[tuple[str, bool]]:
    return [(event.text, event.final) for event in events if isinstance(event, Transcript)]


# --- tokens

sentences = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9),
    min_size=1,
    max_size=6,
)
messages_of = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6)


@given(sentences, st.sets(st.integers(1, 60), max_size=12), messages_of)
def test_how_words_are_cut_and_when_parts_become_final_changes_nothing(
    said: list[str], cuts: set[int], steps: list[tuple[int, int]]
) -> None:
    text = " ".join(said)
    ends = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    parts = [text[begin:end] for begin, end in pairwise(ends)]
    found = [token(part, at * 10, at * 10 + 10) for at, part in enumerate(parts)]
    hearing, done = Hearing(judges=True), 0
    for more, ahead in steps:
        final, shown = done + more, done + more + ahead
        tail = [each | {"is_final": False} for each in found[final:shown]]
        for event in hearing.read(response(*found[done:final], *tail)):
            assert isinstance(event, Transcript) and not event.final
            assert event.text == " ".join("".join(parts[:shown]).split())
        done = final
    heard, ended = hearing.read(response(*found[done:], END))[-2:]
    assert ended == TurnEnded()
    assert isinstance(heard, Transcript) and heard.final
    assert heard.text.split() == [word.text for word in heard.words] == said
    marks = [mark for word in heard.words for mark in (word.start_ms, word.end_ms)]
    assert marks == sorted(marks) and heard.end_ms == marks[-1]


def test_a_word_lasts_from_its_first_part_to_its_last() -> None:
    found = tokens_in({"tokens": [token("fan", 100, 200), token("tastic", 200, 400), token(".")]})
    assert words(found[:2]) == [Word("fantastic", 100, 400)]
    two = tokens_in({"tokens": [token(" New York", 0, 300), token("!", 300, 310)]})
    assert words(two) == [Word("New", 0, 128), Word("York!", 128, 310)]


def test_writing_without_blanks_is_one_word() -> None:
    found = tokens_in({"tokens": [token("你好", 0, 200), token("世界", 200, 500)]})
    assert words(found) == [Word("你好世界", 0, 500)]


def test_words_without_times_are_text_alone() -> None:
    (heard,) = Hearing(judges=True).read(response({"text": "yes", "is_final": True}))
    assert heard == Transcript("yes", False, None, None, ())


def test_what_soniox_translates_was_not_said() -> None:
    found = [
        token("hola", translation_status="original"),
        token(" hello", translation_status="translation"),
    ]
    assert texts_of(Hearing(judges=True).read(response(*found))) == [("hola", False)]


def test_confidence_is_that_of_all_its_parts() -> None:
    (heard,) = Hearing(judges=True).read(
        response(token("a", confidence=0.5), token(" b", confidence=1.0))
    )
    assert isinstance(heard, Transcript) and heard.confidence == 0.75


def test_positions_are_of_the_callers_audio() -> None:
    hearing = Hearing(judges=True)
    hearing.lead_ms = 20
    (heard,) = hearing.read(response(token("a", 10, 120)))
    assert isinstance(heard, Transcript)
    assert (heard.end_ms, heard.words) == (100, (Word("a", 0, 100),))


def test_a_second_speaker_has_both_told_apart() -> None:
    hearing = Hearing(judges=True)
    one = [token("How are", speaker="1"), token(" you?", speaker="1")]
    assert texts_of(hearing.read(response(*one, END)))[-1] == ("How are you?", True)
    two = [token(" Fine", speaker="2"), token(".", speaker=""), token(" Good", speaker="1")]
    assert texts_of(hearing.read(response(*two, END)))[-1] == (
        "Speaker 2: Fine. Speaker 1: Good",
        True,
    )


# --- pauses, and who ends them


def test_soniox_ends_a_turn_once() -> None:
    hearing = Hearing(judges=True)
    events = hearing.read(response(token("yes"), END))
    assert events == [Transcript("yes", True, 0, None, (Word("yes", 0, 0),)), TurnEnded()]
    assert hearing.read(response(END)) == []


def test_a_pause_is_left_to_soniox_and_asked_for_when_it_does_not_judge() -> None:
    hearing = Hearing(judges=True)
    assert hearing.paused() is None and hearing.hurry() == _socket.FINALIZE
    hearing.read(response(token("yes", is_final=False)))
    assert hearing.hurry() == _socket.FINALIZE
    events = hearing.read(response(token("yes"), FIN))
    assert texts_of(events) == [("yes", True)] and TurnEnded() not in events
    assert hearing.owed == 0 and hearing.hurry() is None
    assert hearing.read(response(END)) == [TurnEnded()], "its judgement may come later"


def test_a_pause_in_which_soniox_has_heard_nothing_is_not_asked_for() -> None:
    hearing = Hearing(judges=True)
    assert hearing.read(response(final_ms=200)) == []
    hearing.paused()
    assert hearing.hurry() == _socket.FINALIZE, "it has said nothing since the pause"
    assert hearing.read(response(final_ms=400)) == []
    assert hearing.hurry() is None
    assert hearing.overdue() == [Transcript("", True)] and hearing.overdue() == []


def test_one_judgement_answers_all_pauses_before_it() -> None:
    hearing = Hearing(judges=True)
    hearing.paused()
    hearing.paused()
    hearing.read(response(token("yes"), END))
    assert hearing.owed == 0


@given(st.integers(0, 3), st.integers(0, 4))
def test_each_request_has_one_answer(pauses: int, answers: int) -> None:
    hearing = Hearing(judges=False)
    for _ in range(pauses):
        assert hearing.paused() == _socket.FINALIZE
    assert hearing.hurry() is None
    heard = [event for _ in range(answers) for event in hearing.read(response(FIN, final_ms=40))]
    assert heard == [Transcript("", True, 40)] * min(pauses, answers)
    assert len(hearing.overdue()) == (pauses > answers)


def test_without_endpoints_no_turn_ends() -> None:
    hearing = Hearing(judges=False)
    assert TurnEnded() not in hearing.read(response(token("yes"), FIN, token(" no"), END))


def test_words_after_a_mark_belong_to_the_next_utterance() -> None:
    hearing = Hearing(judges=True)
    events = hearing.read(response(token("yes"), END, token(" but", is_final=False)))
    assert texts_of(events) == [("yes", True), ("but", False)]


def test_a_mark_that_is_not_final_is_text() -> None:
    events = Hearing(judges=True).read(response(messages.marker("<end>") | {"is_final": False}))
    assert texts_of(events) == [("<end>", False)]


def test_words_that_have_not_changed_are_no_news() -> None:
    hearing = Hearing(judges=True)
    tail = token("yes", is_final=False)
    assert len(hearing.read(response(tail))) == 1
    assert hearing.read(response(tail)) == []


def test_a_lost_session_tells_what_is_final_and_no_more() -> None:
    hearing = Hearing(judges=True)
    hearing.read(response(token("a table", 0, 500), token(" for", 500, 700, is_final=False)))
    (heard,) = hearing.lost()
    assert isinstance(heard, Transcript)
    assert (heard.text, heard.final, heard.end_ms) == ("a table", True, 500)
    assert hearing.lost() == []


@pytest.mark.parametrize(
    ("final", "tail", "told"),
    [
        (["a", " ta"], ["ble"], "a"),
        (["a", " ta", "b"], ["le", " for"], "a"),
        (["a", " table"], [" for"], "a table"),
        (["a", " table "], ["for"], "a table"),
        (["a", " table"], [], "a table"),
        (["fan"], ["tastic"], ""),
        ([], [" yes"], ""),
    ],
)
def test_a_lost_session_tells_whole_words(final: list[str], tail: list[str], told: str) -> None:
    hearing = Hearing(judges=True)
    found = [*map(token, final), *(token(text, is_final=False) for text in tail)]
    hearing.read(response(*found))
    assert texts_of(hearing.lost()) == ([(told, True)] if told else [])


def test_the_last_message_is_told() -> None:
    hearing = Hearing(judges=True)
    hearing.read(response(final_ms=10))
    assert not hearing.over
    hearing.read(json.dumps(messages.finished(10)))
    assert hearing.over


# --- garbage

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["<end>", "<fin>", "yes"])
)
names = st.sampled_from(
    ["tokens", "text", "is_final", "start_ms", "end_ms", "confidence", "speaker", "finished",
     "translation_status", "final_audio_proc_ms", "error_code", "error_message"]
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)
)


@given(st.dictionaries(names, values, max_size=6), st.booleans())
def test_a_message_that_is_wrong_inside_is_an_error_of_ours(
    body: dict[str, Any], judges: bool
) -> None:
    try:
        Hearing(judges).read(json.dumps(body))
    except PatterError as error:
        assert error.fix


@given(st.text() | st.binary())
def test_what_is_no_message_is_an_error_of_ours(message: str | bytes) -> None:
    try:
        Hearing(judges=True).read(message)
    except PatterError as error:
        assert error.code is ErrorCode.PROVIDER_ERROR


@pytest.mark.parametrize("message", ['{"k": "hunter2"', '{"tokens": "hunter2"}', b"hunter2"])
def test_garbage_that_repeats_the_key_does_not_tell_it(message: str | bytes) -> None:
    with pytest.raises(PatterError, match=r"\.\.\.") as raised:
        Hearing(judges=True, key="hunter2").read(message)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        {"tokens": {}},
        {"tokens": "yes"},
        {"tokens": [1]},
        {"tokens": [{"is_final": True}]},
        {"tokens": [{"text": 1}]},
        {"tokens": [{"text": "a", "start_ms": True}]},
        {"tokens": [{"text": "a", "end_ms": "1"}]},
        {"tokens": [{"text": "a", "confidence": "high"}]},
        {"error_code": "503"},
        {"error_code": True},
    ],
)
def test_what_is_not_the_protocol_is_garbled(body: dict[str, Any]) -> None:
    with pytest.raises(PatterError, match="Soniox sent") as raised:
        Hearing(judges=True).read(json.dumps(body))
    assert raised.value.code is ErrorCode.PROVIDER_ERROR


# --- errors


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        (400, "Invalid model specified.", "CONFIG"),
        (400, "Invalid language hint.", "CONFIG"),
        (400, "Language hints must be unique.", "CONFIG"),
        (400, "Context is too long (max length 10000).", "CONFIG"),
        (400, "Prompt too long for model", "CONFIG"),
        (400, "Model does not support translations.", "CONFIG"),
        (400, "Client reference ID is too long (max length 256)", "CONFIG"),
        (400, "Audio is too long.", "CONNECTION"),
        (400, "Received too much audio data in total.", "CONNECTION"),
        (400, "No audio received.", "CONNECTION"),
        (400, "Audio decode error", "PROVIDER_ERROR"),
        (400, "Control request invalid type.", "PROVIDER_ERROR"),
        (400, "Start request is malformed.", "PROVIDER_ERROR"),
        (401, "Invalid API key.", "AUTH"),
        (402, "Organization balance exhausted. Please either add funds manually", "AUTH"),
        (403, "", "AUTH"),
        (408, "Audio data decode timeout", "TIMEOUT"),
        (408, "Input too slow", "TIMEOUT"),
        (429, "Your project has exceeded max number of concurrent requests.", "RATE_LIMIT"),
        (500, "The server had an error processing your request.", "CONNECTION"),
        (503, "Cannot continue request (code 1). Please restart the request.", "CONNECTION"),
        (418, "", "PROVIDER_ERROR"),
    ],
)
def test_an_error_has_its_meaning(code: int, words: str, expected: str) -> None:
    error = failed(messages.error(code, words), "secret-key")
    assert error.code == expected and error.fix
    assert f"({code})" in error.message
    assert words[:100] in error.message
    assert (code in (402, 429)) is ("console.soniox.com" in error.fix)


def test_an_error_that_repeats_the_key_does_not_tell_it() -> None:
    error = failed(messages.error(401, "Invalid API key hunter2."), "hunter2")
    assert "hunter2" not in str(error) and "..." in str(error)


def test_an_error_without_words_is_told_by_its_number() -> None:
    assert "(429)" in str(failed({"error_code": 429}, ""))


# --- what is sent

FULL: dict[str, Any] = {
    "model": "stt-rt-v5",
    "language_hints": ["en", "de"],
    "language_hints_strict": True,
    "enable_language_identification": False,
    "enable_speaker_diarization": True,
    "max_endpoint_delay_ms": 900,
    "endpoint_sensitivity": 0.5,
    "endpoint_latency_adjustment_level": 2,
    "context_general": {"domain": "restaurant"},
    "context_text": "A pizzeria.",
    "context_terms": ["Margherita"],
    "client_reference_id": "r1",
}
WIRE = {
    "model": "stt-rt-v5",
    "audio_format": "mulaw",
    "sample_rate": 8_000,
    "num_channels": 1,
    "language_hints": ["en", "de"],
    "language_hints_strict": True,
    "enable_language_identification": False,
    "enable_speaker_diarization": True,
    "enable_endpoint_detection": True,
    "max_endpoint_delay_ms": 900,
    "endpoint_sensitivity": 0.5,
    "endpoint_latency_adjustment_level": 2,
    "context": {
        "general": [{"key": "domain", "value": "restaurant"}],
        "text": "A pizzeria.",
        "terms": ["Margherita"],
    },
    "client_reference_id": "r1",
}


def test_every_option_reaches_the_wire() -> None:
    assert SonioxSTT(api_key="k", **FULL).start(MULAW_8K) == WIRE


@pytest.mark.parametrize("options", [{}, FULL, {"enable_endpoint_detection": False}])
@pytest.mark.parametrize("audio", SonioxSTT.accepts, ids=str)
def test_the_sdk_knows_what_is_sent(options: dict[str, Any], audio: Any) -> None:
    start = SonioxSTT(api_key="k", **options).start(audio)
    read = RealtimeSTTConfig.model_validate(start)
    assert read.model_dump(exclude_unset=True) == start, "a field was ignored"


def test_what_belongs_to_endpoints_is_not_sent_without_them() -> None:
    start = SonioxSTT(api_key="k", **FULL | {"enable_endpoint_detection": False}).start(MULAW_8K)
    assert start["enable_endpoint_detection"] is False
    assert not [name for name in start if "endpoint" in name and not name.startswith("enable")]


def test_none_is_left_to_soniox() -> None:
    start = SonioxSTT(api_key="k", max_endpoint_delay_ms=None).start(MULAW_8K)
    assert set(start) == {
        "model", "audio_format", "sample_rate", "num_channels", "enable_language_identification",
        "enable_speaker_diarization", "enable_endpoint_detection",
    }  # fmt: skip


# --- models, and where they are

START = WIRE
LISTED = messages.models(MODELS)


def test_a_configuration_that_fits_says_so() -> None:
    assert fitting(LISTED, START) == "knows the key, and has stt-rt-v5"
    plain_start = SonioxSTT(api_key="k").start(MULAW_8K)
    assert fitting(LISTED, plain_start) == "knows the key, and has stt-rt-v4"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "parrot"}, "no real-time model 'parrot'"),
        ({"model": "stt-async-v5"}, "no real-time model"),
        ({"language_hints": ["en", "tlh"]}, "does not take the language tlh"),
        ({"model": "stt-rt-v4", "endpoint_latency_adjustment_level": 0}, "endpoint_sensitivity"),
        ({"model": "stt-rt-v4"}, "endpoint_sensitivity, endpoint_latency_adjustment_level 2"),
    ],
)
def test_a_configuration_that_does_not_fit_says_why(change: dict[str, Any], words: str) -> None:
    with pytest.raises(PatterConfigError, match=words) as raised:
        fitting(LISTED, START | change)
    assert raised.value.fix


def test_what_a_list_does_not_say_is_not_held_against_anybody() -> None:
    bare = {"id": "stt-rt-v5", "transcription_mode": "real_time", "languages": []}
    start = {name: value for name, value in START.items() if name != "language_hints"}
    assert fitting({"models": [bare]}, start)


@pytest.mark.parametrize("body", [None, [], {}, {"models": 1}, {"models": [1]}, {"error": "k"}])
def test_what_is_no_list_of_models_is_garbled(body: Any) -> None:
    with pytest.raises(PatterError, match="no list of models"):
        fitting(body, START)


@pytest.mark.parametrize(
    ("given", "base", "api"),
    [
        (
            "wss://stt-rt.soniox.com/transcribe-websocket",
            "https://stt-rt.soniox.com",
            "https://api.soniox.com",
        ),
        (
            "https://stt-rt.eu.soniox.com/",
            "https://stt-rt.eu.soniox.com",
            "https://api.eu.soniox.com",
        ),
        ("ws://127.0.0.1:80", "http://127.0.0.1:80", "http://127.0.0.1:80"),
        (
            "https://speech.example.com/soniox",
            "https://speech.example.com/soniox",
            "https://speech.example.com/soniox",
        ),
    ],
)
def test_an_address_is_read_as_soniox_writes_it(given: str, base: str, api: str) -> None:
    assert (plain(given), api_of(base)) == (base, api)
