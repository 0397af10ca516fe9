"""The settings: keys, spec strings, what reaches the wire, and what AssemblyAI would refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest
from aiohttp import web

from patter import PluginRegistry
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import AuthenticationError, ErrorCode, PatterConfigError
from patter.observe.events import Usage
from patter.observe.pricing import cost
from patter.plugins.kinds import STT_KIND
from patter.providers.stt import STTTraits
from patter_assemblyai import AssemblyAISTT
from patter_assemblyai._options import LIVE, LiveOptions, update
from patter_assemblyai._prices import PRICES
from patter_assemblyai.double import AssemblyAIDouble
from patter_testing.doubles.vendor_double import KEY, VendorFaults, VendorRequest
from patter_testing.talking import CALL, failure

from .sdk import build_uri, models

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "exported-key")


def test_a_missing_key_names_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSEMBLYAI_API_KEY")
    with pytest.raises(PatterConfigError) as raised:
        AssemblyAISTT()
    assert raised.value.fix == "export ASSEMBLYAI_API_KEY, or AssemblyAISTT(api_key=...)"


def test_a_key_is_as_given_else_as_exported_and_never_printed() -> None:
    assert AssemblyAISTT().api_key == "exported-key"
    assert AssemblyAISTT(api_key="given-key").api_key == "given-key"
    assert "exported" not in repr(AssemblyAISTT())


def test_a_key_goes_nowhere_in_clear() -> None:
    with pytest.raises(PatterConfigError, match="neither https nor on this machine"):
        AssemblyAISTT(base_url="http://streaming.assemblyai.com")
    europe = AssemblyAISTT(base_url="https://streaming.eu.assemblyai.com/")
    assert europe.hosts == ("streaming.eu.assemblyai.com",)


def test_every_option_is_in_the_readme() -> None:
    for field in attrs.fields(AssemblyAISTT):
        assert not field.init or f"`{field.name}`" in README, field.name


def test_the_defaults_are_these() -> None:
    ears = AssemblyAISTT()
    assert (ears.model, ears.finalize_ms, ears.turn_detection, ears.use_query_token) == (
        "universal-streaming-english", 700, True, False,
    )  # fmt: skip
    assert ears.accepts[0] == MULAW_8K


def test_a_spec_string_says_everything_as_text() -> None:
    ears: Any = PluginRegistry().resolve(
        STT_KIND,
        "assemblyai/u3-rt-pro?min_turn_silence=200&format_turns=false&turn_detection=no"
        "&keyterms_prompt=basil,%20sea%20bass&language_codes=en-US,de&finalize_ms=800"
        "&voice_focus=near-field&voice_focus_threshold=0.5&use_query_token=yes",
    )
    assert ears == AssemblyAISTT(
        model="u3-rt-pro",
        min_turn_silence=200,
        format_turns=False,
        turn_detection=False,
        keyterms_prompt=("basil", "sea bass"),
        language_codes=("en", "de"),
        finalize_ms=800,
        voice_focus="near-field",
        voice_focus_threshold=0.5,
        use_query_token=True,
    )


def test_traits_are_told_before_a_call() -> None:
    traits = STTTraits.of(AssemblyAISTT())
    assert (traits.endpoints, traits.hears_voice, traits.chunk_ms) == (True, True, 60)
    assert (traits.model, traits.hosts) == (
        "universal-streaming-english", ("streaming.assemblyai.com",),
    )  # fmt: skip
    assert not STTTraits.of(AssemblyAISTT(turn_detection=False)).endpoints


PRO: dict[str, Any] = {"model": "u3-rt-pro"}


@pytest.mark.parametrize(
    "bad",
    [
        {"model": ""},
        {"prompt": "an order"},
        {"agent_context": "Hi?"},
        {"language_codes": "en"},
        {"mode": "balanced"},
        {"voice_focus": "near-field"},
        {"continuous_partials": False},
        {"interruption_delay": 0},
        {"acknowledge_silence": True},
        {"model": "whisper-rt", "prompt": "an order"},
        {**PRO, "agent_context": "x" * 1_751},
        {**PRO, "language_codes": [f"{a}{b}" for a in "abcd" for b in "xyz"]},
        {**PRO, "language_codes": ["multi", "en"]},
        {**PRO, "language": "en", "language_codes": ["de"]},
        {**PRO, "voice_focus_threshold": 0.5},
        {**PRO, "voice_focus": "far"},
        {**PRO, "mode": "fast"},
        {**PRO, "interruption_delay": 1_001},
        {"language": "de"},
        {"model": "universal-streaming-multilingual", "language": "ja"},
        {"max_speakers": 2},
        {"redact_pii_policies": ["date"]},
        {"redact_pii_sub": "hash", "redact_pii": False},
        {"min_turn_silence": 500, "max_turn_silence": 400},
        {"min_turn_silence": 0.5},
        {"end_of_turn_confidence_threshold": 1.1},
        {"vad_threshold": -0.1},
        {"format_turns": "perhaps"},
        {"turn_detection": None},
        {"keyterms_prompt": ["x"] * 101},
        {"keyterms_prompt": ["x" * 51]},
        {"domain": "legal"},
        {"inactivity_timeout": 4},
        {"finalize_ms": 0},
    ],
)
def test_what_assemblyai_would_refuse_is_refused_at_once(bad: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as raised:
        AssemblyAISTT(**bad)
    assert raised.value.fix


@pytest.mark.parametrize(
    "good",
    [
        {"language": "en-GB"},
        {"model": "universal-streaming-multilingual", "language": "pt_BR"},
        {"model": "whisper-rt", "language": "ja"},
        {"language_codes": ()},
        {**PRO, "agent_context": "x" * 1_750},
        {"min_turn_silence": 400, "max_turn_silence": 400},
        {"model": "a-model-of-tomorrow", "prompt": "an order"},
    ],
)
def test_what_fits_is_taken(good: dict[str, Any]) -> None:
    assert AssemblyAISTT(**good)


# --- what reaches the wire

STREAMING: dict[str, Any] = {
    "model": "universal-streaming-multilingual",
    "language": "de",
    "language_detection": True,
    "end_of_turn_confidence_threshold": 0.7,
    "min_turn_silence": 300,
    "max_turn_silence": 900,
    "format_turns": True,
    "vad_threshold": 0.3,
    "keyterms_prompt": ("basil", "sea, bass"),
    "domain": "medical-v1",
    "speaker_labels": True,
    "max_speakers": 2,
    "filter_profanity": True,
    "redact_pii": True,
    "redact_pii_policies": ("date", "person_name"),
    "redact_pii_sub": "hash",
    "session_heartbeat": True,
    "turn_left_pad_ms": 100,
    "inactivity_timeout": 60,
}
STREAMING_WIRE = {
    "speech_model": "universal-streaming-multilingual",
    "encoding": "pcm_mulaw",
    "sample_rate": "8000",
    "language_detection": "true",
    "end_of_turn_confidence_threshold": "0.7",
    "min_turn_silence": "300",
    "max_turn_silence": "900",
    "format_turns": "true",
    "vad_threshold": "0.3",
    "keyterms_prompt": '["basil","sea, bass"]',
    "domain": "medical-v1",
    "speaker_labels": "true",
    "max_speakers": "2",
    "filter_profanity": "true",
    "redact_pii": "true",
    "redact_pii_policies": '["date","person_name"]',
    "redact_pii_sub": "hash",
    "session_heartbeat": "true",
    "turn_left_pad_ms": "100",
    "inactivity_timeout": "60",
}
UNIVERSAL_3: dict[str, Any] = {
    "model": "universal-3-6-pro",
    "language_codes": ("en", "es"),
    "prompt": "an order of a pizza",
    "agent_context": "Which size?",
    "mode": "min_latency",
    "voice_focus": "near-field",
    "voice_focus_threshold": 0.5,
    "continuous_partials": False,
    "interruption_delay": 250,
    "acknowledge_silence": True,
}
UNIVERSAL_3_WIRE = {
    "speech_model": "universal-3-6-pro",
    "encoding": "pcm_mulaw",
    "sample_rate": "8000",
    "language_codes": '["en","es"]',
    "prompt": "an order of a pizza",
    "agent_context": "Which size?",
    "mode": "min_latency",
    "voice_focus": "near-field",
    "voice_focus_threshold": "0.5",
    "continuous_partials": "false",
    "interruption_delay": "250",
    "acknowledge_silence": "true",
}
FULL = ((STREAMING, STREAMING_WIRE), (UNIVERSAL_3, UNIVERSAL_3_WIRE))


async def handshake(ears: AssemblyAISTT) -> VendorRequest:
    """What a session of *ears* asks for."""
    async with (
        AssemblyAIDouble().running() as double,
        double.pointed(ears).open(CALL, MULAW_8K),
    ):
        (request,) = double.requests
        return request


@pytest.mark.parametrize(("options", "wire"), FULL)
async def test_every_option_reaches_the_wire(options: dict[str, Any], wire: dict[str, str]) -> None:
    request = await handshake(AssemblyAISTT(**options))
    assert dict(request.query) == wire
    assert request.headers["Authorization"] == KEY
    assert request.headers["AssemblyAI-Version"] == "2025-05-12"
    assert KEY not in json.dumps(wire)


@pytest.mark.parametrize(("options", "wire"), FULL)
def test_what_is_asked_for_is_what_the_sdk_asks_for(
    options: dict[str, Any], wire: dict[str, str]
) -> None:
    lists = {"keyterms_prompt", "language_codes", "redact_pii_policies"}
    read: Any = {
        name: json.loads(value) if name in lists else value for name, value in wire.items()
    }
    theirs = models.RealTimeParameters(**read)
    assert theirs.model_fields_set == set(wire)
    query = dict(parse_qsl(urlsplit(build_uri("h", theirs)).query))
    assert {name: plain(value) for name, value in query.items()} == {
        name: plain(value) for name, value in wire.items()
    }


def plain(value: str) -> str:
    """*value* without what differs between writers of JSON, and of Python's truth."""
    return value.replace(", ", ",").lower()


