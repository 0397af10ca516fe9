"""A voice that fails is tried again, then replaced; what was not begun is said, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.call.link import LinkRules
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter.errors import AuthenticationError, PatterConnectionError, PatterError
from patter.observe.events import ErrorEvent, Link
from patter.providers.context import CallContext
from patter.providers.tts import Speech
from patter_testing import FakeLLM, FakeTTS, LabCall, Reply, lab
from patter_testing.fakes.tts import FakeTTSSession

from . import plans

pytestmark = pytest.mark.virtual_time
GREETING = "Good evening, how may I help?"
LOST = PatterConnectionError("the vendor went away", fix="wait a moment")
REFUSED = AuthenticationError("the vendor refused the key (401)", fix="export A_KEY")
RULES = LinkRules()


def plan(llm: FakeLLM | None = None, **changes: Any) -> CallPlan:
    made = plans.plan(llm, phrases=Phrases(greeting=GREETING), rules=TurnRules(idle_ms=()))
    return attrs.evolve(made, **changes)


def quiet(llm: FakeLLM, **changes: Any) -> CallPlan:
    """The plan of an agent that waits for the caller to speak."""
    return plan(llm, phrases=Phrases(), **changes)


@attrs.frozen(kw_only=True)
class OutTTS(FakeTTS):
    """Out of order until *until_ms*: *where* it notices is when it is opened, or when it speaks.

    With *error* None it hangs, and nothing ever comes of it.
    """

    until_ms: float
    where: str = "open"
    error: PatterError | None = LOST

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
        if self.where == "open":
            await self._fail(call)
        async with FakeTTS.open(self, call, audio) as session:
            yield _Out(self, session)

    async def _fail(self, call: CallContext) -> None:
        if call.clock.ms() >= self.until_ms:
            return
        if self.error is None:
            await asyncio.Event().wait()
        else:
            raise self.error


@attrs.frozen
class _Out:
    settings: OutTTS
    session: FakeTTSSession

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        if self.settings.where == "say":
            await anext(text)
            await self.settings._fail(self.session.call)
            raise LOST
        async for speech in self.session.say(text):
            yield speech


@attrs.frozen(kw_only=True)
class SomeSessions(FakeTTS):
    """The first sessions are those of *bad*, the others of *good*."""

    bad: tuple[Callable[[FakeTTSSession], Any], ...]

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
        async with FakeTTS.open(self, call, audio) as session:
            number = len(self.sessions) - 1
            yield self.bad[number](session) if number < len(self.bad) else session


@attrs.frozen
class Stops:
    """After *sentences* sentences: *deed* is awaited. Without *names* texts are not told."""

    session: FakeTTSSession
    sentences: int = 1
    deed: Callable[[], Any] | None = None
    names: bool = True

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        begun = 0
        async for speech in self.session.say(text):
            begun += bool(speech.text)
            if begun > self.sentences:
                await (self.deed or asyncio.Event().wait)()
            yield speech if self.names else attrs.evolve(speech, text="")


@attrs.frozen
class Ends:
    """Asks for no second sentence, and ends as if the first were all."""

    session: FakeTTSSession

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        first = await anext(text, "")

        async def alone() -> AsyncIterator[str]:
            yield first

        async for speech in self.session.say(alone()):
            yield speech


async def raises() -> None:
    raise LOST


def errors(call: LabCall) -> list[str]:
    return [event.code for event in call.of(ErrorEvent)]


def given(tts: FakeTTS) -> list[list[str]]:
    return [session.sentences for session in tts.sessions]


# --- at the start


@pytest.mark.parametrize("where", ["open", "say"])
@pytest.mark.parametrize("until_ms", [1, 500, 1_500, 3_000])
async def test_a_voice_that_fails_for_a_moment_at_the_start_greets_late(
    where: str, until_ms: float
) -> None:
    async with lab(plan(), tts=_until(until_ms, where)) as call:
        assert await call.listens() == GREETING
        began_ms = call.leg.played[0].at_ms
        assert await call.says("are you open") == "Yes."
    assert until_ms <= began_ms <= until_ms + RULES.voice_backoff_ms + 100
    assert call.utterances == [GREETING, "Yes."]
    assert not errors(call)
    assert [link.what for link in call.of(Link)][-1] == "back"


def _until(until_ms: float, where: str) -> FakeTTS:
    """A voice that is out until then, and then works."""
    if where == "open":
        return OutTTS(until_ms=until_ms)
    return _WorksLater(until_ms=until_ms, where="say")


@attrs.frozen(kw_only=True)
class _WorksLater(OutTTS):
    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
        async with FakeTTS.open(self, call, audio) as session:
            out = call.clock.ms() < self.until_ms
            yield _Out(self, session) if out else session


@pytest.mark.parametrize("where", ["open", "say"])
async def test_a_call_does_not_end_without_a_word_if_the_voice_comes_back(where: str) -> None:
    async with lab(plan(), tts=_until(6_000, where)) as call:
        assert await call.listens() == GREETING
        assert await call.says("are you open") == "Yes."
    assert not call.carrier.orders


@pytest.mark.parametrize("where", ["open", "say"])
async def test_a_refused_key_is_reported_at_once(where: str) -> None:
    tts = OutTTS(until_ms=1e9, where=where, error=REFUSED)
    async with lab(plan(), tts=tts) as call:
        await asyncio.sleep(0.2)
        assert "AUTH" in errors(call)
        await asyncio.sleep(1)
        assert call.leg.closed
    assert call.summary is not None and call.summary.outcome == "failed"


@pytest.mark.parametrize("error", [LOST, None])
@pytest.mark.parametrize("where", ["open", "say"])
async def test_a_voice_that_never_works_ends_the_call_in_bounded_time(
    where: str, error: PatterError | None
) -> None:
    tts = OutTTS(until_ms=1e9, where=where, error=error)
    async with lab(plan(), tts=tts) as call:
        await asyncio.sleep(25)
        assert call.leg.closed
    assert call.summary is not None and call.summary.outcome == "failed"
    assert set(errors(call)) == {"TIMEOUT" if error is None else "CONNECTION"}


@pytest.mark.parametrize(
    ("where", "error", "within_ms"),
    [("open", LOST, 1_500), ("say", LOST, 1_500), ("open", None, 1_500), ("say", None, 1_500)],
)
async def test_another_voice_speaks_before_the_caller_gives_up(
    where: str, error: PatterError | None, within_ms: float
) -> None:
    second = FakeTTS()
    tts = OutTTS(until_ms=1e9, where=where, error=error)
    async with lab(plan(tts_fallbacks=(second,)), tts=tts) as call:
        assert await call.listens() == GREETING
        assert call.leg.played[0].at_ms <= within_ms
    assert given(second) == [[GREETING]]


async def test_three_voices_that_hang_are_left_one_after_the_other() -> None:
    hangs, last = OutTTS(until_ms=1e9, error=None), FakeTTS()
    async with lab(plan(tts_fallbacks=(hangs, last)), tts=hangs) as call:
        assert await call.listens() == GREETING
        assert call.leg.played[0].at_ms <= 2 * RULES.hurry_ms + 500


async def test_a_mute_voice_keeps_the_caller_waiting_for_ten_seconds_at_most() -> None:
    """Once of a whole reply nothing came, the apology and the goodbye get as little in turn."""
    whole_ms = RULES.speech_ms + 3 * RULES.speech_ms / 2
    mute = OutTTS(until_ms=1e9, where="say", error=None)
    async with lab(plan(), tts=mute) as call:
        await call.caller.hears_the_agent_hang_up()
        assert call.leg.now_ms <= whole_ms + 200
    assert not call.leg.played


async def test_a_voice_that_was_mute_for_one_reply_speaks_the_next() -> None:
    hangs = asyncio.Event().wait
    mute = SomeSessions(bad=(lambda session: Stops(session, 0, hangs),) * 2)
    async with lab(plan(), tts=mute) as call:
        assert await call.listens() == GREETING


# --- no audio without an error


async def test_a_voice_that_ends_without_audio_has_failed() -> None:
    async with lab(plan(), tts=FakeTTS(closes_at_ms=0)) as call:
        await asyncio.sleep(25)
    assert set(errors(call)) == {"PROVIDER_ERROR"}
    assert "said nothing of a reply on call lab" in call.of(ErrorEvent)[0].message
    assert call.of(ErrorEvent)[0].fix


async def test_a_voice_that_ends_without_audio_once_is_asked_again() -> None:
    silent = SomeSessions(bad=(lambda session: Stops(session, 0, _ends),))
    async with lab(plan(), tts=silent) as call:
        assert await call.listens() == GREETING
    assert not errors(call)


async def _ends() -> None:
    raise StopAsyncIteration


async def test_text_without_letters_needs_no_audio() -> None:
    llm = FakeLLM(replies=("...", "Yes, we are."))
    async with lab(quiet(llm), tts=FakeTTS(closes_at_ms=0)) as call:
        await call.caller.says("hmm hmm hmm")
        await call.caller.waits(6_000)
    assert not errors(call)


# --- in the middle


STORY = "We are open from five. The kitchen closes at ten. Shall I book a table?"


async def test_a_voice_that_ends_after_a_sentence_is_asked_for_the_rest() -> None:
    tts = SomeSessions(bad=(Ends,))
    async with lab(quiet(FakeLLM(replies=(STORY,))), tts=tts) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(14_000)
    assert call.utterances == [STORY]
    assert errors(call) == ["PROVIDER_ERROR"]


async def test_a_voice_that_ends_with_its_last_sentence_has_not_failed() -> None:
    tts = SomeSessions(bad=(Ends,))
    async with lab(quiet(FakeLLM(replies=("We are open from five.",))), tts=tts) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(9_000)
    assert call.utterances == ["We are open from five."]
    assert not errors(call)


@pytest.mark.parametrize("deed", [None, raises], ids=["stalls", "raises"])
async def test_a_voice_that_stops_at_sentence_two_says_it_with_another_session(deed: Any) -> None:
    tts = SomeSessions(bad=(lambda session: Stops(session, 1, deed),))
    async with lab(quiet(FakeLLM(replies=(STORY,))), tts=tts) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(14_000)
    assert call.utterances == [STORY]
    _, second = given(tts)
    assert " ".join(second) == STORY.removeprefix("We are open from five. ")
    assert errors(call) == ["CONNECTION" if deed else "TIMEOUT"]


async def test_the_silence_of_a_voice_that_stops_is_bounded() -> None:
    tts = SomeSessions(bad=(lambda session: Stops(session),))
    async with lab(quiet(FakeLLM(replies=(STORY,))), tts=tts) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(14_000)
        ends = [each.at_ms + call.leg.audio.ms_in(len(each.audio)) for each in call.leg.played]
        begins = [each.at_ms for each in call.leg.played]
    gaps = [begin - end for begin, end in zip(begins[1:], ends, strict=False)]
    assert 1_000 < max(gaps) <= RULES.speech_ms + 500


async def test_the_next_voice_says_the_rest_and_nothing_twice() -> None:
    first = SomeSessions(bad=(lambda session: Stops(session),) * 9)
    second = FakeTTS()
    plan_ = quiet(FakeLLM(replies=(STORY,)), tts_fallbacks=(second,))
    async with lab(plan_, tts=first) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(14_000)
    assert call.utterances == [STORY]
    assert " ".join(given(second)[0]) == STORY.removeprefix("We are open from five. ")


async def test_a_voice_without_texts_that_breaks_repeats_nothing() -> None:
    tts = SomeSessions(bad=(lambda session: Stops(session, 1, raises, names=False),))
    async with lab(quiet(FakeLLM(replies=(STORY,))), tts=tts) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(10_000)
        heard = call.caller.heard_text()
    for sentence in ("Weareopenfromfive.", "Thekitchenclosesatten.", "ShallIbookatable?"):
        assert heard.replace(" ", "").count(sentence) <= 1
    assert heard.startswith("We are open from five.")
    assert errors(call)


async def test_a_break_in_the_last_sentence_is_reported_and_heard_out() -> None:
    async with lab(
        quiet(FakeLLM(replies=("Yes, we are open.",))), tts=FakeTTS(fails_at_ms=400)
    ) as call:
        await call.caller.says("are you open")
        await call.caller.waits(6_000)
    assert errors(call)[0] == "CONNECTION"
    assert call.utterances[0].startswith("Yes")


async def test_a_voice_that_breaks_in_every_sentence_is_given_up() -> None:
    text = "One sentence more of it. " * 40
    tts = FakeTTS(fails_at_ms=100)
    async with lab(quiet(FakeLLM(replies=(text,))), tts=tts) as call:
        await call.caller.says("tell me all")
        await call.caller.waits(20_000)
    assert len(tts.sessions) <= 3 * (RULES.retries + 1) + 1, "the answer, an apology, a goodbye"
    assert set(errors(call)) == {"CONNECTION"}


async def test_a_voice_that_stalls_again_is_waited_for_less() -> None:
    async with lab(plan(), tts=FakeTTS(stalls_at_ms=0)) as call:
        await asyncio.sleep(8)
    assert call.of(ErrorEvent)[0].at_ms <= 1.5 * RULES.speech_ms + 500


@pytest.mark.parametrize("reads_ahead", [False, True])
async def test_a_slow_model_is_no_failure_of_the_voice(reads_ahead: bool) -> None:
    llm = FakeLLM(replies=(Reply(text="Good. Now the rest of it.", gap_ms=9_000),))
    rules = TurnRules(idle_ms=(), reply_max_ms=60_000, model_ms=60_000)
    tts: FakeTTS = ReadsAhead() if reads_ahead else FakeTTS()
    async with lab(quiet(llm, rules=rules), tts=tts) as call:
        await call.caller.says("are you open")
        await call.caller.waits(60_000)
    assert call.utterances == ["Good. Now the rest of it."]
    assert not errors(call) and not call.of(Link)
    assert len(tts.sessions) == 1


@attrs.frozen(kw_only=True)
class ReadsAhead(FakeTTS):
    """Reads sentences in a task of its own as soon as they are there, as websocket voices do."""

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
        async with FakeTTS.open(self, call, audio) as session:
            yield _Ahead(session)


@attrs.frozen
class _Ahead:
    session: Any

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        queue: asyncio.Queue[str | None] = asyncio.Queue()

        async def read() -> None:
            async for sentence in text:
                await queue.put(sentence)
            await queue.put(None)

        async def read_ones() -> AsyncIterator[str]:
            while (sentence := await queue.get()) is not None:
                yield sentence

        async with task_scope() as tasks:
            tasks.create_task(read())
            async for speech in self.session.say(read_ones()):
                yield speech


async def test_a_voice_that_waits_for_text_owes_what_it_was_given_already() -> None:
    """The model is slow; that does not excuse the voice."""
    llm = FakeLLM(replies=(Reply(text="Good. Now the rest of it.", gap_ms=9_000),))
    rules = TurnRules(idle_ms=(), reply_max_ms=60_000, model_ms=60_000)
    tts = SomeSessions(bad=(lambda session: _Ahead(Stops(session, 0)),))
    async with lab(quiet(llm, rules=rules), tts=tts) as call:
        await call.caller.says("are you open")
        await call.caller.waits(60_000)
        began_ms = call.leg.played[0].at_ms
    assert call.utterances == ["Good. Now the rest of it."]
    assert len(tts.sessions) == 2
    assert began_ms <= 1_500 + 9_000 + RULES.speech_ms + 500


async def test_a_sentence_read_while_audio_waits_for_room_harms_nobody() -> None:
    """The voice is far ahead of the line when its reader gets the next sentence."""
    text = "A first sentence that is quite long. " * 14
    llm = FakeLLM(replies=(Reply(text=text, gap_ms=100),))
    async with lab(quiet(llm), tts=ReadsAhead()) as call:
        await call.caller.says("tell me all")
        await call.caller.waits(60_000)
    assert call.utterances == [text.strip()]
    assert not errors(call)


@attrs.define(eq=False)
class _NeverReads:
    session: FakeTTSSession

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        await asyncio.Event().wait()
        yield Speech(b"")


async def test_a_voice_that_does_not_even_read_is_a_voice_that_stalls() -> None:
    tts = SomeSessions(bad=(_NeverReads,))
    async with lab(plan(), tts=tts) as call:
        assert await call.listens() == GREETING
        assert call.leg.played[0].at_ms <= RULES.speech_ms + 500


async def test_words_of_a_second_session_lie_behind_those_of_the_first() -> None:
    tts = SomeSessions(timed=True, bad=(lambda session: Stops(session, 1, raises),))
    async with lab(quiet(FakeLLM(replies=(STORY, "All right."))), tts=tts) as call:
        await call.caller.says("when are you open")
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(2_400)
        await call.caller.says("stop it please")
        await call.listens()
    heard = call.utterances[0]
    assert heard.startswith("We are open from five. The kitchen") and STORY.startswith(heard)
