"""What webhooks say, and what we have them carry: read without surprises, whatever comes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError
from patter.providers.carrier import Answerer, CallOutcome
from patter_telnyx._event import (
    UNREACHED,
    Event,
    answerer,
    dollars,
    ending,
    is_greeting_over,
    read_event,
)
from patter_telnyx._state import MAX_SUMMARY, ClientState, Stage, read_state

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
states = st.builds(
    ClientState,
    of=words,
    stage=st.sampled_from(Stage),
    summary=words,
    call=words,
    again=st.booleans(),
    unstreamed=st.booleans(),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(states)
def test_what_telnyx_carries_for_us_comes_back_as_it_was(state: ClientState) -> None:
    assert read_state(str(state)) == state


def test_a_long_summary_is_cut_before_it_travels() -> None:
    carried = read_state(str(ClientState(of="a", summary="x" * 5_000)))
    assert carried.summary == "x" * MAX_SUMMARY


@given(json_values | st.text() | st.binary(max_size=60))
def test_states_of_others_say_nothing(text: Any) -> None:
    assert isinstance(read_state(text), ClientState)
    if isinstance(text, str):
        assert not read_state(text).of


@pytest.mark.parametrize(
    "told", [[], 7, None, {"of": 7}, {"of": "a", "stage": "x"}, {"of": "a", "stage": []}]
)
def test_states_that_are_nearly_ours_say_nothing(told: Any) -> None:
    from base64 import b64encode

    assert read_state(b64encode(orjson.dumps(told)).decode()) == ClientState()


@given(json_values)
def test_any_body_is_an_event_or_an_input_error(body: Any) -> None:
    for told in (body, {"data": body}, {"data": {"event_type": "x", "payload": body}}):
        try:
            event = read_event(orjson.dumps(told))
        except (InputError, TypeError):
            continue
        assert isinstance(event.kind, str)


@given(
    st.dictionaries(st.sampled_from(["from", "to", "custom_headers", "client_state"]), json_values)
)
def test_any_payload_is_a_call_at_the_door(payload: dict[str, Any]) -> None:
    incoming = Event("call.initiated", {**payload, "call_control_id": "v3:x"}).incoming("c")
    assert incoming.carrier_call_id == "v3:x"
    assert len(incoming.caller) <= 500


def test_a_call_without_a_name_is_refused() -> None:
    with pytest.raises(InputError, match="names no call"):
        _ = Event("call.initiated", {}).call_id


def test_only_a_state_that_names_another_call_makes_a_human() -> None:
    state = str(ClientState(of="A", stage=Stage.BRIDGED))
    assert Event("call.hangup", {"call_control_id": "B", "client_state": state}).to_human
    assert not Event("call.hangup", {"call_control_id": "A", "client_state": state}).to_human
    assert not Event("call.hangup", {"call_control_id": "A"}).to_human


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        ("user_busy", CallOutcome.BUSY),
        ("no_answer", CallOutcome.NO_ANSWER),
        ("timeout", CallOutcome.NO_ANSWER),
        ("call_rejected", CallOutcome.FAILED),
        ("not_found", CallOutcome.FAILED),
        ("originator_cancel", CallOutcome.CANCELED),
    ],
)
def test_a_cause_of_nobody_answering_is_an_outcome(cause: str, outcome: CallOutcome) -> None:
    assert ending(cause) == (cause, outcome)


@given(st.text() | st.sampled_from(["normal_clearing", "time_limit", "unspecified"]))
def test_every_other_cause_means_that_the_line_is_down(cause: str) -> None:
    if cause not in UNREACHED:
        assert ending(cause) == ("completed", None)


@pytest.mark.parametrize(
    ("result", "who"),
    [
        ("human", Answerer.HUMAN),
        ("human_residence", Answerer.HUMAN),
        ("human_business", Answerer.HUMAN),
        ("machine", Answerer.MACHINE),
        ("fax_detected", Answerer.FAX),
        ("silence", Answerer.UNKNOWN),
        ("not_sure", Answerer.UNKNOWN),
        ("", Answerer.UNKNOWN),
    ],
)
def test_verdicts_of_both_families_are_understood(result: str, who: Answerer) -> None:
    assert answerer(result) is who


def test_a_greeting_ends_in_many_ways_but_not_with_a_question() -> None:
    assert all(map(is_greeting_over, ["beep_detected", "no_beep_detected", "ended", "not_sure"]))
    assert not is_greeting_over("prompt_ended")


@pytest.mark.parametrize(
    ("told", "usd"),
    [
        ({"total_cost": "0.0150"}, 0.015),
        ({"total_cost": 0.25}, 0.25),
        ({"total_cost": "0.01", "cost_parts": [{"currency": "usd"}]}, 0.01),
        ({"total_cost": "0.01", "cost_parts": [{"currency": "EUR"}]}, None),
        ({"total_cost": "0.01", "status": "error"}, None),
        ({"total_cost": "nan"}, None),
        ({"total_cost": "-1"}, None),
        ({"total_cost": "x"}, None),
        ({"total_cost": None}, None),
        ({}, None),
    ],
)
def test_a_cost_counts_when_it_is_in_dollars(told: dict[str, Any], usd: float | None) -> None:
    assert dollars(told) == usd


@given(st.dictionaries(st.sampled_from(["total_cost", "cost_parts", "status"]), json_values))
def test_no_cost_can_break_it(told: dict[str, Any]) -> None:
    usd = dollars(told)
    assert usd is None or usd >= 0
