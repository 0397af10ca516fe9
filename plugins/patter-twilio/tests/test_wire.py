"""Media Streams frames: what one side writes the other understands, and nonsense is refused."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.carriers.media_frames import KEYS
from patter.errors import InputError
from patter.providers.carrier import Dtmf, Hangup, LegEvent, MarkPlayed
from patter_testing.doubles.stream import AskMark, Clear
from patter_twilio._wire import MediaStream, begin
from patter_twilio.double.frames import StreamFrames

ACCOUNT, CALL, STREAM = "AC1", "CA1", 'MZ"1\\'


def far() -> StreamFrames:
    return StreamFrames(stream_sid=STREAM, call_sid=CALL, account_sid=ACCOUNT)


def near() -> MediaStream:
    return MediaStream(STREAM, CALL)


def heard(frame: str) -> list[LegEvent]:
    return list(near().decode(orjson.loads(frame)))


@given(st.binary(max_size=2_000))
def test_what_the_agent_says_reaches_twilio(audio: bytes) -> None:
    (frame,) = near().media(audio)
    assert far().decode(frame) == audio
    assert set(json.loads(frame)) == {"event", "streamSid", "media"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_marks_come_back_under_their_names(name: str) -> None:
    assert far().decode(near().mark(name)) == AskMark(name)
    if name:
        assert heard(far().played(name)) == [MarkPlayed(name)]


def test_a_clear_is_a_clear() -> None:
    assert far().decode(near().clear()) == Clear()


@given(st.binary(min_size=1, max_size=2_000))
def test_what_the_caller_says_reaches_the_agent(audio: bytes) -> None:
    assert heard(far().audio(audio)) == [audio]


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_heard(key: str) -> None:
    assert heard(far().digit(key)) == [Dtmf(key)]


def test_a_stop_is_a_hangup() -> None:
    assert heard(far().stop()) == [Hangup("stop")]


def test_the_agents_own_track_is_not_heard() -> None:
    frame = {"event": "media", "media": {"track": "outbound", "payload": "AAAA"}}
    assert not near().decode(frame)


def test_events_yet_to_be_invented_say_nothing() -> None:
    assert not near().decode({"event": "levitate"})
    assert not near().decode({})


def test_a_stream_begins_with_its_start() -> None:
    connected, start = map(orjson.loads, far().opening())
    take = begin(ACCOUNT)
    assert take(connected) is None
    stream = take(start)
    assert stream is not None
    assert (stream.stream_sid, stream.carrier_call_id) == (STREAM, CALL)


def changed(**what: Any) -> dict[str, Any]:
    _, start = map(orjson.loads, far().opening())
    return {**start, "start": {**start["start"], **what}}


@pytest.mark.parametrize(
    "frame",
    [
        {"event": "start"},
        changed(accountSid="AC2"),
        changed(callSid=""),
        changed(streamSid=7),
        changed(mediaFormat=None),
        changed(mediaFormat={"encoding": "audio/l16", "sampleRate": 16_000, "channels": 1}),
    ],
)
def test_a_stream_that_begins_wrongly_is_refused(frame: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        begin(ACCOUNT)(frame)


@pytest.mark.parametrize(
    "frame",
    [
        {"event": "media"},
        {"event": "media", "media": {"track": "inbound"}},
        {"event": "media", "media": {"track": "inbound", "payload": "***"}},
        {"event": "mark", "mark": {}},
        {"event": "dtmf", "dtmf": {"digit": "77"}},
        {"event": "dtmf", "dtmf": {"digit": None}},
    ],
)
def test_frames_that_make_no_sense_are_refused(frame: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        near().decode(frame)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.sampled_from(["media", "mark", "dtmf", "stop", "start"]), json_values)
def test_nothing_but_input_errors_comes_of_nonsense(event: str, part: Any) -> None:
    for take in (near().decode, begin(ACCOUNT)):
        try:
            take({"event": event, event: part})
        except InputError:
            continue


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "{",
        '{"event":"clear"}',
        '{"event":"clear","streamSid":"other"}',
        orjson.dumps({"event": "clear", "streamSid": STREAM, "more": 1}).decode(),
        orjson.dumps({"event": "sing", "streamSid": STREAM}).decode(),
    ],
)
def test_the_double_refuses_what_twilio_warns_of(text: str) -> None:
    with pytest.raises(ValueError):
        far().decode(text)
