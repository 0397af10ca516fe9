"""What Telnyx's API refuses, as errors a user can act on (pure)."""

from __future__ import annotations

from typing import Any

from patter.errors import AuthenticationError, PatterError, ProvisionError
from patter.providers.vendor_api import unavailable

OVER = frozenset({"90018"})
"""Of a call: it has ended already."""
DENIED = "D"
"""What Telnyx does not connect: its code begins so, whatever the HTTP status is."""
_FIXES = {
    "D51": "call from a number of this account, or verify that number at Telnyx",
    "10015": "look at TELNYX_CONNECTION_ID: it must name a Voice API application of this account",
    "10016": "write the number in E.164, like +15550100002",
    "10010": "allow the connection an outbound voice profile with that destination",
    "90018": "start over with a call that is up",
}


class Refused(ProvisionError):
    """Telnyx will not do it; *vendor_code* is its own for why, *status* that of HTTP."""

    def __init__(self, message: str, *, fix: str, vendor_code: str = "", status: int = 0) -> None:
        super().__init__(message, fix=fix)
        self.vendor_code, self.status = vendor_code, status

    @property
    def over(self) -> bool:
        """Is it about a call that is no more?"""
        return self.status == 404 or self.vendor_code in OVER


def refusal(status: int, body: object) -> PatterError:
    """The error that an answer other than success means."""
    code, said, url = _said(status, body)
    if status == 401 or (status == 403 and not code.startswith(DENIED)):
        return AuthenticationError(
            f"Telnyx refused the key in TELNYX_API_KEY ({status}): {said}",
            fix="create one at portal.telnyx.com, export TELNYX_API_KEY",
        )
    if error := unavailable("Telnyx", status, said, page="status.telnyx.com"):
        return error
    fix = _FIXES.get(code) or f"see {url or 'https://developers.telnyx.com, error ' + code}"
    return Refused(f"Telnyx refused ({code}): {said}", fix=fix, vendor_code=code, status=status)


def _said(status: int, body: object) -> tuple[str, str, str]:
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
