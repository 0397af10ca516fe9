"""Recognition by files: clips become finals in order, and what goes wrong ends the session."""

from __future__ import annotations

import asyncio
import io
import struct
import wave
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.clock import LoopClock
from patter.errors import AuthenticationError, ErrorCode, PatterError
from patter.providers.stt import Transcript
from patter.vendors.errors import VendorErrors
from patter.vendors.utterances import (
    PENDING,
    VOUCH_S,
    Clip,
    FileSession,
    VoiceBlocks,
    transcript,
    wav,
)

ERRORS = VendorErrors("Parrot", "PARROT_API_KEY", "status.parrot.example")
REFUSED = AuthenticationError("no", fix="another key")

virtual_time = pytest.mark.virtual_time


# --- the session


@attrs.define(eq=False)
class Kept:
    """Clips of whatever was fed: a byte is a second."""

    sound: bytes = b""

    @property
    def kept_ms(self) -> float:
        return len(self.sound) * 1_000

    def feed(self, audio: bytes) -> None:
        self.sound += audio

    def cut(self) -> Clip:
        sound, self.sound = self.sound, b""
        return Clip(sound, 0, 7)


async def accepted() -> None:
    """The key is good."""


async def spelt(clip: Clip) -> Transcript:
    await asyncio.sleep(0.2)
    return Transcript(clip.sound.decode(), final=True)


def session(
    check: Callable[[], Awaitable[object]] = accepted,
    transcribe: Callable[[Clip], Awaitable[Transcript]] = spelt,
) -> FileSession:
    return FileSession(ERRORS, Kept(), 3, check, transcribe)


async def finals(session: FileSession, count: int) -> list[Any]:
    events = aiter(session)
    return [await anext(events) for _ in range(count)]


@virtual_time
async def test_each_pause_is_answered_in_order_and_silence_without_a_file() -> None:
    async with session().listening() as heard:
        for each in (b"one", b"", b"two"):
            await heard.send(each)
            await heard.finalize()
        assert [each.text for each in await finals(heard, 3)] == ["one", "", "two"]
        assert LoopClock().ms() == 400


@virtual_time
async def test_so_much_without_a_pause_is_a_file() -> None:
    async with session().listening() as heard:
        await heard.send(b"abc")
        await heard.send(b"d")
        await heard.send(b"e")
        await heard.finalize()
        assert [each.text for each in await finals(heard, 2)] == ["abcd", "e"]


@virtual_time
async def test_a_refusal_is_known_before_the_first_words() -> None:
    async def check() -> None:
        raise REFUSED

    async with session(check).listening() as heard:
        with pytest.raises(AuthenticationError):
            await finals(heard, 1)
        with pytest.raises(AuthenticationError):
            await heard.send(b"a")


@virtual_time
@pytest.mark.parametrize(("wait_s", "after_ms"), [(60, VOUCH_S * 1_000), (0, 0)])
async def test_words_do_not_wait_for_a_check_that_may_pass(wait_s: float, after_ms: float) -> None:
    async def check() -> None:
        await asyncio.sleep(wait_s)
        raise ERRORS.unreachable()

    async with session(check).listening() as heard:
        await heard.send(b"one")
        await heard.finalize()
        assert (await finals(heard, 1))[0].text == "one"
        assert LoopClock().ms() == after_ms + 200


@virtual_time
async def test_a_file_that_fails_ends_the_session() -> None:
    async def transcribe(clip: Clip) -> Transcript:
        raise ERRORS.late()

    async with session(transcribe=transcribe).listening() as heard:
        await heard.send(b"one")
        await heard.finalize()
        with pytest.raises(PatterError) as raised:
            await finals(heard, 1)
        assert raised.value.code is ErrorCode.TIMEOUT


@virtual_time
async def test_files_that_wait_are_bounded() -> None:
    async with session().listening() as heard:
        for _ in range(PENDING):
            await heard.finalize()
        with pytest.raises(PatterError, match="Parrot transcribes slower than is spoken"):
            await heard.finalize()


# --- voices


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 20)), max_size=6), st.integers(1, 999))
def test_blocks_with_a_voice_are_found_however_audio_is_cut(
    given: list[tuple[bool, int]], size: int
) -> None:
    sound = b"".join((b"\x20" if loud else MULAW_8K.silence) * 80 * n for loud, n in given)
    blocks = VoiceBlocks(MULAW_8K, -50)
    found = [
        each for at in range(0, len(sound), size) for each in blocks.feed(sound[at : at + size])
    ]
    assert b"".join(block for block, _ in found) == sound
    assert [voice for _, voice in found] == [loud for loud, n in given for _ in range(n)]


# --- files, and what is heard in them


@given(st.binary(max_size=4_000).map(lambda b: b[: len(b) // 2 * 2]))
def test_a_file_has_the_samples(sound: bytes) -> None:
    file = wav(sound, PCM16_16K)
    # How many bytes a second has, and a sample: Python does not look, others do.
    assert struct.unpack_from("<IH", file, 28) == (32_000, 2)
    with wave.open(io.BytesIO(file)) as read:
        assert (read.getframerate(), read.getnchannels(), read.getsampwidth()) == (16_000, 1, 2)
        assert read.readframes(read.getnframes()) == sound


fields = st.sampled_from(["error", "text", "words", "word", "start", "end"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(fields | st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_garbage_for_words_is_an_error_of_ours(body: object) -> None:
    try:
        transcript(body, Clip(b"", 0, 100), ERRORS)
    except PatterError as error:
        assert error.fix


anchors = st.lists(st.tuples(st.floats(0, 9_000), st.floats(1_000, 9_000)), max_size=4).map(
    lambda pairs: tuple(zip(*(sorted(column) for column in zip(*pairs, strict=True)), strict=True))
)


@given(st.lists(st.tuples(st.floats(-5, 50), st.floats(-5, 50))), anchors)
def test_times_of_words_lie_in_the_clip_and_never_run_back(
    times: list[tuple[float, float]], anchors: tuple[tuple[float, float], ...]
) -> None:
    words = [{"word": "a", "start": start, "end": end} for start, end in times]
    heard = transcript({"text": "a", "words": words}, Clip(b"", 1_000, 9_000, anchors), ERRORS)
    marks = [mark for word in heard.words for mark in (word.start_ms, word.end_ms)]
    assert marks == sorted(marks) and all(1_000 <= mark <= 9_000 for mark in marks)
