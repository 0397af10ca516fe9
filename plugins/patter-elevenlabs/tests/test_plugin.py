"""The settings: names, ranges, spec strings, what is shown and what is not, and what is checked."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

import patter_elevenlabs
from patter import Patter, PluginRegistry
from patter.client_pool import client_pool
from patter.errors import AuthenticationError, ErrorCode, PatterConfigError, PatterError
from patter.observe.events import Usage
from patter.observe.pricing import find
from patter.plugins.kinds import STT_KIND, TTS_KIND
from patter.providers.health import health_check_of
from patter.providers.traits import ProviderTraits
from patter.providers.warmth import Warmable
from patter_elevenlabs import (
    ElevenLabsRestTTS,
    ElevenLabsScribeSTT,
    ElevenLabsSTT,
    ElevenLabsTTS,
    ElevenLabsWebSocketTTS,
)
from patter_elevenlabs._settings import PronunciationDictionary, VoiceSettings
from patter_elevenlabs._voices import voices
from patter_elevenlabs.double import ElevenLabsDouble
from patter_elevenlabs.plugin import patter_prices
from patter_testing.fakes.carrier import FakeCarrier
from patter_testing.fakes.llm import FakeLLM
from patter_testing.loopback_site import site
from patter_testing.simulation import simulated

SARAH, RACHEL = "EXAVITQu4vr4xnSDxMaL", "21m00Tcm4TlvDq8ikWAM"
ALL = (ElevenLabsWebSocketTTS, ElevenLabsRestTTS, ElevenLabsScribeSTT)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "from-the-environment")


@pytest.fixture
def registry() -> PluginRegistry:
    return PluginRegistry.from_environment({})


def test_the_facade_is_the_voice_on_a_socket() -> None:
    assert ElevenLabsTTS is ElevenLabsWebSocketTTS
    assert ElevenLabsSTT is ElevenLabsScribeSTT


def test_the_defaults_are_those_of_the_field() -> None:
    voice, rest = ElevenLabsTTS(), ElevenLabsRestTTS()
    assert (voice.voice_id, voice.model_id, voice.output_format) == (
        SARAH,
        "eleven_flash_v2_5",
        None,
    )
    assert (voice.auto_mode, voice.inactivity_timeout, voice.voice_settings) == (True, 60, None)
    assert (rest.voice_id, rest.chunk_size) == (RACHEL, 4_096)
    assert voice.api_key == "from-the-environment"


def test_every_public_name_is_there() -> None:
    for name in set(patter_elevenlabs.__all__) - {"ElevenLabsConvAI"}:
        assert getattr(patter_elevenlabs, name)
    with pytest.raises(AttributeError):
        patter_elevenlabs.ElevenLabsLLM  # noqa: B018


@pytest.mark.parametrize("cls", ALL)
def test_a_missing_key_names_both_ways(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELEVENLABS_API_KEY")
    with pytest.raises(PatterConfigError) as raised:
        cls()
    assert "export ELEVENLABS_API_KEY" in raised.value.fix


def test_a_spec_string_says_it_all(registry: PluginRegistry) -> None:
    voice: Any = registry.resolve(
        TTS_KIND,
        "elevenlabs/eleven_turbo_v2_5?voice=Rachel&speed=1.1&use_speaker_boost=false"
        "&auto_mode=false&chunk_length_schedule=60,90&seed=4&enable_logging=no"
        "&pronunciation_dictionary_locators=a:1,b:2",
    )
    assert isinstance(voice, ElevenLabsWebSocketTTS)
    assert (voice.model_id, voice.voice_id) == ("eleven_turbo_v2_5", RACHEL)
    assert voice.voice_settings == VoiceSettings(speed=1.1, use_speaker_boost=False)
    assert (voice.auto_mode, voice.chunk_length_schedule) == (False, (60, 90))
    assert (voice.seed, voice.enable_logging) == (4, False)
    assert voice.pronunciation_dictionary_locators == (
        PronunciationDictionary("a", "1"),
        PronunciationDictionary("b", "2"),
    )


def test_each_name_is_its_own_class(registry: PluginRegistry) -> None:
    rest: Any = registry.resolve(TTS_KIND, "elevenlabs-rest/eleven_v3?voice_id=george")
    ear: Any = registry.resolve(STT_KIND, "elevenlabs?commit_strategy=vad&keyterms=Bistro,Elmo")
    assert isinstance(rest, ElevenLabsRestTTS)
    assert rest.model_id == "eleven_v3"
    assert isinstance(ear, ElevenLabsScribeSTT)
    assert (ear.commit_strategy, ear.keyterms) == ("vad", ("Bistro", "Elmo"))


@pytest.mark.parametrize(
    "spec",
    [
        "elevenlabs?speed=2",
        "elevenlabs?stability=very",
        "elevenlabs?voice_settings=[]",
        "elevenlabs?voice_settings={",
        'elevenlabs?voice_settings={"pitch":1}',
        "elevenlabs?seed=-1",
        "elevenlabs?inactivity_timeout=181",
        "elevenlabs?apply_text_normalization=maybe",
        "elevenlabs?chunk_length_schedule=20",
        "elevenlabs?output_format=mp3_44100_128",
        "elevenlabs?base_url=http://api.elevenlabs.io",
        "elevenlabs?pronunciation_dictionary_locators=a",
        "elevenlabs/eleven_v3",
        "elevenlabs?auto_mode=perhaps",
        "elevenlabs?api_key=sk_1",
    ],
)
def test_a_bad_value_is_refused_with_a_fix(registry: PluginRegistry, spec: str) -> None:
    with pytest.raises(PatterError) as raised:
        registry.resolve(TTS_KIND, spec)
    assert raised.value.code is ErrorCode.CONFIG
    assert raised.value.fix


@pytest.mark.parametrize(
    "options",
    [
        {"commit_strategy": "never"},
        {"vad_threshold": 1},
        {"vad_silence_threshold_secs": 5},
        {"keyterms": ["x" * 21]},
        {"keyterms": ["x"] * 51},
        {"min_speech_duration_ms": 10},
    ],
)
def test_scribe_refuses_bad_values_too(options: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError):
        ElevenLabsScribeSTT(**options)


def test_the_model_without_a_socket_says_where_it_speaks() -> None:
    with pytest.raises(PatterConfigError) as raised:
        ElevenLabsTTS(model_id="eleven_v3")
    assert "elevenlabs-rest" in raised.value.fix


def test_a_name_that_is_not_known_has_a_suggestion() -> None:
    with pytest.raises(PatterConfigError) as raised:
        ElevenLabsTTS(voice_id="Rachael")
    assert "did you mean 'rachel'?" in raised.value.fix
    with pytest.raises(PatterConfigError):
        ElevenLabsTTS(voice_id="zzzzzzzzzzz")


def test_names_resolve_in_any_case_and_ids_pass() -> None:
    assert ElevenLabsTTS(voice_id="BELLA").voice_id == SARAH
    assert ElevenLabsTTS(voice_id="alloy").voice_id == SARAH
    assert ElevenLabsTTS(voice_id="aB3" + "x" * 17).voice_id == "aB3" + "x" * 17
    assert all(len(identity) == 20 for identity in voices().values())


@pytest.mark.parametrize("cls", ALL)
def test_it_tells_its_model_and_where_it_connects_to(cls: Any) -> None:
    settings = cls(base_url="https://api.eu.residency.elevenlabs.io/")
    traits = ProviderTraits.of(settings)
    assert traits.hosts == ("api.eu.residency.elevenlabs.io",)
    assert traits.model == settings.model_id


@pytest.mark.parametrize("cls", ALL)
async def test_a_check_tells_the_time_and_refuses_a_wrong_key(cls: Any) -> None:
    async with ElevenLabsDouble().running() as double:
        settings = double.pointed(cls())
        assert health_check_of(settings) is not None
        report = await settings.check()
        assert report.wall is not None
        with pytest.raises(AuthenticationError):
            await cls(base_url=double.url, api_key="wrong").check()
    assert all(request.method == "GET" for request in double.requests)


async def test_a_check_names_the_voice_or_says_that_there_is_none() -> None:
    async with ElevenLabsDouble().running() as double:
        report = await double.pointed(ElevenLabsTTS(voice_id="george")).check()
        assert report.text == "George"
        with pytest.raises(PatterError) as raised:
            await double.pointed(ElevenLabsTTS(voice_id="x" * 20)).check()
    assert raised.value.code is ErrorCode.CONFIG


@pytest.mark.parametrize(("code", "accepted"), [("missing_permissions", True), ("other", False)])
async def test_a_key_for_one_product_alone_is_a_key(code: str, accepted: bool) -> None:
    """A key may speak and not be allowed to read the names of voices."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"detail": {"status": code, "message": "no"}}, status=401)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with site(app) as url:
        settings = ElevenLabsTTS(base_url=url)
        if accepted:
            assert "it is a key" in (await settings.check()).text
        else:
            with pytest.raises(AuthenticationError):
                await settings.check()


