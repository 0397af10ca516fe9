"""What can be set of a Live session, and what its models do not have."""

from __future__ import annotations

from typing import Any

import pytest

from patter import ProviderSpec
from patter.errors import PatterConfigError
from patter.providers.engine import EngineTurns, HistoryForm, TurnDetection
from patter.providers.llm import ToolSpec
from patter_google import GeminiLive

from .live_lab import CLOUD, MIDDLE, OLD, talking

BOOK = ToolSpec(
    "book", "Book a table", {"type": "object", "properties": {"people": {"type": "integer"}}}
)


WIRED: list[tuple[dict[str, Any], str, Any]] = [
    ({}, "model", "models/gemini-3.8-live"),
    (
        {**CLOUD},
        "model",
        "projects/bistro/locations/us-central1/publishers/google/models/"
        "gemini-live-2.5-flash-native-audio",
    ),
    ({}, "generationConfig.responseModalities", ["AUDIO"]),
    ({"temperature": "none"}, "generationConfig.temperature", None),
    ({}, "generationConfig.temperature", 0.8),
    ({"top_p": "0.9"}, "generationConfig.topP", 0.9),
    ({"top_k": "40"}, "generationConfig.topK", 40),
    ({"max_output_tokens": "300"}, "generationConfig.maxOutputTokens", 300),
    ({"seed": "7"}, "generationConfig.seed", 7),
    (
        {"voice": "Kore", "language": "de-DE"},
        "generationConfig.speechConfig",
        {
            "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}},
            "languageCode": "de-DE",
        },
    ),
    ({}, "generationConfig.thinkingConfig", None),
    (
        {"model": OLD, "thinking_budget": "0"},
        "generationConfig.thinkingConfig",
        {"thinkingBudget": 0},
    ),
    (
        {"model": MIDDLE, "thinking_level": "low"},
        "generationConfig.thinkingConfig",
        {"thinkingLevel": "LOW"},
    ),
    ({"model": OLD, "affective": "true"}, "generationConfig.enableAffectiveDialog", True),
    ({"model": OLD, "proactive": "true"}, "proactivity", {"proactiveAudio": True}),
    ({}, "proactivity", None),
    (
        {
            "start_sensitivity": "low",
            "end_sensitivity": "high",
            "prefix_padding_ms": "20",
            "silence_ms": "400",
        },
        "realtimeInputConfig.automaticActivityDetection",
        {
            "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
            "endOfSpeechSensitivity": "END_SENSITIVITY_HIGH",
            "prefixPaddingMs": 20,
            "silenceDurationMs": 400,
        },
    ),
    ({}, "realtimeInputConfig.activityHandling", "START_OF_ACTIVITY_INTERRUPTS"),
    ({"vendor_interrupts": "no"}, "realtimeInputConfig.activityHandling", "NO_INTERRUPTION"),
    (
        {"manual_turns": "true"},
        "realtimeInputConfig",
        {
            "automaticActivityDetection": {"disabled": True},
            "activityHandling": "NO_INTERRUPTION",
        },
    ),
    (
        {"turn_coverage": "TURN_INCLUDES_ALL_INPUT"},
        "realtimeInputConfig.turnCoverage",
        "TURN_INCLUDES_ALL_INPUT",
    ),
    ({}, "inputAudioTranscription", {}),
    ({}, "outputAudioTranscription", {}),
    (
        {"transcription_languages": "en-GB,de-DE", "vocabulary": "Barolo"},
        "inputAudioTranscription",
        {"languageCodes": ["en-GB", "de-DE"], "customVocabulary": ["Barolo"]},
    ),
    ({}, "sessionResumption", {}),
    ({}, "contextWindowCompression", {"slidingWindow": {}}),
    (
        {"trigger_tokens": "9000", "target_tokens": "4000"},
        "contextWindowCompression",
        {"triggerTokens": 9_000, "slidingWindow": {"targetTokens": 4_000}},
    ),
    ({"compression": "off"}, "contextWindowCompression", None),
    ({"safety": "OFF"}, "safetySettings.0.threshold", "OFF"),
    ({**CLOUD, "explicit_vad": "true"}, "explicitVadSignal", True),
    ({}, "explicitVadSignal", None),
    ({}, "historyConfig", None),
    ({}, "tools.0.functionDeclarations.0.behavior", "NON_BLOCKING"),
    ({"tool_behavior": "BLOCKING"}, "tools.0.functionDeclarations.0.behavior", "BLOCKING"),
    ({"model": MIDDLE}, "tools.0.functionDeclarations.0.behavior", None),
]


