"""Listening when something changes, is refused or breaks, against an AssemblyAI of our own."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from aiohttp import web

from patter import ErrorCode
from patter.audio.formats import MULAW_8K
from patter.errors import CallStateError, PatterConfigError
from patter.providers.stt import SpeechEnded, SpeechStarted, Transcript, TurnEnded
from patter_assemblyai import AssemblyAISTT
from patter_assemblyai.double import AssemblyAIDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.talking import CALL, eventually, failure, final, silence, until

from .talking import VOICE, ears, shape

# --- configuring a call that is up


async def test_a_call_that_is_up_listens_for_other_things() -> None:
    async with AssemblyAIDouble(lines=["a table,"]).running() as double:
        settings = ears(double, keyterms_prompt=["basil"], max_turn_silence=5_000)
        async with settings.open(CALL, MULAW_8K) as session:
            await settings.configure("c1", keyterms_prompt=["sea bass"], max_turn_silence=600)
            await session.send(VOICE + silence(700))
            assert shape(await until(aiter(session), TurnEnded))[-2] == "a table,|"
            (listener,) = double.sessions
            assert listener.params.values["keyterms_prompt"] == ["sea bass"]
            await settings.configure("c1", keyterms_prompt=[])
            await session.send(VOICE)
            await until(aiter(session), SpeechStarted)
            assert listener.params.values["keyterms_prompt"] == []
        with pytest.raises(CallStateError):
            await settings.configure("c1", keyterms_prompt=[])


async def test_a_call_that_is_up_begins_to_wait_for_punctuation_and_stops() -> None:
    async with AssemblyAIDouble(lines=["yes", "no", "oh"]).running() as double:
        settings = ears(double)
        async with settings.open(CALL, MULAW_8K) as session:
            for formats, words in ((True, "Yes."), (None, "No."), (False, "oh")):
                if formats is None:
                    await settings.configure("c1", vad_threshold=0.5)
                else:
                    await settings.configure("c1", format_turns=formats)
                await session.send(VOICE + silence(500))
                assert shape(await until(aiter(session), TurnEnded))[-2] == f"{words}|"


async def test_what_was_changed_before_stays_changed() -> None:
    async with AssemblyAIDouble(lines=["yes"]).running() as double:
        settings = ears(double, format_turns=True)
        async with settings.open(CALL, MULAW_8K) as session:
            await settings.configure("c1", format_turns=False)
            await settings.configure("c1", vad_threshold=0.5)
            assert not session._hearing.formats, "nothing is waited for that does not come"


async def test_languages_of_a_call_that_is_up_replace_its_language() -> None:
    async with AssemblyAIDouble().running() as double:
        settings = ears(double, model="u3-rt-pro", language="de")
        async with settings.open(CALL, MULAW_8K):
            await settings.configure("c1", language_codes=["es-MX", "en"], agent_context="Hi?")
            values = double.sessions[0].params.values
            await eventually(lambda: "agent_context" in values)
            assert (values["language_codes"], values["agent_context"]) == (["es", "en"], "Hi?")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": "u3-rt-pro"},
        {"prompt": "an order"},
        {"keyterms_prompt": ["x"] * 101},
        {"vad_threshold": 2},
        {"min_turn_silence": 500},
    ],
)
async def test_what_would_end_a_session_is_not_sent(changes: dict[str, Any]) -> None:
    async with AssemblyAIDouble().running() as double:
        settings = ears(double, max_turn_silence=400)
        async with settings.open(CALL, MULAW_8K):
            with pytest.raises(PatterConfigError) as raised:
                await settings.configure("c1", **changes)
            assert raised.value.fix
            await asyncio.sleep(0.02)
            assert double.commands == []


# --- what goes wrong


@pytest.mark.parametrize(
    ("refuses", "code"),
    [
        ((1008, "Unauthorized Connection: Insufficient account balance"), ErrorCode.AUTH),
        ((3009, "Unauthorized Connection: Too many concurrent sessions"), ErrorCode.RATE_LIMIT),
        ((3005, "Session Cancelled: An error occurred"), ErrorCode.CONNECTION),
        ((3006, "User Input Validation Error: " + "x" * 200), ErrorCode.CONFIG),
    ],
)
async def test_a_session_that_does_not_begin_says_why(
    refuses: tuple[int, str], code: ErrorCode
) -> None:
    async with AssemblyAIDouble(refuses=refuses).running() as double:
        error = await failure(ears(double).open(CALL, MULAW_8K).__aenter__())
    assert error.code is code and refuses[1][:200] in error.message


async def test_a_session_too_many_is_a_limit() -> None:
    async with AssemblyAIDouble(most_sessions=1).running() as double:
        async with ears(double).open(CALL, MULAW_8K):
            error = await failure(ears(double).open(CALL, MULAW_8K).__aenter__())
            assert error.code is ErrorCode.RATE_LIMIT
        async with ears(double).open(CALL, MULAW_8K):
            pass


async def test_a_key_that_is_refused_is_not_repeated() -> None:
    async with AssemblyAIDouble(key="other").running() as double:
        stranger = AssemblyAISTT(api_key="hunter2", base_url=double.url)
        error = await failure(stranger.open(CALL, MULAW_8K).__aenter__())
    assert error.code is ErrorCode.AUTH
    assert "ASSEMBLYAI_API_KEY" in error.fix and "hunter2" not in str(error)


async def test_an_unknown_model_is_a_setting_to_change() -> None:
    async with AssemblyAIDouble().running() as double:
        error = await failure(ears(double, model="parrot-1").open(CALL, MULAW_8K).__aenter__())
    assert (error.code, "speech_model" in error.message) == (ErrorCode.CONFIG, True)


async def test_a_session_that_never_begins_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter_assemblyai._listening.BEGIN_S", 0.05)
    async with AssemblyAIDouble(faults=VendorFaults(stalls=True)).running() as double:
        error = await failure(ears(double).open(CALL, MULAW_8K).__aenter__())
    assert error.code is ErrorCode.TIMEOUT


async def test_a_limit_says_when_to_come_back() -> None:
    faults = VendorFaults(status=429, retry_after="2")
    async with AssemblyAIDouble(faults=faults).running() as double:
        error = await failure(ears(double).open(CALL, MULAW_8K).__aenter__())
    assert (error.code, error.retry_after_ms) == (ErrorCode.RATE_LIMIT, 2_000)


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (VendorFaults(close_code=1000), ErrorCode.CONNECTION),
        (VendorFaults(close_code=1011), ErrorCode.CONNECTION),
        (VendorFaults(close_code=3008), ErrorCode.CONNECTION),
        (VendorFaults(close_code=4002), ErrorCode.AUTH),
        (VendorFaults(over=True), ErrorCode.CONNECTION),
        (VendorFaults(garbage="{"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage=b"\x00"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage='{"type": "Turn"}'), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(oversize=5 << 20), ErrorCode.CONNECTION),
    ],
)
async def test_what_ends_a_session_says_how(faults: VendorFaults, code: ErrorCode) -> None:
    async with (
        AssemblyAIDouble(faults=attrs.evolve(faults, after=1)).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        error = await failure(until(aiter(session), SpeechEnded))
        assert error.code is code
        assert (await failure(session.finalize())) is error


async def test_an_unknown_message_is_no_news() -> None:
    faults = VendorFaults(garbage='{"type": "Novelty"}', after=1)
    async with (
        AssemblyAIDouble(faults=faults).running() as double,
        ears(double, finalize_ms=50).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)


async def test_a_line_that_is_dead_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter_assemblyai._socket.HEARTBEAT_S", 0.1)
    async with (
        AssemblyAIDouble(answers_pings=False).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        error = await failure(until(aiter(session), TurnEnded))
    assert error.code is ErrorCode.CONNECTION


# --- tokens


async def test_a_token_is_made_for_each_session_and_the_key_is_in_no_address() -> None:
    async with AssemblyAIDouble(lines=["yes"]).running() as double:
        settings = ears(double, use_query_token=True)
        for _ in range(2):
            async with settings.open(CALL, MULAW_8K):
                pass
    sockets = [request for request in double.requests if request.path == "/v3/ws"]
    assert len({request.query["token"] for request in sockets}) == 2
    assert all("Authorization" not in request.headers for request in sockets)
    assert not double.tokens, "each was used"


async def test_an_answer_without_a_token_is_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(self: AssemblyAIDouble, _request: Any) -> Any:
        return web.json_response({"token": None})

    monkeypatch.setattr(AssemblyAIDouble, "_make_token", nothing)
    async with AssemblyAIDouble().running() as double:
        settings = ears(double, use_query_token=True)
        error = await failure(settings.open(CALL, MULAW_8K).__aenter__())
    assert error.code is ErrorCode.PROVIDER_ERROR
