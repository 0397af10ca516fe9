"""Plivo's webhooks as values (pure): which call, its status, who answered it.

Sources: docs.plivo.com/docs/voice/xml/request, api/call/machine-detection, xml/dial,
xml/conference, use-cases/dial-status-reporting. Plivo writes numbers without their plus sign.
"""

from __future__ import annotations

import math
import re

import attrs
import orjson

from patter.carriers.verified_webhook import SignedForm
from patter.carriers.webhooks import variables
from patter.errors import InputError
from patter.providers.carrier import CallOutcome, CarrierCall, Incoming
from patter.text.variables import clean

CARRIER = "plivo"
SIP_HEADER = "X-PH-"
LINE_DOWN = "completed"
UNREACHED = {
    "busy": CallOutcome.BUSY,
    "no-answer": CallOutcome.NO_ANSWER,
    "timeout": CallOutcome.NO_ANSWER,
    "failed": CallOutcome.FAILED,
    "rejected": CallOutcome.BUSY,
    "cancel": CallOutcome.CANCELED,
    "canceled": CallOutcome.CANCELED,
}
ANSWERED = frozenset({"answer", "connected"})
_CALL_UUID = re.compile(r"[A-Za-z0-9-]{8,64}\Z")
_BARE_NUMBER = re.compile(r"[1-9][0-9]{6,14}\Z")


@attrs.frozen(kw_only=True)
class Form(SignedForm):
    """A verified webhook of *account*."""

    account: str

    @property
    def call(self) -> CarrierCall:
        """Whose webhook it is. Raises InputError."""
        return CarrierCall(CARRIER, call_uuid(self.get("CallUUID")), self.account)

    @property
    def caller(self) -> CarrierCall:
        """The call that the address names with ``?call=``: a transferred caller's, say."""
        return CarrierCall(CARRIER, call_uuid(self.param("call")), self.account)

    @property
    def over(self) -> bool:
        """Is the call this webhook is about at its end?"""
        status = self.get("CallStatus")
        return self.get("Event") == "Hangup" or status == LINE_DOWN or status in UNREACHED

    @property
    def last_status(self) -> str:
        """How a call ended; completed, when the webhook says nothing else."""
        status = self.get("CallStatus")
        return status if status in UNREACHED else LINE_DOWN

    @property
    def incoming(self) -> Incoming:
        """The call at the door. Raises InputError."""
        return Incoming(
            carrier=CARRIER,
            carrier_call_id=self.call.carrier_call_id,
            caller=number(self.get("From")),
            callee=number(self.get("To")),
            account=self.account,
            variables=variables([*self.query, *self.prefixed(SIP_HEADER)]),
        )

    @property
    def is_machine(self) -> bool:
        """Plivo reports machines only, and says ``Machine=true`` of them."""
        return self.get("Machine").lower() == "true"

    @property
    def cost(self) -> float | None:
        """What the call cost in US dollars, if the webhook says so."""
        return amount(self.get("TotalCost"))

    @property
    def recording(self) -> str:
        """Where a recording is. Raises InputError.

        Plivo answers orders that finish later with JSON in the field ``response``.
        """
        url = self.get("RecordUrl") or self.get("record_url") or _late_url(self.get("response"))
        if not url.startswith(("https://", "http://")):
            raise InputError("the webhook names no recording", fix="send record_url")
        return url


def call_uuid(text: str) -> str:
    """*text*, when it names a call. Raises InputError."""
    if not _CALL_UUID.match(text):
        raise InputError(f"{text[:40]!r} is not a CallUUID", fix="send it as Plivo does")
    return text


def number(text: str) -> str:
    """A caller or callee: a number in E.164, or what else it is, without control characters."""
    line = clean(text)
    return f"+{line}" if _BARE_NUMBER.match(line) else line


def amount(raw: object) -> float | None:
    """US dollars as Plivo writes them; None for what is no amount."""
    try:
        value = float(str(raw))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _late_url(response: str) -> str:
    """The ``record_url`` of a late answer in JSON. Raises InputError."""
    try:
        body = orjson.loads(response or "{}")
    except ValueError as error:
        raise InputError("the late answer is not JSON", fix="send it as Plivo does") from error
    return str(body.get("record_url", "")) if isinstance(body, dict) else ""
