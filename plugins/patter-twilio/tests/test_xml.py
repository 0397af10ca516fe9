"""TwiML: always well formed, never too long, and nothing in it that somebody else wrote."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.providers.carrier import TransferRequest
from patter_twilio import _xml

anything = st.text(max_size=6_000) | st.text(st.sampled_from("&<>\"'a"), max_size=6_000)


@given(anything)
def test_a_briefing_of_any_length_fits(summary: str) -> None:
    twiml = _xml.brief(summary, "https://phone.example.com/webhooks/twilio/join?call=CA1&order=2")
    assert len(twiml) <= _xml.MAX_TWIML
    root = ElementTree.fromstring(twiml)
    assert root[-1].tag == "Redirect"
    said = root.findtext("Say", "")
    assert _xml._NOT_XML.sub("", summary).replace("\r\n", "\n").replace("\r", "\n").startswith(said)


def test_a_short_briefing_is_whole_in_the_voice_asked_for() -> None:
    root = ElementTree.fromstring(_xml.brief("Wants <b> & c.", "j", "Polly.Amy", "en-GB"))
    assert root.findtext("Say") == "Wants <b> & c."
    assert root[0].attrib == {"voice": "Polly.Amy", "language": "en-GB"}


def test_without_a_summary_nothing_is_said() -> None:
    assert [each.tag for each in ElementTree.fromstring(_xml.brief(" ", "j"))] == ["Redirect"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")))
def test_a_target_cannot_become_a_verb(target: str) -> None:
    root = ElementTree.fromstring(_xml.dial(TransferRequest(target=target), "a", "b"))
    assert [each.tag for each in root.iter()][:2] == ["Response", "Dial"]
    assert len(list(root.iter())) == 3
    assert root[0][0].text in (target, None)


@pytest.mark.parametrize(
    ("target", "noun"),
    [("+15550100200", "Number"), ("sip:a@b.example", "Sip"), ("SIPS:a@b.example", "Sip")],
)
def test_a_target_is_a_number_or_a_sip_address(target: str, noun: str) -> None:
    root = ElementTree.fromstring(_xml.dial(TransferRequest(target=target), "a", "b"))
    assert root[0][0].tag == noun


def test_a_caller_on_hold_starts_nothing_and_ends_all() -> None:
    hold = ElementTree.fromstring(_xml.hold("room", "a", "s"))[0][0]
    assert hold.attrib["startConferenceOnEnter"] == "false"
    assert hold.attrib["endConferenceOnExit"] == "true"
    enter = ElementTree.fromstring(_xml.enter("room"))[0][0]
    assert enter.attrib["startConferenceOnEnter"] == "true"
    assert hold.text == enter.text == "room"
