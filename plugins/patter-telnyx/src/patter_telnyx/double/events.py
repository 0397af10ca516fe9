"""What Telnyx posts (pure): events of calls, of detection, of recordings and costs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from patter.providers.carrier import Answerer
from patter_telnyx.double.line import Line
from patter_telnyx.double.times import iso_time
from patter_testing.doubles.webhook_sender import Webhook

NUMBERS = ("from", "to")
NUMBERLESS = ("streaming.", "call.speak.", "call.cost", "call.recording.")
"""Events that do not say whose numbers they are about."""
PREMIUM = {
    Answerer.HUMAN: "human_residence",
    Answerer.MACHINE: "machine",
    Answerer.FAX: "fax_detected",
    Answerer.UNKNOWN: "not_sure",
}
STANDARD = {Answerer.HUMAN: "human", Answerer.MACHINE: "machine"}


def post(url: str, kind: str, payload: Mapping[str, Any], wall_s: float) -> Webhook:
    """An event of its own on its way to *url*; its id stays the same however often it comes."""
    unsaid = NUMBERS if kind.startswith(NUMBERLESS) else ()
    payload = {name: payload[name] for name in payload if name not in unsaid}
    body = {
        "data": {
            "record_type": "event",
            "event_type": kind,
            "id": str(uuid.uuid4()),
            "occurred_at": iso_time(wall_s),
            "payload": payload,
        },
        "meta": {"attempt": 1, "delivered_to": url},
    }
    return Webhook(url=url, body=orjson.dumps(body), content_type="application/json")


def of_call(line: Line, connection_id: str) -> dict[str, Any]:
    """What every event of a call says."""
    first = line.linked or line
    return {
        "call_control_id": line.call_id,
        "call_leg_id": f"leg-of-{line.call_id}",
        "call_session_id": f"session-of-{first.call_id}",
        "connection_id": connection_id,
        "client_state": line.state or None,
        "from": line.call.caller,
        "to": line.call.callee,
    }


def of_start(line: Line, connection_id: str) -> dict[str, Any]:
    """``call.initiated``: the only one that tells the direction."""
    return {
        **of_call(line, connection_id),
        "direction": "incoming" if line.incoming else "outgoing",
        "state": "parked" if line.incoming else "bridging",
        "custom_headers": list(line.headers),
        "sip_headers": [],
    }


def of_recording(line: Line, connection_id: str) -> dict[str, Any]:
    """``call.recording.saved``, which does not name the call by its call_control_id."""
    fields = of_call(line, connection_id)
    del fields["call_control_id"]
    url = f"https://recordings.telnyx.example/{line.call.recorded}.mp3"
    return {**fields, "channels": "dual", "recording_urls": {"mp3": url, "wav": None}}


def of_cost(line: Line, connection_id: str) -> dict[str, Any]:
    """``call.cost``, some time after the end."""
    part = {"call_part": "call-control", "cost": f"{line.cost:.4f}", "currency": "USD"}
    return {
        **of_call(line, connection_id),
        "billed_duration_secs": line.seconds,
        "cost_parts": [part],
        "status": "success",
        "total_cost": f"{line.cost:.4f}",
    }


def detection(line: Line, by: Answerer) -> tuple[str, str]:
    """The event that says who answered, and its result."""
    if line.detection.startswith("premium"):
        return "call.machine.premium.detection.ended", PREMIUM[by]
    return "call.machine.detection.ended", STANDARD.get(by, "not_sure")


def greeting(line: Line) -> str:
    """The event that says that a machine's greeting is over."""
    premium = "premium." if line.detection.startswith("premium") else ""
    return f"call.machine.{premium}greeting.ended"
