"""An agent's settings, and what is done with them beside a call: warming, signing, checking."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter import PatterConfigError
from patter.client_pool import client_pool
from patter.errors import (
    AuthenticationError,
    ErrorCode,
    MissingCredential,
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
)
from patter.plugins.spec import ProviderSpec
from patter_elevenlabs._convai_agent import report_on
from patter_elevenlabs._convai_signed import _prepare
from patter_elevenlabs.double import ElevenLabsDouble
from patter_elevenlabs.double.convai import HostedAgent
from patter_elevenlabs.engine import ElevenLabsConvAI
from patter_elevenlabs.plugin import patter_engine
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.engine_vendor import conversation
from patter_testing.suites.vendor import vendor_of

from .convai_lab import CALL, engine, quick, talking


async def opened(double: Any, **options: Any) -> Any:
    """The error that opening a conversation raises."""
    with pytest.raises(PatterError) as caught:
        async with conversation(engine(double, **options), CALL):
            pytest.fail("it opened")
    assert caught.value.fix
    return caught.value


def test_the_agent_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_AGENT_ID", "agent_e")
    monkeypatch.setenv("ELEVENLABS_API_KEY", "key_e")
    settings = ElevenLabsConvAI()
    assert (settings.agent_id, settings.api_key) == ("agent_e", "key_e")
    assert ElevenLabsConvAI(agent_id="a").agent_id == "a"


@pytest.mark.parametrize("missing", ["ELEVENLABS_AGENT_ID", "ELEVENLABS_API_KEY"])
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name in ("ELEVENLABS_AGENT_ID", "ELEVENLABS_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(({"ELEVENLABS_AGENT_ID", "ELEVENLABS_API_KEY"} - {missing}).pop(), "x")
    with pytest.raises(MissingCredential) as caught:
        ElevenLabsConvAI()
    assert missing in caught.value.fix


def test_a_spec_string_sets_every_kind_of_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "k")
    text = (
        "elevenlabs?agent_id=a&use_signed_url=true&override_prompt=no&speed=1.1&stability=0.5"
        "&max_duration_s=60&quiet_s=0.4&dynamic_variables=%7B%22n%22%3A1%7D&voice=v"
    )
    built = patter_engine(ProviderSpec.parse(text, kind="engine"))
    assert isinstance(built, ElevenLabsConvAI)
    assert (built.use_signed_url, built.override_prompt) == (True, False)
    assert (built.speed, built.stability, built.max_duration_s, built.quiet_s) == (
        1.1,
        0.5,
        60,
        0.4,
    )
    assert (built.dynamic_variables, built.voice) == ({"n": 1}, "v")


def test_the_agent_may_stand_where_specs_have_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "k")
    built = patter_engine(ProviderSpec.parse("elevenlabs/agent_1?voice=v", kind="engine"))
    assert (built.agent_id, built.voice) == ("agent_1", "v")


async def test_a_double_without_a_name_is_whichever_agent_is_asked_for() -> None:
    async with ElevenLabsDouble().running() as double:
        settings = double.pointed(ElevenLabsConvAI(agent_id="any", api_key="k"))
        assert (await settings.check()).text == "agent 'Double'"
        async with conversation(settings, CALL):
            pass


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed": 0.5},
        {"speed": 2},
        {"stability": -0.1},
        {"similarity_boost": 1.1},
        {"quiet_s": 0},
        {"answer_s": -1},
        {"open_s": float("nan")},
        {"max_duration_s": 0},
        {"dynamic_variables": "not json"},
        {"dynamic_variables": "[1]"},
        {"custom_llm_extra_body": 3},
        {"base_url": "api.elevenlabs.io"},
    ],
)
def test_a_setting_out_of_range_is_refused_with_a_fix(wrong: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as caught:
        ElevenLabsConvAI(agent_id="a", api_key="k", **wrong)
    assert caught.value.fix


def test_every_option_is_in_the_readme() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for name in attrs.fields_dict(ElevenLabsConvAI):
        assert f"`{name}`" in readme, name


def test_the_longest_conversation_is_a_capability() -> None:
    settings = ElevenLabsConvAI(agent_id="a", api_key="k")
    assert settings.can.max_session_s is None and settings.hosts == ("api.elevenlabs.io",)
    assert attrs.evolve(settings, max_duration_s=90).can.max_session_s == 90


async def test_a_signed_address_is_used_in_place_of_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    double = quick(branches=frozenset({"b1"}))
    options = {"use_signed_url": True, "branch_id": "b1", "environment": "staging"}
    async with double.running(), client_pool():
        settings = engine(double, **options)
        await settings.warm()
        async with conversation(settings, CALL) as (session, read):
            await read.until_done(await session.respond())
    asked = [each for each in double.requests if each.path.endswith("get-signed-url")]
    (handshake,) = [each for each in double.requests if each.path.endswith("/conversation")]
    assert len(asked) == 1 and asked[0].headers["xi-api-key"] == double.key
    assert dict(asked[0].query) == {
        "agent_id": double.agent.agent_id,
        "branch_id": "b1",
        "environment": "staging",
    }
    assert "xi-api-key" not in handshake.headers
    assert handshake.query["conversation_signature"] in double.tokens
    ours = [each for each in caplog.records if each.name.startswith("patter")]
    assert not [each for each in ours if "conversation_signature" in each.getMessage()]


class Missing:
    """Finds no client of the vendor's."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "elevenlabs":
            raise ModuleNotFoundError("No module named 'elevenlabs'", name="elevenlabs")


