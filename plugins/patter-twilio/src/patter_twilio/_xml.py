"""Instructions for a call: TwiML as text (pure).

Twilio's own builders write it, so what comes from elsewhere is escaped by them.
"""

from __future__ import annotations

import re

from twilio.twiml.voice_response import Connect, Dial, VoiceResponse  # type: ignore[import-untyped]

from patter.providers.carrier import TransferRequest

MAX_TWIML = 4_000
"""What Twilio takes of TwiML with a request; answers to webhooks may be longer."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def connect(media_url: str, again_url: str) -> str:
    """Stream the call to *media_url*; when that socket is gone, ask *again_url* what to do."""
    connecting = Connect(action=again_url, method="POST")
    connecting.stream(url=media_url, track="inbound_track")
    return _response(connecting)


def hangup() -> str:
    """End the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def reject() -> str:
    """Do not take the call: the caller hears the busy tone, and nobody pays."""
    response = VoiceResponse()
    response.reject(reason="busy")
    return str(response)


def dial(request: TransferRequest, action: str, taken: str) -> str:
    """Ring *request*'s target and connect the caller; *taken* gets a webhook on an answer."""
    dialing = Dial(
        action=action,
        method="POST",
        timeout=request.ring_timeout_s,
        caller_id=request.from_number or None,
    )
    callback = {
        "status_callback": taken,
        "status_callback_event": "answered",
        "status_callback_method": "POST",
    }
    if request.to_sip:
        dialing.sip(request.target, **callback)
    else:
        dialing.number(request.target, **callback)
    return _response(dialing)


def hold(room: str, action: str, started: str) -> str:
    """Let the caller wait in *room*, with music, until a human comes; *started* gets a webhook."""
    dialing = Dial(action=action, method="POST")
    dialing.conference(
        room,
        start_conference_on_enter=False,
        end_conference_on_exit=True,
        beep=False,
        status_callback=started,
        status_callback_event="start",
        status_callback_method="POST",
    )
    return _response(dialing)


def brief(summary: str, join: str, voice: str = "", language: str = "") -> str:
    """Speak *summary* to a human, as much as Twilio takes, then ask *join* where they go."""
    words = _NOT_XML.sub("", summary)[:MAX_TWIML]
    while len(twiml := _brief(words, join, voice, language)) > MAX_TWIML and words:
        # Escaping makes a character up to six long; too much is cut again.
        words = words[: max(0, len(words) - max(1, (len(twiml) - MAX_TWIML) // 6))]
    return twiml


def enter(room: str) -> str:
    """Bring the human to the caller who waits in *room*."""
    dialing = Dial()
    dialing.conference(
        room, start_conference_on_enter=True, end_conference_on_exit=True, beep=False
    )
    return _response(dialing)


def _brief(words: str, join: str, voice: str, language: str) -> str:
    response = VoiceResponse()
    if words.strip():
        response.say(words, voice=voice or None, language=language or None)
    response.redirect(join, method="POST")
    return str(response)


def _response(verb: object) -> str:
    response = VoiceResponse()
    response.append(verb)
    return str(response)
