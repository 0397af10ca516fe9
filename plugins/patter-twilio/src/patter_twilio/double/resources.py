"""What the API answers (pure): calls, recordings and numbers as JSON has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from patter_twilio.double.line import Line, Recording
from patter_twilio.double.numbers import Number

ROOT = "/2010-04-01/Accounts"


def of_call(line: Line, account: str, currency: str) -> dict[str, Any]:
    """A call."""
    return {
        "sid": line.sid,
        "account_sid": account,
        "parent_call_sid": line.parent.sid if line.parent and line.via == "outbound-dial" else None,
        "to": line.call.callee,
        "from": line.call.caller,
        "status": line.status,
        "direction": line.via,
        "duration": str(line.seconds) if line.over else None,
        "price": line.price,
        "price_unit": currency,
        "answered_by": None,
        "api_version": "2010-04-01",
        "uri": f"{ROOT}/{account}/Calls/{line.sid}.json",
    }


def of_recording(recording: Recording, line: Line, account: str) -> dict[str, Any]:
    """A recording."""
    return {
        "sid": recording.sid,
        "account_sid": account,
        "call_sid": line.sid,
        "status": recording.status,
        "channels": 2,
        "source": "StartCallRecordingAPI",
        "api_version": "2010-04-01",
        "uri": f"{ROOT}/{account}/Calls/{line.sid}/Recordings/{recording.sid}.json",
    }


def of_number(number: Number, account: str) -> dict[str, Any]:
    """A phone number."""
    return {
        "sid": number.sid,
        "account_sid": account,
        "phone_number": number.phone_number,
        "friendly_name": number.phone_number,
        "capabilities": {"voice": number.voice, "sms": True, "mms": False, "fax": False},
        "voice_url": number.voice_url,
        "voice_method": number.voice_method,
        "status_callback": number.status_callback,
        "status_callback_method": number.status_callback_method,
        "voice_application_sid": number.voice_application_sid,
        "trunk_sid": number.trunk_sid or None,
        "api_version": "2010-04-01",
        "uri": f"{ROOT}/{account}/IncomingPhoneNumbers/{number.sid}.json",
    }


def page(name: str, items: Sequence[dict[str, Any]], uri: str) -> dict[str, Any]:
    """All of a list on one page."""
    return {
        name: list(items),
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": max(0, len(items) - 1),
        "uri": uri,
        "first_page_uri": uri,
        "next_page_uri": None,
        "previous_page_uri": None,
    }