@pytest.mark.parametrize("cls", ALL)
async def test_warming_opens_a_connection_that_is_used(cls: Any) -> None:
    async with ElevenLabsDouble().running() as double, client_pool() as pool:
        settings: Any = double.pointed(cls())
        assert isinstance(settings, Warmable)
        await settings.warm()
        settings = double.pointed(cls())
        connections = pool.http.connector._conns  # type: ignore[union-attr]
        assert sum(map(len, connections.values())) == 1
        await settings.check()
        assert sum(map(len, connections.values())) == 1


async def test_a_simulated_agent_finds_the_double(registry: PluginRegistry) -> None:
    phone = Patter(carrier=FakeCarrier(), phone_number="+15550188000", persist=False)
    agent = phone.agent(
        "Be brief.", stt="elevenlabs", llm=FakeLLM(), tts="elevenlabs-rest", vad="none"
    )
    async with simulated(agent, registry) as simulation:
        parts = {part.kind: part.url for part in simulation.parts}
        assert parts["stt"].startswith("http://127.0.0.1:")
        assert parts["tts"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("kind", "provider", "model", "unit", "usd"),
    [
        ("tts", "elevenlabs", "eleven_flash_v2_5", "characters", 0.00005),
        ("tts", "elevenlabs-rest", "eleven_v3", "characters", 0.0001),
        ("stt", "elevenlabs", "scribe_v2_realtime", "minutes", 0.0065),
    ],
)
def test_a_known_model_has_a_price(
    kind: str, provider: str, model: str, unit: str, usd: float
) -> None:
    usage = Usage(kind=kind, provider=provider, model=model, unit=unit, amount=1)
    price = find(patter_prices(), usage)
    assert price is not None
    assert price.usd / price.per == pytest.approx(usd)


def test_an_unknown_model_has_none() -> None:
    usage = Usage(kind="tts", provider="elevenlabs", model="eleven_v9", unit="characters", amount=1)
    assert find(patter_prices(), usage) is None


def test_lengths_that_are_no_numbers_are_an_error_with_a_fix() -> None:
    with pytest.raises(PatterConfigError, match="chunk_length_schedule is 'often'") as raised:
        ElevenLabsWebSocketTTS(chunk_length_schedule="often", api_key="k")
    assert "120,160" in raised.value.fix
