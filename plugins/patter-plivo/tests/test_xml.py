"""XML says what Plivo's own builders would, and addresses bring back what they were given."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from plivo import plivoxml  # type: ignore[import-untyped]

from patter.errors import InputError
from patter_plivo import _xml
from patter_plivo._packed_text import MAX_TEXT_BYTES, pack_text, unpack_text

texts = st.text(st.characters(codec="utf-8"), max_size=300)


def same(ours: str, theirs: str) -> bool:
    """Are they the same document?"""
    return ElementTree.canonicalize(ours, strip_text=True) == ElementTree.canonicalize(
        theirs, strip_text=True
    )


def test_a_stream_is_asked_for_as_the_sdk_does() -> None:
    ours = _xml.connect(
        "wss://h/media/plivo/t?a=1&b=2", again="https://h/a?x=1&y=2", status="https://h/s"
    )
    theirs = plivoxml.ResponseElement()
    theirs.add(
        plivoxml.StreamElement(
            "wss://h/media/plivo/t?a=1&b=2",
            bidirectional=True,
            keepCallAlive=True,
            audioTrack="inbound",
            contentType="audio/x-mulaw;rate=8000",
            streamTimeout=86_400,
            statusCallbackUrl="https://h/s",
            statusCallbackMethod="POST",
        )
    )
    theirs.add(plivoxml.RedirectElement("https://h/a?x=1&y=2", method="POST"))
    assert same(ours, theirs.to_string())


def test_a_dial_is_asked_for_as_the_sdk_does() -> None:
    ours = _xml.dial(
        "+15550100200", caller="+15550001234", timeout_s=25, done="https://h/d", news="https://h/n"
    )
    dial = plivoxml.DialElement(
        action="https://h/d",
        method="POST",
        callback_url="https://h/n",
        callback_method="POST",
        timeout=25,
        caller_id="+15550001234",
    )
    dial.add(plivoxml.NumberElement("+15550100200"))
    assert same(ours, plivoxml.ResponseElement().add(dial).to_string())


def test_a_sip_address_is_a_user_and_a_caller_may_be_unknown() -> None:
    root = ElementTree.fromstring(
        _xml.dial("sip:a@b.example", caller="", timeout_s=1, done="d", news="n")
    )
    (dial,) = root
    assert [each.tag for each in dial] == ["User"]
    assert "callerId" not in dial.attrib


def test_hold_and_briefing_meet_in_one_room() -> None:
    hold, _ = ElementTree.fromstring(_xml.hold("patter-1", sound="https://h/music"))
    speak, meet, _ = ElementTree.fromstring(_xml.brief("A & B <c>", "patter-1", news="https://h/n"))
    assert hold.text == meet.text == "patter-1"
    assert (hold.get("startConferenceOnEnter"), meet.get("startConferenceOnEnter")) == (
        "false",
        "true",
    )
    assert hold.get("waitSound") == "https://h/music"
    assert speak.text == "A & B <c>"


def test_a_briefing_is_spoken_as_the_sdk_would_have_it() -> None:
    ours = _xml.brief("Ciao", "r", news="https://h/n", voice="Polly.Carla", language="it-IT")
    theirs = plivoxml.ResponseElement()
    theirs.add(plivoxml.SpeakElement("Ciao", voice="Polly.Carla", language="it-IT"))
    theirs.add(
        plivoxml.ConferenceElement(
            "r",
            start_conference_on_enter=True,
            end_conference_on_exit=True,
            callback_url="https://h/n",
            callback_method="POST",
        )
    )
    assert same(ours, theirs.add(plivoxml.HangupElement()).to_string())


def test_who_has_nothing_to_say_is_not_made_to_speak() -> None:
    assert [each.tag for each in ElementTree.fromstring(_xml.brief(" \x00 ", "r", news="n"))] == [
        "Conference",
        "Hangup",
    ]
    assert "waitSound" not in _xml.hold("r")


@given(texts)
def test_any_summary_makes_a_document_that_can_be_read(summary: str) -> None:
    document = ElementTree.fromstring(_xml.brief(summary, "room", news="https://h/n?a=1&b=2"))
    assert document.findtext("Conference") == "room"


@given(texts)
def test_a_text_comes_back_as_it_was_or_cut_between_characters(text: str) -> None:
    back = unpack_text(pack_text(text))
    assert text.startswith(back)
    if len(text.encode()) <= MAX_TEXT_BYTES:
        assert back == text
    assert pack_text(text).isascii()


@given(st.text(max_size=20))
def test_what_was_not_packed_is_unpacked_or_refused(text: str) -> None:
    try:
        unpack_text(text)
    except InputError as error:
        assert error.fix
