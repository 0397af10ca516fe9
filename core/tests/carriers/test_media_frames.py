"""Parts of a vendor's frames are what they are said to be, or no frame of ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.carriers.media_frames import (
    KEYS,
    audio_of,
    caller_audio,
    dtmf_event,
    key_of,
    mark_event,
    part,
    payload_of,
    text_of,
)
from patter.errors import InputError
from patter.providers.carrier import Dtmf, MarkPlayed

VALUES = st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
BODIES = st.dictionaries(st.sampled_from(["media", "name"]), VALUES | st.just({"a": 1}))


@given(BODIES)
def test_a_part_is_an_object(body: dict[str, Any]) -> None:
    if isinstance(body.get("media"), dict):
        assert part(body, "media") == body["media"]
    else:
        with pytest.raises(InputError, match="no media"):
            part(body, "media")


@given(BODIES)
def test_a_text_is_there(body: dict[str, Any]) -> None:
    if isinstance(body.get("name"), str) and body["name"]:
        assert text_of(body, "name") == body["name"]
    else:
        with pytest.raises(InputError, match="no name"):
            text_of(body, "name")


@given(st.sampled_from(sorted(KEYS)))
def test_every_key_is_one(digit: str) -> None:
    assert key_of(digit) == Dtmf(digit)


@given(st.text())
def test_nothing_else_is_a_key(text: str) -> None:
    if text not in KEYS:
        with pytest.raises(InputError):
            key_of(text)


@given(st.binary(max_size=400))
def test_audio_comes_back_from_its_payload(audio: bytes) -> None:
    assert audio_of(payload_of(audio)) == audio
    assert caller_audio({"payload": payload_of(audio)}) == audio
    assert caller_audio({"track": "outbound", "payload": payload_of(audio)}) == b""


def test_marks_and_keys_are_read_where_most_carriers_put_them() -> None:
    assert mark_event({"mark": {"name": "m1"}}) == MarkPlayed("m1")
    assert dtmf_event({"dtmf": {"digit": "#"}}) == Dtmf("#")


@pytest.mark.parametrize("frame", [{}, {"mark": {}}, {"mark": {"name": ""}}, {"mark": "m1"}])
def test_a_mark_without_a_name_is_refused(frame: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        mark_event(frame)


@pytest.mark.parametrize("frame", [{}, {"dtmf": {"digit": "E"}}, {"dtmf": {"digit": "12"}}])
def test_what_is_no_key_is_refused(frame: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        dtmf_event(frame)