async def test_without_the_vendors_client_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [each for each in sys.modules if each.split(".")[0] == "elevenlabs"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    _prepare.cache_clear()
    double = quick()
    async with double.running():
        error = await opened(double, use_signed_url=True)
    assert error.code is ErrorCode.CONFIG and "patter-elevenlabs[sdk]" in error.fix


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ErrorCode.AUTH),
        (404, ErrorCode.CONFIG),
        (429, ErrorCode.RATE_LIMIT),
        (500, ErrorCode.CONNECTION),
    ],
)
async def test_a_refused_signature_means_what_its_status_says(status: int, code: ErrorCode) -> None:
    double = quick(VendorFaults(status=status, retry_after="2"))
    async with double.running():
        error = await opened(double, use_signed_url=True)
    assert error.code is code and double.key not in str(error)


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", '{"signed_url": 3}', '{"signed_url": "ftp://x"}', "<html>"]
)
async def test_a_vendor_that_signs_nothing_is_garbled(body: str) -> None:
    async with vendor_of(200, "application/json", body) as address:
        signing = ElevenLabsConvAI(
            agent_id="a", api_key="k", use_signed_url=True, base_url=f"http://{address}"
        )
        with pytest.raises(PatterError) as caught:
            async with conversation(signing, CALL):
                pytest.fail("it opened")
    assert caught.value.code is ErrorCode.PROVIDER_ERROR and caught.value.fix


async def test_a_signing_vendor_out_of_reach_may_come_back() -> None:
    settings = ElevenLabsConvAI(
        agent_id="a", api_key="k", use_signed_url=True, base_url="http://127.0.0.1:9"
    )
    with pytest.raises(PatterConnectionError):
        async with conversation(settings, CALL):
            pytest.fail("it opened")


async def test_warming_opens_a_connection_that_the_call_uses() -> None:
    double = quick()
    async with double.running(), client_pool() as pool:
        await engine(double).warm()
        assert len(pool.http.connector._conns) == 1  # type: ignore[union-attr]
        async with talking(double):
            assert not pool.http.connector._conns  # type: ignore[union-attr]


async def test_the_doctor_is_told_the_agents_name_and_the_vendors_time() -> None:
    double = quick()
    async with double.running():
        report = await engine(double).check()
    assert report.text == "agent 'Double'"
    assert report.wall is not None and report.wall > 1_700_000_000


async def test_the_doctor_is_told_of_formats_that_are_converted() -> None:
    double = quick(hears="pcm_16000")
    async with double.running():
        report = await engine(double).check()
    assert "pcm_16000" in report.text


async def test_the_doctor_finds_overrides_that_are_not_allowed() -> None:
    double = quick(allowed=frozenset({"tts.voice_id"}))
    async with double.running():
        with pytest.raises(PatterConfigError, match=r"agent\.prompt\.prompt, tts\.speed"):
            await engine(double, voice="v", speed=1.0).check()
        assert await engine(double, voice="v", override_prompt=False).check()


def test_an_override_that_is_switched_off_is_not_allowed() -> None:
    resource = HostedAgent().resource()
    permits = resource["platform_settings"]["overrides"]["conversation_config_override"]
    permits["tts"]["speed"] = False
    wanted = {"tts": {"speed": 1.0, "voice_id": "v"}}
    with pytest.raises(PatterConfigError, match=r"override tts\.speed\n"):
        report_on(resource, wanted, "k")


@pytest.mark.parametrize(
    ("options", "error"),
    [({"api_key": "wrong"}, AuthenticationError), ({"agent_id": "nobody"}, PatterConfigError)],
)
async def test_the_doctor_is_told_what_is_wrong(
    options: dict[str, Any], error: type[PatterError]
) -> None:
    double = quick()
    async with double.running():
        with pytest.raises(error):
            await attrs.evolve(engine(double), **options).check()


async def test_a_check_is_bounded() -> None:
    double = quick(VendorFaults(silent=True))
    async with double.running():
        with pytest.raises(PatterTimeoutError):
            async with asyncio.timeout(2):
                await engine(double, open_s=0.1).check()
