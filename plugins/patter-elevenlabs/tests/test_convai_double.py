"""The double of agents: the vendor's own client works with it, and what breaks rules is refused."""

from __future__ import annotations

import asyncio
import json
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
import pytest
from elevenlabs.client import AsyncElevenLabs, ElevenLabs
from elevenlabs.types import ConversationSignedUrlResponseModel, GetAgentResponseModel

from patter.audio.formats import MULAW_8K
from patter.providers.llm import ToolRequest
from patter_elevenlabs.double import ElevenLabsDouble
from patter_elevenlabs.double.convai_rules import OVERRIDES
from patter_testing.doubles.scripted_model import Answer
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.doubles.vendor_sound import read_back, sounded

from .convai_lab import quick, until, without_extras

# The vendor's client names a class of websockets by its old name.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from elevenlabs.conversational_ai.conversation import (
        AudioInterface,
        ClientTools,
        Conversation,
        ConversationInitiationData,
    )

FIRST = {"type": "conversation_initiation_client_data"}
VOICE = sounded("mmmmmm", MULAW_8K, 50)
PAUSE = MULAW_8K.silence * MULAW_8K.bytes_in(150)


class Telephone(AudioInterface):
    """What the vendor's client speaks into and hears from; it works in threads."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.interrupted = 0
        self.started = threading.Event()

    def start(self, input_callback: Callable[[bytes], None]) -> None:
        self.speak = input_callback
        self.started.set()

    def stop(self) -> None: ...

    def output(self, audio: bytes) -> None:
        self.heard += audio

    def interrupt(self) -> None:
        self.interrupted += 1


@asynccontextmanager
async def clients_conversation(
    double: ElevenLabsDouble, telephone: Telephone, **options: Any
) -> AsyncIterator[Conversation]:
    """A conversation of the vendor's own, unmodified client."""
    http = httpx.Client()
    client = ElevenLabs(api_key=double.key, base_url=double.url, httpx_client=http)
    conversation = await asyncio.to_thread(
        Conversation,
        client,
        double.agent.agent_id,
        requires_auth=True,
        audio_interface=telephone,
        **options,
    )
    await asyncio.to_thread(conversation.start_session)
    try:
        yield conversation
    finally:
        await asyncio.to_thread(conversation.end_session)
        await asyncio.to_thread(conversation.wait_for_session_end)
        http.close()


async def test_the_vendors_client_converses() -> None:
    telephone = Telephone()
    said: list[str] = []
    heard: list[str] = []
    double = quick(script=("At five.",), ms_per_letter=40, first_message="Hi.")
    double.lines.put("when do you open")
    callbacks = {
        "callback_agent_response": said.append,
        "callback_user_transcript": heard.append,
    }
    async with double.running(), clients_conversation(double, telephone, **callbacks):
        await until(telephone.started.is_set)
        await until(lambda: len(telephone.heard) == len("Hi.") * MULAW_8K.bytes_in(40))
        await asyncio.to_thread(telephone.speak, VOICE + PAUSE)
        await until(lambda: "At five." in said)
        whole = len("Hi.At five.") * MULAW_8K.bytes_in(40)
        await until(lambda: len(telephone.heard) == whole)
        hosted = double.agent.latest
        await until(lambda: any(each.get("type") == "pong" for each in hosted.got))
    assert heard == ["when do you open"]
    assert read_back(bytes(telephone.heard), MULAW_8K, 40) == "Hi.At five."


async def test_the_vendors_client_hears_of_an_interruption() -> None:
    telephone, corrections = Telephone(), []
    double = quick(script=("A long answer, which is spoken slowly.",), ms_per_letter=40)
    double.agent.late_pieces = 2

    def correct(original: str, corrected: str) -> None:
        corrections.append((original, corrected))

    options = {"callback_agent_response_correction": correct}
    async with double.running(), clients_conversation(double, telephone, **options) as talk:
        await until(telephone.started.is_set)
        await asyncio.to_thread(talk.send_user_message, "Talk.")
        await until(lambda: len(telephone.heard) > 0)
        before = "A long answer, which is spoken slowly."
        await asyncio.to_thread(telephone.speak, VOICE)
        await until(lambda: bool(corrections))
    assert telephone.interrupted == 1
    ((original, corrected),) = corrections
    assert original == before and before.startswith(corrected) and corrected != before


async def test_the_vendors_client_runs_a_tool_and_its_result_is_accepted() -> None:
    tools, telephone = ClientTools(), Telephone()
    tools.register("book", lambda parameters: f"table {parameters['people']}")
    want = Answer(tools=(ToolRequest("t1", "book", '{"people": 2}'),))
    double = quick(script=(want, "Done."))
    said: list[str] = []
    options = {"client_tools": tools, "callback_agent_response": said.append}
    async with double.running(), clients_conversation(double, telephone, **options) as talk:
        await until(telephone.started.is_set)
        await asyncio.to_thread(talk.send_user_message, "Book.")
        await until(lambda: "Done." in said)
        rows = [row.text for row in double.agent.rows if row.role == "tool"]
    assert rows == ["table 2"]


