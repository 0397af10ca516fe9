"""The settings: keys, spec strings, what reaches the wire, and what Deepgram would refuse."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web

from patter import PatterError, PluginRegistry
from patter.audio.formats import MULAW_8K
from patter.errors import AuthenticationError, ErrorCode, PatterConfigError
from patter.plugins.kinds import STT_KIND, TTS_KIND
from patter.providers.stt import STTTraits
from patter.providers.traits import ProviderTraits
from patter_deepgram import DeepgramFluxSTT, DeepgramFluxTTS, DeepgramSTT, DeepgramTTS
from patter_deepgram._prices import PRICES
from patter_deepgram.double import DeepgramDouble
from patter_testing.doubles.vendor_double import KEY, VendorFaults, VendorRequest
from patter_testing.talking import CALL

from .sdk import ListenV1, ListenV2, SpeakV1, SpeakV2

ALL: tuple[Any, ...] = (DeepgramSTT, DeepgramFluxSTT, DeepgramTTS, DeepgramFluxTTS)
README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
each = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPGRAM_API_KEY", "exported-key")


@each
def test_a_missing_key_names_both_ways(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPGRAM_API_KEY")
    with pytest.raises(PatterConfigError) as raised:
        cls()
    assert raised.value.fix == f"export DEEPGRAM_API_KEY, or {cls.__name__}(api_key=...)"


@each
def test_a_key_is_as_given_else_as_exported_and_never_printed(cls: Any) -> None:
    assert cls().api_key == "exported-key"
    assert cls(api_key="given-key").api_key == "given-key"
    assert "key'" not in repr(cls()) and "exported" not in repr(cls())


@each
def test_a_key_goes_nowhere_in_clear(cls: Any) -> None:
    with pytest.raises(PatterConfigError, match="neither https nor on this machine"):
        cls(base_url="http://api.deepgram.com")
    assert cls(base_url="https://api.eu.deepgram.com/").hosts == ("api.eu.deepgram.com",)


@each
def test_every_option_is_in_the_readme(cls: Any) -> None:
    for field in attrs.fields(cls):
        assert not field.init or f"`{field.name}`" in README, field.name


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        (STT_KIND, "deepgram", DeepgramSTT),
        (STT_KIND, "deepgram/nova-2-phonecall?keywords=a:2", DeepgramSTT),
        (STT_KIND, "deepgram/flux-general-en?eot_threshold=0.8", DeepgramFluxSTT),
        (STT_KIND, "deepgram?model=flux-general-multi", DeepgramFluxSTT),
        (TTS_KIND, "deepgram", DeepgramTTS),
        (TTS_KIND, "deepgram/flux-haley-en", DeepgramFluxTTS),
    ],
)
def test_the_model_of_a_spec_string_chooses(kind: Any, spec: str, expected: type) -> None:
    assert type(PluginRegistry().resolve(kind, spec)) is expected


def test_a_spec_string_says_everything_as_text() -> None:
    ears: Any = PluginRegistry().resolve(
        STT_KIND,
        "deepgram/nova-3?endpointing_ms=off&utterance_end_ms=2000&smart_format=true"
        "&keyterms=basil,%20sea%20bass&punctuate=false&finalize_ms=800",
    )
    assert ears == DeepgramSTT(
        endpointing_ms=None,
        utterance_end_ms=2_000,
        smart_format=True,
        keyterms=["basil", "sea bass"],
        punctuate=False,
        finalize_ms=800,
    )


def test_traits_are_told_before_a_call() -> None:
    assert STTTraits.of(DeepgramFluxSTT()).endpoints
    assert not STTTraits.of(DeepgramSTT()).endpoints
    assert STTTraits.of(DeepgramSTT()).model == "nova-3"
    assert ProviderTraits.of(DeepgramTTS()).hosts == ("api.deepgram.com",)


@pytest.mark.parametrize(
    ("cls", "bad"),
    [
        (DeepgramSTT, {"utterance_end_ms": 999}),
        (DeepgramSTT, {"interim_results": False}),
        (DeepgramSTT, {"punctuate": "perhaps"}),
        (DeepgramSTT, {"endpointing_ms": 0}),
        (DeepgramSTT, {"model": "nova-2", "keyterms": "a"}),
        (DeepgramSTT, {"model": "flux-general-en"}),
        (DeepgramFluxSTT, {"model": "nova-3"}),
        (DeepgramFluxSTT, {"eot_threshold": 0.4}),
        (DeepgramFluxSTT, {"eot_timeout_ms": 60_001}),
        (DeepgramFluxSTT, {"eager_eot_threshold": 0.8}),
        (DeepgramFluxSTT, {"eager_eot_threshold": 0.7, "eot_threshold": 0.6}),
        (DeepgramTTS, {"model": "flux-haley-en"}),
        (DeepgramTTS, {"speed": 1.6}),
        (DeepgramFluxTTS, {"model": "aura-2-thalia-en"}),
        (DeepgramFluxTTS, {"speed": 1.07}),
        (DeepgramFluxTTS, {"expressivity": 3}),
    ],
)
def test_what_deepgram_would_refuse_is_refused_at_once(cls: Any, bad: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as raised:
        cls(**bad)
    assert raised.value.fix


# --- what reaches the wire

NOVA = {
    "model": "nova-3-medical",
    "language": "de",
    "endpointing_ms": 300,
    "utterance_end_ms": 1_500,
    "smart_format": True,
    "no_delay": False,
    "punctuate": True,
    "numerals": True,
    "profanity_filter": True,
    "filler_words": True,
    "dictation": True,
    "detect_entities": True,
    "diarize_model": "latest",
    "keyterms": ("basil", "sea bass"),
    "language_hints": ("en", "de"),
    "search": ("x",),
    "replace": ("a:b",),
    "redact": ("pci", "ssn"),
    "tags": ("t",),
    "extra": ("k:v",),
    "version": "latest",
    "mip_opt_out": True,
}
NOVA_WIRE = {
    "model": ["nova-3-medical"],
    "language": ["de"],
    "encoding": ["mulaw"],
    "sample_rate": ["8000"],
    "channels": ["1"],
    "endpointing": ["300"],
    "utterance_end_ms": ["1500"],
    "interim_results": ["true"],
    "vad_events": ["true"],
    "smart_format": ["true"],
    "no_delay": ["false"],
    "punctuate": ["true"],
    "numerals": ["true"],
    "profanity_filter": ["true"],
    "filler_words": ["true"],
    "dictation": ["true"],
    "detect_entities": ["true"],
    "diarize_model": ["latest"],
    "keyterm": ["basil", "sea bass"],
    "language_hint": ["en", "de"],
    "search": ["x"],
    "replace": ["a:b"],
    "redact": ["pci", "ssn"],
    "tag": ["t"],
    "extra": ["k:v"],
    "version": ["latest"],
    "mip_opt_out": ["true"],
}
FLUX = {
    "model": "flux-general-multi",
    "eot_threshold": 0.8,
    "eager_eot_threshold": 0.5,
    "eot_timeout_ms": 3_000,
    "keyterms": ("basil",),
    "language_hints": ("en", "de"),
    "numerals": True,
    "profanity_filter": True,
    "redact": ("numbers",),
    "tags": ("t",),
    "mip_opt_out": True,
}
FLUX_WIRE = {
    "model": ["flux-general-multi"],
    "encoding": ["mulaw"],
    "sample_rate": ["8000"],
    "eot_threshold": ["0.8"],
    "eager_eot_threshold": ["0.5"],
    "eot_timeout_ms": ["3000"],
    "keyterm": ["basil"],
    "language_hint": ["en", "de"],
    "numerals": ["true"],
    "profanity_filter": ["true"],
    "redact": ["numbers"],
    "tag": ["t"],
    "mip_opt_out": ["true"],
}
AURA = {"model": "aura-2-luna-en", "speed": 1.2, "mip_opt_out": True}
AURA_WIRE = {
    "model": ["aura-2-luna-en"],
    "encoding": ["mulaw"],
    "sample_rate": ["8000"],
    "speed": ["1.2"],
    "mip_opt_out": ["true"],
}
VOICE = {
    "model": "flux-kit-en",
    "speed": 1.15,
    "expressivity": -1,
    "tags": ("t",),
    "mip_opt_out": True,
}
VOICE_WIRE = {
    **AURA_WIRE,
    "model": ["flux-kit-en"],
    "speed": ["1.15"],
    "expressivity": ["-1"],
    "tag": ["t"],
}


async def handshake(provider: Any) -> list[VendorRequest]:
    """What a session of *provider* asks for."""
    async with (
        DeepgramDouble().running() as double,
        double.pointed(provider).open(CALL, MULAW_8K),
    ):
        return double.requests


NOT_IN_THE_SDK = {"no_delay", "filler_words"}
"""Documented by Deepgram, and no arguments of its SDK."""

FULL = (
    (DeepgramSTT, NOVA, NOVA_WIRE, ListenV1),
    (DeepgramFluxSTT, FLUX, FLUX_WIRE, ListenV2),
    (DeepgramTTS, AURA, AURA_WIRE, SpeakV1),
    (DeepgramFluxTTS, VOICE, VOICE_WIRE, SpeakV2),
)


@pytest.mark.parametrize(("cls", "options", "wire", "sdk"), FULL)
async def test_every_option_reaches_the_wire(
    cls: Any, options: dict[str, Any], wire: dict[str, list[str]], sdk: Any
) -> None:
    (asked,) = await handshake(cls(**options))
    query: Any = asked.query
    assert {name: query.getall(name) for name in query} == wire
    assert set(wire) - NOT_IN_THE_SDK <= set(inspect.signature(sdk.connect).parameters)
    assert asked.headers["Authorization"] == f"Token {KEY}"


@pytest.mark.parametrize(("cls", "options"), [row[:2] for row in FULL])
def test_no_option_is_forgotten_here(cls: Any, options: dict[str, Any]) -> None:
    ours = {"api_key", "base_url", "finalize_ms", "timeout_ms", "interim_results", "vad_events"}
    settable = {field.name for field in attrs.fields(cls) if field.init}
    assert settable - ours - {"keywords"} == set(options)


async def test_options_that_are_off_are_said_or_left_out() -> None:
    ears = DeepgramSTT(
        model="nova-2", endpointing_ms=None, utterance_end_ms=None, interim_results=False,
        keywords="basil:2,bass", vad_events=False, language="",
    )  # fmt: skip
    async with DeepgramDouble().running() as double, double.pointed(ears).open(CALL, MULAW_8K):
        pass
    query: Any = double.requests[0].query
    assert query["endpointing"] == query["interim_results"] == query["vad_events"] == "false"
    assert query.getall("keywords") == ["basil:2", "bass"]
    assert not {"utterance_end_ms", "no_delay", "language"} & set(query)


async def test_none_leaves_to_deepgram_what_is_said_otherwise() -> None:
    options: dict[str, Any] = dict.fromkeys(("smart_format", "vad_events", "interim_results"))
    (asked,) = await handshake(DeepgramSTT(utterance_end_ms=None, **options))
    assert not set(options) & set(asked.query)


# --- trying them out


@each
async def test_a_check_is_free_and_tells_the_time(cls: Any) -> None:
    async with DeepgramDouble().running() as double:
        report = await double.pointed(cls()).check()
        await double.pointed(cls()).warm()
    assert {request.path for request in double.requests} == {"/v1/auth/token"}
    assert report.wall is not None and report.wall > 1_700_000_000


@each
async def test_a_check_says_when_the_key_is_refused(cls: Any) -> None:
    async with DeepgramDouble().running() as double:
        stranger = attrs.evolve(double.pointed(cls()), api_key="secret-stranger")
        with pytest.raises(AuthenticationError) as raised:
            await stranger.check()
    assert "DEEPGRAM_API_KEY" in raised.value.fix
    assert "stranger" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "code"), [(402, ErrorCode.AUTH), (429, ErrorCode.RATE_LIMIT), (500, "CONNECTION")]
)
async def test_a_check_means_what_a_call_would_meet(status: int, code: str) -> None:
    async with DeepgramDouble(faults=VendorFaults(status=status)).running() as double:
        with pytest.raises(PatterError) as raised:
            await double.pointed(DeepgramSTT()).check()
    assert raised.value.code == code


@each
async def test_a_vendor_that_takes_a_call_and_never_answers_is_left(
    cls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("requests", "sockets"):
        monkeypatch.setattr(f"patter.vendors.{module}.CONNECT_S", 0.05)
    async with DeepgramDouble(faults=VendorFaults(silent=True)).running() as double:
        provider = double.pointed(cls())
        for work in (provider.check(), provider.open(CALL, MULAW_8K).__aenter__()):
            with pytest.raises(PatterError) as raised:
                await work
            assert raised.value.code is ErrorCode.TIMEOUT


async def test_a_refusal_that_repeats_the_key_does_not_tell_it() -> None:
    class Gossip(DeepgramDouble):
        def refusal(self, status: int, reason: str = "") -> web.Response:
            return super().refusal(status, f"bad model for {self.key}")

    async with Gossip(key="hunter2", faults=VendorFaults(status=400)).running() as double:
        with pytest.raises(PatterConfigError, match="bad model for") as raised:
            await double.pointed(DeepgramSTT()).open(CALL, MULAW_8K).__aenter__()
    assert "hunter2" not in str(raised.value)


def test_prices_are_by_minute_and_known_models() -> None:
    assert {price.model for price in PRICES if price.unit == "minutes"} >= {"nova-3"}
    assert all(price.provider == "deepgram" for price in PRICES)
