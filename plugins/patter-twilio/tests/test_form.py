"""What webhooks say, as values: calls, variables, outcomes, who answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError
from patter.providers.carrier import Answerer, CallOutcome
from patter_twilio._form import (
    Form,
    answerer,
    call_sid,
    outcome,
)

SID = "CA" + "0a" * 16


def test_a_call_at_the_door_brings_its_own_headers_and_query() -> None:
    fields = {
        "CallSid": [SID],
        "AccountSid": ["AC1"],
        "From": ["+1"],
        "To": ["+2"],
        "SipHeader_X-Table": ["seven"],
    }
    incoming = Form(fields, (("campaign", "fall"),)).incoming
    assert incoming.variables == {"campaign": "fall", "X-Table": "seven"}
    assert (incoming.caller, incoming.callee, incoming.account) == ("+1", "+2", "AC1")


@given(st.text(max_size=40))
def test_only_sids_name_calls(text: str) -> None:
    with pytest.raises(InputError):
        call_sid(text)


def test_a_webhook_without_a_call_is_refused() -> None:
    with pytest.raises(InputError):
        _ = Form({}).call
    with pytest.raises(InputError):
        _ = Form({"CallSid": [SID]}).caller
    assert Form({"CallSid": [SID]}, (("call", SID),)).caller.carrier_call_id == SID


@pytest.mark.parametrize(
    ("status", "ended", "how"),
    [
        ("queued", False, None),
        ("initiated", False, None),
        ("ringing", False, None),
        ("in-progress", False, None),
        ("completed", True, None),
        ("busy", True, CallOutcome.BUSY),
        ("no-answer", True, CallOutcome.NO_ANSWER),
        ("failed", True, CallOutcome.FAILED),
        ("canceled", True, CallOutcome.CANCELED),
        ("something new", False, None),
    ],
)
def test_every_status_is_an_outcome_or_none(
    status: str, ended: bool, how: CallOutcome | None
) -> None:
    assert outcome(status) is how
    assert Form({"CallStatus": [status]}).over is ended


@pytest.mark.parametrize(
    ("raw", "who", "beep"),
    [
        ("human", Answerer.HUMAN, False),
        ("machine_start", Answerer.MACHINE, False),
        ("machine_end_beep", Answerer.MACHINE, True),
        ("machine_end_silence", Answerer.MACHINE, True),
        ("machine_end_other", Answerer.MACHINE, True),
        ("fax", Answerer.FAX, False),
        ("unknown", Answerer.UNKNOWN, False),
        ("", Answerer.UNKNOWN, False),
    ],
)
def test_a_message_waits_for_the_end_of_the_greeting(raw: str, who: Answerer, beep: bool) -> None:
    assert answerer(raw) == (who, beep)
