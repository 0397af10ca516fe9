"""Plivo's instructions for a call, as its XML. Pure: values in, documents out.

Sources: docs.plivo.com/docs/voice/xml (Stream, Redirect, Dial, Conference, Speak, Hangup).
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, tostring

STREAM_S = 86_400
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def connect(media_url: str, *, again: str, status: str) -> str:
    """Carry the call to *media_url*; when that socket is gone, ask *again* what to do.

    ``keepCallAlive`` makes Plivo stay in the stream as long as it lasts, and go on after it.
    """
    document = Element("Response")
    attributes = {
        "bidirectional": "true",
        "keepCallAlive": "true",
        "audioTrack": "inbound",
        "contentType": "audio/x-mulaw;rate=8000",
        "streamTimeout": str(STREAM_S),
        "statusCallbackUrl": status,
        "statusCallbackMethod": "POST",
    }
    SubElement(document, "Stream", attributes).text = media_url
    _redirect(document, again)
    return _document(document)


def hangup() -> str:
    """End the call."""
    document = Element("Response")
    SubElement(document, "Hangup")
    return _document(document)


def reject() -> str:
    """Do not take the call: the caller hears the busy tone."""
    document = Element("Response")
    SubElement(document, "Hangup", {"reason": "busy"})
    return _document(document)


def dial(target: str, *, caller: str, timeout_s: int, done: str, news: str) -> str:
    """Connect the call to *target*; *news* gets a webhook on an answer, *done* is asked next."""
    document = Element("Response")
    attributes = {
        "action": done,
        "method": "POST",
        "callbackUrl": news,
        "callbackMethod": "POST",
        "timeout": str(timeout_s),
    }
    if caller:
        attributes["callerId"] = caller
    dial_element = SubElement(document, "Dial", attributes)
    SubElement(dial_element, "User" if target.startswith("sip") else "Number").text = target
    return _document(document)


def hold(room: str, *, sound: str = "") -> str:
    """Let the caller wait in *room* until somebody comes; *sound* is where Plivo gets music."""
    document = Element("Response")
    attributes = {"startConferenceOnEnter": "false", "endConferenceOnExit": "true"}
    waiting = SubElement(
        document, "Conference", {**attributes, **({"waitSound": sound} if sound else {})}
    )
    waiting.text = room
    SubElement(document, "Hangup")
    return _document(document)


def brief(summary: str, room: str, *, news: str, voice: str = "", language: str = "") -> str:
    """Speak the *summary* to a human, then let them meet the caller in *room*."""
    document = Element("Response")
    if spoken := _NOT_XML.sub(" ", summary).strip():
        how = {"voice": voice, "language": language}
        speak = {name: value for name, value in how.items() if value}
        SubElement(document, "Speak", speak).text = spoken
    attributes = {
        "startConferenceOnEnter": "true",
        "endConferenceOnExit": "true",
        "callbackUrl": news,
        "callbackMethod": "POST",
    }
    SubElement(document, "Conference", attributes).text = room
    SubElement(document, "Hangup")
    return _document(document)


def _redirect(document: Element, url: str) -> None:
    SubElement(document, "Redirect", {"method": "POST"}).text = url


def _document(document: Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(document, encoding="unicode")