async def test_the_vendors_client_overrides_and_keeps_alive() -> None:
    double = quick()
    config = ConversationInitiationData(
        extra_body={"top_k": 1},
        conversation_config_override={"agent": {"prompt": {"prompt": "Sing."}}},
        dynamic_variables={"name": "Rosa"},
    )
    telephone = Telephone()
    async with (
        double.running(),
        clients_conversation(double, telephone, config=config, user_id="u") as talk,
    ):
        await until(telephone.started.is_set)
        await until(lambda: bool(double.agent.conversations))
        await asyncio.to_thread(talk.register_user_activity)
        await asyncio.to_thread(talk.send_contextual_update, "It rains.")
        await until(lambda: bool(double.agent.rows))
    assert double.agent.instructions == "Sing."
    assert double.agent.latest.variables == {"name": "Rosa"}
    assert double.agent.rows[0].text == "It rains."


async def test_the_vendors_client_reads_the_agent_and_the_signed_address() -> None:
    double = quick()
    async with double.running(), httpx.AsyncClient() as http:
        client = AsyncElevenLabs(api_key=double.key, base_url=double.url, httpx_client=http)
        agent = await client.conversational_ai.agents.get(agent_id=double.agent.agent_id)
        signed = await client.conversational_ai.conversations.get_signed_url(
            agent_id=double.agent.agent_id, branch_id="b"
        )
    assert agent.name == "Double"
    without_extras(GetAgentResponseModel, double.agent.resource())
    without_extras(ConversationSignedUrlResponseModel, {"signed_url": signed.signed_url})


# What the vendor refuses.


