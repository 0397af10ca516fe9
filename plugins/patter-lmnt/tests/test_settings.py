"""The settings: keys, spec strings, formats, prices, and what LMNT would refuse."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path
from typing import Any, get_args, get_type_hints

import attrs
import pytest
from lmnt.resources.sessions import AsyncSessionsResource
from lmnt.types import SpeechGenerateParams

from patter import PatterError, PluginRegistry
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K
from patter.errors import AuthenticationError, ErrorCode, PatterConfigError
from patter.plugins.kinds import TTS_KIND
from patter.providers.traits import ProviderTraits
from patter_lmnt import LMNTTTS, LMNTRestTTS
from patter_lmnt._options import LANGUAGES
from patter_lmnt._prices import PRICES
from patter_lmnt.double import LMNTDouble, typical_latency
from patter_testing.doubles.vendor_double import KEY, VendorFaults

ALL: tuple[Any, ...] = (LMNTTTS, LMNTRestTTS)
README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
each = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMNT_API_KEY", "exported-key")


@each
def test_a_missing_key_names_both_ways(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LMNT_API_KEY")
    with pytest.raises(PatterConfigError) as raised:
        cls()
    assert raised.value.fix == f"export LMNT_API_KEY, or {cls.__name__}(api_key=...)"


@each
def test_a_key_is_as_given_else_as_exported_and_never_printed(cls: Any) -> None:
    assert cls().api_key == "exported-key"
    assert cls(api_key="given-key").api_key == "given-key"
    assert "key'" not in repr(cls()) and "exported" not in repr(cls())


@each
def test_a_key_goes_nowhere_in_clear(cls: Any) -> None:
    with pytest.raises(PatterConfigError, match="neither https nor on this machine"):
        cls(base_url="http://api.lmnt.com")
    assert ProviderTraits.of(cls()).hosts == ("api.lmnt.com",)
    assert ProviderTraits.of(cls()).model == "blizzard"


@each
def test_every_option_is_in_the_readme(cls: Any) -> None:
    for field in attrs.fields(cls):
        assert f"`{field.name}`" in README, field.name


@each
def test_settings_are_values(cls: Any) -> None:
    assert cls(voice="ava") == cls(voice="ava") != cls()
    assert pickle.loads(pickle.dumps(cls(voice="ava"))) == cls(voice="ava")


def test_defaults_are_those_that_were_agreed() -> None:
    voice = LMNTTTS()
    assert (voice.model, voice.voice, voice.language) == ("blizzard", "leah", "auto")
    assert (voice.temperature, voice.top_p, voice.return_timestamps) == (1.0, 0.8, True)


def test_a_spec_string_says_everything_as_text() -> None:
    registry = PluginRegistry()
    session: Any = registry.resolve(
        TTS_KIND,
        "lmnt?voice=ava&language=en&format=raw&sample_rate=16000&return_timestamps=false"
        "&timeout_ms=2500",
    )
    assert session == LMNTTTS(
        voice="ava",
        language="en",
        format="raw",
        sample_rate=16_000,
        return_timestamps=False,
        timeout_ms=2_500,
    )
    rest: Any = registry.resolve(
        TTS_KIND, "lmnt-rest/blizzard-dialogue?temperature=0.3&top_p=0.9&debug=true"
    )
    assert rest == LMNTRestTTS(model="blizzard-dialogue", temperature=0.3, top_p=0.9, debug=True)
    assert type(registry.resolve(TTS_KIND, "lmnt/blizzard")) is LMNTTTS


@each
@pytest.mark.parametrize(
    ("options", "formats"),
    [
        ({}, (MULAW_8K, PCM16_16K, PCM16_24K, PCM16_8K)),
        ({"format": "ulaw"}, (MULAW_8K,)),
        ({"format": "pcm_s16le"}, (PCM16_16K, PCM16_24K, PCM16_8K)),
        ({"format": "raw", "sample_rate": 16_000}, (PCM16_16K,)),
        ({"sample_rate": 8_000}, (MULAW_8K, PCM16_8K)),
        ({"sample_rate": 24_000}, (PCM16_24K,)),
    ],
)
def test_it_produces_what_was_chosen(cls: Any, options: dict[str, Any], formats: Any) -> None:
    assert cls(**options).produces == formats


@each
@pytest.mark.parametrize(
    "bad",
    [
        {"voice": " "},
        {"language": "xx"},
        {"format": "mp3"},
        {"format": "ulaw", "sample_rate": 16_000},
        {"sample_rate": 12_000},
        {"sample_rate": 32_000},
        {"temperature": 0},
        {"temperature": 5.1},
        {"top_p": 1.1},
        {"timeout_ms": 0},
    ],
)
def test_what_lmnt_would_refuse_is_refused_here(cls: Any, bad: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as raised:
        cls(**bad)
    assert raised.value.fix


@pytest.mark.parametrize("options", [{"model": "aurora"}, {"temperature": 0.3}, {"top_p": "0.9"}])
def test_what_a_session_is_not_told_is_for_http(options: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError, match="takes no") as raised:
        LMNTTTS(**options)
    assert "lmnt-rest" in raised.value.fix
    assert LMNTRestTTS(**options)
    assert LMNTTTS(model="blizzard", temperature=1, top_p=0.8)


def test_prices_are_known_for_the_model_that_there_is() -> None:
    assert {(price.provider, price.model, price.usd, price.per) for price in PRICES} == {
        ("lmnt", "blizzard", 0.05, 1_000),
        ("lmnt-rest", "blizzard", 0.05, 1_000),
    }


def test_the_vendors_client_knows_these_options_and_languages() -> None:
    session = set(inspect.signature(AsyncSessionsResource.create).parameters) - {"self"}
    ours = {field.name for field in attrs.fields(LMNTTTS)}
    own = {"timeout_ms", "base_url", "api_key"}
    assert session | {"model", "temperature", "top_p"} == ours - own
    http = set(SpeechGenerateParams.__annotations__) - {"text"}
    assert http == {field.name for field in attrs.fields(LMNTRestTTS)} - own
    assert get_args(get_type_hints(SpeechGenerateParams)["language"]) == LANGUAGES


# --- tried out before a call


@each
async def test_a_check_names_the_voice(cls: Any) -> None:
    async with LMNTDouble().running() as double:
        report = await double.pointed(cls(api_key="k", voice="ava")).check()
    assert report.text == "Ava" and report.wall
    (request,) = double.requests
    assert (request.method, request.path) == ("GET", "/v1/ai/voice/ava")
    assert request.headers["X-API-Key"] == KEY


@each
@pytest.mark.parametrize(
    ("vendor", "code"),
    [
        ({"voices": {}}, ErrorCode.CONFIG),
        ({"voices": {"leah": "training"}}, ErrorCode.CONFIG),
        ({"faults": VendorFaults(status=503)}, ErrorCode.CONNECTION),
        ({"faults": VendorFaults(status=429)}, ErrorCode.RATE_LIMIT),
    ],
)
async def test_a_check_says_what_is_wrong(
    cls: Any, vendor: dict[str, Any], code: ErrorCode
) -> None:
    async with LMNTDouble(**vendor).running() as double:
        with pytest.raises(PatterError) as raised:
            await double.pointed(cls(api_key="k")).check()
    assert raised.value.code is code and raised.value.fix


@each
async def test_a_check_asks_with_the_key(cls: Any) -> None:
    async with LMNTDouble(key="another").running() as double:
        with pytest.raises(AuthenticationError, match="LMNT refused the key") as raised:
            await cls(api_key="wrong-key", base_url=double.url).check()
    assert "wrong-key" not in str(raised.value)


def test_a_typical_vendor_takes_as_long_as_it_says() -> None:
    latency = typical_latency()
    drawn = sorted(latency.draw_ms() for _ in range(2_000))
    assert 140 < drawn[1_000] < 160 and 190 < drawn[1_900] < 210