def test_no_option_is_forgotten_here() -> None:
    ours = {"api_key", "base_url", "finalize_ms", "turn_detection", "use_query_token"}
    settable = {field.name for field in attrs.fields(AssemblyAISTT) if field.init}
    assert settable - ours == set(STREAMING) | set(UNIVERSAL_3)


async def test_what_is_not_set_is_left_to_assemblyai() -> None:
    request = await handshake(AssemblyAISTT())
    assert set(request.query) == {"speech_model", "encoding", "sample_rate"}


async def test_a_language_steers_universal_3_and_nothing_else() -> None:
    request = await handshake(AssemblyAISTT(model="u3-rt-pro", language="pt-BR"))
    assert request.query["language_codes"] == '["pt"]'


async def test_the_format_is_the_calls() -> None:
    async with (
        AssemblyAIDouble().running() as double,
        double.pointed(AssemblyAISTT()).open(CALL, PCM16_16K),
    ):
        query = double.requests[0].query
    assert (query["encoding"], query["sample_rate"]) == ("pcm_s16le", "16000")


def test_what_changes_on_a_call_is_what_the_sdk_can_change() -> None:
    values = {name: getattr(AssemblyAISTT(**UNIVERSAL_3), name) for name in LIVE}
    message = json.loads(update(AssemblyAISTT(**UNIVERSAL_3), LIVE))
    theirs = models.UpdateConfiguration(**message)
    assert theirs.model_fields_set == {*LiveOptions.__annotations__, "type"}
    assert message.pop("type") == "UpdateConfiguration"
    assert message == json.loads(json.dumps(values))
    deprecated = {"min_end_of_turn_silence_when_confident"}
    assert set(LIVE) == set(models.RealTimeSessionParameters.model_fields) - deprecated


