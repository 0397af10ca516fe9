"""An agent as an engine, against its double; what every engine keeps is in compliance."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import attrs
import pytest

from patter import PatterConfigError
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_24K, AudioFormat
from patter.client_pool import client_pool
from patter.errors import (
    AuthenticationError,
    ErrorCode,
    MissingCredential,
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
)
from patter.plugins.spec import ProviderSpec
from patter.providers.context import CallContext
from patter.providers.engine import EngineTurns
from patter.providers.engine_events import (
    CallerTranscript,
    EngineProblem,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseText,
    ResponseToolCall,
    ResponseTruncated,
    ToolCallsCancelled,
    VendorInterrupted,
)
from patter.providers.llm import Message, ToolRequest
from patter.providers.tts import SpokenWord
from patter_elevenlabs.double import convai_events as events
from patter_elevenlabs.engine import ElevenLabsConvAI
from patter_elevenlabs.plugin import patter_engine
from patter_testing.doubles.scripted_model import Answer
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.doubles.vendor_sound import read_back, sounded
from patter_testing.suites.engine_vendor import conversation
from patter_testing.suites.vendor import vendor_of

from .convai_lab import CALL, MS_PER_LETTER, engine, quick, talking, until

LONG = "This is a long answer that takes the agent a good while to say to its caller."
BOOK = ToolRequest("t1", "book", '{"people":2}')


def voice(ms: int = 300) -> bytes:
    """Somebody speaks for so long, and then is silent for longer than the agent waits."""
    return sounded("mmmmmm", MULAW_8K, ms // 6) + MULAW_8K.silence * MULAW_8K.bytes_in(150)


async def opened(double: Any, **options: Any) -> Any:
    """The error that opening a conversation raises."""
    with pytest.raises(PatterError) as caught:
        async with conversation(engine(double, **options), CALL):
            pytest.fail("it opened")
    assert caught.value.fix
    return caught.value


# What settings are.


def test_the_agent_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_AGENT_ID", "agent_e")
    monkeypatch.setenv("ELEVENLABS_API_KEY", "key_e")
    settings = ElevenLabsConvAI()
    assert (settings.agent_id, settings.api_key) == ("agent_e", "key_e")
    assert ElevenLabsConvAI(agent_id="a").agent_id == "a"


@pytest.mark.parametrize("missing", ["ELEVENLABS_AGENT_ID", "ELEVENLABS_API_KEY"])
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name in ("ELEVENLABS_AGENT_ID", "ELEVENLABS_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(({"ELEVENLABS_AGENT_ID", "ELEVENLABS_API_KEY"} - {missing}).pop(), "x")
    with pytest.raises(MissingCredential) as caught:
        ElevenLabsConvAI()
    assert missing in caught.value.fix


def test_a_spec_string_sets_every_kind_of_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "k")
    text = (
        "elevenlabs?agent_id=a&use_signed_url=true&override_prompt=no&speed=1.1&stability=0.5"
        "&max_duration_s=60&quiet_s=0.4&dynamic_variables=%7B%22n%22%3A1%7D&voice=v"
    )
    built = patter_engine(ProviderSpec.parse(text, kind="engine"))
    assert isinstance(built, ElevenLabsConvAI)
    assert (built.use_signed_url, built.override_prompt) == (True, False)
    assert (built.speed, built.stability, built.max_duration_s, built.quiet_s) == (
        1.1,
        0.5,
        60,
        0.4,
    )
    assert (built.dynamic_variables, built.voice) == ({"n": 1}, "v")


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed": 0.5},
        {"speed": 2},
        {"stability": -0.1},
        {"similarity_boost": 1.1},
        {"quiet_s": 0},
        {"answer_s": -1},
        {"open_s": float("nan")},
        {"max_duration_s": 0},
        {"dynamic_variables": "not json"},
        {"dynamic_variables": "[1]"},
        {"custom_llm_extra_body": 3},
        {"base_url": "api.elevenlabs.io"},
    ],
)
def test_a_setting_out_of_range_is_refused_with_a_fix(wrong: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as caught:
        ElevenLabsConvAI(agent_id="a", api_key="k", **wrong)
    assert caught.value.fix


def test_the_longest_conversation_is_a_capability() -> None:
    settings = ElevenLabsConvAI(agent_id="a", api_key="k")
    assert settings.can.max_session_s is None and settings.hosts == ("api.elevenlabs.io",)
    assert attrs.evolve(settings, max_duration_s=90).can.max_session_s == 90


# What reaches the vendor.


async def test_options_and_the_call_reach_the_agent() -> None:
    double = quick(branches=frozenset({"b1"}))
    options = {
        "branch_id": "b1",
        "environment": "staging",
        "voice": "v",
        "model_id": "eleven_flash_v2_5",
        "language": "de",
        "speed": 1.1,
        "stability": 0.4,
        "similarity_boost": 0.6,
        "max_duration_s": 90,
        "dynamic_variables": {"city": "Rome"},
        "custom_llm_extra_body": {"top_k": 3},
        "user_id": "u",
    }
    call = CallContext(call_id="c", variables={"name": "Rosa"})
    async with double.running(), conversation(engine(double, **options), call):
        hosted = double.agent.latest
    assert hosted.overrides == {
        "agent.prompt.prompt": "Be brief.",
        "agent.language": "de",
        "tts.voice_id": "v",
        "tts.model_id": "eleven_flash_v2_5",
        "tts.speed": 1.1,
        "tts.stability": 0.4,
        "tts.similarity_boost": 0.6,
        "conversation.max_duration_seconds": 90,
    }
    assert hosted.variables == {"name": "Rosa", "city": "Rome"}
    assert hosted.got[0]["custom_llm_extra_body"] == {"top_k": 3}
    assert hosted.got[0]["user_id"] == "u"
    (asked,) = double.requests
    query = {"agent_id": double.agent.agent_id, "branch_id": "b1", "environment": "staging"}
    assert dict(asked.query) == query
    assert asked.headers["xi-api-key"] == double.key


async def test_the_agents_own_prompt_is_left_to_it_and_history_is_told() -> None:
    double = quick(allowed=frozenset())
    history = (Message("user", "I am Rosa."),)
    options = {"override_prompt": False}
    async with double.running(), talking(double, options, history=history) as (session, read):
        await read.until_done(await session.respond())
        assert double.agent.instructions == "You are a double."
        assert "Caller: I am Rosa." in double.agent.rows[0].text


async def test_the_callers_audio_reaches_the_agent_as_it_is() -> None:
    double = quick()
    async with double.running(), talking(double) as (session, _):
        await session.send(b"\x10" * 160)
        await session.send(b"\x20" * 160)
        await until(lambda: double.agent.latest.heard_bytes == 320)
        audio = [each for each in double.agent.latest.got if "user_audio_chunk" in each]
    assert len(audio) == 2 and all(set(each) == {"user_audio_chunk"} for each in audio)


async def test_every_ping_is_answered() -> None:
    double = quick(ping_s=0.03)
    async with double.running(), talking(double):
        hosted = double.agent.latest
        await until(lambda: sum(each.get("type") == "pong" for each in hosted.got) >= 4)
        answers = [each["event_id"] for each in hosted.got if each.get("type") == "pong"]
    assert answers[:4] == [1, 2, 3, 4]


async def test_say_asks_for_the_words_and_respond_for_anything() -> None:
    double = quick()
    async with double.running(), talking(double) as (session, read):
        for name in (
            await session.say("Good bye."),
            await session.respond("Be loud."),
            await session.respond(),
        ):
            await read.until_done(name)
        said = [each["text"] for each in double.agent.latest.got if "text" in each]
    assert "Good bye." in said[0] and said[1] == "Be loud." and said[2]


# What the vendor sends.


async def test_what_the_caller_says_is_heard_and_answered() -> None:
    double = quick(script=("At five.",))
    double.lines.put("when do you open")
    async with (
        double.running(),
        talking(double, turns=EngineTurns(responds=True)) as (
            session,
            read,
        ),
    ):
        await session.send(voice())
        name = await read.until_started(ResponseCause.CALLER)
        await read.until_done(name)
    finals = [e for e in read.log if isinstance(e, CallerTranscript) and e.final]
    assert [each.text for each in finals] == ["when do you open"]
    assert read.text(name) == "At five."


async def test_a_caller_who_speaks_interrupts_the_agent() -> None:
    double = quick(script=(LONG,), late_pieces=3)
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        await read.until(lambda event: isinstance(event, ResponseAudio))
        await session.send(voice())
        done = await read.until_done(name)
        truncated = await read.until(lambda event: isinstance(event, ResponseTruncated))
        answer = await read.until_started(ResponseCause.CALLER)
        await read.until_done(answer)
    assert done.status is ResponseStatus.CANCELLED
    assert VendorInterrupted(name) in read.log
    assert isinstance(truncated, ResponseTruncated) and truncated.response_id == name
    assert truncated.text is not None and LONG.startswith(truncated.text)
    after = read.log[read.log.index(done) :]
    assert not [e for e in after if isinstance(e, ResponseAudio) and e.response_id == name]
    # None of the late pieces, of a letter that is not in the answer, is in the next response.
    assert len(read.audio(answer)) == len("Yes, we are open.") * MULAW_8K.bytes_in(MS_PER_LETTER)


async def test_the_agents_audio_is_what_it_says() -> None:
    double = quick(script=("Five.",), ms_per_letter=40, pace=0.1)
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        await read.until_done(name)
    assert read_back(read.audio(name), MULAW_8K, 40) == "Five."
    words = [word for e in read.of(name) if isinstance(e, ResponseText) for word in e.words]
    assert words == [SpokenWord("Five.", 200)]


@pytest.mark.parametrize(
    ("hears", "speaks"),
    [("ulaw_8000", "pcm_16000"), ("pcm_16000", "ulaw_8000"), ("pcm_44100", "pcm_22050")],
)
async def test_whatever_the_agents_formats_are_both_sides_understand(
    hears: str, speaks: str
) -> None:
    double = quick(script=("Five.",), ms_per_letter=40, hears=hears, speaks=speaks)
    double.lines.put("when")
    async with double.running(), talking(double) as (session, read):
        await session.send(voice())
        name = await read.until_started(ResponseCause.CALLER)
        await read.until_done(name)
    assert read_back(read.audio(name), MULAW_8K, 40) == "Five."


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_8K, PCM16_24K])
async def test_a_call_in_another_format_understands_and_is_understood(audio: AudioFormat) -> None:
    double = quick(script=("Five.",), ms_per_letter=40)
    double.lines.put("when")
    async with (
        double.running(),
        talking(double, audio_in=audio, audio_out=audio) as (session, read),
    ):
        await session.send(convert(voice(), MULAW_8K, audio))
        name = await read.until_started(ResponseCause.CALLER)
        await read.until_done(name)
    assert read_back(read.audio(name), audio, 40) == "Five."


async def test_a_format_nobody_knows_is_a_config_error_that_names_the_setting() -> None:
    double = quick(VendorFaults(garbage=json.dumps(events.metadata("c", "mp3_44100", "ulaw_8000"))))
    async with double.running():
        error = await opened(double)
    assert error.code is ErrorCode.CONFIG and "mp3_44100" in error.message
    assert "output format" in error.fix and "μ-law 8000" in error.fix


async def test_the_agents_own_first_message_is_a_greeting() -> None:
    double = quick(first_message="Hi there.")
    async with double.running(), talking(double) as (_, read):
        name = await read.until_started(ResponseCause.GREETING)
        await read.until_done(name)
    assert read.text(name) == "Hi there."


async def test_a_tool_is_called_answered_and_reported_to_have_failed() -> None:
    double = quick(script=(Answer("One moment.", (BOOK,)), "Sorry."))
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        call = await read.until(lambda event: isinstance(event, ResponseToolCall))
        assert call == ResponseToolCall(name, BOOK)
        await session.tool_result("t1", "no table", failed=True)
        answer = await read.until_started(ResponseCause.TOOL)
        await read.until_done(answer)
        (sent,) = [e for e in double.agent.latest.got if e.get("type") == "client_tool_result"]
    assert sent["is_error"] is True and sent["result"] == "no table"
    assert read.text(answer) == "Sorry."


async def test_a_tool_that_the_agent_gave_up_is_answered_no_more() -> None:
    double = quick()
    double.agent.events |= {"agent_tool_response"}
    async with double.running(), talking(double) as (session, read):
        await double.agent.want(BOOK)
        await read.until(lambda event: isinstance(event, ResponseToolCall))
        await double.agent.latest.give_up("t1")
        await read.until(lambda event: event == ToolCallsCancelled(("t1",)))
        await session.tool_result("t1", "late")
        await read.until_done(await session.respond())
        assert not [e for e in double.agent.latest.got if e.get("type") == "client_tool_result"]


async def test_the_end_is_not_waited_for_when_the_agent_tells_it() -> None:
    double = quick(script=("Yes.",))
    double.agent.events |= {"agent_response_complete"}
    async with double.running(), talking(double, {"quiet_s": 30}) as (session, read):
        await read.until_done(await session.respond())


# What is late, stops in the middle, or never comes.


async def test_an_agent_that_never_answers_has_failed_the_request() -> None:
    double = quick(VendorFaults(after=2, stalls=True))
    async with double.running(), talking(double, {"answer_s": 0.1}) as (session, read):
        done = await read.until_done(await session.respond())
        assert done.status is ResponseStatus.FAILED
        assert done.error is not None and done.error.code is ErrorCode.TIMEOUT
        # The session goes on.
        assert (await read.until_done(await session.respond())).status is ResponseStatus.FAILED


async def test_an_agent_that_stops_in_the_middle_ends_its_response() -> None:
    double = quick(VendorFaults(after=4, stalls=True), piece_ms=20)
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        done = await read.until_done(name)
    assert done.status is ResponseStatus.COMPLETED
    assert 0 < len(read.audio(name)) < len("Yes, we are open.") * MULAW_8K.bytes_in(MS_PER_LETTER)


async def test_a_silent_agent_can_be_interrupted_before_it_says_anything() -> None:
    double = quick(VendorFaults(after=2, stalls=True))
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        await session.interrupt(name, 0)
        done = await read.until_done(name)
    assert done.status is ResponseStatus.CANCELLED
    assert read.of(name)[0] == ResponseStarted(name, ResponseCause.REQUEST)


async def test_an_agent_that_begins_late_is_a_timeout() -> None:
    double = quick(VendorFaults(trickle_ms=5_000))
    async with double.running():
        error = await opened(double, open_s=0.1)
    assert isinstance(error, PatterTimeoutError)


async def test_a_request_that_stands_in_line_is_answered_after_the_one_before() -> None:
    double = quick(script=("One.", "Two.", "Three."))
    async with double.running(), talking(double) as (session, read):
        names = [await session.respond(str(number)) for number in range(3)]
        await read.until_done(names[-1])
    assert [read.text(name) for name in names] == ["One.", "Two.", "Three."]
    assert not [e for e in double.agent.latest.sent if e["type"] == "interruption"]


# What goes wrong.


async def test_an_override_that_is_not_allowed_says_where_to_allow_it() -> None:
    double = quick(allowed=frozenset())
    async with double.running():
        error = await opened(double)
    assert error.code is ErrorCode.CONFIG and "'prompt'" in error.message
    assert "Security" in error.fix


async def test_a_variable_that_is_missing_is_named() -> None:
    double = quick(required=frozenset({"name"}))
    async with double.running():
        error = await opened(double)
    assert error.code is ErrorCode.CONFIG and "name" in error.message
    assert "dynamic_variables" in error.fix


@pytest.mark.parametrize("options", [{"agent_id": "nobody"}, {"branch_id": "none"}])
async def test_an_agent_that_is_not_there_is_a_config_error(options: dict[str, Any]) -> None:
    double = quick()
    async with double.running():
        error = await opened(double, **options)
    assert error.code is ErrorCode.CONFIG and "agent_id" in error.fix


async def test_an_error_event_is_raised_with_its_meaning() -> None:
    double = quick()
    async with double.running(), talking(double) as (session, read):
        refusal = events.error(1002, "http_exception", "This request exceeds your quota.")
        await double.agent.latest.send(refusal)
        with pytest.raises(PatterConnectionError):
            await read.until(lambda event: False)
        with pytest.raises(PatterConnectionError):
            await session.respond()


@pytest.mark.parametrize(("code", "error"), [(1011, PatterConnectionError), (1008, PatterError)])
async def test_a_close_in_the_middle_is_raised(code: int, error: type[PatterError]) -> None:
    double = quick(VendorFaults(after=3, close_code=code))
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        with pytest.raises(error) as caught:
            await read.until_done(name)
        assert str(code) in str(caught.value) or caught.value.fix


@pytest.mark.parametrize("faults", [{"over": True}, {"close_code": 1000}])
async def test_a_conversation_that_is_over_ends_the_events(faults: dict[str, Any]) -> None:
    double = quick(VendorFaults(after=3, **faults))
    async with double.running(), talking(double) as (session, _):
        await session.respond()
        async for _event in session:
            pass
        with pytest.raises(PatterConnectionError):
            await session.send(b"\xff" * 160)


async def test_a_message_that_is_too_long_is_raised() -> None:
    double = quick(VendorFaults(after=3, oversize=17 << 20))
    async with double.running(), talking(double) as (session, read):
        await session.respond()
        with pytest.raises(PatterError):
            await read.until(lambda event: False)


async def test_an_error_that_passes_has_a_fix() -> None:
    double = quick()
    async with double.running(), talking(double) as (_, read):
        await double.agent.warn()
        problem = await read.until(lambda event: isinstance(event, EngineProblem))
    assert isinstance(problem, EngineProblem) and problem.error.passing


@pytest.mark.parametrize("text", ["", "abc", "system__"])
async def test_odd_words_are_sent_as_they_are(text: str) -> None:
    double = quick()
    async with double.running(), talking(double) as (session, read):
        await session.send_text(text)
        await read.until(lambda event: isinstance(event, ResponseDone))
        assert double.agent.rows[0] == Message("user", text)


# Getting ready, and being asked.


async def test_a_signed_address_is_used_in_place_of_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    double = quick(branches=frozenset({"b1"}))
    options = {"use_signed_url": True, "branch_id": "b1", "environment": "staging"}
    async with double.running(), client_pool():
        settings = engine(double, **options)
        await settings.warm()
        async with conversation(settings, CALL) as (session, read):
            await read.until_done(await session.respond())
    asked = [each for each in double.requests if each.path.endswith("get-signed-url")]
    (handshake,) = [each for each in double.requests if each.path.endswith("/conversation")]
    assert len(asked) == 1 and asked[0].headers["xi-api-key"] == double.key
    assert dict(asked[0].query) == {
        "agent_id": double.agent.agent_id,
        "branch_id": "b1",
        "environment": "staging",
    }
    assert "xi-api-key" not in handshake.headers
    assert handshake.query["conversation_signature"] in double.tokens
    ours = [each for each in caplog.records if each.name.startswith("patter")]
    assert not [each for each in ours if "conversation_signature" in each.getMessage()]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ErrorCode.AUTH),
        (404, ErrorCode.CONFIG),
        (422, ErrorCode.PROVIDER_ERROR),
        (429, ErrorCode.RATE_LIMIT),
        (500, ErrorCode.CONNECTION),
    ],
)
async def test_a_refused_signature_means_what_its_status_says(status: int, code: ErrorCode) -> None:
    double = quick(VendorFaults(status=status, retry_after="2"))
    async with double.running():
        error = await opened(double, use_signed_url=True)
    assert error.code is code and double.key not in str(error)


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", '{"signed_url": 3}', '{"signed_url": "ftp://x"}', "<html>"]
)
async def test_a_vendor_that_signs_nothing_is_garbled(body: str) -> None:
    async with vendor_of(200, "application/json", body) as address:
        signing = ElevenLabsConvAI(
            agent_id="a", api_key="k", use_signed_url=True, base_url=f"http://{address}"
        )
        with pytest.raises(PatterError) as caught:
            async with conversation(signing, CALL):
                pytest.fail("it opened")
    assert caught.value.code is ErrorCode.PROVIDER_ERROR and caught.value.fix


async def test_a_signing_vendor_out_of_reach_may_come_back() -> None:
    settings = ElevenLabsConvAI(
        agent_id="a", api_key="k", use_signed_url=True, base_url="http://127.0.0.1:9"
    )
    with pytest.raises(PatterConnectionError):
        async with conversation(settings, CALL):
            pytest.fail("it opened")


async def test_warming_opens_a_connection_that_the_call_uses() -> None:
    double = quick()
    async with double.running(), client_pool() as pool:
        await engine(double).warm()
        assert len(pool.http.connector._conns) == 1  # type: ignore[union-attr]
        async with talking(double):
            assert not pool.http.connector._conns  # type: ignore[union-attr]


async def test_the_doctor_is_told_the_agents_name_and_the_vendors_time() -> None:
    double = quick()
    async with double.running():
        report = await engine(double).check()
    assert report.text == "agent 'Double'"
    assert report.wall is not None and report.wall > 1_700_000_000


async def test_the_doctor_is_told_of_formats_that_are_converted() -> None:
    double = quick(hears="pcm_16000")
    async with double.running():
        report = await engine(double).check()
    assert "pcm_16000" in report.text


async def test_the_doctor_finds_overrides_that_are_not_allowed() -> None:
    double = quick(allowed=frozenset({"tts.voice_id"}))
    async with double.running():
        with pytest.raises(PatterConfigError, match=r"agent\.prompt\.prompt, tts\.speed"):
            await engine(double, voice="v", speed=1.0).check()
        assert await engine(double, voice="v", override_prompt=False).check()


@pytest.mark.parametrize(
    ("options", "error"),
    [({"api_key": "wrong"}, AuthenticationError), ({"agent_id": "nobody"}, PatterConfigError)],
)
async def test_the_doctor_is_told_what_is_wrong(
    options: dict[str, Any], error: type[PatterError]
) -> None:
    double = quick()
    async with double.running():
        with pytest.raises(error):
            await attrs.evolve(engine(double), **options).check()


async def test_a_check_is_bounded() -> None:
    double = quick(VendorFaults(silent=True))
    async with double.running():
        with pytest.raises(PatterTimeoutError):
            async with asyncio.timeout(2):
                await engine(double, open_s=0.1).check()
