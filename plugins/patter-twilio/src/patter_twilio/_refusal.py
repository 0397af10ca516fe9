"""What Twilio's API refuses, as errors a user can act on (pure)."""

from __future__ import annotations

from typing import Any

import orjson

from patter.errors import AuthenticationError, PatterError, ProvisionError
from patter.providers.vendor_api import unavailable

OVER = frozenset({20404, 21220})
"""Of a call: not found any more, or not in progress."""
_FIXES = {
    13224: "write the number in E.164, like +15550100002",
    21210: "call from a number of this account, or verify that number at Twilio",
    21211: "write the number in E.164, like +15550100002",
    21212: "call from a number of this account, written in E.164",
    21214: "call a number that can be reached from Twilio",
    21215: "allow calls to that country: console.twilio.com, Voice, Geo permissions",
    21216: "call another number: Twilio does not connect that one",
    21219: "verify that number at Twilio, or upgrade the trial account",
}


class Refused(ProvisionError):
    """Twilio will not do it; *vendor_code* is its own number for why."""

    def __init__(self, message: str, *, fix: str, vendor_code: int = 0) -> None:
        super().__init__(message, fix=fix)
        self.vendor_code = vendor_code


def refusal(status: int, text: str) -> PatterError:
    """The error that an answer other than success means."""
    code, said = _said(status, text)
    if status in (401, 403):
        return AuthenticationError(
            f"Twilio refused the account's credentials ({status}): {said}",
            fix="export TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN as console.twilio.com shows them",
        )
    if error := unavailable("Twilio", status, said, page="status.twilio.com"):
        return error
    fix = _FIXES.get(code, f"see https://www.twilio.com/docs/errors/{code}")
    return Refused(f"Twilio refused ({code}): {said}", fix=fix, vendor_code=code)


def _said(status: int, text: str) -> tuple[int, str]:
    """Twilio's own code and words; the HTTP status where it gave none."""
    try:
        body: Any = orjson.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return status, f"HTTP {status}"
    code, said = body.get("code"), body.get("message")
    return (
        code if isinstance(code, int) else status,
        said[:300] if isinstance(said, str) and said else f"HTTP {status}",
    )
