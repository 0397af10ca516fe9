"""Media frames: what one side writes the other understands, and nonsense is refused."""

from __future__ import annotations

from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.formats import MULAW_8K, PCM16_16K, AudioFormat
from patter.carriers.media_frames import KEYS
from patter.clock import LoopClock
from patter.errors import InputError
from patter.providers.carrier import Dtmf, Hangup, LegEvent, MarkPlayed, StreamError
from patter_telnyx._wire import FRAME_MS, LEAST_MS, MediaStream, begin
from patter_telnyx.double.frames import StreamFrames
from patter_testing.doubles.stream import AskMark, Clear

CALL, STREAM = "v3:call", 'MZ"1\\'


def far(audio: AudioFormat = MULAW_8K) -> StreamFrames:
    return StreamFrames(stream_id=STREAM, call_control_id=CALL, audio_format=audio)


@attrs.define
class HandClock(LoopClock):
    """A clock that is set by hand."""

    now_ms: float = 0.0

    def ms(self) -> float:
        return self.now_ms


def near(audio: AudioFormat = MULAW_8K, big_endian: bool = False) -> MediaStream:
    return MediaStream(
        stream_id=STREAM,
        carrier_call_id=CALL,
        audio=audio,
        big_endian=big_endian,
        clock=HandClock(),
    )


def heard(frame: str) -> list[LegEvent]:
    return list(near().decode(orjson.loads(frame)))


@given(st.binary(max_size=40_000))
def test_what_the_agent_says_reaches_telnyx(audio: bytes) -> None:
    parts = [far().decode(frame) for frame in near().media(audio)]
    assert b"".join(part for part in parts if isinstance(part, bytes)) == audio


@given(st.integers(0, 10 * FRAME_MS), st.sampled_from([MULAW_8K, PCM16_16K]))
def test_no_frame_is_too_short_but_one_that_was_given_so(ms: int, audio: AudioFormat) -> None:
    sizes = [
        audio.ms_in(len(part))
        for frame in near(audio).media(bytes(audio.bytes_in(ms)))
        if isinstance(part := far(audio).decode(frame), bytes)
    ]
    assert sum(sizes) == ms
    assert all(min(ms, LEAST_MS) <= size < FRAME_MS + LEAST_MS for size in sizes)


@given(st.binary(min_size=1, max_size=400).map(lambda half: half + half))
def test_samples_are_swapped_there_and_back(samples: bytes) -> None:
    stream = near(PCM16_16K, big_endian=True)
    (frame,) = stream.media(samples)
    wire = far(PCM16_16K).decode(frame)
    assert isinstance(wire, bytes)
    assert (wire[0::2], wire[1::2]) == (samples[1::2], samples[0::2])
    assert list(stream.decode(orjson.loads(far(PCM16_16K).audio(wire)))) == [samples]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_marks_come_back_under_their_names(name: str) -> None:
    assert far().decode(near().mark(name)) == AskMark(name)
    if name:
        assert heard(far().played(name)) == [MarkPlayed(name)]


def test_a_clear_is_a_clear() -> None:
    assert far().decode(near().clear()) == Clear()


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=20))
def test_what_the_caller_says_reaches_the_agent(said: list[bytes]) -> None:
    there, here = far(), near()
    assert [each for part in said for each in here.decode(orjson.loads(there.audio(part)))] == said


def media(chunk: Any, payload: str = "AQ==", **more: Any) -> dict[str, Any]:
    return {"event": "media", "media": {"chunk": chunk, "payload": payload, **more}}


def test_frames_out_of_order_wait_for_the_one_before_and_a_stop_waits_for_none() -> None:
    stream = near()
    assert stream.decode(media("2", "Ag==")) == []
    assert stream.decode(media("1")) == [b"\x01", b"\x02"]
    assert stream.decode(media("4", "BA==")) == []
    assert stream.decode({"event": "stop"}) == [b"\x04", Hangup("stop")]
    assert stream.stopped


@pytest.mark.parametrize("chunk", [None, "x", "", True, "-1", "²"])
def test_frames_without_a_number_are_heard_as_they_come(chunk: Any) -> None:
    assert near().decode(media(chunk)) == [b"\x01"]


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_heard(key: str) -> None:
    stream = near()
    assert not stream.decode(orjson.loads(far().digit(key)))
    assert stream.decode({"event": "stop"}) == [Dtmf(key), Hangup("stop")]


