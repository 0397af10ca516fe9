"""Telnyx's webhooks as values (pure): which call, what happened, who answered it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import orjson

from patter.carriers.webhooks import variables
from patter.errors import InputError
from patter.providers.carrier import Answerer, CallOutcome, CarrierCall, Incoming
from patter.text.variables import clean
from patter_telnyx._state import ClientState, read_state

CARRIER = "telnyx"
VOICE = "voice"
"""The path of the one webhook, which gets all events."""
LINE_DOWN = "completed"
UNREACHED = {
    "no_answer": CallOutcome.NO_ANSWER,
    "timeout": CallOutcome.NO_ANSWER,
    "no_user_response": CallOutcome.NO_ANSWER,
    "user_busy": CallOutcome.BUSY,
    "busy": CallOutcome.BUSY,
    "call_rejected": CallOutcome.FAILED,
    "rejected": CallOutcome.FAILED,
    "destination_out_of_order": CallOutcome.FAILED,
    "not_found": CallOutcome.FAILED,
    "originator_cancel": CallOutcome.CANCELED,
}
"""How an attempt ended, by its hangup_cause. All others mean an answered call, or nothing."""
TALKED = "normal_clearing"
_ANSWERERS = {
    "human": Answerer.HUMAN,
    "human_residence": Answerer.HUMAN,
    "human_business": Answerer.HUMAN,
    "machine": Answerer.MACHINE,
    "fax_detected": Answerer.FAX,
}
_PROMPT = "prompt_ended"


@attrs.frozen
class Event:
    """A verified webhook. *event_id* is the same for every delivery of it."""

    kind: str
    payload: Mapping[str, Any] = attrs.field(repr=False)
    event_id: str = ""

    @property
    def state(self) -> ClientState:
        """The state that our request put into the call."""
        return read_state(self.payload.get("client_state"))

    @property
    def call_id(self) -> str:
        """The call_control_id; a recording's event has it only where we put it. InputError."""
        call_id = self.text("call_control_id") or self.state.call
        if not call_id:
            raise InputError(f"{self.kind} names no call", fix="send call_control_id")
        return call_id

    @property
    def to_human(self) -> bool:
        """Is this the call to a human, the target of another call's transfer?"""
        return self.state.of not in ("", self.text("call_control_id"))

    @property
    def connection(self) -> str:
        """The connection_id it is about."""
        return self.text("connection_id")

    def text(self, name: str) -> str:
        """A field of the payload; empty when there is none."""
        value = self.payload.get(name)
        return str(value) if isinstance(value, str | int) else ""

    def call(self, account: str) -> CarrierCall:
        """Whose webhook it is. Raises InputError."""
        return CarrierCall(CARRIER, self.call_id, account)

    def caller(self, account: str) -> CarrierCall:
        """The call whose caller is transferred to this one."""
        return CarrierCall(CARRIER, self.state.of, account)

    def incoming(self, account: str) -> Incoming:
        """The call at the door. Raises InputError."""
        return Incoming(
            carrier=CARRIER,
            carrier_call_id=self.call_id,
            caller=clean(self.text("from")),
            callee=clean(self.text("to")),
            account=account,
            variables=variables([*self._headers("sip_headers"), *self._headers("custom_headers")]),
        )

    def _headers(self, name: str) -> Iterable[tuple[str, str]]:
        headers = self.payload.get(name)
        for each in headers if isinstance(headers, list) else ():
            if isinstance(each, dict):
                yield str(each.get("name", "")), str(each.get("value", ""))


def read_event(body: bytes) -> Event:
    """The event in a webhook's body. Raises InputError."""
    try:
        event = orjson.loads(body)
    except ValueError as error:
        raise InputError("the webhook is not JSON", fix="send what Telnyx sends") from error
    data = event.get("data") if isinstance(event, dict) else None
    payload = data.get("payload") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(payload, dict):
        raise InputError("the webhook has no payload", fix='send {"data": {"payload": ...}}')
    return Event(str(data.get("event_type", "")), payload, str(data.get("id") or ""))


def ending(cause: str) -> tuple[str, CallOutcome | None]:
    """The status and outcome of a call that ended with this hangup_cause."""
    outcome = UNREACHED.get(cause)
    return (cause, outcome) if outcome else (LINE_DOWN, None)


def answerer(result: str) -> Answerer:
    """Who answered the call, by the result of either kind of detection."""
    return _ANSWERERS.get(result, Answerer.UNKNOWN)


def is_greeting_over(result: str) -> bool:
    """Is a machine's greeting over? A phone that screens calls has only asked who it is."""
    return result != _PROMPT


def dollars(payload: Mapping[str, Any]) -> float | None:
    """The cost in a ``call.cost`` event, in US dollars; None when it has none."""
    parts = payload.get("cost_parts")
    parts = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    if payload.get("status") == "error" or any(
        str(part.get("currency") or "USD").upper() != "USD" for part in parts
    ):
        return None
    try:
        usd = float(payload.get("total_cost") or "")
    except (TypeError, ValueError):
        return None
    return usd if 0 <= usd < float("inf") else None
