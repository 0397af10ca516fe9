"""What a phone is: what it accepts, and what it refuses with advice."""

from __future__ import annotations

import inspect
from typing import Any

import attrs
import pytest

from patter import (
    Agent,
    AgentError,
    CompactionConfig,
    InputError,
    Patter,
    PatterConfigError,
    PatterError,
)
from patter.errors import PatterTypeError
from patter.phone.public_endpoint import host_of
from patter.plugins.overrides import overriding
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, FakeTurnDetector

from .phones import LOCAL, NUMBER, PARTS, phone_of


def refusal(**fields: Any) -> tuple[str, str]:
    with pytest.raises(PatterError) as caught:
        phone_of(**fields)
    return caught.value.message, caught.value.fix


@pytest.mark.parametrize(
    ("fields", "expected", "fix"),
    [
        (
            {"carrier": FakeCarrier()},
            "fake needs a phone_number",
            "Patter(phone_number='+15550188000', ...), with a number you own",
        ),
        (
            {"phone_number": "555-0188"},
            "'555-0188' is not an E.164 number",
            "write it like +15550188000",
        ),
        (
            {"webhook_url": "a.example.com", "tunnel": True},
            "the phone has both webhook_url and tunnel",
            "remove webhook_url, or remove tunnel",
        ),
        (
            {"webhook_url": "https://a.example.com/x"},
            "webhook_url has a path",
            "give the public host alone: agent.example.com",
        ),
        (
            {"carrier": 7},
            "int cannot be the carrier: it has no 'name', 'account', 'formats', 'can', 'open'",
            "pass a spec string or an object like those in patter.providers.carrier",
        ),
        (
            {"phonenumber": NUMBER, "colour": "red"},
            "Patter has no argument 'colour', 'phonenumber'",
            "remove it",
        ),
        ({"phone_numbr": NUMBER}, "Patter has no argument 'phone_numbr'", "did you mean"),
    ],
)
def test_a_phone_that_cannot_be_is_refused(fields: dict[str, Any], expected: str, fix: str) -> None:
    message, remedy = refusal(**fields)
    assert message == expected
    assert remedy.startswith(fix)


@pytest.mark.parametrize("fields", [{"carrier": 7}, {"colour": "red"}])
def test_a_wrong_type_is_a_type_error_too(fields: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        phone_of(**fields)


def test_a_bad_number_is_input() -> None:
    with pytest.raises(InputError):
        phone_of(phone_number="12")


@pytest.mark.parametrize(
    "fields", ["a.example.com", "https://a.example.com/", "wss://a.example.com"]
)
def test_the_public_host_is_taken_with_or_without_scheme(fields: str) -> None:
    assert host_of(fields) == "a.example.com"
    assert phone_of(webhook_url=fields).webhook_url == "a.example.com"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("a b", "a space"),
        ("me@a.example.com", "a user"),
        ("a.example.com?x", "a query"),
        ("a.example.com#x", "a fragment"),
        ("ftp://a.example.com", "the scheme ftp"),
        ("https://", "no host"),
        (" ", "no host"),
    ],
)
def test_more_or_less_than_a_host_is_refused(fields: str, expected: str) -> None:
    with pytest.raises(PatterConfigError, match=f"webhook_url has {expected}"):
        host_of(fields)


def test_a_carrier_that_is_not_installed_is_reported_with_the_rest_of_the_agent() -> None:
    phone = phone_of(carrier="pigeon")
    with pytest.raises(AgentError) as caught:
        phone.agent("", stt="zorp", llm=FakeLLM(), tts=FakeTTS())
    expected = "no stt provider named 'zorp' is known; no carrier provider named 'pigeon' is known"
    assert caught.value.message == f"2 problems: {expected}"


def test_the_flags_in_force_when_a_phone_is_made_stay_in_force() -> None:
    override = FakeSTT()
    with overriding({"carrier": LOCAL, "stt": override, "llm": PARTS["llm"], "tts": PARTS["tts"]}):
        phone = phone_of(carrier="twilio", phone_number=NUMBER)
        agent = phone.agent("", stt="deepgram/nova-3", llm="openai", tts="elevenlabs")
    assert (phone.carrier, agent.stt) == (LOCAL, override)
    assert phone.agent("", stt="deepgram").stt is override


def test_a_turn_detector_is_overridden_like_any_other_part() -> None:
    override = FakeTurnDetector()
    with overriding({"turn_detector": override}):
        phone = phone_of()
    assert phone.agent("", turn_detector="smart", **PARTS).turn_detector is override


def test_the_local_mode_is_the_only_one() -> None:
    assert phone_of(mode="local").carrier == phone_of().carrier
    assert refusal(mode="cloud")[0] == "Patter has no argument 'mode'"


def test_two_phones_share_no_state() -> None:
    first, second = phone_of(pricing={"a": {}}), phone_of()
    assert (first.pricing, second.pricing) == ({"a": {}}, {})
    assert first.registry is not second.registry


def test_an_argument_an_agent_has_not_is_refused() -> None:
    with pytest.raises(PatterTypeError) as caught:
        phone_of().agent("", **PARTS, langage="de")  # type: ignore[arg-type]
    message = caught.value.message, caught.value.fix
    assert message == ("agent has no argument 'langage'", "did you mean 'language'?")


def test_an_agent_takes_every_field_by_name() -> None:
    agent = phone_of().agent("Hi.", **PARTS, idle_ms=(5_000,), barge_in_mode="pause_resume")
    assert agent.system_prompt == "Hi."
    assert agent.rules().idle_ms == (5_000,)


def test_prices_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(PatterConfigError, match="pricing of 'acme' cannot be read"):
        _ = phone_of(pricing={"acme": {"price": "cheap"}}).prices


def test_agent_has_the_fields_of_an_agent_with_their_defaults() -> None:
    parameters = dict(inspect.signature(Patter.agent).parameters)
    assert str(parameters.pop("unknown").annotation) == "Never"
    parameters.pop("self")
    bare: dict[str, Any] = {"system_prompt": "Hi.", "stt": FakeSTT(), "tts": FakeTTS()}
    assert set(parameters) == {field.alias for field in attrs.fields(Agent)}
    assert phone_of().agent(**bare) == Agent(**bare)


def test_every_field_of_an_agent_reaches_it() -> None:
    given: dict[str, Any] = {
        "name": "a",
        "voicemail_message": "b",
        "llm_error_message": "c",
        "long_turn_message": "d",
        "long_turn_message_after_s": 1.0,
        "transfer_allowed": ("+49*",),
        "echo_gate": False,
        "barge_in_threshold_ms": 200,
        "barge_in_mode": "pause_resume",
        "barge_in_confirm_ms": 700,
        "barge_in_min_words": 2,
        "silence_ms": 500,
        "idle_ms": (5_000,),
        "max_call_ms": 60_000,
        "max_history": 9,
        "compaction": CompactionConfig(keep_last_turns=2),
        "context_token_budget": 9_000,
        "preemptive_generation": True,
        "preemptive_min_stable_ms": 200,
        "aggressive_first_flush": True,
        "disable_phone_preamble": True,
    }
    agent = phone_of().agent("Hi.", **PARTS, **given)
    assert {name: getattr(agent, name) for name in given} == given