@pytest.mark.parametrize(("settings", "path", "value"), WIRED, ids=lambda each: str(each)[:40])
async def test_an_option_reaches_the_vendor(
    settings: dict[str, Any], path: str, value: Any
) -> None:
    async with talking(settings=settings, tools=(BOOK,)) as talk:
        at: Any = talk.setup
        for name in path.split("."):
            at = at[int(name)] if name.isdigit() else at.get(name, {} if "." in path else None)
        assert (at or None) == value or at == value


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"),
        (
            {"model": OLD, "affective": True},
            "google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent",
        ),
        (CLOUD, "google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"),
        (
            {**CLOUD, "api_version": "v1"},
            "google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent",
        ),
    ],
)
async def test_a_session_has_its_address_and_the_key_is_in_none(
    settings: dict[str, Any], path: str
) -> None:
    async with talking(settings=settings) as talk:
        (request,) = talk.double.requests
    assert (request.path, dict(request.query)) == (f"/ws/{path}", {})
    shown = request.headers.get("x-goog-api-key") or request.headers["Authorization"]
    assert shown in ("double-key", "Bearer double-key")


def test_the_cloud_has_the_address_of_its_location() -> None:
    live = GeminiLive(vertexai=True, project="bistro", location="europe-west4")
    assert live.hosts == ("europe-west4-aiplatform.googleapis.com",)
    assert GeminiLive(api_key="k").hosts == ("generativelanguage.googleapis.com",)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"temperature": 3}, "temperature"),
        ({"start_sensitivity": "medium"}, "start_sensitivity"),
        ({"turn_coverage": "ALL"}, "turn_coverage"),
        ({"tool_behavior": "ASYNC"}, "tool_behavior"),
        ({"model": MIDDLE, "tool_behavior": "NON_BLOCKING"}, "tool_behavior"),
        ({"thinking_level": "low"}, "thinking_level"),
        ({"thinking_budget": 0}, "thinking_budget"),
        ({"model": OLD, "thinking_level": "low"}, "thinking_level"),
        ({"model": MIDDLE, "thinking_budget": 9}, "thinking_budget"),
        ({"model": "gemini-9", "thinking_budget": 9, "thinking_level": "low"}, "at once"),
        ({"affective": True}, "affective"),
        ({"model": MIDDLE, "proactive": True}, "proactive"),
        ({"explicit_vad": True}, "explicit_vad"),
        ({"trigger_tokens": 10, "target_tokens": 10}, "target_tokens"),
        ({"open_s": 60}, "open_s"),
        ({"base_url": "http://api.example.com"}, "base_url"),
        ({"safety": "NEVER"}, "safety"),
    ],
)
def test_a_bad_value_is_refused_with_what_to_do(settings: dict[str, Any], names: str) -> None:
    with pytest.raises(PatterConfigError) as raised:
        GeminiLive(api_key="k", **settings)
    assert names in raised.value.message and raised.value.fix


def test_a_spec_string_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "secret-key")
    text = f"google/{OLD}?thinking_budget=0&manual_turns=true&vocabulary=Barolo,Chianti"
    live = ProviderSpec.parse(text, kind="engine").build(GeminiLive)
    assert (live.model, live.thinking_budget) == (OLD, 0)
    assert live.vocabulary == ("Barolo", "Chianti")
    assert live.can.turn_detection == (TurnDetection.MANUAL, TurnDetection.SILENCE)
    assert "secret-key" not in repr(live) and live.api_key == "secret-key"


def test_what_a_family_cannot_is_not_declared() -> None:
    latest, middle, old = (
        GeminiLive(api_key="k", model=model).can for model in ("gemini-3.8-live", MIDDLE, OLD)
    )
    assert (latest.update_tools, middle.update_tools, old.update_tools) == (True, False, False)
    assert (latest.quiet_tool_results, middle.quiet_tool_results) == (True, False)
    assert [each.history for each in (latest, middle, old)] == [
        HistoryForm.ROWS,
        HistoryForm.ROWS,
        HistoryForm.PROMPT,
    ]
    assert not GeminiLive(api_key="k", tool_behavior="BLOCKING").can.quiet_tool_results


async def test_what_the_call_wants_goes_before_what_is_set() -> None:
    turns = EngineTurns(silence_ms=900, threshold=0.8, interrupts=True)
    settings = {"silence_ms": 100, "start_sensitivity": "high", "vendor_interrupts": False}
    async with talking(settings=settings, turns=turns, voice="Aoede") as talk:
        hearing = talk.setup["realtimeInputConfig"]
        spoken = talk.setup["generationConfig"]["speechConfig"]["voiceConfig"]
    assert hearing["automaticActivityDetection"] == {
        "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
        "silenceDurationMs": 900,
    }
    assert hearing["activityHandling"] == "START_OF_ACTIVITY_INTERRUPTS"
    assert spoken == {"prebuiltVoiceConfig": {"voiceName": "Aoede"}}
