"""When a recogniser or a voice is given up, the next candidate takes over within the call."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter.audio.formats import MULAW_8K, PCM16_16K, PCM16_24K
from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter.errors import AuthenticationError, PatterConnectionError
from patter.observe.events import Ended, ErrorEvent, Link, Usage
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, LabCall, lab
from patter_testing.fakes.tts import spoken

pytestmark = pytest.mark.virtual_time
REFUSED = AuthenticationError("the vendor refused the key (401)", fix="export A_KEY")
LOST = PatterConnectionError("the vendor went away", fix="wait a moment")
GREETING = "Good evening, how may I help?"
NAMES = {"stt": ("first", "a"), "tts": ("loud", "x")}
OTHERS = {"stt": (("second", "b"),), "tts": (("soft", "y"),)}


def plan(**changes: Any) -> CallPlan:
    made = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(FakeLLM()),
        phrases=Phrases(greeting=GREETING),
        rules=TurnRules(idle_ms=()),
        names=NAMES,
        fallback_names=OTHERS,
    )
    return attrs.evolve(made, **changes)


def links(call: LabCall) -> list[tuple[str, str]]:
    return [(link.provider, link.what) for link in call.of(Link)]


def used(call: LabCall, kind: str) -> dict[str, float]:
    return {each.provider: each.amount for each in call.of(Usage) if each.kind == kind}


@attrs.frozen(kw_only=True)
class OnceSTT(FakeSTT):
    """Opens once; after that the vendor refuses the key."""

    def open(self, *args: Any) -> Any:
        return FakeSTT(refuses=REFUSED).open(*args) if self.sessions else super().open(*args)


async def test_another_recogniser_in_another_format_hears_what_the_first_did_not() -> None:
    first = OnceSTT(accepts=(MULAW_8K,))
    second = FakeSTT(accepts=(PCM16_16K,))
    async with lab(plan(stt_fallbacks=(second,)), stt=first) as call:
        await call.listens()
        await call.caller.waits(1_000)
        first.sessions[0].fail(LOST)
        await call.caller.waits(2_000)
        call.stt = second
        assert await call.says("are you open") == "Yes."
        await call.hangs_up()
    assert links(call) == [("first", "lost"), ("first", "failed"), ("second", "back")]
    assert [error.code for error in call.of(ErrorEvent)] == ["AUTH"]
    (session,) = second.sessions
    assert session.audio == PCM16_16K
    lost_ms = call.of(Link)[1].at_ms
    heard_ms = call.of(Ended)[0].duration_ms - lost_ms
    assert session.position_ms == pytest.approx(heard_ms + 2_000, abs=2_000)
    minutes = used(call, "stt")
    assert minutes["first"] == pytest.approx(lost_ms / 60_000, abs=0.01)
    assert sum(minutes.values()) == pytest.approx(call.of(Ended)[0].duration_ms / 60_000, abs=0.01)


async def test_a_recogniser_that_never_opens_is_replaced_before_the_first_word() -> None:
    second = FakeSTT()
    async with lab(plan(stt_fallbacks=(second,)), stt=FakeSTT(refuses=REFUSED)) as call:
        await call.listens()
        call.stt = second
        assert await call.says("hello there you") == "Yes."
    assert call.session.history.rows[-1].text == "Yes."


async def test_when_every_recogniser_is_given_up_the_caller_hears_goodbye() -> None:
    gone = FakeSTT(refuses=REFUSED)
    async with lab(plan(stt_fallbacks=(gone, gone)), stt=FakeSTT(refuses=REFUSED)) as call:
        await call.caller.waits(20_000)
    assert call.utterances[-1] == Phrases().goodbyes["failure"]
    assert [what for _, what in links(call)] == ["failed"] * 3


async def test_another_voice_in_another_format_says_the_same_sentences() -> None:
    second = FakeTTS(produces=(PCM16_24K,))
    async with lab(plan(tts_fallbacks=(second,)), tts=FakeTTS(refuses=REFUSED)) as call:
        await call.caller.waits(6_000)
    assert second.sessions[0].audio == PCM16_24K
    assert second.sessions[0].sentences == [GREETING]
    assert call.utterances == [GREETING]
    assert call.summary is not None
    length_ms = PCM16_24K.ms_in(len(spoken(GREETING, PCM16_24K)))
    assert call.summary.heard_ms == pytest.approx(length_ms, abs=40)
    assert used(call, "tts") == {"soft": len(GREETING)}


@attrs.frozen(kw_only=True)
class FailingTTS(FakeTTS):
    """Raises *error* before the first audio of every reply."""

    error: Exception

    def open(self, *args: Any) -> Any:
        scope = super().open(*args)

        class Scope:
            async def __aenter__(self) -> Any:
                session = await scope.__aenter__()
                return _Refusing(error=outer.error, session=session)

            async def __aexit__(self, *exc: Any) -> Any:
                return await scope.__aexit__(*exc)

        outer = self
        return Scope()


@attrs.define
class _Refusing:
    error: Exception
    session: Any

    async def say(self, text: Any) -> Any:
        async for _ in text:
            raise self.error
        yield


@pytest.mark.parametrize("error", [REFUSED, LOST], ids=["permanent", "passing"])
async def test_a_voice_that_fails_is_replaced_within_the_reply(
    error: Exception,
) -> None:
    second = FakeTTS()
    async with lab(plan(tts_fallbacks=(second,)), tts=FailingTTS(error=error)) as call:
        await call.caller.waits(6_000)
    assert call.utterances == [GREETING]
    assert second.sessions[0].sentences == [GREETING]
