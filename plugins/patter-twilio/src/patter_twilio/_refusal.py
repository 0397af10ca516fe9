"""Twilio's refusals as errors a user can act on (pure)."""

from __future__ import annotations

from typing import Any

import orjson

from patter.carriers.vendor_api import ApiRefusal, unavailable
from patter.errors import AuthenticationError, PatterError

OVER = frozenset({"20404", "21220"})
"""Of a call: not found any more, or not in progress."""
_FIXES = {
    "13224": "write the number in E.164, like +15550100002",
    "21210": "call from a number of this account, or verify that number at Twilio",
    "21211": "write the number in E.164, like +15550100002",
    "21212": "call from a number of this account, written in E.164",
    "21214": "call a number that can be reached from Twilio",
    "21215": "allow calls to that country: console.twilio.com, Voice, Geo permissions",
    "21216": "call another number: Twilio does not connect that one",
    "21219": "verify that number at Twilio, or upgrade the trial account",
}


def refusal(status: int, text: str, retry_after_ms: float = 0) -> PatterError:
    """The error that an answer other than success means."""
    code, reason = _code_and_reason(status, text)
    if status in (401, 403):
        return AuthenticationError(
            f"Twilio refused the account's credentials ({status}): {reason}",
            fix="export TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN as console.twilio.com shows them",
        )
    if error := unavailable(
        "Twilio", status, reason, page="status.twilio.com", retry_after_ms=retry_after_ms
    ):
        return error
    fix = _FIXES.get(code, f"see https://www.twilio.com/docs/errors/{code}")
    return ApiRefusal(
        f"Twilio refused ({code}): {reason}", fix=fix, vendor_code=code, status=status
    )


def _code_and_reason(status: int, text: str) -> tuple[str, str]:
    """Twilio's own code and words; the HTTP status where it gave none."""
    try:
        body: Any = orjson.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return str(status), f"HTTP {status}"
    code, reason = body.get("code"), body.get("message")
    return (
        str(code if isinstance(code, int) else status),
        reason[:300] if isinstance(reason, str) and reason else f"HTTP {status}",
    )
