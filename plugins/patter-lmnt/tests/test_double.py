"""The double is held against what nobody here wrote: lmnt 2.13, as it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import lmnt
import pytest
from aiohttp import ClientSession, WSMsgType
from lmnt import types
from lmnt.types.speech_generate_params import SpeechGenerateParams
from pydantic import BaseModel, TypeAdapter, ValidationError

from patter.audio.formats import MULAW_8K, PCM16_24K
from patter_lmnt._wav import WavHeader
from patter_lmnt.double import LMNTDouble, messages
from patter_lmnt.double.sessions import SessionTraits
from patter_testing.doubles.vendor_double import KEY, VendorFaults
from patter_testing.doubles.vendor_sound import read_back
from patter_testing.talking import begin, eventually, say

from .talking import LONG, rest_voice, voice

SERVER: Mapping[str, type[BaseModel]] = {
    "ready": types.SpeechSessionReady,
    "timestamps": types.SpeechSessionTimestamps,
    "flush_complete": types.SpeechSessionFlushComplete,
    "reset_complete": types.SpeechSessionResetComplete,
    "error": types.SpeechSessionError,
}
CLIENT: Mapping[str, type[BaseModel]] = {
    "init": types.SpeechSessionInit,
    "text": types.SpeechSessionText,
    "flush": types.SpeechSessionFlush,
    "reset": types.SpeechSessionReset,
    "finish": types.SpeechSessionFinish,
}
INIT = {"X-API-Key": KEY, "lmnt-version": "1.2", "voice": "leah", "format": "ulaw"}


@pytest.fixture
async def double() -> AsyncIterator[LMNTDouble]:
    async with LMNTDouble().running() as vendor:
        yield vendor


@pytest.fixture
async def sdk(double: LMNTDouble) -> AsyncIterator[lmnt.AsyncLmnt]:
    async with lmnt.AsyncLmnt(
        api_key=KEY, base_url=double.url, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


def extras(model: BaseModel) -> set[str]:
    """What *model* was given and has no field for, at any depth."""
    found = set(model.model_extra or ())
    for value in dict(model).values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, BaseModel):
                found |= extras(each)
    return found


def fits(kind: type[BaseModel], message: Mapping[str, Any]) -> bool:
    """Is *message* one of *kind*, with nothing that it does not have?"""
    try:
        return not extras(kind.model_validate(message))
    except ValidationError:
        return False


# --- the SDK works with it


async def test_the_sdk_speaks_in_a_session(sdk: Any, double: LMNTDouble) -> None:
    session = await sdk.speech.sessions.create(
        voice="leah",
        format="pcm_s16le",
        sample_rate=24_000,
        language="en",
        return_timestamps=True,
    )
    await session.send_text("Good ")
    await session.send_text("morning.")
    nonce = await session.send_flush()
    seen = [await anext(session)]
    while seen[-1].type != "flush_complete":
        seen.append(await anext(session))
    assert seen[-1].nonce == nonce == 1
    assert [message.type for message in seen[:2]] == ["ready", "timestamps"]
    assert session.request_id == seen[0].request_id
    sound = b"".join(message.audio for message in seen if message.type == "audio")
    assert read_back(sound, PCM16_24K) == "Good morning."
    timed = types.SpeechSessionTimestamps.model_validate(seen[1].model_dump()).timestamps
    assert timed and [each.text for each in timed] == ["Good", " ", "morning", "."]
    assert (timed[2].start, timed[2].duration) == (0.3, 0.42)
    await session.send_text("never spoken")
    assert (await session.send_reset()) == (await anext(session)).nonce == 2
    await session.send_text("Bye.")
    await session.send_finish()
    rest = [message async for message in session]
    assert rest[0].timestamps[0].start == 0.0
    assert double.spoken == ["Good morning.", "Bye."]
    assert session.websocket.close_code == 1000
    await session.close()


async def test_the_sdk_hears_what_was_not_flushed_when_it_is_enough(sdk: Any) -> None:
    session = await sdk.speech.sessions.create(voice="leah", format="ulaw", sample_rate=8_000)
    await session.send_text("word " * 30)
    assert [(await anext(session)).type for _ in range(2)] == ["ready", "audio"]
    await session.close()


@pytest.mark.parametrize(
    ("key", "options", "kind"),
    [
        ("wrong", {"voice": "leah"}, "authentication_error"),
        (KEY, {"voice": "nobody"}, "not_found_error"),
        (KEY, {"voice": "leah", "sample_rate": 11_025}, "invalid_request_error"),
    ],
)
async def test_the_sdk_is_refused_in_a_message(
    double: LMNTDouble, key: str, options: dict[str, Any], kind: str
) -> None:
    async with lmnt.AsyncLmnt(api_key=key, base_url=double.url) as client:
        session = await client.speech.sessions.create(**options)
        answers = [message async for message in session]
        await session.close()
    (refusal,) = answers
    assert types.SpeechSessionError.model_validate(refusal.model_dump()).error.type == kind
    assert key not in str(refusal)


async def test_the_sdk_speaks_over_http(sdk: Any) -> None:
    response = await sdk.speech.generate(
        text="Good morning.",
        voice="leah",
        format="ulaw",
        sample_rate=8_000,
        model="blizzard",
        language="en",
        temperature=0.5,
        top_p=0.9,
    )
    sound = WavHeader().strip(await response.read())
    assert read_back(sound, MULAW_8K) == "Good morning."


async def test_the_sdk_understands_refusals(sdk: Any, double: LMNTDouble) -> None:
    with pytest.raises(lmnt.NotFoundError) as raised:
        await sdk.speech.generate(text="Hi.", voice="nobody", format="ulaw")
    assert raised.value.type == "not_found_error" and raised.value.request_id
    with pytest.raises(lmnt.BadRequestError):
        await sdk.speech.generate(text="x" * 5_001, voice="leah", format="ulaw")
    double.faults = VendorFaults(status=429)
    with pytest.raises(lmnt.RateLimitError):
        await sdk.speech.generate(text="Hi.", voice="leah", format="ulaw")
    double.faults = VendorFaults()
    sdk.api_key = "wrong"
    with pytest.raises(lmnt.AuthenticationError) as refused:
        await sdk.accounts.retrieve()
    assert refused.value.type == "authentication_error"


async def test_the_sdk_reads_voices_and_the_account(sdk: Any, double: LMNTDouble) -> None:
    assert [each.id for each in await sdk.voices.list()] == list(double.voices)
    found = await sdk.voices.retrieve("ava")
    assert (found.name, found.state) == ("Ava", "ready") and not extras(found)
    double.quota = 12
    account = await sdk.accounts.retrieve()
    assert account.usage.characters == 12 and not extras(account)


# --- every message is one of the vendor's


async def test_everything_the_double_says_is_one_of_the_vendors_messages() -> None:
    for times in ("before", "after"):
        double = LMNTDouble(pace=4, quota=80, traits=SessionTraits(times=times))
        async with double.running(), voice(double) as session:
            speech = await begin(session, LONG)
            await speech.aclose()
            await say(session, "One two.", "Three.")
            with pytest.raises(Exception, match="paid"):
                await say(session, LONG)
        assert {body["type"] for body in double.sent} == set(SERVER)
        for body in double.sent:
            assert fits(SERVER[body["type"]], body), body


async def test_everything_the_plugin_sends_is_one_of_the_vendors_messages() -> None:
    async with LMNTDouble(pace=4).running() as double, voice(double, language="en") as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        await say(session, "One.", "Two.")
    assert {body["type"] for body in double.log} == set(CLIENT) - {"finish"}
    for body in double.log:
        assert fits(CLIENT[body["type"]], body), body


async def test_everything_the_plugin_asks_for_is_one_of_the_vendors_requests() -> None:
    adapter = TypeAdapter(SpeechGenerateParams)
    async with LMNTDouble().running() as double, rest_voice(double, debug=True) as session:
        await say(session, "One.")
    (body,) = double.bodies
    assert adapter.validate_python(body) == body
    assert set(body) == set(SpeechGenerateParams.__annotations__)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 429, 500, 503])
def test_every_status_has_a_type_that_the_vendor_knows(status: int) -> None:
    assert fits(types.SpeechSessionError, messages.error(status, "why"))


# --- it is strict


async def raw(double: LMNTDouble, *frames: Any) -> tuple[list[Any], int | None]:
    """What a socket answers to *frames*, and the code that closed it."""
    seen: list[Any] = []
    async with (
        asyncio.timeout(3),
        ClientSession() as client,
        client.ws_connect(f"{double.url}/v1/ai/speech/stream") as socket,
    ):
        for frame in frames:
            if isinstance(frame, bytes):
                await socket.send_bytes(frame)
            else:
                await socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))
        while (message := await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
            seen.append(message.data if message.type is WSMsgType.BINARY else message.json())
        return seen, socket.close_code


@pytest.mark.parametrize(
    "frame",
    [
        "{]",
        "[1]",
        b"binary",
        {"type": "text", "text": "too early"},
        {**INIT, "model": "blizzard"},
        {**INIT, "language": None},
        {**INIT, "type": "start"},
        {**INIT, "format": "wav"},
        {**INIT, "sample_rate": "8000"},
        {**INIT, "return_timestamps": 1},
        {name: value for name, value in INIT.items() if name != "voice"},
        {name: value for name, value in INIT.items() if name != "X-API-Key"},
        {name: value for name, value in INIT.items() if name != "lmnt-version"},
        {**INIT, "lmnt-version": "1.0"},
    ],
    ids=str,
)
async def test_a_bad_first_message_ends_the_session(double: LMNTDouble, frame: Any) -> None:
    (refusal,), code = await raw(double, frame)
    assert refusal["error"]["type"] == "invalid_request_error" and code == 1002
    assert fits(types.SpeechSessionError, refusal)
    assert KEY not in str(refusal)


@pytest.mark.parametrize(
    "frame",
    [
        {"text": "the older form"},
        {"flush": True},
        {"eof": True},
        {"type": "flush"},
        {"type": "flush", "nonce": "1"},
        {"type": "reset", "nonce": True},
        {"type": "text", "text": None},
        {"type": "text", "text": "a", "flush": True},
        {"type": "cancel"},
        b"binary",
    ],
    ids=str,
)
async def test_a_bad_message_ends_the_session(double: LMNTDouble, frame: Any) -> None:
    (ready, refusal), code = await raw(double, INIT, frame)
    assert ready["type"] == "ready"
    assert refusal["error"]["type"] == "invalid_request_error" and code == 1002


async def test_text_without_a_flush_is_not_spoken(double: LMNTDouble) -> None:
    seen, code = await raw(
        double,
        INIT,
        {"type": "text", "text": "lost"},
        {"type": "reset", "nonce": 1},
        {"type": "flush", "nonce": 2},
        {"type": "finish"},
    )
    assert [body["type"] for body in seen] == ["ready", "reset_complete", "flush_complete"]
    assert code == 1000 and double.spoken == []


async def test_who_says_nothing_is_not_waited_for() -> None:
    async with LMNTDouble(traits=SessionTraits(init_s=0.05)).running() as double:
        (refusal,), code = await raw(double)
    assert refusal["error"]["type"] == "invalid_request_error" and code == 1002


@pytest.mark.parametrize(
    "body",
    [
        {"voice": "leah"},
        {"text": "", "voice": "leah"},
        {"text": "Hi.", "voice": "leah", "model": "aurora"},
        {"text": "Hi.", "voice": "leah", "seed": 3},
        {"text": "Hi.", "voice": "leah", "temperature": 6},
        {"text": "Hi.", "voice": "leah", "top_p": None},
        {"text": "Hi.", "voice": "leah", "format": "raw"},
        {"text": "Hi.", "voice": "leah"},
    ],
    ids=str,
)
async def test_a_bad_request_is_refused(double: LMNTDouble, body: Any) -> None:
    headers = {"X-API-Key": KEY, "lmnt-version": "1.2"}
    async with (
        ClientSession(headers=headers) as client,
        client.post(f"{double.url}/v1/ai/speech/bytes", json=body) as answer,
    ):
        assert answer.status == 400 and answer.headers["request-id"]
        assert fits(types.SpeechSessionError, await answer.json())


async def test_a_client_without_a_version_is_refused_in_the_older_form(
    double: LMNTDouble,
) -> None:
    async with ClientSession() as client, client.get(f"{double.url}/v1/account") as answer:
        assert (answer.status, await answer.json()) == (403, {"error": "Invalid API key"})


async def test_a_client_that_leaves_is_not_spoken_to() -> None:
    async with LMNTDouble(pace=1).running() as double:
        async with ClientSession() as client:
            socket = await client.ws_connect(f"{double.url}/v1/ai/speech/stream")
            for body in (INIT, {"type": "text", "text": LONG}, {"type": "flush", "nonce": 1}):
                await socket.send_json(body)
            await eventually(lambda: len(double.log) == 3)
            await socket.close()
        await asyncio.sleep(0.05)
        assert double.spoken == []
