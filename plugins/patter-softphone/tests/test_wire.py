"""The protocol: what is said is what is understood, and nonsense is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError
from patter.providers.carrier import Dtmf, Hangup, MarkPlayed, TypedText
from patter_softphone._faults import Faults
from patter_softphone._wire import (
    CallNote,
    Clear,
    Complaint,
    Drop,
    Ended,
    Mark,
    Media,
    SetFaults,
    Start,
    decode_client,
    decode_server,
    encode,
)

words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=100)
faults = st.builds(
    Faults,
    loss_percent=st.floats(0, 30),
    jitter_ms=st.integers(0, 400),
    echo_db=st.none() | st.floats(-40, 0),
    seed=st.integers(0, 2**31),
)
client_frames = st.one_of(
    st.builds(Media, st.binary(max_size=400)),
    st.builds(Dtmf, st.sampled_from("0123456789*#ABCD")),
    st.builds(MarkPlayed, words),
    st.builds(TypedText, words),
    st.builds(Hangup, words),
    st.builds(SetFaults, faults),
    st.just(Drop()),
)
server_frames = st.one_of(
    st.builds(Start, words, st.booleans()),
    st.builds(Mark, words),
    st.just(Clear()),
    st.builds(CallNote, st.dictionaries(words, st.integers(-5, 5) | words)),
    st.builds(Complaint, words, words, words),
    st.builds(Ended, words),
)
json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**40), 2**40) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
)
EVENTS = ("media", "dtmf", "mark", "text", "hangup", "faults", "drop", "start", "")


@given(client_frames)
def test_what_the_client_says_is_what_the_server_understands(frame: object) -> None:
    assert decode_client(encode(frame)) == frame  # type: ignore[arg-type]


@given(server_frames)
def test_what_the_server_says_is_what_the_client_understands(frame: object) -> None:
    assert decode_server(encode(frame)) == frame  # type: ignore[arg-type]


@given(st.text(max_size=200))
def test_any_text_is_a_frame_or_an_error_with_a_fix(text: str) -> None:
    try:
        decode_client(text)
    except InputError as error:
        assert error.fix


@given(
    st.sampled_from(EVENTS),
    st.dictionaries(
        st.sampled_from(
            ("payload", "digit", "name", "text", "loss_percent", "jitter_ms", "echo_db", "seed")
        ),
        json,
    ),
)
def test_any_object_is_a_frame_or_an_error_with_a_fix(event: str, body: dict[str, object]) -> None:
    import orjson

    try:
        decode_client(orjson.dumps({"event": event, **body}).decode())
    except InputError as error:
        assert error.fix


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ('{"event":"levitate"}', "'levitate' is not known"),
        ('{"event":"media","payload":"***"}', "not base64"),
        ('{"event":"media"}', "no payload"),
        ('{"event":"dtmf","digit":"x"}', "not on a keypad"),
        ('{"event":"dtmf","digit":"55"}', "1 to 1 characters"),
        ('{"event":"text","text":" \\u0007 "}', "no words"),
        ('{"event":"faults","loss_percent":31}', "out of range"),
        ('{"event":"faults","jitter_ms":true}', "out of range"),
    ],
)
def test_a_bad_frame_is_told_what_is_wrong_with_it(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        decode_client(text)


def test_typed_text_is_one_line_without_control_characters() -> None:
    assert decode_client('{"event":"text","text":" two\\n\\u2028 lines\\u0000 "}') == TypedText(
        "two lines"
    )


def test_an_event_of_a_later_version_is_ignored_by_the_client() -> None:
    assert decode_server('{"event":"hologram"}') is None
