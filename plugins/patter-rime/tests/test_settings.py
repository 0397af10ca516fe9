"""The settings: keys, spec strings, what reaches the wire, and what Rime would refuse or ignore."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from patter import PatterError, PluginRegistry
from patter.audio.formats import MULAW_8K, PCM16_24K, AudioFormat, Encoding
from patter.errors import ErrorCode, PatterConfigError
from patter.observe.events import Usage
from patter.observe.pricing import find
from patter.plugins.kinds import TTS_KIND
from patter.providers.traits import ProviderTraits
from patter_rime import RimeRestTTS, RimeTTS
from patter_rime._options import RATES
from patter_rime._prices import PRICES
from patter_rime.double import RimeDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.talking import letters_of, say

from .talking import voice

ALL: tuple[Any, ...] = (RimeTTS, RimeRestTTS)
README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
each = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)

LLM: dict[str, Any] = {
    "speed_alpha": 1.2,
    "time_scale_factor": 0.9,
    "repetition_penalty": 1.5,
    "temperature": 0.5,
    "top_p": 1,
    "max_tokens": 1_200,
}
MIST: dict[str, Any] = {
    "speed_alpha": 1.2,
    "pause_between_brackets": True,
    "inline_speed_alpha": "0.5, 3",
}
MIST_V3: dict[str, Any] = {**MIST, "time_scale_factor": 1.1}
MIST_V2: dict[str, Any] = {
    **MIST,
    "reduce_latency": True,
    "phonemize_between_brackets": True,
    "no_text_normalization": False,
    "save_oovs": True,
}
TAKEN: dict[str, dict[str, Any]] = {
    "arcana": LLM,
    "arcanav3": LLM,
    "coda": LLM,
    "mistv3": MIST_V3,
    "mistv2": MIST_V2,
    "mist": MIST_V2,
}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIME_API_KEY", "exported-key")


@each
def test_a_missing_key_names_both_ways(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RIME_API_KEY")
    with pytest.raises(PatterConfigError) as raised:
        cls()
    assert raised.value.fix == f"export RIME_API_KEY, or {cls.__name__}(api_key=...)"


@each
def test_a_key_is_as_given_else_as_exported_and_never_printed(cls: Any) -> None:
    assert cls().api_key == "exported-key"
    assert cls(api_key="given-key").api_key == "given-key"
    assert "exported" not in repr(cls())


@each
def test_a_key_goes_nowhere_in_clear(cls: Any) -> None:
    with pytest.raises(PatterConfigError, match="neither https nor on this machine"):
        cls(base_url="http://users.rime.ai")
    assert cls(base_url="https://users-east.rime.ai/").hosts == ("users-east.rime.ai",)


def test_each_voice_has_a_host_of_its_own() -> None:
    assert ProviderTraits.of(RimeTTS()).hosts == ("users-ws.rime.ai",)
    assert ProviderTraits.of(RimeRestTTS()).hosts == ("users.rime.ai",)


@each
def test_every_option_is_in_the_readme(cls: Any) -> None:
    for field in attrs.fields(cls):
        assert not field.init or f"`{field.name}`" in README, field.name


@each
@pytest.mark.parametrize(
    ("model", "speaker"),
    [("arcana", "astra"), ("coda", "astra"), ("mistv3", "cove"), ("mistv2", "cove")],
)
def test_a_model_has_a_speaker(cls: Any, model: str, speaker: str) -> None:
    assert cls(model=model).speaker == speaker
    assert cls(model=model, speaker="luna").speaker == "luna"


def test_the_defaults_are_those_that_were_agreed_on() -> None:
    voice = RimeTTS()
    assert (voice.model, voice.speaker, voice.lang) == ("arcana", "astra", "eng")


@pytest.mark.parametrize(
    ("spec", "expected"), [("rime", RimeTTS), ("rime/mistv3", RimeTTS), ("rime-rest", RimeRestTTS)]
)
def test_the_name_of_a_spec_string_chooses(spec: str, expected: type) -> None:
    assert type(PluginRegistry().resolve(TTS_KIND, spec)) is expected


def test_a_spec_string_says_everything_as_text() -> None:
    voice: Any = PluginRegistry().resolve(
        TTS_KIND,
        "rime/mistv2?voice=luna&language=spa&speed_alpha=0.8&reduce_latency=true"
        "&pause_between_brackets=false&inline_speed_alpha=0.5,%203&sample_rate=16000&timeout_ms=900",
    )
    assert voice == RimeTTS(
        model="mistv2",
        speaker="luna",
        lang="spa",
        speed_alpha=0.8,
        reduce_latency=True,
        pause_between_brackets=False,
        inline_speed_alpha="0.5, 3",
        sample_rate=16_000,
        timeout_ms=900,
    )


@each
@pytest.mark.parametrize(
    "bad",
    [
        {"model": "codaa"},
        {"model": "v1"},
        {"model": None},
        {"speaker": " "},
        {"lang": ""},
        {"sample_rate": 11_025},
        {"speed_alpha": 0},
        {"time_scale_factor": 2.6},
        {"repetition_penalty": 0.9},
        {"temperature": 1.1},
        {"top_p": -0.1},
        {"max_tokens": 199},
        {"model": "mistv2", "reduce_latency": "perhaps"},
        {"timeout_ms": 0},
    ],
)
def test_what_makes_no_sense_is_refused_before_a_call(cls: Any, bad: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as raised:
        cls(**bad)
    assert raised.value.fix


@each
@pytest.mark.parametrize("model", TAKEN)
def test_an_option_that_the_model_would_ignore_is_refused(cls: Any, model: str) -> None:
    assert cls(model=model, **TAKEN[model])
    for name, value in {**LLM, **MIST_V3, **MIST_V2}.items():
        if name not in TAKEN[model]:
            with pytest.raises(PatterConfigError, match=f"{model} does not take {name}"):
                cls(model=model, **{name: value})


@pytest.mark.parametrize("model", TAKEN)
async def test_rime_ignores_nothing_that_is_asked_of_it(model: str) -> None:
    async with (
        RimeDouble().running() as double,
        voice(double, model=model, **TAKEN[model]) as session,
    ):
        assert letters_of(await say(session, "one")) == "one"
    assert double.ignored == []
    assert len(double.requests[0].query) == 6 + len(TAKEN[model])


async def test_a_socket_is_asked_for_with_what_was_set() -> None:
    async with RimeDouble().running() as double:
        async with voice(double, model="mistv2", lang="spa", save_oovs=True):
            pass
        async with voice(double, PCM16_24K, model="coda", time_scale_factor=0.8):
            pass
    assert [dict(request.query) for request in double.requests] == [
        {
            "speaker": "cove",
            "modelId": "mistv2",
            "lang": "spa",
            "samplingRate": "8000",
            "saveOovs": "true",
            "audioFormat": "mulaw",
            "segment": "never",
        },
        {
            "speaker": "astra",
            "modelId": "coda",
            "lang": "eng",
            "samplingRate": "24000",
            "timeScaleFactor": "0.8",
            "audioFormat": "pcm",
            "segment": "never",
        },
    ]
    assert double.requests[0].headers["Authorization"] == f"Bearer {double.key}"


@each
def test_a_rate_that_was_chosen_is_the_only_one(cls: Any) -> None:
    assert cls().produces[0] == MULAW_8K
    for rate in RATES:
        assert cls(sample_rate=rate).produces == (AudioFormat(Encoding.PCM16, rate),)


# --- check and warm


@each
async def test_a_key_that_is_good_passes_the_check(cls: Any) -> None:
    async with RimeDouble().running() as double:
        report = await double.pointed(cls()).check()
    assert report.text and double.spoken == [] and double.messages == []


@each
@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (VendorFaults(status=401), ErrorCode.AUTH),
        (VendorFaults(status=403), ErrorCode.AUTH),
        (VendorFaults(status=429), ErrorCode.RATE_LIMIT),
        (VendorFaults(status=500), ErrorCode.CONNECTION),
    ],
)
async def test_a_check_tells_what_a_call_would_meet(
    cls: Any, faults: VendorFaults, code: ErrorCode
) -> None:
    async with RimeDouble(faults=faults).running() as double:
        with pytest.raises(PatterError) as raised:
            await double.pointed(cls()).check()
    assert raised.value.code is code and raised.value.fix


async def test_a_setting_that_rime_refuses_fails_the_check() -> None:
    async with RimeDouble().running() as double:
        with pytest.raises(PatterError) as raised:
            await double.pointed(RimeTTS(lang="xyz")).check()
    assert raised.value.code is ErrorCode.PROVIDER_ERROR


async def test_a_rime_that_does_not_answer_fails_the_check_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # How long a socket waits is the kit's to say, and to test.
    monkeypatch.setattr("patter_rime._socket.CONNECT_S", 0.1)
    async with RimeDouble(faults=VendorFaults(silent=True)).running() as double:
        with pytest.raises(PatterError) as raised:
            await double.pointed(RimeRestTTS()).check()
    assert raised.value.code is ErrorCode.TIMEOUT


# --- prices


@pytest.mark.parametrize("provider", ["rime", "rime-rest"])
@pytest.mark.parametrize("model", ["arcana", "coda", "mistv3", "mistv2"])
def test_a_thousand_characters_have_a_price(provider: str, model: str) -> None:
    usage = Usage(kind="tts", provider=provider, model=model, unit="characters", amount=1_000)
    price = find(PRICES, usage)
    assert price is not None and price.usd / price.per * usage.amount == pytest.approx(0.03)


def test_a_model_that_is_not_known_has_none() -> None:
    usage = Usage(kind="tts", provider="rime", model="opus", unit="characters", amount=1)
    assert find(PRICES, usage) is None
