"""The settings: keys, spec strings, what reaches the wire, and what Cartesia would refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web

from patter import PatterError, PluginRegistry
from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_16K, AudioFormat, Encoding
from patter.errors import AuthenticationError, ErrorCode, PatterConfigError
from patter.observe.events import Usage
from patter.observe.pricing import cost
from patter.plugins.kinds import STT_KIND, TTS_KIND
from patter.providers.stt import STTTraits
from patter.providers.traits import ProviderTraits
from patter.vendors import requests, sockets
from patter_cartesia import CartesiaSTT, CartesiaTTS, CartesiaTurnsSTT
from patter_cartesia._prices import PRICES
from patter_cartesia.double import CartesiaDouble
from patter_testing.doubles.vendor_double import KEY, VendorFaults, VendorRequest
from patter_testing.talking import CALL, begin, eventually, failure, say

from .sdk import (
    AsyncCartesia,
    AutoFinalizeWebsocketParams,
    CancelContextRequest,
    GenerationRequestParam,
    ManualFinalizeWebsocketParams,
    STTAutoFinalizeWebsocketRequestParam,
    STTManualFinalizeWebsocketRequest,
    fits,
)

ALL: tuple[Any, ...] = (CartesiaSTT, CartesiaTurnsSTT, CartesiaTTS)
README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
each = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARTESIA_API_KEY", "exported-key")


@each
def test_a_missing_key_names_both_ways(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARTESIA_API_KEY")
    with pytest.raises(PatterConfigError) as raised:
        cls()
    assert raised.value.fix == f"export CARTESIA_API_KEY, or {cls.__name__}(api_key=...)"


@each
def test_a_key_is_as_given_else_as_exported_and_never_printed(cls: Any) -> None:
    assert cls().api_key == "exported-key"
    assert cls(api_key="given-key").api_key == "given-key"
    assert "exported" not in repr(cls()) + repr(cls().account)


@each
def test_a_key_goes_nowhere_in_clear(cls: Any) -> None:
    with pytest.raises(PatterConfigError, match="neither https nor on this machine"):
        cls(base_url="http://api.cartesia.ai")
    assert cls().hosts == ("api.cartesia.ai",)
    assert cls(base_url="https://eu.cartesia.example/").hosts == ("eu.cartesia.example",)


@each
def test_every_option_is_in_the_readme(cls: Any) -> None:
    for field in attrs.fields(cls):
        assert not field.init or f"`{field.name}`" in README, field.name


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        (STT_KIND, "cartesia", CartesiaSTT),
        (STT_KIND, "cartesia/ink-2", CartesiaSTT),
        (STT_KIND, "cartesia-turns", CartesiaTurnsSTT),
        (STT_KIND, "cartesia-turns/ink-2?turn_end_threshold=0.1", CartesiaTurnsSTT),
        (TTS_KIND, "cartesia", CartesiaTTS),
        (TTS_KIND, "cartesia/sonic-3.5", CartesiaTTS),
    ],
)
def test_the_name_in_a_spec_string_chooses(kind: Any, spec: str, expected: type) -> None:
    assert type(PluginRegistry().resolve(kind, spec)) is expected


def test_a_spec_string_says_everything_as_text() -> None:
    ears: Any = PluginRegistry().resolve(
        STT_KIND,
        "cartesia/ink-whisper?language=de&keyterms=basil,%20sea%20bass&min_volume=0.1"
        "&max_silence_duration_secs=0.5&finalize_ms=800&encoding=pcm_s16le&sample_rate=16000",
    )
    assert ears == CartesiaSTT(
        language="de",
        keyterms=("basil", "sea bass"),
        min_volume=0.1,
        max_silence_duration_secs=0.5,
        finalize_ms=800,
        encoding="pcm_s16le",
        sample_rate=16_000,
    )
    voice: Any = PluginRegistry().resolve(
        TTS_KIND, "cartesia?voice=v&speed=1.1&word_timestamps=no&max_buffer_delay_ms=200"
    )
    assert voice == CartesiaTTS(
        voice="v", speed=1.1, word_timestamps=False, max_buffer_delay_ms=200
    )


def test_traits_are_told_before_a_call() -> None:
    assert STTTraits.of(CartesiaTurnsSTT()).endpoints
    assert STTTraits.of(CartesiaTurnsSTT()).hears_voice
    assert not STTTraits.of(CartesiaSTT()).endpoints
    assert STTTraits.of(CartesiaSTT()).model == "ink-whisper"
    assert ProviderTraits.of(CartesiaTTS()).model == "sonic-3"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, MULAW_8K),
        ({"encoding": "pcm_alaw"}, ALAW_8K),
        ({"encoding": "pcm_s16le"}, PCM16_16K),
        ({"sample_rate": 16_000}, PCM16_16K),
        ({"sample_rate": 44_100}, AudioFormat(Encoding.PCM16, 44_100)),
        ({"encoding": "pcm_s16le", "sample_rate": 48_000}, AudioFormat(Encoding.PCM16, 48_000)),
    ],
)
def test_formats_are_those_of_telephones_unless_narrowed(
    options: dict[str, Any], expected: AudioFormat
) -> None:
    assert CartesiaTTS(**options).produces[0] == expected
    assert CartesiaSTT(**options).accepts == CartesiaTurnsSTT(**options).accepts
    assert CartesiaSTT(**options).accepts[0] == expected
    assert not options or set(CartesiaTTS(**options).produces) < {*CartesiaTTS().produces, expected}


@pytest.mark.parametrize(
    ("cls", "bad"),
    [
        (CartesiaSTT, {"keyterms": ["a"] * 101}),
        (CartesiaSTT, {"keyterms": ["a" * 601, "b" * 600]}),
        (CartesiaSTT, {"model": "ink-2", "min_volume": 0.1}),
        (CartesiaSTT, {"model": "ink-2", "max_silence_duration_secs": 1}),
        (CartesiaSTT, {"model": "ink-2", "language": "de"}),
        (CartesiaSTT, {"encoding": "opus"}),
        (CartesiaSTT, {"sample_rate": 11_025}),
        (CartesiaSTT, {"sample_rate": "fast"}),
        (CartesiaSTT, {"api_version": "latest"}),
        (CartesiaSTT, {"finalize_ms": 0}),
        (CartesiaTurnsSTT, {"turn_start_threshold": 0.95}),
        (CartesiaTurnsSTT, {"turn_end_timeout_ms": 600}),
        (CartesiaTurnsSTT, {"turn_eager_end_threshold": 0.55, "turn_start_threshold": 0.5}),
        (CartesiaTurnsSTT, {"turn_end_threshold": 0.4}),
        (CartesiaTurnsSTT, {"turn_end_threshold": 0.35, "turn_eager_end_threshold": 0.3}),
        (CartesiaTurnsSTT, {"keyterms": ["a"] * 101}),
        (CartesiaTTS, {"speed": 1.6}),
        (CartesiaTTS, {"volume": 0.4}),
        (CartesiaTTS, {"voice": ""}),
        (CartesiaTTS, {"max_buffer_delay_ms": 5_001}),
        (CartesiaTTS, {"max_buffer_delay_ms": 0.5}),
        (CartesiaTTS, {"word_timestamps": "perhaps"}),
        (CartesiaTTS, {"model": "sonic-2", "emotion": "calm"}),
    ],
)
def test_what_cartesia_would_refuse_is_refused_at_once(cls: Any, bad: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as raised:
        cls(**bad)
    assert raised.value.fix


# --- what reaches the wire

INK = {
    "model": "ink-whisper-2025-06-04",
    "language": "de",
    "keyterms": ("basil", "sea bass"),
    "min_volume": 0.1,
    "max_silence_duration_secs": 0.4,
}
INK_WIRE = {
    "model": ["ink-whisper-2025-06-04"],
    "encoding": ["pcm_mulaw"],
    "sample_rate": ["8000"],
    "language": ["de"],
    "keyterm": ["basil", "sea bass"],
    "min_volume": ["0.1"],
    "max_silence_duration_secs": ["0.4"],
}
TURNS = {
    "model": "ink-2",
    "keyterms": ("basil",),
    "turn_start_threshold": 0.7,
    "turn_eager_end_threshold": 0.5,
    "turn_end_threshold": 0.3,
    "turn_end_timeout_ms": 3_000,
}
TURNS_WIRE = {
    "model": ["ink-2"],
    "encoding": ["pcm_mulaw"],
    "sample_rate": ["8000"],
    "keyterm": ["basil"],
    "turn_start_threshold": ["0.7"],
    "turn_eager_end_threshold": ["0.5"],
    "turn_end_threshold": ["0.3"],
    "turn_end_timeout_ms": ["3000.0"],
}
SONIC: dict[str, Any] = {
    "model": "sonic-3.5",
    "voice": "v1",
    "language": "de",
    "speed": 1.2,
    "volume": 0.8,
    "emotion": "calm",
    "pronunciation_dict_id": "d1",
    "max_buffer_delay_ms": 100,
    "word_timestamps": True,
}
SONIC_WIRE = {
    "model_id": "sonic-3.5",
    "voice": {"mode": "id", "id": "v1"},
    "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8_000},
    "language": "de",
    "generation_config": {"speed": 1.2, "volume": 0.8, "emotion": "calm"},
    "pronunciation_dict_id": "d1",
    "max_buffer_delay_ms": 100,
    "add_timestamps": True,
}
OURS = {
    "api_key",
    "base_url",
    "api_version",
    "encoding",
    "sample_rate",
    "finalize_ms",
    "timeout_ms",
}


async def handshake(provider: Any) -> VendorRequest:
    """What a session of *provider* asks for."""
    async with (
        CartesiaDouble(voices=frozenset({"v1"})).running() as double,
        double.pointed(provider).open(CALL, MULAW_8K),
    ):
        return double.requests[0]


@pytest.mark.parametrize(
    ("cls", "options", "wire", "sdk"),
    [
        (CartesiaSTT, INK, INK_WIRE, ManualFinalizeWebsocketParams),
        (CartesiaTurnsSTT, TURNS, TURNS_WIRE, AutoFinalizeWebsocketParams),
    ],
)
async def test_every_option_of_a_recogniser_reaches_the_wire(
    cls: Any, options: dict[str, Any], wire: dict[str, list[str]], sdk: Any
) -> None:
    asked = await handshake(cls(**options, api_version="2026-03-01"))
    query: Any = asked.query
    assert {name: query.getall(name) for name in query} == wire
    assert set(wire) == set(sdk.__annotations__), "the SDK has as many, and no other"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.headers["Cartesia-Version"] == "2026-03-01"
    assert {f.name for f in attrs.fields(cls) if f.init} - OURS == set(options)


async def test_every_option_of_the_voice_reaches_the_wire() -> None:
    async with CartesiaDouble(voices=frozenset({"v1"}), pace=4).running() as double:
        voice = double.pointed(CartesiaTTS(**SONIC))
        async with voice.open(CALL, MULAW_8K) as session:
            assert await say(session, "one")
            speech = await begin(session, "one two three four five")
            await speech.aclose()
            await eventually(lambda: double.cancelled)
    bodies = [json.loads(text) for text in double.texts]
    for body in bodies:
        if "cancel" in body:
            assert fits(CancelContextRequest, body) == []
            assert set(body) <= set(CancelContextRequest.__annotations__)
            continue
        assert fits(GenerationRequestParam, body) == []
        known = {*GenerationRequestParam.__annotations__, "continue"}
        assert set(body) <= known
        assert {k: v for k, v in body.items() if k in SONIC_WIRE} == SONIC_WIRE
        assert set(body) - set(SONIC_WIRE) <= {"context_id", "transcript", "continue", "flush"}
    assert any("cancel" in body for body in bodies)
    assert {f.name for f in attrs.fields(CartesiaTTS) if f.init} - OURS == set(SONIC)


async def test_every_word_of_a_recogniser_is_one_of_the_sdk() -> None:
    async with CartesiaDouble(lines=["yes"]).running() as double:
        async with double.pointed(CartesiaSTT()).open(CALL, MULAW_8K) as session:
            await session.send(b"\xff" * 160)
            await session.finalize()
        manual, double.texts[:] = list(double.texts), []
        turns = double.pointed(CartesiaTurnsSTT())
        async with turns.open(CALL, MULAW_8K):
            await turns.configure("c1", turn_start_threshold=0.9, turn_end_timeout_ms=900)
    assert manual == ["finalize", "close"]
    for text in manual:
        assert fits(STTManualFinalizeWebsocketRequest, text) == []
    assert len(double.texts) == 2
    for text in double.texts:
        assert fits(STTAutoFinalizeWebsocketRequestParam, json.loads(text)) == []
    assert json.loads(double.texts[0]) == {
        "type": "config",
        "turn": {"start_threshold": 0.9, "end_timeout_ms": 900},
    }


async def test_what_is_left_to_cartesia_is_not_said() -> None:
    assert set((await handshake(CartesiaSTT(language=""))).query) == {
        "model", "encoding", "sample_rate",
    }  # fmt: skip
    assert set((await handshake(CartesiaTurnsSTT())).query) == {"model", "encoding", "sample_rate"}
    async with CartesiaDouble().running() as double:
        voice = double.pointed(CartesiaTTS(language=""))
        async with voice.open(CALL, MULAW_8K) as session:
            await say(session, "one")
    assert json.loads(double.texts[0])["max_buffer_delay_ms"] == 0, "sentences come whole"
    assert set(json.loads(double.texts[0])) == {
        "model_id", "voice", "output_format", "max_buffer_delay_ms", "add_timestamps",
        "context_id", "transcript", "continue",
    }  # fmt: skip


@each
def test_the_version_of_the_api_is_the_one_of_the_sdk(cls: Any) -> None:
    sdk = AsyncCartesia(api_key="k")
    assert cls().account.headers["Cartesia-Version"] == sdk.default_headers["cartesia-version"]


# --- trying them out


@each
async def test_a_check_is_free_and_tells_the_time(cls: Any) -> None:
    async with CartesiaDouble().running() as double:
        provider = double.pointed(cls())
        report = await provider.check()
        await provider.warm()
    path = f"/voices/{provider.voice}" if cls is CartesiaTTS else "/voices"
    assert {request.path for request in double.requests} == {path}
    assert report.wall is not None and report.wall > 1_700_000_000
    assert report.text == ("speaks as Double" if cls is CartesiaTTS else "knows the key")


async def test_a_check_says_when_there_is_no_such_voice() -> None:
    async with CartesiaDouble().running() as double:
        error = await failure(double.pointed(CartesiaTTS(voice="no/body")).check())
    assert error.code is ErrorCode.CONFIG and "voice" in error.fix


@each
async def test_a_check_says_when_the_key_is_refused(cls: Any) -> None:
    async with CartesiaDouble().running() as double:
        stranger = attrs.evolve(double.pointed(cls()), api_key="secret-stranger")
        with pytest.raises(AuthenticationError) as raised:
            await stranger.check()
    assert "CARTESIA_API_KEY" in raised.value.fix
    assert "stranger" not in str(raised.value)


@each
@pytest.mark.parametrize(
    ("status", "code"),
    [(402, "AUTH"), (403, "AUTH"), (404, "CONFIG"), (429, "RATE_LIMIT"), (500, "CONNECTION")],
)
async def test_a_check_and_a_call_mean_the_same(cls: Any, status: int, code: str) -> None:
    async with CartesiaDouble(faults=VendorFaults(status=status)).running() as double:
        provider = double.pointed(cls())
        for work in (provider.check(), provider.open(CALL, MULAW_8K).__aenter__()):
            error = await failure(work)
            assert error.code == code and error.fix


@each
async def test_a_socket_refused_with_400_is_a_setting_to_change(cls: Any) -> None:
    async with CartesiaDouble(faults=VendorFaults(status=400)).running() as double:
        error = await failure(double.pointed(cls()).open(CALL, MULAW_8K).__aenter__())
    assert error.code is ErrorCode.CONFIG and "model" in error.fix


@each
async def test_a_vendor_that_takes_a_call_and_never_answers_is_left(
    cls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: Any = requests.checked, sockets.vendor_socket.__wrapped__  # type: ignore[attr-defined]
    for wait, name in zip(waits, ("answer_s", "connect_s"), strict=True):
        monkeypatch.setitem(wait.__kwdefaults__, name, 0.05)
    async with CartesiaDouble(faults=VendorFaults(silent=True)).running() as double:
        provider = double.pointed(cls())
        for work in (provider.check(), provider.open(CALL, MULAW_8K).__aenter__()):
            with pytest.raises(PatterError) as raised:
                await work
            assert raised.value.code is ErrorCode.TIMEOUT


async def test_a_refusal_that_repeats_the_key_does_not_tell_it() -> None:
    class Gossip(CartesiaDouble):
        def refusal(self, status: int, reason: str = "") -> web.Response:
            return super().refusal(status, f"bad request by {self.key}")

    for status in (400, 401, 402, 429, 500):
        faults = VendorFaults(status=status)
        async with Gossip(key="hunter2", faults=faults).running() as double:
            error = await failure(double.pointed(CartesiaSTT()).check())
        assert "hunter2" not in str(error)
        assert ("bad request by ***" in str(error)) == (status != 401)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (Usage(kind="stt", provider="cartesia", model="ink-2", unit="minutes", amount=1), 0.009),
        (
            Usage(kind="stt", provider="cartesia-turns", model="ink-2", unit="minutes", amount=1),
            0.009,
        ),
        (
            Usage(kind="stt", provider="cartesia", model="ink-whisper", unit="minutes", amount=60),
            0.18,
        ),
        (
            Usage(
                kind="tts", provider="cartesia", model="sonic-3.5", unit="characters", amount=1_000
            ),
            0.05,
        ),
    ],
)
def test_prices_are_credits_of_the_smallest_plan(usage: Usage, usd: float) -> None:
    assert cost([usage], PRICES).usd == pytest.approx(usd)


def test_what_was_not_found_has_no_price() -> None:
    usage = Usage(kind="tts", provider="cartesia", model="parrot", unit="characters", amount=1)
    assert cost([usage], PRICES).usd is None