@pytest.mark.parametrize("when", [None, 7, "soon", "9999-99-99T00:00:00Z"])
def test_a_key_without_a_time_is_heard_at_once_after_those_before_it(when: Any) -> None:
    stream = near()
    assert not stream.decode(orjson.loads(far().digit("1")))
    frame = {"event": "dtmf", "occurred_at": when, "dtmf": {"digit": "2"}}
    assert stream.decode(frame) == [Dtmf("1"), Dtmf("2")]
    assert stream.patience_ms() is None


def test_the_agents_own_track_is_not_heard() -> None:
    assert not near().decode(media("1", track="outbound"))


def test_events_yet_to_be_invented_say_nothing() -> None:
    assert not near().decode({"event": "levitate"})
    assert not near().decode({})


def test_what_telnyx_complains_of_is_logged_with_its_code(caplog: Any) -> None:
    body = {"event": "error", "payload": {"code": 100004, "title": "invalid_media\u2028"}}
    assert near().decode(body) == (StreamError("100004", "invalid_media"),)
    assert "100004 invalid_media" in caplog.text
    said = "it does not say what is wrong"
    assert near().decode({"event": "error", "payload": 7}) == (StreamError("unknown", said),)


def test_a_complaint_of_any_length_is_a_short_one() -> None:
    payload = {"code": "1" * 500, "title": "x" * 5_000, "detail": ["y"]}
    (error,) = near().decode({"event": "error", "payload": payload})
    assert isinstance(error, StreamError)
    assert len(error.code) <= 20
    assert len(error.text) <= 200


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_16K])
def test_a_stream_begins_with_its_start(audio: AudioFormat) -> None:
    connected, start = map(orjson.loads, far(audio).opening())
    take = begin(audio)
    assert take(connected) is None
    stream = take(start)
    assert stream is not None
    assert (stream.stream_id, stream.carrier_call_id, stream.audio) == (STREAM, CALL, audio)


def changed(**what: Any) -> dict[str, Any]:
    _, start = map(orjson.loads, far().opening())
    return {**start, "start": {**start["start"], **what}}


@pytest.mark.parametrize(
    "frame",
    [
        {"event": "start"},
        {**changed(), "stream_id": ""},
        changed(call_control_id=""),
        changed(call_control_id=7),
        changed(media_format=None),
        changed(media_format={"encoding": "G722", "sample_rate": 8_000}),
        changed(media_format={"encoding": "PCMU", "sample_rate": 16_000}),
        changed(media_format={"encoding": "PCMU", "sample_rate": 8_000, "channels": 2}),
    ],
)
def test_a_stream_that_begins_wrongly_is_refused(frame: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        begin(MULAW_8K)(frame)


@pytest.mark.parametrize(
    "frame",
    [
        {"event": "media"},
        {"event": "media", "media": {"track": "inbound"}},
        media("1", "***"),
        {"event": "mark", "mark": {}},
        {"event": "dtmf", "dtmf": {"digit": "77"}},
        {"event": "dtmf", "dtmf": {"digit": None}},
    ],
)
def test_frames_that_make_no_sense_are_refused(frame: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        near().decode(frame)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(InputError):
        near(PCM16_16K).decode(media("1"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.sampled_from(["media", "mark", "dtmf", "stop", "start", "error"]), json_values)
def test_nothing_but_input_errors_comes_of_nonsense(event: str, part: Any) -> None:
    for take in (near().decode, begin(MULAW_8K)):
        try:
            take({"event": event, event: part, "payload": part})
        except InputError:
            continue


@pytest.mark.parametrize(
    "text", ["[1]", "{", '{"event":"sing"}', '{"event":"media","media":{"payload":"*"}}']
)
def test_the_double_refuses_what_telnyx_complains_of(text: str) -> None:
    with pytest.raises(ValueError):
        far().decode(text)


def test_the_double_takes_half_a_minute_and_no_more() -> None:
    frames = near().media(bytes(8_000 * 31))
    assert len(frames) == 31
    long = '{"event":"media","media":{"payload":"' + "AAAA" * 81_000 + '"}}'
    with pytest.raises(ValueError):
        far().decode(long)
