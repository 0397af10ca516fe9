"""The settings: keys, spec strings, what Soniox would refuse, and how they are tried out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from patter import PatterError, PluginRegistry
from patter.audio.formats import MULAW_8K
from patter.errors import AuthenticationError, ErrorCode, PatterConfigError
from patter.observe.events import Usage
from patter.observe.pricing import cost
from patter.plugins.kinds import STT_KIND
from patter.providers.stt import STTTraits
from patter_soniox import SonioxSTT
from patter_soniox._prices import PRICES
from patter_soniox.double import SonioxDouble
from patter_testing.doubles.vendor_double import KEY, VendorFaults
from patter_testing.talking import CALL

from .test_wire import FULL

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONIOX_API_KEY", "exported-key")


def test_a_missing_key_names_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SONIOX_API_KEY")
    with pytest.raises(PatterConfigError) as raised:
        SonioxSTT()
    assert raised.value.fix == "export SONIOX_API_KEY, or SonioxSTT(api_key=...)"


def test_a_key_is_as_given_else_as_exported_and_never_printed() -> None:
    assert SonioxSTT().api_key == "exported-key"
    assert SonioxSTT(api_key="given-key").api_key == "given-key"
    assert "exported" not in repr(SonioxSTT())


def test_a_key_goes_nowhere_in_clear() -> None:
    for url in ("http://stt-rt.soniox.com", "ws://stt-rt.soniox.com/transcribe-websocket"):
        with pytest.raises(PatterConfigError, match="neither https nor on this machine"):
            SonioxSTT(base_url=url)


def test_a_region_has_its_own_hosts() -> None:
    assert SonioxSTT().hosts == ("stt-rt.soniox.com", "api.soniox.com")
    eu = SonioxSTT(base_url="wss://stt-rt.eu.soniox.com/transcribe-websocket")
    assert eu.hosts == ("stt-rt.eu.soniox.com", "api.eu.soniox.com")
    assert SonioxSTT(base_url="https://speech.example.com").hosts == ("speech.example.com",)


def test_every_option_is_in_the_readme() -> None:
    for field in attrs.fields(SonioxSTT):
        assert f"`{field.name}`" in README, field.name


def test_no_option_is_forgotten_on_the_wire() -> None:
    """`FULL` has them all but those that are ours."""
    ours = {"api_key", "base_url", "finalize_ms", "enable_endpoint_detection"}
    assert {field.name for field in attrs.fields(SonioxSTT)} - ours == set(FULL)


def test_the_defaults_are_those_that_were_asked_for() -> None:
    ears = SonioxSTT()
    assert (ears.model, ears.max_endpoint_delay_ms) == ("stt-rt-v4", 500)
    assert ears.enable_language_identification and not ears.enable_speaker_diarization
    assert ears.enable_endpoint_detection and not ears.language_hints_strict


def test_a_spec_string_says_everything_as_text() -> None:
    ears: Any = PluginRegistry().resolve(
        STT_KIND,
        "soniox/stt-rt-v5?language_hints=en,de&language_hints_strict=true"
        "&enable_language_identification=false&enable_speaker_diarization=yes"
        "&max_endpoint_delay_ms=900&endpoint_sensitivity=-0.5"
        "&endpoint_latency_adjustment_level=2&context_terms=basil,%20sea%20bass"
        "&context_general=domain:food,%20topic:%20a%20table&context_text=A%20pizzeria,%20open."
        "&client_reference_id=r1&finalize_ms=800",
    )
    assert ears == SonioxSTT(
        model="stt-rt-v5",
        language_hints=["en", "de"],
        language_hints_strict=True,
        enable_language_identification=False,
        enable_speaker_diarization=True,
        max_endpoint_delay_ms=900,
        endpoint_sensitivity=-0.5,
        endpoint_latency_adjustment_level=2,
        context_terms=["basil", "sea bass"],
        context_general={"domain": "food", "topic": "a table"},
        context_text="A pizzeria, open.",
        client_reference_id="r1",
        finalize_ms=800,
    )
    off: Any = PluginRegistry().resolve(
        STT_KIND, "soniox?enable_endpoint_detection=off&max_endpoint_delay_ms=none"
    )
    assert off == SonioxSTT(enable_endpoint_detection=False, max_endpoint_delay_ms=None)


def test_traits_are_told_before_a_call() -> None:
    traits = STTTraits.of(SonioxSTT())
    assert traits.endpoints and not traits.hears_voice and traits.model == "stt-rt-v4"
    assert not STTTraits.of(SonioxSTT(enable_endpoint_detection=False)).endpoints
    assert SonioxSTT.accepts[0] == MULAW_8K


@pytest.mark.parametrize(
    "bad",
    [
        {"language_hints": "en-US"},
        {"language_hints": ["english"]},
        {"language_hints": ["EN"]},
        {"language_hints_strict": True},
        {"language_hints_strict": "perhaps"},
        {"max_endpoint_delay_ms": 499},
        {"max_endpoint_delay_ms": 3_001},
        {"endpoint_sensitivity": 0.5},
        {"model": "stt-rt-v5", "endpoint_sensitivity": 1.1},
        {"endpoint_latency_adjustment_level": 4},
        {"endpoint_latency_adjustment_level": 1.5},
        {"context_general": "domain"},
        {"context_general": {"domain": ""}},
        {"context_general": 7},
        {"context_text": "x" * 10_001},
        {"context_text": "x" * 5_000, "context_terms": ["x" * 5_001]},
        {"context_general": {"domain": "x" * 9_995}},
        {"client_reference_id": "x" * 257},
        {"finalize_ms": 0},
    ],
    ids=str,
)
def test_what_soniox_would_refuse_is_refused_at_once(bad: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as raised:
        SonioxSTT(**bad)
    assert raised.value.fix


def test_what_is_as_long_as_it_may_be_is_taken() -> None:
    ears = SonioxSTT(context_text="x" * 9_998, context_general={"a": "b"})
    assert ears.start(MULAW_8K)["context"]["general"] == [{"key": "a", "value": "b"}]
    assert SonioxSTT(client_reference_id="x" * 256).client_reference_id


def test_a_language_is_expected_once() -> None:
    assert SonioxSTT(language_hints=["en", "de", "en"]).language_hints == ("en", "de")


# --- trying them out


async def test_a_check_is_free_and_tells_the_time() -> None:
    async with SonioxDouble().running() as double:
        report = await double.pointed(SonioxSTT()).check()
    assert [request.path for request in double.requests] == ["/v1/models"]
    assert report.text == "knows the key, and has stt-rt-v4"
    assert report.wall is not None and report.wall > 1_700_000_000


async def test_getting_ready_asks_where_calls_listen() -> None:
    async with SonioxDouble().running() as double:
        await double.pointed(SonioxSTT()).warm()
    assert [(request.method, request.path) for request in double.requests] == [("HEAD", "/")]


async def test_a_check_says_when_the_key_is_refused() -> None:
    async with SonioxDouble().running() as double:
        stranger = attrs.evolve(double.pointed(SonioxSTT()), api_key="secret-stranger")
        with pytest.raises(AuthenticationError) as raised:
            await stranger.check()
    assert "SONIOX_API_KEY" in raised.value.fix
    assert "stranger" not in str(raised.value)


async def test_a_check_finds_a_model_that_is_not_there() -> None:
    async with SonioxDouble().running() as double:
        with pytest.raises(PatterConfigError, match="no real-time model 'parrot'") as raised:
            await double.pointed(SonioxSTT(model="parrot")).check()
    assert "stt-rt-v5" in raised.value.fix


@pytest.mark.parametrize(
    ("status", "code"), [(402, ErrorCode.AUTH), (429, ErrorCode.RATE_LIMIT), (500, "CONNECTION")]
)
async def test_a_check_means_what_a_call_would_meet(status: int, code: str) -> None:
    async with SonioxDouble(faults=VendorFaults(status=status)).running() as double:
        with pytest.raises(PatterError) as raised:
            await double.pointed(SonioxSTT()).check()
    assert raised.value.code == code


async def test_a_vendor_that_takes_a_call_and_never_answers_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("requests", "sockets"):
        monkeypatch.setattr(f"patter.vendors.{module}.CONNECT_S", 0.05)
    async with SonioxDouble(faults=VendorFaults(silent=True)).running() as double:
        provider = double.pointed(SonioxSTT())
        for work in (provider.check(), provider.open(CALL, MULAW_8K).__aenter__()):
            with pytest.raises(PatterError) as raised:
                await work
            assert raised.value.code is ErrorCode.TIMEOUT


async def test_the_key_is_in_the_handshake_and_nowhere_else() -> None:
    ears = SonioxSTT(**FULL)
    async with (
        SonioxDouble().running() as double,
        double.pointed(ears).open(CALL, MULAW_8K) as session,
    ):
        await session.send(MULAW_8K.silence * 160)
        await session.finalize()
        async for _ in session:
            break
    (asked,) = double.requests
    assert asked.headers["Authorization"] == f"Bearer {KEY}" and not asked.query
    assert KEY not in str(double.starts)


def test_an_hour_costs_what_soniox_says() -> None:
    def usd(model: str) -> float | None:
        return cost(
            [Usage(kind="stt", provider="soniox", model=model, unit="minutes", amount=60.0)], PRICES
        ).usd

    assert usd("stt-rt-v4") == usd("stt-rt-v5") == 0.12
    assert usd("stt-rt-v9") is None
