"""The audio stream: what Plivo says is understood, what we say it understands, marks once."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError
from patter.providers.carrier import Dtmf, Hangup, LegEvent, MarkPlayed
from patter_plivo._wire import MediaStream, begin
from patter_plivo.double.frames import StreamFrames
from patter_testing.doubles.stream import AskMark, Clear

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
)


def both() -> tuple[MediaStream, StreamFrames]:
    """Our end of a stream and Plivo's."""
    theirs = StreamFrames(stream_id="s-1", call_uuid="c-1", account="MA1")
    (opening,) = theirs.opening()
    ours = begin(orjson.loads(opening))
    assert ours is not None
    return ours, theirs


def told(ours: MediaStream, frame: str) -> Sequence[LegEvent]:
    return ours.decode(orjson.loads(frame))


def test_a_stream_begins_with_its_names() -> None:
    ours, _ = both()
    assert (ours.stream_id, ours.carrier_call_id) == ("s-1", "c-1")


@given(st.binary(min_size=1, max_size=400), st.sampled_from("0123456789*#ABCD"))
def test_what_plivo_sends_is_what_the_call_hears(audio: bytes, digit: str) -> None:
    ours, theirs = both()
    assert list(told(ours, theirs.audio(audio))) == [audio]
    assert list(told(ours, theirs.digit(digit))) == [Dtmf(digit)]
    assert list(told(ours, theirs.stop())) == [Hangup("stop")]


@given(st.binary(max_size=1_000), names)
def test_what_we_send_is_what_plivo_plays(audio: bytes, name: str) -> None:
    ours, theirs = both()
    assert [theirs.decode(frame) for frame in ours.media(audio)] == [audio]
    assert theirs.decode(ours.mark(name)) == AskMark(name)
    assert theirs.decode(ours.clear()) == Clear()


deeds = st.lists(
    st.sampled_from(["mark", "clear", "play", "confirm", "repeat"]), min_size=1, max_size=40
)


@given(deeds, st.booleans())
def test_every_mark_is_answered_once_whatever_plivo_confirms(
    what: list[str], acks_cleared: bool
) -> None:
    """Plivo confirms clears in order; checkpoints that fell to one, it may confirm or not."""
    ours, theirs = both()
    queued: list[str] = []
    cleared: list[list[str]] = []
    asked: list[str] = []
    answers: list[str] = []

    def hear(frame: str) -> None:
        answers.extend(event.name for event in told(ours, frame) if isinstance(event, MarkPlayed))

    for deed in what:
        if deed == "mark":
            asked.append(f"m{len(asked)}")
            ours.mark(asked[-1])
            queued.append(asked[-1])
        elif deed == "clear":
            ours.clear()
            cleared.append(queued)
            queued = []
        elif deed == "play" and queued and not cleared:
            hear(theirs.played(queued.pop(0)))
        elif deed == "confirm" and cleared:
            gone = cleared.pop(0)
            for name in gone if acks_cleared else ():
                hear(theirs.played(name))
            hear(theirs.cleared())
        elif deed == "repeat" and answers:
            hear(theirs.played(answers[-1]))
    for _ in cleared:
        hear(theirs.cleared())
    for name in queued:
        hear(theirs.played(name))
    assert answers == asked


def test_what_the_agent_says_is_not_what_the_caller_says() -> None:
    ours, _ = both()
    media = {"track": "outbound", "payload": base64.b64encode(b"echo").decode()}
    assert not ours.decode({"event": "media", "media": media})


def test_an_event_of_a_later_protocol_tells_nothing() -> None:
    ours, _ = both()
    assert not ours.decode({"event": "hologram", "hologram": {}})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "no event"),
        ({"event": 7}, "no event"),
        ({"event": "media"}, "no media"),
        ({"event": "media", "media": {}}, "no payload"),
        ({"event": "media", "media": {"payload": "***"}}, "not base64"),
        ({"event": "dtmf"}, "no dtmf"),
        ({"event": "dtmf", "dtmf": {"digit": "12"}}, "not a key"),
        ({"event": "error", "reason": "bad\x07 audio"}, "error: bad audio"),
        ({"event": "playFailed"}, "playFailed: no reason"),
    ],
)
def test_a_frame_that_makes_no_sense_is_named(body: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        MediaStream("s-1", "c-1").decode(body)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (None, "has no start"),
        ({}, "no streamId"),
        ({"streamId": "s"}, "no callId"),
        ({"streamId": "s", "callId": ""}, "no callId"),
        ({"mediaFormat": {"encoding": "audio/x-l16", "sampleRate": 8000}}, "not mu-law"),
        ({"mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 16000}}, "not mu-law"),
    ],
)
def test_a_stream_that_is_not_ours_does_not_begin(start: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        begin({"event": "start", "start": start})


def test_a_stream_begins_with_its_start_and_nothing_else() -> None:
    assert begin({"event": "media", "media": {}}) is None


@given(
    st.sampled_from(["media", "dtmf", "playedStream", "clearedAudio", "stop", "start", "x"]), json
)
def test_any_object_is_events_or_an_error_with_a_fix(event: str, inner: object) -> None:
    body = {"event": event, "media": inner, "dtmf": inner, "name": inner, "start": inner}
    for take in (MediaStream("s-1", "c-1").decode, begin):
        try:
            take(body)
        except InputError as error:
            assert error.fix
