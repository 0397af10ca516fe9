"""The forms that Plivo posts (pure): of calls, of Dials, of conferences and recordings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

import orjson

from patter_plivo.double.line import CAUSES, LOOP, USD_PER_MINUTE, Line, Recording
from patter_testing.doubles.webhook_sender import Webhook

UNKNOWN = ("UNKNOWN", "Unknown", "0")
NOT_IN_CONFERENCES = frozenset({"From", "To", "CallStatus"})


def plivo_time(wall_s: float) -> str:
    """*wall_s* seconds since 1970, as Plivo writes dates.

    >>> plivo_time(1.5)
    '1970-01-01 00:00:01.500000'
    """
    when = datetime.fromtimestamp(wall_s, UTC).replace(tzinfo=None)
    return when.isoformat(" ", timespec="microseconds")


def post(url: str, form: Mapping[str, str]) -> Webhook:
    """*form* on its way to *url*."""
    return Webhook(url=url, body=urlencode(form).encode())


def bare(number: str) -> str:
    """A number as Plivo writes it, without its plus sign; anything else as it is.

    >>> bare("+15550100001"), bare("sip:ada@example.com")
    ('15550100001', 'sip:ada@example.com')
    """
    return number.removeprefix("+")


def of_call(line: Line, event: str = "StartApp") -> dict[str, str]:
    """What every webhook about a call says."""
    fields = {
        "CallUUID": line.uuid,
        "From": bare(line.call.caller),
        "To": bare(line.call.callee),
        "Direction": line.call.direction.value,
        "CallStatus": line.status,
        "Event": event,
        "CallerName": bare(line.call.caller),
        "BillRate": f"{USD_PER_MINUTE[line.call.direction]:.5f}",
        **line.sip,
    }
    if event == "StartApp":
        fields |= {
            "ParentAuthID": line.account,
            "SessionStart": plivo_time(line.began_s),
            "CountryCode": "US",
            "RouteType": "Local",
        }
    if line.outbound:
        ours = ("RequestUUID", "ALegUUID", "ALegRequestUUID")
        fields |= dict.fromkeys(ours, line.uuid)
    return fields


def of_hangup(line: Line) -> dict[str, str]:
    """The end of a call."""
    cause, name, code = LOOP if line.loops else CAUSES.get(line.status, UNKNOWN)
    return {
        **of_call(line, "Hangup"),
        "HangupCause": cause,
        "HangupCauseName": name,
        "HangupCauseCode": code,
        "HangupSource": line.ended_by,
        "Duration": str(line.seconds),
        "BillDuration": str(60 * math.ceil(line.seconds / 60)),
        "TotalCost": line.cost,
    }


def of_detection(line: Line) -> dict[str, str]:
    """A machine answered."""
    return {**of_call(line, "MachineDetection"), "Machine": "true", "IfMachine": "continue"}


def of_stream(line: Line, event: str, stream_id: str, url: str) -> dict[str, str]:
    """A stream began or ended."""
    return {**of_call(line, event), "StreamID": stream_id, "ServiceURL": url}


def of_dialling(line: Line, child: Line, action: str) -> dict[str, str]:
    """News of the other leg of a Dial."""
    return {
        **of_call(line, f"Dial{action.title()}"),
        "DialAction": action,
        "DialBLegStatus": action,
        "DialALegUUID": line.uuid,
        "DialBLegUUID": child.uuid,
        "DialBLegFrom": bare(child.call.caller),
        "DialBLegTo": bare(child.call.callee),
        "DialBLegPosition": "1",
        "DialBLegBillRate": f"{USD_PER_MINUTE[child.call.direction]:.5f}",
    }


def of_dial(line: Line, child: Line) -> dict[str, str]:
    """How a Dial ended."""
    answered = child.answered_ms is not None
    return {
        **of_call(line, "Redirect"),
        "DialStatus": child.status,
        "DialRingStatus": "true",
        "DialHangupCause": CAUSES.get(child.status, UNKNOWN)[0],
        "DialALegUUID": line.uuid,
        "DialBLegUUID": child.uuid if answered else "",
    }


def of_conference(
    line: Line, action: str, name: str, uuid: str, *, alone: bool = False
) -> dict[str, str]:
    """Somebody came into a conference, or left it: as the first, or the last, if *alone*.

    It says less of the call than other webhooks: neither its numbers nor its status.
    """
    whole = of_call(line, f"Conference{action.title()}")
    place = "First" if action == "enter" else "Last"
    return {
        **{field: whole[field] for field in whole if field not in NOT_IN_CONFERENCES},
        f"Conference{place}Member": str(alone).lower(),
        "ConferenceAction": action,
        "ConferenceName": name,
        "ConferenceUUID": uuid,
        "ConferenceMemberID": str(int(line.uuid[-6:], 16)),
    }


def of_recording(line: Line, recording: Recording, api: str) -> dict[str, str]:
    """A recording is ready: an answer that comes late, in JSON."""
    fields = {
        "call_uuid": line.uuid,
        "record_url": f"{api}/recordings/{recording.recording_id}.mp3",
        "recording_id": recording.recording_id,
        "recording_duration": str(line.seconds),
    }
    return {"response": orjson.dumps(fields).decode(), "Event": "RecordStop", "CallUUID": line.uuid}
