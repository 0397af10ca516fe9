"""A voice or a recogniser dies, at whatever stage: the next goes on within 1.5 s, word for word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.audio.formats import AudioFormat
from patter.call.plan import CallPlan
from patter.errors import AuthenticationError, PatterConnectionError, PatterError, RateLimitError
from patter.observe.events import ErrorEvent, Link
from patter.providers.context import CallContext
from patter.providers.stt import Transcript
from patter.providers.tts import Speech
from patter_testing import FakeLLM, FakeSTT, FakeTTS, LabCall, lab
from patter_testing.fakes.stt import FakeSTTSession
from patter_testing.fakes.tts import FakeTTSSession, spoken

from . import plans
from .far_end import MOST_MS, first_sound_ms, longest_gap_ms

pytestmark = pytest.mark.virtual_time
STORY = "We are open from five to eleven. The kitchen closes at ten. Shall I book a table?"
GREETING = "Good evening, this is Rosa's, how may I help you?"
LOST = PatterConnectionError("the vendor went away", fix="wait a moment")
REFUSED = AuthenticationError("the vendor refused the key (401)", fix="export A_KEY")
BUSY = RateLimitError("too many requests (429)", fix="wait", retry_after_ms=20_000)
NAMES = {"stt": ("first", "a"), "tts": ("loud", "x")}
OTHERS = {"stt": (("second", "b"),), "tts": (("soft", "y"),)}
CONNECTS_S, FIRST_MS = 0.15, 250.0


def plan(**changes: Any) -> CallPlan:
    made = plans.plan(FakeLLM(replies=(STORY,)), names=NAMES, fallback_names=OTHERS, **changes)
    return attrs.evolve(made, rules=attrs.evolve(made.rules, filler_ms=0, progress_ms=0))


# --- voices


@attrs.frozen(kw_only=True)
class Voice(FakeTTS):
    """A voice that works until *at_ms* of its second reply; from then on *deed* happens."""

    at_ms: float = 0.0
    deed: Callable[[], Any] | None = None
    opens: Callable[[], Any] | None = None
    tells_texts: bool = True
    slow: bool = False
    first_ms: float = FIRST_MS
    replies: list[int] = attrs.field(factory=list, init=False, eq=False)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
        await asyncio.sleep(CONNECTS_S)
        if self.opens is not None:
            await self.opens()
        async with FakeTTS.open(self, call, audio) as session:
            yield _Speaks(self, session)


@attrs.frozen
class _Speaks:
    settings: Voice
    session: FakeTTSSession

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        settings, made_ms = self.settings, 0.0
        settings.replies.append(1)
        async for speech in self.session.say(text):
            number = len(settings.replies)
            until_ms = settings.at_ms if number == 2 else 0.0
            if number > 1 and settings.deed is not None and made_ms >= until_ms:
                await settings.deed()
            if number > 1 and settings.slow:
                await asyncio.sleep(1.6)
            made_ms += self.session.audio.ms_in(len(speech.audio))
            yield speech if settings.tells_texts else attrs.evolve(speech, text="")


def _raises(error: PatterError) -> Callable[[], Any]:
    async def raise_it() -> None:
        raise error

    return raise_it


async def _ends() -> None:
    raise StopAsyncIteration


async def _hangs() -> None:
    await asyncio.Event().wait()


VOICES: dict[str, dict[str, Any]] = {
    "before the first sound: error": {"deed": _raises(LOST)},
    "before the first sound: silence": {"deed": _hangs},
    "before the first sound: refused key": {"deed": _raises(REFUSED)},
    "before the first sound: too many requests": {"deed": _raises(BUSY)},
    "before the first sound: ends": {"deed": _ends},
    "in mid-sentence: error": {"at_ms": 1_000, "deed": _raises(LOST)},
    "in mid-sentence: silence": {"at_ms": 1_000, "deed": _hangs},
    "in mid-sentence: refused key": {"at_ms": 1_000, "deed": _raises(REFUSED)},
    "in the second sentence: error": {"at_ms": 2_700, "deed": _raises(LOST)},
    "in the second sentence: silence": {"at_ms": 2_700, "deed": _hangs},
    "a piece each 1.6 s": {"slow": True},
}


async def hears_the_answer(call: LabCall) -> tuple[float, float, str]:
    """Be greeted, ask, hear the answer out: how long until it began, its longest gap, and it."""
    assert await call.listens() == GREETING
    await call.caller.says("when are you open")
    spoke_ms = call.leg.now_ms - 500
    heard = await call.caller.hears_the_agent_out(quiet_ms=2_500)
    return first_sound_ms(call, spoke_ms), longest_gap_ms(call, spoke_ms), heard


def greeted(**changes: Any) -> CallPlan:
    made = plan(**changes)
    return attrs.evolve(made, phrases=attrs.evolve(made.phrases, greeting=GREETING))


@pytest.mark.parametrize("timed", [True, False], ids=["word times", "by its pace"])
@pytest.mark.parametrize("stage", VOICES)
async def test_another_voice_says_the_rest_and_no_word_twice(stage: str, timed: bool) -> None:
    async with lab(greeted(), tts=Voice()) as call:
        usual_ms, _, whole = await hears_the_answer(call)
    first, second = Voice(timed=timed, **VOICES[stage]), Voice()
    async with lab(greeted(tts_fallbacks=(second,)), tts=first) as call:
        first_ms, gap_ms, heard = await hears_the_answer(call)
    assert first_ms - usual_ms <= MOST_MS and gap_ms <= MOST_MS
    assert is_said_once(heard, whole)
    assert call.utterances == [GREETING, STORY]
    assert [link.what for link in call.of(Link) if link.provider == "loud"][-1] == "failed"


def is_said_once(heard: str, text: str) -> bool:
    """Was each word of *text* heard once, be it that it broke off, was begun anew, or both?"""
    heard, at = heard.replace(" ", ""), 0
    for word in text.split():
        begun = next(n for n in range(len(word), -1, -1) if heard.startswith(word[:n], at))
        at += begun
        if begun < len(word) and heard.startswith(word, at):
            at, begun = at + len(word), len(word)
        if not begun:
            return False
    return at == len(heard)


def test_a_word_twice_and_a_lost_one_are_noticed() -> None:
    assert is_said_once("We areareopen fr fromfive", "We are open from five") is False
    assert is_said_once("We open", "We are open") is False
    assert is_said_once("We ar are op from", "We are open from")


async def test_a_voice_that_tells_no_texts_is_followed_by_its_pace() -> None:
    first = Voice(tells_texts=False, at_ms=2_700, deed=_raises(LOST))
    async with lab(greeted(tts_fallbacks=(Voice(),)), tts=first) as call:
        await hears_the_answer(call)
    assert call.utterances == [GREETING, STORY]


@pytest.mark.parametrize("opens", [_raises(LOST), _raises(REFUSED), _raises(BUSY), _hangs])
async def test_a_voice_that_never_connects_delays_the_greeting_by_so_much(opens: Any) -> None:
    async with lab(greeted(), tts=Voice()) as call:
        await call.listens()
        usual_ms = first_sound_ms(call, 0)
    async with lab(greeted(tts_fallbacks=(Voice(),)), tts=Voice(opens=opens)) as call:
        assert await call.listens() == GREETING
        assert first_sound_ms(call, 0) - usual_ms <= MOST_MS


async def test_the_next_call_begins_with_the_voice_that_works() -> None:
    dead, second = Voice(opens=_hangs), Voice()
    for call_number in (1, 2):
        async with lab(greeted(tts_fallbacks=(second,)), tts=dead) as call:
            assert await call.listens() == GREETING
            began_ms = first_sound_ms(call, 0)
        assert (began_ms < 600) == (call_number == 2)
    skipped = call.of(Link)[0]
    assert (skipped.provider, skipped.what) == ("loud", "skipped")
    assert "did not answer in time" in skipped.text


# --- recognisers


@attrs.frozen(kw_only=True)
class Ears(FakeSTT):
    """Hears each voice in its audio as one word; *how* it fails once it has heard *after* words."""

    how: Callable[[FakeSTTSession], Any] | None = None
    opens: Callable[[], Any] | None = None
    after: int = 0

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[FakeSTTSession]:
        await asyncio.sleep(CONNECTS_S)
        if self.opens is not None:
            await self.opens()
        session = _Hears(self, call, audio)
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.end()


@attrs.define(eq=False)
class _Hears(FakeSTTSession):
    """A word of the caller is a stretch of one sample that is no silence; it reads its letters."""

    words: list[str] = attrs.field(factory=list, init=False)
    _read_to: int = attrs.field(default=0, init=False)

    async def send(self, audio: bytes) -> None:
        self._check_open()
        self.sent += audio
        how = self.settings.how  # type: ignore[attr-defined]
        if how is not None and len(self._letters()) >= self.settings.after:  # type: ignore[attr-defined]
            await how(self)

    async def finalize(self) -> None:
        self._check_open()
        if not self.settings.deaf:
            text = self._letters()[self._read_to :]
            self._read_to += len(text)
            self._deliver(Transcript(text, True, end_ms=int(self.position_ms)))

    def _letters(self) -> str:
        from patter_testing.fakes.tts import read_back

        return read_back(bytes(self.sent), self.audio)


async def _fails(session: FakeSTTSession) -> None:
    session.fail(LOST)


async def _refuses(session: FakeSTTSession) -> None:
    session.fail(REFUSED)


async def _closes(session: FakeSTTSession) -> None:
    session.end()


async def _sticks(_: FakeSTTSession) -> None:
    await asyncio.Event().wait()


async def _trickles(_: FakeSTTSession) -> None:
    await asyncio.sleep(0.2)


EARS: dict[str, dict[str, Any]] = {
    "error in mid-sentence": {"how": _fails, "after": 12},
    "refused key in mid-sentence": {"how": _refuses, "after": 12},
    "closes in mid-sentence": {"how": _closes, "after": 12},
    "takes no audio": {"how": _sticks, "after": 12},
    "takes audio too slowly": {"how": _trickles, "after": 12},
    "never answers": {"deaf": True},
    "never connects": {"opens": _hangs},
    "refused key": {"opens": _raises(REFUSED)},
    "too many requests": {"opens": _raises(BUSY)},
}
WORDS = "areyouopenonsundayevening"


async def answered(call: LabCall) -> float:
    """Ask something; how long after the caller's last sound the answer began."""
    await call.caller.waits(600)
    await call.caller.sounds(spoken(WORDS, call.leg.audio))
    spoke_ms = call.leg.now_ms
    await call.caller.waits(6_000)
    return first_sound_ms(call, spoke_ms)


@pytest.mark.parametrize("stage", EARS)
async def test_another_recogniser_hears_every_word_in_time(stage: str) -> None:
    async with lab(plan(), stt=Ears()) as call:
        usual_ms = await answered(call)
    first, second = Ears(**EARS[stage]), Ears()
    async with lab(plan(stt_fallbacks=(second,)), stt=first) as call:
        assert await answered(call) - usual_ms <= MOST_MS
    assert [row.text for row in call.session.history.rows if row.role == "caller"] == [WORDS]
    assert len(call.of(ErrorEvent)) == 1
