"""What webhooks say: whose call, how it stands, and what others chose to tell, as data."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from patter.errors import InputError
from patter.providers.carrier import CallOutcome, CarrierCall
from patter_plivo._form import UNREACHED, Form, amount, number

UUID = "00000000-9c1d-4b7e-8a11-000000000001"


def form(fields: Mapping[str, str], query: tuple[tuple[str, str], ...] = ()) -> Form:
    return Form({name: [value] for name, value in fields.items()}, query, account="MA1")


def test_numbers_get_the_plus_sign_plivo_leaves_out() -> None:
    assert number("15550100001") == "+15550100001"
    assert [number(each) for each in ("+15550100001", "sip:a@b.example", "Anonymous", "911")] == [
        "+15550100001",
        "sip:a@b.example",
        "Anonymous",
        "911",
    ]


def test_a_call_is_named_with_its_account() -> None:
    assert form({"CallUUID": UUID}).call == CarrierCall("plivo", UUID, "MA1")
    assert form({}, (("call", UUID),)).caller == CarrierCall("plivo", UUID, "MA1")


@pytest.mark.parametrize("uuid", ["", "short", "../../Account", "x" * 65, f"{UUID}\n"])
def test_what_names_no_call_is_refused(uuid: str) -> None:
    with pytest.raises(InputError, match="not a CallUUID"):
        _ = form({"CallUUID": uuid}).call


def test_braces_in_a_variable_are_only_braces() -> None:
    call = form({"CallUUID": UUID, "X-PH-Name": "{system_prompt}"}, (("shop", "7"),))
    assert call.incoming.variables == {"shop": "7", "Name": "{system_prompt}"}


@pytest.mark.parametrize(
    ("fields", "over", "status"),
    [
        ({"CallStatus": "ringing", "Event": "StartApp"}, False, "completed"),
        ({"CallStatus": "in-progress", "Event": "Redirect"}, False, "completed"),
        ({"CallStatus": "completed", "Event": "Hangup"}, True, "completed"),
        ({"CallStatus": "in-progress", "Event": "Hangup"}, True, "completed"),
        ({"CallStatus": "timeout"}, True, "timeout"),
        ({"CallStatus": "busy", "Event": "Hangup"}, True, "busy"),
    ],
)
def test_the_end_of_a_call_is_recognised(fields: dict[str, str], over: bool, status: str) -> None:
    told = form(fields)
    assert (told.over, told.last_status) == (over, status)


def test_every_status_of_a_call_nobody_took_has_an_outcome() -> None:
    assert set(UNREACHED.values()) == {
        CallOutcome.BUSY,
        CallOutcome.NO_ANSWER,
        CallOutcome.FAILED,
        CallOutcome.CANCELED,
    }
    assert "completed" not in UNREACHED


@pytest.mark.parametrize(
    ("told", "usd"),
    [
        ("0.00850", 0.0085),
        ("0", 0.0),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("-1", None),
        (None, None),
    ],
)
def test_an_amount_is_dollars_or_nothing(told: object, usd: float | None) -> None:
    assert amount(told) == usd


@pytest.mark.parametrize(
    "fields",
    [
        {"RecordUrl": "https://r.example/1.mp3"},
        {"record_url": "https://r.example/1.mp3"},
        {"response": '{"record_url": "https://r.example/1.mp3"}'},
    ],
)
def test_a_recording_is_found_where_plivo_puts_it(fields: dict[str, str]) -> None:
    assert form(fields).recording == "https://r.example/1.mp3"


@pytest.mark.parametrize(
    "fields", [{}, {"response": "{"}, {"response": "[]"}, {"RecordUrl": "file:///etc/passwd"}]
)
def test_what_is_no_recording_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(InputError):
        _ = form(fields).recording
