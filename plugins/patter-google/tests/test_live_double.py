"""The double refuses what Google refuses, with its codes and its words, and does nothing else."""

from __future__ import annotations

import base64
from typing import Any

import aiohttp
import pytest

from patter.providers.llm import ToolRequest
from patter_google.double import GoogleDouble, LiveScript

from .live_lab import MIDDLE, OLD, client, voice

ROW = {"role": "user", "parts": [{"text": "Hi."}]}
ASK = {"turns": [ROW], "turnComplete": True}
BY_HAND = {"automaticActivityDetection": {"disabled": True}}
BOOK = {"functionDeclarations": [{"name": "book", "behavior": "NON_BLOCKING"}]}
BLOCKING = {"functionDeclarations": [{"name": "book", "behavior": "BLOCKING"}]}
WANT = ToolRequest("call-1", "book", "{}")


def sound(ms: int, pause_ms: int = 0, mime: str = "audio/pcm;rate=16000") -> dict[str, Any]:
    return {"audio": {"data": base64.b64encode(voice(ms, pause_ms)).decode(), "mimeType": mime}}


SETUPS: list[tuple[str, dict[str, Any], int, str]] = [
    ("gemini-2.5-flash", {}, 1008, "not found for API version v1beta"),
    ("gemini-3.8-live", {"voice": "Puck"}, 1007, "Unknown name \"voice\" at 'setup'"),
    ("gemini-3.8-live", {"generationConfig": {"stop": 1}}, 1007, 'Unknown name "stop"'),
    ("gemini-3.8-live", {"generationConfig": {"responseModalities": ["TEXT"]}}, 1007, "non-audio"),
    ("gemini-3.8-live", {"generationConfig": {"temperature": 3}}, 1007, "invalid argument"),
    (
        "gemini-3.8-live",
        {
            "generationConfig": {
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Bob"}}}
            }
        },
        1007,
        "'Bob' is not available",
    ),
    (
        "gemini-3.8-live",
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}},
        1007,
        "invalid argument",
    ),
    (OLD, {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}, 1007, "invalid"),
    (MIDDLE, {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, 1007, "invalid"),
    (OLD, {"generationConfig": {"enableAffectiveDialog": True}}, 1007, "enableAffectiveDialog"),
    (OLD, {"proactivity": {"proactiveAudio": True}}, 1007, "proactivity"),
    ("gemini-3.8-live", {"proactivity": {"proactiveAudio": False}}, 1007, "turned off"),
    ("gemini-3.8-live", {"explicitVadSignal": True}, 1007, "explicitVadSignal"),
    ("gemini-3.8-live", {"sessionResumption": {"transparent": True}}, 1007, "transparent"),
    ("gemini-3.8-live", {"sessionResumption": {"handle": "old"}}, 1007, "invalid argument"),
    (
        "gemini-3.8-live",
        {"realtimeInputConfig": {"activityHandling": "INTERRUPTS"}},
        1007,
        "activityHandling",
    ),
    (
        "gemini-3.8-live",
        {"contextWindowCompression": {"slidingWindow": {"targetTokens": 1 << 20}}},
        1007,
        "invalid argument",
    ),
    (MIDDLE, {"tools": [BOOK]}, 1007, "invalid argument"),
    (
        "gemini-3.8-live",
        {"tools": [{"functionDeclarations": [{"name": "9"}]}]},
        1007,
        "Invalid function name",
    ),
    ("gemini-3.8-live", {"systemInstruction": {"parts": [{}]}}, 1007, "data"),
]


@pytest.mark.parametrize(("model", "setup", "code", "words"), SETUPS)
async def test_a_setup_is_refused(model: str, setup: dict[str, Any], code: int, words: str) -> None:
    async with client() as vendor:
        await vendor.says(setup={"model": f"models/{model}", **setup})
        found, reason = await vendor.closes()
    assert found == code and words in reason


MESSAGES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"setup": {"model": "models/gemini-3.8-live"}}, "first message"),
    ({}, {"clientContent": ASK, "realtimeInput": {"text": "a"}}, "oneof"),
    ({}, {}, "oneof"),
    ({}, {"speak": {}}, 'Unknown name "speak"'),
    ({}, {"clientContent": {"turns": [{"role": "agent", "parts": [{"text": "a"}]}]}}, "role"),
    ({}, {"clientContent": {"turns": [{"role": "user", "parts": []}]}}, "not be empty"),
    ({}, {"clientContent": {"turnComplete": True}}, "No turn to complete"),
    ({}, {"realtimeInput": {"text": "a", "audioStreamEnd": True}}, "invalid argument"),
    ({}, {"realtimeInput": sound(20, mime="audio/mulaw")}, "Unsupported mime type"),
    ({}, {"realtimeInput": {"audio": {"data": "*", "mimeType": "audio/pcm"}}}, "TYPE_BYTES"),
    ({}, {"realtimeInput": {"activityStart": {}}}, "Explicit activity control"),
    ({"realtimeInputConfig": BY_HAND}, {"realtimeInput": {"activityEnd": {}}}, "invalid"),
    ({"realtimeInputConfig": BY_HAND}, {"realtimeInput": {"audioStreamEnd": True}}, "invalid"),
    (
        {},
        {"toolResponse": {"functionResponses": [{"id": "x", "name": "a", "response": {}}]}},
        "invalid argument",
    ),
    ({}, {"toolResponse": {"functionResponses": [{"name": "a", "response": {}}]}}, "invalid"),
    (
        {"historyConfig": {"initialHistoryInClientContent": True}},
        {"realtimeInput": {"text": "a"}},
        "invalid argument",
    ),
]


