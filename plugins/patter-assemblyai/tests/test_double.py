"""The double is held against what nobody here wrote: AssemblyAI's SDK, as it is."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, get_args
from urllib.parse import parse_qsl

import pydantic
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from patter.audio.formats import MULAW_8K
from patter.providers.stt import Word
from patter_assemblyai.double import AssemblyAIDouble, measured_latency, messages, params
from patter_assemblyai.double.turns import EAR_PAUSE_MS, TurnTaking
from patter_testing.doubles.scripted_listener import ScriptedListener
from patter_testing.doubles.vendor_double import KEY, VendorFaults
from patter_testing.talking import silence

from .sdk import AsyncRealTimeTranscriber, models
from .talking import VOICE

ENGLISH = "speech_model=universal-streaming-english"
EARS = f"{ENGLISH}&encoding=pcm_mulaw&sample_rate=8000"
PRO = "speech_model=u3-rt-pro&encoding=pcm_mulaw&sample_rate=8000"
FORCE, TERMINATE = '{"type": "ForceEndpoint"}', '{"type": "Terminate"}'


# --- the SDK works with it


@asynccontextmanager
async def sdk_session(
    double: AssemblyAIDouble, key: str = KEY, **options: Any
) -> AsyncIterator[tuple[AsyncRealTimeTranscriber, asyncio.Queue[Any]]]:
    """A session of the SDK, and all that it hears."""
    heard: asyncio.Queue[Any] = asyncio.Queue()
    where = models.RealTimeTranscriberOptions(
        api_host=double.url.replace("http", "ws"), api_key=key, terminate_timeout=2
    )
    client = AsyncRealTimeTranscriber(where)
    for event in models.RealTimeEvents:
        client.on(event, lambda _, message: heard.put_nowait(message))
    raw: dict[str, Any] = {"encoding": models.Encoding.pcm_mulaw, "sample_rate": 8_000}
    await client.connect(models.RealTimeParameters(**raw, **options))
    try:
        yield client, heard
    finally:
        await client.disconnect(terminate=True)


async def next_of(heard: asyncio.Queue[Any], kind: type[Any]) -> Any:
    async with asyncio.timeout(5):
        while not isinstance(message := await heard.get(), kind):
            pass
    return message


async def test_the_sdk_is_told_turns() -> None:
    model = models.SpeechModel.universal_streaming_english
    async with (
        AssemblyAIDouble(lines=["a table for two", "yes"]).running() as double,
        sdk_session(double, speech_model=model, format_turns=True) as (client, heard),
    ):
        begun = await next_of(heard, models.BeginEvent)
        assert (begun.id, begun.configuration.model) == (messages.SESSION_ID, model)
        await client.stream([VOICE, silence(500)])
        assert (await next_of(heard, models.SpeechStartedEvent)).timestamp == 0
        turns = [await next_of(heard, models.TurnEvent) for _ in range(4)]
        assert [turn.transcript for turn in turns] == [
            "", "a", "a table for two", "A table for two.",
        ]  # fmt: skip
        assert [turn.end_of_turn for turn in turns] == [False, False, True, True]
        assert [turn.turn_is_formatted for turn in turns] == [False, False, False, True]
        assert [word.word_is_final for word in turns[1].words] == [True, False]
        await client.stream(VOICE)
        await client.force_endpoint()
        while not (turn := await next_of(heard, models.TurnEvent)).turn_is_formatted:
            pass
        assert (turn.transcript, turn.turn_order) == ("Yes.", 1)
        await client.keep_alive()
        await client.set_params(models.RealTimeSessionParameters(min_turn_silence=100))
        await client.disconnect(terminate=True)
        ended = await next_of(heard, models.TerminationEvent)
        assert ended.audio_duration_seconds == 1
    assert double.commands == ["ForceEndpoint", "KeepAlive", "UpdateConfiguration", "Terminate"]


async def test_the_sdk_is_told_turns_of_universal_3() -> None:
    async with (
        AssemblyAIDouble(lines=["a table, please"]).running() as double,
        sdk_session(
            double,
            speech_model=models.SpeechModel.u3_rt_pro,
            keyterms_prompt=["basil"],
            language_detection=True,
            speaker_labels=True,
            session_heartbeat=True,
            acknowledge_silence=True,
        ) as (client, heard),
    ):
        await client.stream([VOICE, silence(460), silence(1_000), silence(1_000)])
        partial = await next_of(heard, models.TurnEvent)
        assert (partial.transcript, partial.end_of_turn_confidence) == ("A.", 0.0)
        while not (turn := await next_of(heard, models.TurnEvent)).end_of_turn:
            pass
        assert turn.transcript == "A table, please." and turn.turn_is_formatted
        assert (turn.language_code, turn.speaker_label) == ("en", "A")
        assert (await next_of(heard, models.HeartbeatEvent)).total_audio_received_ms >= 1_000
        assert (await next_of(heard, models.SilenceEvent)).end_ms > 1_000


async def test_the_sdk_is_told_that_its_key_is_refused() -> None:
    model = models.SpeechModel.universal_streaming_english
    async with (
        AssemblyAIDouble().running() as double,
        sdk_session(double, key="wrong", speech_model=model) as (_, heard),
    ):
        error = await next_of(heard, models.RealTimeError)
        assert error.code == 1008 and "Unauthorized" in str(error)


# --- every message it sends is one that the SDK knows, field by field

WORDS = [Word("a", 0, 200), Word("b", 300, 500)]
EXAMPLES: dict[str, tuple[type[pydantic.BaseModel], Callable[[], Any]]] = {
    "begin": (models.BeginEvent, lambda: messages.begin(1_800_000_000, "u3-rt-pro", "balanced")),
    "turn": (
        models.TurnEvent,
        lambda: messages.turn(0, "a b", WORDS, pending=1, language="en", speaker="A"),
    ),
    "speech_started": (models.SpeechStartedEvent, lambda: messages.speech_started(20)),
    "heartbeat": (models.HeartbeatEvent, lambda: messages.heartbeat(900, 1_000, 0.5)),
    "silence": (models.SilenceEvent, lambda: messages.silence(0, 1_000)),
    "warning": (models.WarningEvent, lambda: messages.warning(1, "words")),
    "error": (models.ErrorEvent, lambda: messages.error(3005, "words")),
    "termination": (models.TerminationEvent, lambda: messages.termination(1.5, 2.5)),
}


def test_no_message_is_left_out() -> None:
    makers = {
        name
        for name, maker in inspect.getmembers(messages, inspect.isfunction)
        if maker.__module__ == messages.__name__ and not name.startswith("_")
    }
    assert makers == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_is_one_of_the_sdk_and_nothing_more(name: str) -> None:
    model, make = EXAMPLES[name]
    body = make()
    assert unknown_in(body, model) == []
    parsed: Any = AsyncRealTimeTranscriber._parse_message(body)
    assert type(parsed) is model
    assert set(body) <= set(parsed.model_dump(exclude_none=True))


def unknown_in(body: dict[str, Any], model: type[pydantic.BaseModel]) -> list[str]:
    """Fields of *body* that *model* and its parts do not have; it must fit it otherwise."""
    model.model_validate(body, strict=model is not models.BeginEvent)
    unknown = [name for name in body if name not in model.model_fields]
    for name, value in body.items():
        nested = nested_model(model, name)
        if nested is not None:
            for each in value if isinstance(value, list) else [value]:
                unknown += unknown_in(each, nested)
    return unknown


def nested_model(model: type[pydantic.BaseModel], name: str) -> type[pydantic.BaseModel] | None:
    field = model.model_fields.get(name)
    candidates = [field.annotation, *get_args(field.annotation)] if field else []
    for each in candidates:
        if inspect.isclass(each) and issubclass(each, pydantic.BaseModel):
            return each
    return None


def test_its_parameters_are_those_of_the_sdk() -> None:
    assert set(params.CONNECT) == {*models.RealTimeParameters.model_fields, "token"}
    assert set(params.LIVE) == set(models.RealTimeSessionParameters.model_fields)
    assert sorted(params.MODELS) == sorted(model.value for model in models.SpeechModel)


# --- it is strict where AssemblyAI is


@asynccontextmanager
async def open_socket(
    double: AssemblyAIDouble, query: str, key: str = KEY
) -> AsyncIterator[ClientWebSocketResponse]:
    headers = {"Authorization": key}
    async with (
        ClientSession(double.url, headers=headers) as http,
        http.ws_connect(f"/v3/ws?{query}") as socket,
    ):
        yield socket


async def ended_by(
    double: AssemblyAIDouble, query: str, frames: list[str | bytes], key: str = KEY
) -> tuple[int, str]:
    """The code with which the double ends a session of *frames*, and what it says of it."""
    words = ""
    async with open_socket(double, query, key) as socket, asyncio.timeout(5):
        for frame in frames:
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            body = message.json()
            if body["type"] == "Error":
                words, code = body["error"], body["error_code"]
        assert message.type is WSMsgType.CLOSE
        if words:
            assert code == message.data, "the socket closes with the code of the message"
        return message.data, words


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("encoding=pcm_mulaw&sample_rate=8000", "speech_model is required"),
        ("speech_model=parrot&sample_rate=8000", "speech_model"),
        (ENGLISH, "sample_rate is required"),
        (f"{ENGLISH}&sample_rate=4000", "between 8000 and 96000"),
        (f"{ENGLISH}&sample_rate=8000&encoding=mulaw", "encoding"),
        (f"{ENGLISH}&sample_rate=8000&encoding=opus", "opus"),
        (f"{EARS}&colour=blue", "unknown parameter 'colour'"),
        (f"{EARS}&format_turns=perhaps", "format_turns"),
        (f"{EARS}&keyterms_prompt=basil", "Invalid JSON array"),
        (f"{EARS}&keyterms_prompt=[1]", "Invalid JSON array"),
        (f"{EARS}&keyterms_prompt={json.dumps(['x'] * 101)}", "at most 100"),
        (f"{EARS}&keyterms_prompt={json.dumps(['x' * 51])}", "50 characters"),
        (f"{EARS}&end_of_turn_confidence_threshold=1.1", "between 0 and 1"),
        (f"{EARS}&min_turn_silence=soon", "not a number"),
        (f"{EARS}&inactivity_timeout=4", "between 5 and 3600"),
        (f"{EARS}&prompt=an%20order", "only supported with the 'u3-rt-pro'"),
        (f"{PRO}&agent_context={'x' * 1_751}", "maximum length of 1750"),
        (f'{PRO}&language_codes=["multi","en"]', "'multi' alone"),
        (f"{PRO}&domain=general", "domain"),
    ],
)
async def test_a_bad_parameter_ends_the_session(query: str, reason: str) -> None:
    async with AssemblyAIDouble().running() as double:
        code, words = await ended_by(double, query, [])
    assert code == 3006 and reason in words


@pytest.mark.parametrize("shown", ["", f"Bearer {KEY}", "wrong"])
async def test_a_key_is_shown_as_it_is(shown: str) -> None:
    async with AssemblyAIDouble().running() as double:
        assert (await ended_by(double, EARS, [], shown))[0] == 1008
        assert (await ended_by(double, f"{EARS}&token={KEY}", []))[0] == 1008
        async with (
            ClientSession(double.url, headers={"Authorization": shown}) as http,
            http.get("/v3/token?expires_in_seconds=60") as answer,
        ):
            assert answer.status == 401 and "error" in await answer.json()


@pytest.mark.parametrize("lasts", ["", "0", "601", "soon"])
async def test_a_token_lasts_for_so_long(lasts: str) -> None:
    async with (
        AssemblyAIDouble().running() as double,
        ClientSession(double.url, headers={"Authorization": KEY}) as http,
        http.get(f"/v3/token?expires_in_seconds={lasts}") as answer,
    ):
        assert answer.status == 400


async def test_a_token_opens_one_session() -> None:
    async with (
        AssemblyAIDouble().running() as double,
        ClientSession(double.url, headers={"Authorization": KEY}) as http,
    ):
        async with http.get("/v3/token?expires_in_seconds=60") as answer:
            token = (await answer.json())["token"]
        query = f"{EARS}&token={token}"
        assert await ended_by(double, query, [TERMINATE], "") == (1000, "")
        assert (await ended_by(double, query, [TERMINATE], ""))[0] == 1008


@pytest.mark.parametrize(
    ("frame", "code", "reason"),
    [
        (bytes(399), 3007, "Input Duration Violation: 49.875 ms"),
        (bytes(8_001), 3007, "Input Duration Violation"),
        (b"", 3007, "Input Duration Violation"),
        ("{", 3006, "Invalid JSON"),
        ("[]", 3006, "Invalid Message"),
        ('{"type": 1}', 3006, "Invalid Message"),
        ('{"type": "Hurry"}', 3006, "Invalid Message Type: Hurry"),
        ('{"type": "ForceEndpoint", "now": true}', 3006, "Invalid Message"),
        ('{"type": "UpdateConfiguration", "model": "x"}', 3006, "unknown parameter 'model'"),
        ('{"type": "UpdateConfiguration", "prompt": "x"}', 3006, "u3-rt-pro"),
        ('{"type": "UpdateConfiguration", "vad_threshold": true}', 3006, "vad_threshold"),
    ],
)
async def test_a_bad_message_ends_the_session(frame: str | bytes, code: int, reason: str) -> None:
    async with AssemblyAIDouble().running() as double:
        ended, words = await ended_by(double, EARS, [frame])
    assert ended == code and reason in words


async def test_the_shortest_and_the_longest_audio_is_taken() -> None:
    async with AssemblyAIDouble().running() as double:
        frames: list[str | bytes] = [bytes(400), bytes(8_000), TERMINATE]
        assert await ended_by(double, EARS, frames) == (1000, "")


async def test_audio_far_ahead_of_time_ends_the_session() -> None:
    async with AssemblyAIDouble(ahead_s=1.5).running() as double:
        code, words = await ended_by(double, EARS, [silence(1_000)] * 3)
    assert code == 3007 and "Audio Transmission Rate Exceeded: Received 2.0 sec" in words


@pytest.mark.parametrize(
    ("limits", "query", "code"),
    [
        ({"age_s": 6}, EARS, 3008),
        ({"age_s": 100}, f"{EARS}&inactivity_timeout=6", 4031),
        ({"age_s": 6}, f"{EARS}&inactivity_timeout=60", 3008),
    ],
)
async def test_a_session_does_not_last_for_ever(
    limits: dict[str, Any], query: str, code: int
) -> None:
    async with AssemblyAIDouble(second_s=0.01, **limits).running() as double:
        assert (await ended_by(double, query, []))[0] == code


async def test_a_long_reason_is_in_the_message_alone() -> None:
    async with (
        AssemblyAIDouble(refuses=(3005, "x" * 124)).running() as double,
        open_socket(double, EARS) as socket,
    ):
        assert (await socket.receive_json())["error"] == "x" * 124
        closed = await socket.receive()
        assert (closed.data, closed.extra) == (3005, "See Error message for details")


async def test_what_is_pending_is_told_before_the_end() -> None:
    async with (
        AssemblyAIDouble(lines=["yes please"]).running() as double,
        open_socket(double, EARS) as socket,
    ):
        await socket.send_bytes(VOICE)
        await socket.send_str(TERMINATE)
        kinds = []
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            kinds.append(message.json())
        assert message.data == 1000
    assert [body["type"] for body in kinds][-2:] == ["Turn", "Termination"]
    assert kinds[-2]["transcript"] == "yes please" and kinds[-2]["end_of_turn"]


@pytest.mark.parametrize("answers", [False, True])
async def test_a_force_without_a_turn_is_answered_or_not(answers: bool) -> None:
    async with (
        AssemblyAIDouble(answers_empty=answers).running() as double,
        open_socket(double, EARS) as socket,
    ):
        await socket.send_str(FORCE)
        await socket.send_str(TERMINATE)
        kinds = []
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            kinds.append(message.json()["type"])
    assert kinds == (["Begin", "Turn", "Termination"] if answers else ["Begin", "Termination"])


@pytest.mark.parametrize(
    ("query", "line", "silent_ms"),
    [
        (EARS, "yes", 400),
        (EARS, "yes,", 1_280),
        (f"{EARS}&min_turn_silence=200", "yes", 200),
        (f"{EARS}&min_end_of_turn_silence_when_confident=300", "yes", 300),
        (f"{EARS}&end_of_turn_confidence_threshold=0.95", "yes", 1_280),
        (f"{EARS}&end_of_turn_confidence_threshold=0.1", "yes,", 400),
        (f"{EARS}&max_turn_silence=600", "yes...", 600),
        (PRO, "yes", 100),
        (PRO, "yes,", 1_000),
    ],
)
def test_a_turn_ends_after_its_silence(query: str, line: str, silent_ms: int) -> None:
    wanted = params.connected(dict(parse_qsl(query)))
    turns = TurnTaking(wanted, ScriptedListener(MULAW_8K, [line], pause_ms=EAR_PAUSE_MS))
    list(turns.heard(turns.ear.feed(VOICE)))
    passed_ms = 0
    while turns.is_open:
        passed_ms += 10
        list(turns.heard(turns.ear.feed(silence(10))))
        list(turns.pass_time())
    assert passed_ms == silent_ms


async def test_typed_words_are_a_turn() -> None:
    async with (
        AssemblyAIDouble().running() as double,
        open_socket(double, PRO) as socket,
    ):
        await socket.receive_json()
        await double.hear("a table for two")
        while not (body := await socket.receive_json()).get("end_of_turn"):
            pass
        assert body["transcript"] == "A table for two."


async def test_it_takes_as_long_as_was_measured() -> None:
    latency = measured_latency()
    drawn = sorted(latency.draw_ms() for _ in range(2_000))
    assert 300 < drawn[1_000] < 345 and 450 < drawn[1_900] < 520


async def test_a_fault_is_as_everywhere() -> None:
    faults = VendorFaults(over=True, after=1)
    async with (
        AssemblyAIDouble(lines=["yes"], faults=faults).running() as double,
        open_socket(double, EARS) as socket,
    ):
        await socket.send_bytes(VOICE)
        kinds = []
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            kinds.append(message.json()["type"])
    assert kinds == ["Begin", "Termination"] and message.data == 1000
    assert MULAW_8K.ms_in(len(VOICE)) == 540
