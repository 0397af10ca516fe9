"""Speaking over a WebSocket: what goes up, what is heard, and what becomes of a socket."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from patter.aio import Mailbox
from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_16K, PCM16_24K, AudioFormat, Encoding
from patter.clock import LoopClock
from patter.errors import ErrorCode, PatterError
from patter_elevenlabs import ElevenLabsTTS
from patter_elevenlabs._contexts import MOST, Heard
from patter_elevenlabs._errors import of_close
from patter_elevenlabs._reply import VoicedReply
from patter_elevenlabs._wire import Piece
from patter_elevenlabs.double import ElevenLabsDouble
from patter_testing.fast_clock import fast
from patter_testing.talking import CALL, eventually, letters_of, say, sentences

from .harness import voice

LONG = "This is a sentence of about sixty letters that nobody hears out."


def texts(double: ElevenLabsDouble) -> list[str]:
    """What clients sent to be spoken."""
    return [each["text"] for each in double.client_messages if each.get("text", "").strip()]


def contexts(double: ElevenLabsDouble) -> list[str]:
    """The contexts that clients opened, in order."""
    return [each["context_id"] for each in double.client_messages if each.get("text") == " "]


def sockets(double: ElevenLabsDouble) -> int:
    return sum(request.path.endswith("multi-stream-input") for request in double.requests)


@pytest.mark.parametrize("audio", [MULAW_8K, ALAW_8K, PCM16_16K, PCM16_24K])
async def test_what_is_said_is_heard(audio: AudioFormat) -> None:
    async with ElevenLabsDouble().running() as double, voice(double, audio=audio) as session:
        speeches = await say(session, "Good morning.", "How are you?")
    assert letters_of(speeches, audio) == "Good morning. How are you? "


async def test_a_reply_is_one_context_and_a_call_one_socket() -> None:
    async with ElevenLabsDouble().running() as double, voice(double) as session:
        for _ in range(8):
            await say(session, "One.", "Two.")
        await eventually(lambda: len(contexts(double)) == 9)
        assert sockets(double) == 1
    used = [each["context_id"] for each in double.client_messages if each.get("flush")]
    assert used == [name for name in contexts(double)[:8] for _ in range(2)]


async def test_each_sentence_is_flushed_when_it_comes() -> None:
    more = asyncio.Event()

    async def slowly() -> Any:
        yield "One."
        await more.wait()
        yield "Two."

    async with (
        ElevenLabsDouble().running() as double,
        voice(double) as session,
        aclosing(session.say(slowly())) as speech,
    ):
        first = await anext(speech)
        assert first.text == "One."
        assert texts(double) == ["One. "]
        more.set()
        rest = [each async for each in speech]
    assert [each.text for each in rest if each.text] == ["Two."]
    assert all(each["flush"] for each in double.client_messages if each.get("text", "").strip())


@pytest.mark.parametrize("sync", [True, False])
async def test_words_are_timed(sync: bool) -> None:
    async with (
        ElevenLabsDouble(ms_per_letter=50).running() as double,
        voice(double, sync_alignment=sync) as session,
    ):
        speeches = await say(session, "Good day.", "Bye now!")
    words = [(word.text, word.end_ms) for speech in speeches for word in speech.words]
    assert words == [("Good", 200), ("day.", 450), ("Bye", 650), ("now!", 900)]


async def test_without_characters_a_sentence_begins_with_its_audio() -> None:
    async with ElevenLabsDouble(aligned=False).running() as double, voice(double) as session:
        speeches = await say(session, "Good day.", "Bye now!")
    assert " ".join(speech.text for speech in speeches if speech.text) == "Good day. Bye now!"
    assert not [word for speech in speeches for word in speech.words]


async def test_the_live_services_names_are_read() -> None:
    async with ElevenLabsDouble(snake_case=True).running() as double, voice(double) as session:
        assert letters_of(await say(session, "Hello there.")) == "Hello there. "


async def endless(text: str) -> Any:
    yield text
    await asyncio.get_running_loop().create_future()


async def test_an_interruption_closes_the_context_and_keeps_the_socket() -> None:
    async with ElevenLabsDouble().running() as double, voice(double) as session:
        speech = session.say(endless(LONG))
        await anext(speech)
        await speech.aclose()
        await eventually(
            lambda: [each for each in double.client_messages if each.get("close_context")]
        )
        assert letters_of(await say(session, "Yes?")) == "Yes? "
        assert sockets(double) == 1


async def test_a_call_that_ends_waits_for_no_text() -> None:
    async with ElevenLabsDouble().running() as double, asyncio.timeout(2):
        async with voice(double) as session:
            speech = session.say(endless(LONG))
            await anext(speech)
        # Nobody closed the reply: whoever listened is gone.
        await speech.aclose()


async def test_old_replies_never_fill_the_socket() -> None:
    """A context that was closed lives on for a while; the vendor refuses a sixth."""
    async with (
        ElevenLabsDouble(closing_ms=600_000).running() as double,
        voice(double) as session,
    ):
        for _ in range(2 * MOST):
            speech = session.say(sentences(LONG))
            await anext(speech)
            await speech.aclose()
        # The tenth fills the second socket, and nobody waits for the third.
        await eventually(lambda: sockets(double) == 3)
    assert not [each for each in double.voice_messages if "error" in each]


async def test_a_reply_on_a_full_socket_is_not_cut() -> None:
    more = asyncio.Event()

    async def slowly() -> Any:
        yield "One moment."
        await more.wait()
        yield "Here it is."

    async with (
        ElevenLabsDouble(closing_ms=600_000).running() as double,
        voice(double, inactivity_timeout=1) as session,
    ):
        for _ in range(MOST - 1):
            speech = session.say(sentences(LONG))
            await anext(speech)
            await speech.aclose()
        asyncio.get_running_loop().call_later(0.6, more.set)
        speeches = list[Any]()
        async for each in session.say(slowly()):
            speeches.append(each)
            if "it is. " in letters_of(speeches):
                break
        assert sockets(double) == 1
    assert letters_of(speeches) == "One moment. Here it is. "


async def test_nothing_to_say_opens_no_context() -> None:
    async with ElevenLabsDouble().running() as double, voice(double) as session:
        for _ in range(3):
            assert await say(session) == []
        assert letters_of(await say(session, "Hi.")) == "Hi. "
        assert contexts(double)[0] == double.client_messages[1]["context_id"]
    assert len({each["context_id"] for each in double.client_messages if each.get("flush")}) == 1


async def test_a_quiet_call_keeps_its_socket() -> None:
    async with (
        ElevenLabsDouble().running() as double,
        voice(double, inactivity_timeout=1) as session,
    ):
        await say(session, "Hello.")
        await asyncio.sleep(1.3)
        assert letters_of(await say(session, "Still there?")) == "Still there? "
        assert sockets(double) == 1
    kept = [each for each in double.client_messages if each.get("text") == ""]
    assert len(kept) >= 2
    assert all(each["context_id"] for each in kept)


async def test_a_call_in_mid_reply_is_kept_alive_too() -> None:
    async def slowly() -> Any:
        yield "One moment."
        await asyncio.sleep(1.3)
        yield "Here it is."

    async with (
        ElevenLabsDouble().running() as double,
        voice(double, inactivity_timeout=1) as session,
    ):
        speeches = [speech async for speech in session.say(slowly())]
    assert letters_of(speeches) == "One moment. Here it is. "


async def test_a_socket_that_ends_while_nobody_speaks_is_replaced_unheard() -> None:
    async with ElevenLabsDouble().running() as double, voice(double) as session:
        await say(session, "Hello.")
        assert session._contexts is not None
        await session._contexts._socket.leave()
        assert letters_of(await say(session, "Back again.")) == "Back again. "
        assert sockets(double) == 2


async def test_a_socket_that_was_refused_something_while_idle_is_replaced_too() -> None:
    async with ElevenLabsDouble().running() as double, voice(double) as session:
        await say(session, "Hello.")
        assert session._contexts is not None
        session._contexts.fail(of_close(1008))
        assert letters_of(await say(session, "Back again.")) == "Back again. "
        assert sockets(double) == 2


async def test_a_socket_that_ends_is_replaced_before_it_is_needed() -> None:
    async with (
        ElevenLabsDouble().running() as double,
        voice(double, fast(100), timeout_s=60) as session,
    ):
        await say(session, "Hello.")
        await asyncio.sleep(0.06)
        assert session._contexts is not None
        await session._contexts._socket.leave()
        await eventually(lambda: sockets(double) == 2)


OPTIONS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"model_id": "eleven_turbo_v2_5"}, {"model_id": "eleven_turbo_v2_5"}),
    ({"language_code": "de"}, {"language_code": "de"}),
    ({"auto_mode": False}, {"auto_mode": "false"}),
    ({"inactivity_timeout": 90}, {"inactivity_timeout": "90"}),
    ({"sync_alignment": False}, {"sync_alignment": "false"}),
    ({"apply_text_normalization": "off"}, {"apply_text_normalization": "off"}),
    ({"seed": 7}, {"seed": "7"}),
    ({"enable_logging": False}, {"enable_logging": "false"}),
    ({"enable_ssml_parsing": True}, {"enable_ssml_parsing": "true"}),
]


@pytest.mark.parametrize(("options", "expected"), OPTIONS, ids=lambda each: "-".join(each))
async def test_an_option_reaches_the_address(
    options: dict[str, Any], expected: dict[str, str]
) -> None:
    async with ElevenLabsDouble().running() as double, voice(double, **options) as session:
        await say(session, "Hi.")
    query = double.requests[0].query
    assert expected.items() <= query.items()


async def test_what_is_not_set_is_not_sent() -> None:
    async with ElevenLabsDouble().running() as double, voice(double):
        pass
    assert dict(double.requests[0].query) == {
        "model_id": "eleven_flash_v2_5",
        "output_format": "ulaw_8000",
        "inactivity_timeout": "60",
        "auto_mode": "true",
        "sync_alignment": "true",
    }
    assert double.requests[0].headers["xi-api-key"] == double.key
    assert double.key not in double.requests[0].path


async def test_settings_of_the_voice_reach_each_context() -> None:
    settings = {"stability": 0.4, "similarity_boost": 0.8, "style": 0.1, "use_speaker_boost": False}
    async with (
        ElevenLabsDouble().running() as double,
        voice(
            double,
            voice_settings={**settings, "speed": 0.9},
            pronunciation_dictionary_locators=[("d", "v")],
            auto_mode=False,
            chunk_length_schedule=(50, 80),
        ) as session,
    ):
        await say(session, "Hi.")
    first = [each for each in double.client_messages if each.get("text") == " "]
    assert all(each["voice_settings"] == {**settings, "speed": 0.9} for each in first)
    assert all(each["generation_config"] == {"chunk_length_schedule": [50, 80]} for each in first)
    (locator,) = first[0]["pronunciation_dictionary_locators"]
    assert locator == {"pronunciation_dictionary_id": "d", "version_id": "v"}


async def test_a_voice_by_name_is_asked_for_by_its_id() -> None:
    async with ElevenLabsDouble().running() as double, voice(double, voice_id="Rachel") as session:
        await say(session, "Hi.")
    assert "/21m00Tcm4TlvDq8ikWAM/" in double.requests[0].path


async def test_a_chosen_format_is_the_only_one() -> None:
    settings = ElevenLabsTTS(api_key="k", output_format="pcm_22050")
    assert settings.produces == (AudioFormat(Encoding.PCM16, 22_050),)


REFUSALS = [
    ({"key": "another"}, {}, ErrorCode.AUTH),
    ({}, {"voice_id": "notARealVoiceId00000"}, ErrorCode.CONFIG),
    ({"quota": 3}, {}, ErrorCode.AUTH),
    ({}, {"model_id": "eleven_unknown"}, ErrorCode.PROVIDER_ERROR),
]


@pytest.mark.parametrize(("vendor", "options", "code"), REFUSALS)
async def test_a_refusal_is_what_it_means(
    vendor: dict[str, Any], options: dict[str, Any], code: ErrorCode
) -> None:
    async with ElevenLabsDouble(**vendor).running() as double:
        key = "wrong" if "key" in vendor else double.key
        settings = ElevenLabsTTS(base_url=double.url, api_key=key, **options)
        with pytest.raises(PatterError) as raised:
            async with settings.open(CALL, MULAW_8K) as session:
                await say(session, "Hello there.")
    assert raised.value.code is code
    assert raised.value.fix
    assert not raised.value.passing


async def test_a_socket_that_is_not_opened_says_what_to_look_at() -> None:
    async with ElevenLabsDouble().running() as double:
        with pytest.raises(PatterError) as raised:
            async with voice(double, model_id="eleven_unknown"):
                pytest.fail("it opened")
    assert "ELEVENLABS_API_KEY, model_id" in raised.value.fix


async def test_after_a_refusal_for_good_nothing_is_tried_again() -> None:
    async with ElevenLabsDouble(quota=3).running() as double, voice(double) as session:
        for _ in range(2):
            with pytest.raises(PatterError) as raised:
                await say(session, "Hello there.")
            assert raised.value.code is ErrorCode.AUTH
        assert sockets(double) == 1


async def test_what_the_text_raises_comes_out() -> None:
    async def broken() -> Any:
        yield "Hello."
        raise ZeroDivisionError

    async with ElevenLabsDouble().running() as double, voice(double) as session:
        with pytest.raises(ZeroDivisionError):
            [speech async for speech in session.say(broken())]
        assert letters_of(await say(session, "Go on.")) == "Go on. "


def reply_of(*pieces: Piece) -> VoicedReply:
    """A reply that hears *pieces*, in 16 bits."""
    inbox: Mailbox[Heard] = Mailbox(9)
    nothing: Any = None
    reply = VoicedReply(nothing, "a", inbox, LoopClock(), PCM16_16K, 1_000)
    for piece in pieces:
        inbox.put(piece)
    return reply


async def test_half_a_sample_waits_for_the_other() -> None:
    reply = reply_of(
        *(Piece("a", audio) for audio in (b"abc", b"d", b"efg")), Piece("a", final=True)
    )
    await reply.send(sentences())
    assert [speech.audio async for speech in reply.heard()] == [b"ab", b"cd", b"ef"]


async def test_a_context_that_ends_before_its_text_is_a_failure() -> None:
    reply = reply_of(Piece("a", b"abcd"), Piece("a", final=True))
    reply.words.add("Hello.")
    with pytest.raises(PatterError) as raised:
        [speech async for speech in reply.heard()]
    assert raised.value.code is ErrorCode.CONNECTION


async def test_a_sentence_without_audio_is_a_failure() -> None:
    reply = reply_of(Piece("a", final=True))
    reply.words.add("Hello.")
    reply._ended = True
    with pytest.raises(PatterError, match="no audio") as raised:
        [speech async for speech in reply.heard()]
    assert raised.value.passing