@pytest.mark.parametrize(("setup", "message", "words"), MESSAGES)
async def test_a_message_is_refused(
    setup: dict[str, Any], message: dict[str, Any], words: str
) -> None:
    async with client() as vendor:
        await vendor.begins(**setup)
        await vendor.says(**message)
        code, reason = await vendor.closes()
    assert code == 1007 and words in reason


async def test_nothing_comes_before_the_setup() -> None:
    async with client() as vendor:
        await vendor.says(clientContent=ASK)
        assert (await vendor.closes())[0] == 1007


async def test_what_is_no_json_ends_the_session() -> None:
    async with client() as vendor:
        await vendor.begins()
        await vendor.socket.send_str("{")
        assert (await vendor.closes())[1].startswith("Invalid JSON payload")


async def test_a_wrong_key_opens_the_socket_and_is_told_then() -> None:
    async with client(key="magpie") as vendor:
        await vendor.says(setup={"model": "models/gemini-3.8-live"})
        code, reason = await vendor.closes()
    assert (code, reason) == (1007, "API key not valid. Please pass a valid API key.")


async def test_the_cloud_refuses_the_handshake_without_a_token() -> None:
    async with GoogleDouble().running() as double, aiohttp.ClientSession() as http:
        path = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(double.url + path, headers={"Authorization": "Bearer no"})
    assert refused.value.status == 401


async def test_older_models_take_no_updates() -> None:
    async with client() as vendor:
        await vendor.begins(model=OLD)
        await vendor.says(contextUpdate={"systemInstruction": {"parts": [{"text": "a"}]}})
        assert (await vendor.closes())[0] == 1007


async def test_names_may_be_written_with_underscores() -> None:
    async with client() as vendor:
        await vendor.says(
            setup={
                "model": "models/gemini-3.8-live",
                "system_instruction": {"parts": [{"text": "a"}]},
            }
        )
        await vendor.hears("setupComplete")
        await vendor.says(client_content={"turns": [ROW], "turn_complete": True})
        await vendor.hears("usageMetadata")


async def test_any_rate_of_audio_is_heard() -> None:
    async with client(hears=["hello"]) as vendor:
        await vendor.begins(inputAudioTranscription={})
        for piece in (sound(800, 1_200, "audio/pcm;rate=8000"),):
            piece["audio"]["data"] = base64.b64encode(voice(400, 700)[::1]).decode()
            await vendor.says(realtimeInput=piece)
        heard = await vendor.hears("serverContent", lambda content: "inputTranscription" in content)
    assert heard["inputTranscription"]["text"] == "hello"


async def test_rows_alone_do_not_make_the_middle_family_answer() -> None:
    async with client() as vendor:
        await vendor.begins(model=MIDDLE)
        await vendor.says(clientContent=ASK)
        with pytest.raises(TimeoutError):
            await vendor.socket.receive(timeout=0.1)
        await vendor.says(realtimeInput={"text": " "})
        await vendor.hears("usageMetadata")


async def test_a_row_stops_the_answer_that_goes_on() -> None:
    async with client(lingers=True) as vendor:
        await vendor.begins()
        await vendor.says(clientContent=ASK)
        await vendor.hears("serverContent", lambda content: "modelTurn" in content)
        await vendor.says(clientContent={"turns": [ROW]})
        await vendor.hears("serverContent", lambda content: "interrupted" in content)
        await vendor.hears("serverContent", lambda content: "turnComplete" in content)
        with pytest.raises(TimeoutError):
            while True:
                await vendor.socket.receive(timeout=0.1)
    kinds = [name for body in vendor.log for name in body.get("serverContent", {})]
    assert "generationComplete" not in kinds


async def test_a_blocking_call_is_no_complete_turn_and_a_voice_takes_it_back() -> None:
    script = LiveScript(calls=[WANT])
    double = GoogleDouble(live=script)
    async with client(double) as vendor:
        await vendor.begins(tools=[BLOCKING])
        await vendor.says(clientContent=ASK)
        call = (await vendor.hears("toolCall"))["functionCalls"][0]
        await double.hear("never mind")
        assert await vendor.hears("toolCallCancellation") == {"ids": [call["id"]]}
        assert not any("usageMetadata" in body for body in vendor.log)
        late = {"id": call["id"], "name": "book", "response": {}}
        await vendor.says(toolResponse={"functionResponses": [late]})
        await vendor.hears("usageMetadata")
    assert not any(row.role == "tool" for row in script.rows)


async def test_a_call_beside_the_model_completes_the_turn_and_waits_for_action() -> None:
    async with client(calls=[WANT]) as vendor:
        await vendor.begins(tools=[BOOK])
        await vendor.says(clientContent=ASK)
        call = (await vendor.hears("toolCall"))["functionCalls"][0]
        content = await vendor.hears("serverContent", lambda each: "turnComplete" in each)
        assert content["interactionStatus"] == "REQUIRES_ACTION"
        quiet = {"id": call["id"], "name": "book", "response": {}, "scheduling": "SILENT"}
        await vendor.says(toolResponse={"functionResponses": [quiet]})
        with pytest.raises(TimeoutError):
            await vendor.socket.receive(timeout=0.1)


async def test_a_connection_ends_as_it_was_told() -> None:
    async with client(connection_s=0.2, warning_s=0.1) as vendor:
        await vendor.begins()
        assert await vendor.hears("goAway") == {"timeLeft": "0.1s"}
        assert await vendor.closes() == (1000, "The operation was cancelled.")