@asynccontextmanager
async def socket_of(
    double: ElevenLabsDouble, first: Any = FIRST
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A conversation of somebody who writes the protocol by hand."""
    url = f"{double.url}/v1/convai/conversation?agent_id={double.agent.agent_id}"
    async with (
        aiohttp.ClientSession(headers={"xi-api-key": double.key}) as client,
        client.ws_connect(url) as socket,
    ):
        if first is not None:
            await socket.send_json(first)
        yield socket


async def end_of(socket: aiohttp.ClientWebSocketResponse) -> tuple[str, int | None, str]:
    """The kind of the error a conversation ends with, its close code, and the reason given."""
    kind = ""
    async with asyncio.timeout(3):
        while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            body = json.loads(message.data)
            kind = body["error_event"]["error_type"] if body["type"] == "error" else kind
    return kind, socket.close_code, message.extra or ""


WRONG = [
    ([], "invalid_message"),
    ({"type": "nonsense"}, "invalid_message"),
    ({"type": "pong"}, "missing_fields"),
    ({"type": "pong", "event_id": 999}, "value_error"),
    ({"type": "pong", "event_id": True}, "value_error"),
    ({"type": "pong", "event_id": "1"}, "value_error"),
    ({"type": "user_audio_chunk", "user_audio_chunk": "AAAA"}, "invalid_message"),
    ({"user_audio_chunk": "AAAA", "more": 1}, "invalid_message"),
    ({"user_audio_chunk": "not base64"}, "invalid_message"),
    ({"user_audio_chunk": 3}, "invalid_message"),
    ({}, "invalid_message"),
    (FIRST, "invalid_message"),
    ({"type": "contextual_update"}, "missing_fields"),
    ({"type": "user_message", "text": 3}, "value_error"),
    ({"type": "user_message", "text": "hi", "more": 1}, "invalid_message"),
    ({"type": "client_tool_result", "tool_call_id": "t", "result": "x"}, "missing_fields"),
    (
        {"type": "client_tool_result", "tool_call_id": "t", "result": "x", "is_error": False},
        "value_error",
    ),
]


@pytest.mark.parametrize(("message", "kind"), WRONG)
async def test_a_message_against_the_rules_ends_the_conversation(message: Any, kind: str) -> None:
    double = quick()
    async with double.running(), socket_of(double) as socket:
        await socket.send_json(message)
        assert (await end_of(socket))[:2] == (kind, 1008)


async def test_what_is_not_json_ends_the_conversation() -> None:
    double = quick()
    async with double.running(), socket_of(double) as socket:
        await socket.send_str("not json")
        assert (await end_of(socket))[:2] == ("invalid_message", 1008)


@pytest.mark.parametrize("first", [None, {"user_audio_chunk": "AAAA"}, {"type": "user_activity"}])
async def test_the_first_message_is_expected_first_and_in_time(first: Any) -> None:
    double = quick(first_s=0.1)
    async with double.running(), socket_of(double, first) as socket:
        assert (await end_of(socket))[:2] == ("missing_fields", 1008)


@pytest.mark.parametrize("name", OVERRIDES)
async def test_an_override_is_refused_unless_it_is_allowed(name: str) -> None:
    samples: dict[Any, Any] = {str: "x", int: 1, bool: True}
    tree: Any = samples.get(OVERRIDES[name], 0.5)
    for part in reversed(name.split(".")):
        tree = {part: tree}
    first = {**FIRST, "conversation_config_override": tree}
    double = quick(allowed=frozenset(OVERRIDES) - {name})
    async with double.running(), socket_of(double, first) as socket:
        kind, code, reason = await end_of(socket)
    assert (kind, code) == ("override_error", 1008) and name.rpartition(".")[2] in reason
    double = quick(allowed=frozenset({name}))
    async with double.running(), socket_of(double, first) as socket:
        assert (await socket.receive_json())["type"] == "conversation_initiation_metadata"


@pytest.mark.parametrize(
    "tree",
    [{"agent": {"voice": "x"}}, {"tts": {"speed": "fast"}}, {"tts": {"speed": True}}, {"x": 1}],
)
async def test_an_override_there_is_not_is_refused(tree: dict[str, Any]) -> None:
    first = {**FIRST, "conversation_config_override": tree}
    double = quick()
    async with double.running(), socket_of(double, first) as socket:
        assert (await end_of(socket))[:2] == ("override_error", 1008)


async def test_a_ping_that_is_not_answered_ends_the_conversation() -> None:
    double = quick(ping_s=0.05)
    async with double.running(), socket_of(double) as socket:
        assert (await end_of(socket))[:2] == ("transport_receive_timeout", 1002)


async def test_a_conversation_does_not_last_for_ever() -> None:
    double = quick(max_duration_s=0.05)
    async with double.running(), socket_of(double) as socket:
        assert (await end_of(socket))[:2] == ("max_duration_exceeded", 1000)


async def test_a_result_is_accepted_once() -> None:
    double = quick()
    result = {"type": "client_tool_result", "tool_call_id": "t", "result": "x", "is_error": False}
    async with double.running(), socket_of(double) as socket:
        await until(lambda: bool(double.agent.conversations))
        await double.agent.want(ToolRequest("t", "book", "{}"))
        while (await socket.receive_json())["type"] != "client_tool_call":
            pass
        await socket.send_json(result)
        await socket.send_json(result)
        assert (await end_of(socket))[:2] == ("value_error", 1008)


async def test_no_number_of_an_event_runs_back_and_dropped_audio_has_old_ones() -> None:
    double = quick(script=("A long answer, spoken to the end.",), late_pieces=1)
    async with double.running(), socket_of(double) as socket:
        await socket.send_json({"type": "user_message", "text": "Talk."})
        await until(lambda: bool(_numbers(double, "audio")))
        await double.hear("stop")
        await until(lambda: bool(_numbers(double, "agent_response_correction")))
    (through,) = _numbers(double, "interruption")
    kinds = [each["type"] for each in double.agent.latest.sent]
    before = kinds[: kinds.index("interruption")].count("audio")
    until_corrected = kinds[: kinds.index("agent_response_correction")].count("audio")
    numbers = _numbers(double, "audio")
    played, late = numbers[:before], numbers[before:until_corrected]
    assert played == sorted(set(played))
    # A piece may have been on its way already.
    assert late and max(late) <= through


async def test_only_events_that_are_switched_on_are_sent() -> None:
    double = quick(events=frozenset({"audio", "conversation_initiation_metadata"}))
    async with double.running(), socket_of(double) as socket:
        await socket.send_json({"type": "user_message", "text": "Talk."})
        await until(lambda: bool(_numbers(double, "audio")))
    kinds = {each["type"] for each in double.agent.latest.sent}
    assert kinds == {"audio", "conversation_initiation_metadata"}


async def test_audio_comes_at_the_pace_of_speech_where_that_is_asked_for() -> None:
    double = quick(script=("One, two, three.",), piece_ms=20, pace=1.0)
    async with double.running(), socket_of(double) as socket:
        await socket.send_json({"type": "user_message", "text": "Count."})
        loop = asyncio.get_running_loop()
        times: list[float] = []
        while len(times) < 4:
            if (await socket.receive_json())["type"] == "audio":
                times.append(loop.time())
    assert times[-1] - times[0] > 0.05


async def test_a_key_is_wanted() -> None:
    double = quick(VendorFaults())
    async with double.running(), aiohttp.ClientSession() as client:
        url = f"{double.url}/v1/convai/conversation?agent_id=a1"
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(url)
    assert caught.value.status == 401


def _numbers(double: ElevenLabsDouble, kind: str) -> list[int]:
    if not double.agent.conversations:
        return []
    sent = [each for each in double.agent.latest.sent if each["type"] == kind]
    return [
        value["event_id"] for each in sent for value in each.values() if isinstance(value, dict)
    ]
