"""Messages, and the words among them: what holds for every one of them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from patter.errors import PatterError
from patter_rime import _wire
from patter_rime._words import UtteranceWords, letters
from patter_rime.double.buffer import TextBuffer
from patter_rime.double.speech import word_timestamps

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["chunk", "timestamps", "done", "error", "other"]) | ANYTHING,
        "data": ANYTHING,
        "contextId": ANYTHING,
        "message": ANYTHING,
        "word_timestamps": ANYTHING
        | st.fixed_dictionaries({"words": st.lists(ANYTHING), "end": st.lists(ANYTHING)}),
    },
)
TEXTS = st.text("abc D,.!?'-$5é ", min_size=1, max_size=60)


@given(BODIES | ANYTHING | st.binary())
def test_whatever_comes_is_read_or_is_an_error_with_a_fix(body: Any) -> None:
    try:
        message = body if isinstance(body, bytes) else json.dumps(body)
    except ValueError:
        assume(False)
    try:
        event = _wire.read(message)
    except PatterError as error:
        assert error.fix
    else:
        assert event is None or isinstance(
            event, _wire.Chunk | _wire.Timestamps | _wire.Done | _wire.Failure
        )


@given(st.binary(), st.text())
def test_audio_is_what_was_sent(audio: bytes, context: str) -> None:
    data = base64.b64encode(audio).decode()
    message = json.dumps({"type": "chunk", "data": data, "contextId": context})
    assert _wire.read(message) == _wire.Chunk(context, audio)


def test_what_is_told_is_read() -> None:
    # The example of docs.rime.ai, "Websockets JSON" of Mist v2, shortened.
    times = {"words": ["Hello", "."], "start": [0, 1.41642], "end": [0.35991, 1.5093]}
    event = _wire.read(json.dumps({"type": "timestamps", "word_timestamps": times}))
    words = (_wire.TimedWord("Hello", 0.35991), _wire.TimedWord(".", 1.5093))
    assert event == _wire.Timestamps("", words)
    assert _wire.read('{"type": "done", "contextId": null}') == _wire.Done("")
    assert _wire.read('{"type": "error", "message": "no"}') == _wire.Failure("no")
    assert _wire.read('{"type": "news"}') is None


@pytest.mark.parametrize(
    "times",
    [
        None,
        {"words": ["a"], "end": []},
        {"words": ["a"], "end": ["1"]},
        {"words": [1], "end": [1]},
        {"words": ["a"], "end": [True]},
        {"words": ["a"], "end": [-0.1]},
        {"words": ["a"], "end": [1e9]},
    ],
)
def test_times_that_make_no_sense_are_no_words(times: Any) -> None:
    message = json.dumps({"type": "timestamps", "word_timestamps": times, "contextId": "c"})
    assert _wire.read(message) == _wire.Timestamps("c", ())


@given(st.text(), st.text())
def test_a_text_is_sent_as_it_is(text: str, context: str) -> None:
    assume(not any("\ud800" <= each <= "\udfff" for each in text + context))
    assert json.loads(_wire.text(text, context)) == {"text": text, "contextId": context}


@given(st.text("ab .", max_size=80), st.integers(1, 20))
def test_parts_are_short_and_say_everything(text: str, longest: int) -> None:
    parts = _wire.pieces(text, longest)
    assert all(0 < len(part) <= longest and _wire.speakable(part) for part in parts)
    assert letters("".join(parts)) == letters(text)


@given(TEXTS, st.booleans(), st.floats(0, 5_000))
def test_every_word_of_the_text_is_found_among_those_that_are_timed(
    text: str, split: bool, from_ms: float
) -> None:
    times = word_timestamps(text, 60, split=split)
    timed = [
        _wire.TimedWord(word, end) for word, end in zip(times["words"], times["end"], strict=True)
    ]
    words = UtteranceWords(text, from_ms)
    found = [each for word in timed for each in words.hear([word])]
    assert [word.text for word in found] == [word for word in text.split() if letters(word)]
    ends = [word.end_ms for word in found]
    assert ends == sorted(ends)
    assert all(from_ms - 1 <= end <= from_ms + len(text) * 60 + 1 for end in ends)


@given(TEXTS, st.lists(st.tuples(st.text("abcdD5 .", max_size=4), st.floats(0, 60)), max_size=20))
def test_whatever_is_timed_only_words_of_the_text_are_told_and_in_order(
    text: str, timed: list[tuple[str, float]]
) -> None:
    found = UtteranceWords(text).hear(_wire.TimedWord(*each) for each in timed)
    words = iter(text.split())
    assert all(any(word.text == each for each in words) for word in found)
    ends = [word.end_ms for word in found]
    assert ends == sorted(ends)


def test_what_is_spoken_otherwise_than_written_is_left_out() -> None:
    spoken = ["It", "costs", "five", "dollars", "today."]
    timed = [_wire.TimedWord(word, at) for at, word in enumerate(spoken, 1)]
    found = UtteranceWords("It costs $5 today.").hear(timed)
    assert [(word.text, word.end_ms) for word in found] == [
        ("It", 1_000),
        ("costs", 2_000),
        ("today.", 5_000),
    ]


def test_times_never_run_back() -> None:
    timed = [_wire.TimedWord("one", 2), _wire.TimedWord("two", 1)]
    found = UtteranceWords("one two", 500).hear(timed)
    assert [word.end_ms for word in found] == [2_500, 2_500]


# --- the double's buffer


@given(
    st.sampled_from(["never", "bySentence", "immediate"]),
    st.lists(st.sampled_from(["text", "flush", "take"]), max_size=20),
)
def test_what_is_buffered_is_spoken_once_and_in_order(segment: str, moves: list[str]) -> None:
    buffer, sent, spoken = TextBuffer(segment), "", ""
    for at, move in enumerate(moves):
        if move == "text":
            buffer.add(f"{at} is. ", None)
            sent += f"{at} is. "
        elif move == "flush":
            buffer.flush()
        else:
            spoken += buffer.take()
    buffer.flush()
    while piece := buffer.take():
        spoken += piece
    # Space that is flushed alone is nothing to speak.
    assert "".join(spoken.split()) == "".join(sent.split())


def test_a_buffer_waits_as_its_segment_says() -> None:
    never, sentence, at_once = (TextBuffer(each) for each in ("never", "bySentence", "immediate"))
    for buffer in (never, sentence, at_once):
        buffer.add("One. Two", "c")
    assert never.take() == "" and sentence.take() == "One." and at_once.take() == "One. Two"
    never.flush()
    never.clear()
    assert never.take() == "One. Two", "what was flushed is not cleared"
    never.add("Three", "c")
    never.clear()
    never.flush()
    assert never.take() == ""
