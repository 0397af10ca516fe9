"""What Plivo's webhooks say, as values (pure): whose call, how it stands, who took it.

Sources: docs.plivo.com/docs/voice/xml/request, api/call/machine-detection, xml/dial,
xml/conference, use-cases/dial-status-reporting. Plivo writes numbers without their plus sign.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

import attrs
import orjson

from patter.errors import InputError
from patter.providers.carrier import CallOutcome, CarrierCall, Incoming
from patter.server.webhooks import variables
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


@attrs.frozen
class Form:
    """The *fields* of a verified webhook of *account*, and the *query* of its address."""

    account: str
    fields: Mapping[str, Sequence[str]]
    query: Sequence[tuple[str, str]] = ()

    def get(self, name: str) -> str:
        """The first value of a field; empty when there is none."""
        return next(iter(self.fields.get(name, ())), "")

    def asked(self, name: str) -> str:
        """What the address brings back under *name*; empty when it does not."""
        return dict(self.query).get(name, "")

    @property
    def call(self) -> CarrierCall:
        """Whose webhook it is. Raises InputError."""
        return CarrierCall(CARRIER, call_uuid(self.get("CallUUID")), self.account)

    @property
    def caller(self) -> CarrierCall:
        """The call that the address names with ``?call=``: a transferred caller's, say."""
        return CarrierCall(CARRIER, call_uuid(self.asked("call")), self.account)

    @property
    def over(self) -> bool:
        """Is the call this webhook is about at its end?"""
        status = self.get("CallStatus")
        return self.get("Event") == "Hangup" or status == LINE_DOWN or status in UNREACHED

    @property
    def last_status(self) -> str:
        """How a call ended; one that nobody says otherwise of was completed."""
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
            variables=variables([*self.query, *self._sip_headers()]),
        )

    @property
    def is_machine(self) -> bool:
        """Plivo reports machines only, and says ``Machine=true`` of them."""
        return self.get("Machine").lower() == "true"

    @property
    def cost(self) -> float | None:
        """What the call cost in US dollars, if it is told."""
        return amount(self.get("TotalCost"))

    @property
    def recording(self) -> str:
        """Where a recording is. Raises InputError.

        Plivo answers orders that finish later with JSON in the field ``response``.
        """
        told = self.get("RecordUrl") or self.get("record_url") or _told(self.get("response"))
        if not told.startswith(("https://", "http://")):
            raise InputError("the webhook names no recording", fix="send record_url")
        return told

    def _sip_headers(self) -> Iterable[tuple[str, str]]:
        for name in self.fields:
            if name.upper().startswith(SIP_HEADER):
                yield name[len(SIP_HEADER) :], self.get(name)


def call_uuid(text: str) -> str:
    """*text*, when it names a call. Raises InputError."""
    if not _CALL_UUID.match(text):
        raise InputError(f"{text[:40]!r} is no CallUUID", fix="give it as Plivo's webhooks do")
    return text


def number(text: str) -> str:
    """A caller or callee: a number in E.164, or what else it is, without control characters."""
    told = clean(text)
    return f"+{told}" if _BARE_NUMBER.match(told) else told


def amount(told: object) -> float | None:
    """US dollars as Plivo writes them; None for what is no amount."""
    try:
        value = float(str(told))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _told(response: str) -> str:
    """The ``record_url`` of a late answer in JSON. Raises InputError."""
    try:
        body = orjson.loads(response or "{}")
    except ValueError as error:
        raise InputError("the late answer is not JSON", fix="send it as Plivo does") from error
    return str(body.get("record_url", "")) if isinstance(body, dict) else ""
