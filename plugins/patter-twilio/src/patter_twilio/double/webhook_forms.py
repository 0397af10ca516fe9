"""The forms that Twilio posts (pure): of calls, of Dials, of conferences and recordings."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from urllib.parse import urlencode

from patter_testing.doubles.webhook_sender import Webhook
from patter_twilio.double.conference import Room
from patter_twilio.double.line import Line, Recording


def post(url: str, form: Mapping[str, str]) -> Webhook:
    """*form* on its way to *url*."""
    return Webhook(url=url, body=urlencode(form).encode())


def of_call(line: Line, account: str) -> dict[str, str]:
    """What every webhook about a call says.

    Only a leg that a Dial rang has a parent; a call made over REST has none, whatever it is for
    (twilio.com/docs/voice/twiml, Twilio's request parameters).
    """
    fields = {
        "AccountSid": account,
        "ApiVersion": "2010-04-01",
        "CallSid": line.sid,
        "CallStatus": line.status,
        "Direction": line.via,
        "From": line.call.caller,
        "To": line.call.callee,
        "Caller": line.call.caller,
        "Called": line.call.callee,
        "FromCountry": "US",
        **line.headers,
    }
    if line.parent is None or line.via != "outbound-dial":
        return fields
    return {**fields, "ParentCallSid": line.parent.sid}


def of_status(line: Line, account: str, wall_s: float) -> dict[str, str]:
    """A status callback."""
    fields = {
        **of_call(line, account),
        "CallStatus": "initiated" if line.status == "queued" else line.status,
        "Timestamp": formatdate(wall_s),
        "SequenceNumber": str(line.next_sequence()),
        "CallbackSource": "call-progress-events",
    }
    if line.over:
        fields |= {"CallDuration": str(line.seconds), "Duration": str(-(-line.seconds // 60))}
    return fields


def of_dial(line: Line, account: str, status: str, child: Line | None) -> dict[str, str]:
    """The form that a Dial's action gets."""
    fields = {**of_call(line, account), "DialCallStatus": status}
    if child is not None:
        fields |= {"DialCallSid": child.sid, "DialCallDuration": str(child.seconds)}
    return fields


def of_detection(line: Line, account: str, answered_by: str, after_ms: float) -> dict[str, str]:
    """Who answered."""
    return {
        "AccountSid": account,
        "CallSid": line.sid,
        "AnsweredBy": answered_by,
        "MachineDetectionDuration": f"{after_ms:.0f}",
    }


def of_recording(line: Line, account: str, recording: Recording, api: str) -> dict[str, str]:
    """A recording that is ready."""
    return {
        "AccountSid": account,
        "CallSid": line.sid,
        "RecordingSid": recording.sid,
        "RecordingUrl": f"{api}/2010-04-01/Accounts/{account}/Recordings/{recording.sid}",
        "RecordingStatus": "completed",
        "RecordingDuration": str(line.seconds),
        "RecordingChannels": "2",
        "RecordingSource": "StartCallRecordingAPI",
    }


def of_conference(room: Room, line: Line, account: str, wall_s: float) -> dict[str, str]:
    """A conference that has begun with *line*."""
    return {
        "AccountSid": account,
        "CallSid": line.sid,
        "ConferenceSid": room.sid,
        "FriendlyName": room.name,
        "StatusCallbackEvent": "conference-start",
        "SequenceNumber": "1",
        "Timestamp": formatdate(wall_s),
    }