# --- trying them out


async def test_a_check_is_free_and_tells_the_time() -> None:
    async with AssemblyAIDouble().running() as double:
        report = await double.pointed(AssemblyAISTT()).check()
        await double.pointed(AssemblyAISTT()).warm()
    assert [request.path for request in double.requests] == ["/v3/token", "/"]
    assert report.wall is not None and report.wall > 1_700_000_000
    assert report.text == "knows the key", "the token is not told"


async def test_a_check_says_when_the_key_is_refused() -> None:
    async with AssemblyAIDouble().running() as double:
        stranger = attrs.evolve(double.pointed(AssemblyAISTT()), api_key="secret-stranger")
        with pytest.raises(AuthenticationError) as raised:
            await stranger.check()
    assert "ASSEMBLYAI_API_KEY" in raised.value.fix
    assert "stranger" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "code"), [(402, ErrorCode.AUTH), (429, ErrorCode.RATE_LIMIT), (500, "CONNECTION")]
)
async def test_a_check_means_what_a_call_would_meet(status: int, code: str) -> None:
    async with AssemblyAIDouble(faults=VendorFaults(status=status)).running() as double:
        ears = double.pointed(AssemblyAISTT(use_query_token=True))
        assert (await failure(ears.check())).code == code
        assert (await failure(ears.open(CALL, MULAW_8K).__aenter__())).code == code


async def test_a_vendor_that_takes_a_call_and_never_answers_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("requests", "sockets"):
        monkeypatch.setattr(f"patter.vendors.{module}.CONNECT_S", 0.05)
    async with AssemblyAIDouble(faults=VendorFaults(silent=True)).running() as double:
        ears = double.pointed(AssemblyAISTT())
        for work in (ears.check(), ears.warm(), ears.open(CALL, MULAW_8K).__aenter__()):
            assert (await failure(work)).code is ErrorCode.TIMEOUT


async def test_a_refusal_that_repeats_the_key_does_not_tell_it() -> None:
    refuses = (1008, "Unauthorized Connection: hunter2 is unknown")
    double = AssemblyAIDouble(key="hunter2", refuses=refuses)
    async with double.running():
        error = await failure(double.pointed(AssemblyAISTT()).open(CALL, MULAW_8K).__aenter__())
    assert "... is unknown" in error.message and "hunter2" not in str(error)


async def test_a_socket_that_closes_with_the_key_does_not_tell_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def gossip(self: AssemblyAIDouble, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close(code=4001, message=self.key.encode())
        return socket

    monkeypatch.setattr(AssemblyAIDouble, "_listen", gossip)
    async with AssemblyAIDouble(key="hunter2").running() as double:
        error = await failure(double.pointed(AssemblyAISTT()).open(CALL, MULAW_8K).__aenter__())
    assert error.code is ErrorCode.AUTH and "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("universal-streaming-english", 0.15),
        ("universal-streaming-multilingual", 0.15),
        ("u3-rt-pro", 0.45),
        ("universal-3-6-pro", 0.45),
        ("whisper-rt", None),
    ],
)
def test_an_hour_costs_what_is_listed(model: str, usd: float | None) -> None:
    usage = Usage(kind="stt", provider="assemblyai", model=model, unit="minutes", amount=60)
    assert cost([usage], PRICES).usd == usd
