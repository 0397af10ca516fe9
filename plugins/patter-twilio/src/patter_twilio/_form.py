"""Twilio's webhooks as values (pure): which call, its status, who answered it."""

from __future__ import annotations

import re

import attrs

from patter.carriers.verified_webhook import SignedForm
from patter.carriers.webhooks import variables
from patter.errors import InputError
from patter.providers.carrier import Answerer, CallOutcome, CarrierCall, Incoming

CARRIER = "twilio"
SIP_HEADER = "SipHeader_"
LINE_DOWN = "completed"
UNREACHED = {
    "busy": CallOutcome.BUSY,
    "no-answer": CallOutcome.NO_ANSWER,
    "failed": CallOutcome.FAILED,
    "canceled": CallOutcome.CANCELED,
}
TAKEN = frozenset({"answered", "completed"})
_ANSWERERS = {"human": Answerer.HUMAN, "fax": Answerer.FAX}
_CALL_SID = re.compile(r"CA[0-9a-fA-F]{32}\Z")


@attrs.frozen
class Form(SignedForm):
    """A verified webhook."""

    @property
    def call(self) -> CarrierCall:
        """Whose webhook it is. Raises InputError."""
        return CarrierCall(CARRIER, call_sid(self.get("CallSid")), self.get("AccountSid"))

    @property
    def caller(self) -> CarrierCall:
        """The call that the address names with ``?call=``: a transferred caller's."""
        return CarrierCall(CARRIER, call_sid(self.param("call")), self.get("AccountSid"))

    @property
    def status(self) -> str:
        """The call's status."""
        return self.get("CallStatus")

    @property
    def over(self) -> bool:
        """Is the call this webhook is about at its end?"""
        return self.status == LINE_DOWN or self.status in UNREACHED

    @property
    def incoming(self) -> Incoming:
        """The call at the door. Raises InputError."""
        return Incoming(
            carrier=CARRIER,
            carrier_call_id=self.call.carrier_call_id,
            caller=self.get("From"),
            callee=self.get("To"),
            account=self.get("AccountSid"),
            variables=variables([*self.query, *self.prefixed(SIP_HEADER)]),
        )


def call_sid(text: str) -> str:
    """*text*, when it names a call. Raises InputError."""
    if not _CALL_SID.match(text):
        raise InputError(f"{text[:40]!r} is not a CallSid", fix="give CA and 32 hexadecimal digits")
    return text


def outcome(status: str) -> CallOutcome | None:
    """How an attempt ended; None while it goes on, and for a call that was answered."""
    return UNREACHED.get(status)


def answerer(answered_by: str) -> tuple[Answerer, bool]:
    """Who took the call, and whether a machine records from now on.

    ``machine_start`` comes when a machine begins to speak, ``machine_end_*`` when its greeting
    is over: with its beep, with silence, or otherwise.
    """
    if answered_by.startswith("machine"):
        return Answerer.MACHINE, answered_by.startswith("machine_end")
    return _ANSWERERS.get(answered_by, Answerer.UNKNOWN), False
