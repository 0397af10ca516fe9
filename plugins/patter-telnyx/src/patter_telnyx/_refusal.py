"""Telnyx's refusals as errors a user can act on (pure)."""

from __future__ import annotations

from typing import Any

from patter.carriers.vendor_api import ApiRefusal, unavailable
from patter.errors import AuthenticationError, PatterError

OVER = frozenset({"90018"})
"""Of a call: it has ended already."""
DENIED = "D"
"""What Telnyx does not connect: its code begins so, whatever the HTTP status is."""
_FIXES = {
    "D51": "call from a number of this account, or verify that number at Telnyx",
    "10015": "check TELNYX_CONNECTION_ID: it must name a Voice API application of this account",
    "10016": "write the number in E.164, like +15550100002",
    "10010": "allow the connection an outbound voice profile with that destination",
    "90018": "start over with a call that is up",
}


def is_over(error: ApiRefusal) -> bool:
    """Is *error* about a call that is no more?"""
    return error.status == 404 or error.vendor_code in OVER


def refusal(status: int, body: object, retry_after_ms: float = 0) -> PatterError:
    """The error that an answer other than success means."""
    code, reason, url = _first_error(status, body)
    if status == 401 or (status == 403 and not code.startswith(DENIED)):
        return AuthenticationError(
            f"Telnyx refused the key in TELNYX_API_KEY ({status}): {reason}",
            fix="create one at portal.telnyx.com, export TELNYX_API_KEY",
        )
    if error := unavailable(
        "Telnyx", status, reason, page="status.telnyx.com", retry_after_ms=retry_after_ms
    ):
        return error
    fix = _FIXES.get(code) or f"see {url or 'https://developers.telnyx.com, error ' + code}"
    return ApiRefusal(
        f"Telnyx refused ({code}): {reason}", fix=fix, vendor_code=code, status=status
    )


def _first_error(status: int, body: object) -> tuple[str, str, str]:
    """Telnyx's own code, words and page; the HTTP status where it gave none."""
    errors: Any = body.get("errors") if isinstance(body, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return str(status), f"HTTP {status}", ""
    words = [str(first[name]) for name in ("title", "detail") if first.get(name)]
    meta = first.get("meta")
    url = str(meta.get("url") or "") if isinstance(meta, dict) else ""
    return (
        str(first.get("code") or status),
        ": ".join(words)[:300] or f"HTTP {status}",
        url if url.startswith("https://") else "",
    )
