"""Each rule on recognisers and voice detectors convicts somebody who breaks it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.audio.formats import MULAW_8K
from patter.errors import PatterConnectionError
from patter.providers.stt import Transcript
from patter.providers.vad import VoiceStart, VoiceStop
from patter_testing import At, FakeSTT, FakeVAD, STTSuite, VADSuite, spoken
from patter_testing.fakes.stt import FakeSTTSession
from patter_testing.fakes.vad import FakeVADSession
from patter_testing.suites.stt import silence

from .test_suites_catch_vendors import tried_on_wire
from .trial import STAY_S, convicted, untried

SCRIPT = (At(998, Transcript("hello", True)),)
SPEECH = (MULAW_8K, silence(MULAW_8K, 1_000), "hello")
LOST = PatterConnectionError("401", fix="try again")
SHARED: list[FakeSTTSession] = []


class Rogue(FakeSTT):
    """A recogniser that opens badly in one way."""

    @asynccontextmanager
    async def open(self, call: Any, audio: Any) -> AsyncIterator[Any]:
        async with FakeSTT.open(self, call, audio) as session:
            async for each in self.misbehave(session):
                yield each

    async def misbehave(self, session: FakeSTTSession) -> AsyncIterator[Any]:
        yield session


class Choosy(Rogue):
    async def misbehave(self, session: FakeSTTSession) -> AsyncIterator[Any]:
        if session.audio != MULAW_8K:
            raise ValueError("unsupported")
        yield session


class Leaky(Rogue):
    async def misbehave(self, session: FakeSTTSession) -> AsyncIterator[Any]:
        asyncio.get_running_loop().create_task(asyncio.sleep(60))
        yield session


class Wrapping(FakeSTT):
    @asynccontextmanager
    async def open(self, call: Any, audio: Any) -> AsyncIterator[Any]:
        async with asyncio.TaskGroup(), FakeSTT.open(self, call, audio) as session:
            yield session


class Endless(FakeSTT):
    @asynccontextmanager
    async def open(self, call: Any, audio: Any) -> AsyncIterator[Any]:
        yield FakeSTTSession(self, call, audio)


class Stubborn(FakeSTT):
    @asynccontextmanager
    async def open(self, call: Any, audio: Any) -> AsyncIterator[Any]:
        try:
            async with FakeSTT.open(self, call, audio) as session:
                yield session
        finally:
            await asyncio.sleep(STAY_S)


class Framed(Rogue):
    """Loses what does not fill a frame of 20 ms."""

    async def misbehave(self, session: FakeSTTSession) -> AsyncIterator[Any]:
        yield Cut(session.settings, session.call, session.audio)


class Cut(FakeSTTSession):
    async def send(self, audio: bytes) -> None:
        await FakeSTTSession.send(self, audio[: len(audio) // 160 * 160])


class Mixing(FakeSTT):
    """One session for everybody."""

    @asynccontextmanager
    async def open(self, call: Any, audio: Any) -> AsyncIterator[Any]:
        if not SHARED:
            SHARED.append(FakeSTTSession(self, call, audio))
        yield SHARED[0]
        SHARED.clear()


class Bare(FakeSTT):
    @asynccontextmanager
    async def open(self, call: Any, audio: Any) -> AsyncIterator[Any]:
        raise ConnectionError("401")
        yield


STT_CULPRITS = [
    ("test_every_declared_format_is_accepted", {"provider": Choosy()}),
    ("test_a_closed_session_leaves_nothing", {"provider": Leaky()}),
    ("test_an_error_of_the_caller_comes_out_bare", {"provider": Wrapping()}),
    ("test_the_end_of_a_session_ends_its_events", {"provider": Endless()}),
    ("test_a_pause_is_answered_with_a_final", {"provider": FakeSTT(deaf=True), "speech": SPEECH}),
    (
        "test_how_audio_is_cut_changes_nothing",
        {"provider": Framed(script=SCRIPT), "speech": SPEECH, "size": 322},
    ),
    ("test_two_calls_do_not_mix", {"provider": Mixing(script=SCRIPT), "speech": SPEECH}),
    ("test_cancelling_closes_within_a_second", {"provider": Stubborn()}),
    ("test_a_refusal_says_what_to_do", {"refused": Bare()}),
    ("test_a_refusal_says_what_to_do", {"refused": FakeSTT()}),
    ("test_a_refusal_says_what_to_do", {"refused": FakeSTT(refuses=LOST)}),
    ("test_a_vendor_that_hangs_up_ends_the_events", {"cut_off": FakeSTT(deaf=True)}),
    ("test_garbage_hangs_nobody", {"garbage": FakeSTT(deaf=True)}),
    ("test_garbage_hangs_nobody", {"garbage": Bare()}),
    ("test_a_vendor_that_says_nothing_can_be_left", {"mute": Leaky()}),
]


@pytest.mark.parametrize(("rule", "given"), STT_CULPRITS)
def test_a_recogniser_that_breaks_a_rule_is_convicted(rule: str, given: dict[str, Any]) -> None:
    assert convicted(STTSuite(), rule, **given)


def test_every_rule_on_recognisers_was_tried() -> None:
    assert untried(STTSuite, {rule for rule, _ in STT_CULPRITS} | tried_on_wire("stt")) == set()


class RogueVAD(FakeVAD):
    session: type[FakeVADSession] = FakeVADSession

    def start(self, audio: Any) -> FakeVADSession:
        return self.session(self, audio)


def rogue(session: type[FakeVADSession], **settings: Any) -> RogueVAD:
    made: type[RogueVAD] = type("Rogue", (RogueVAD,), {"session": session})
    return made(**settings)


class Nervous(FakeVADSession):
    def feed(self, audio: bytes) -> Any:
        return VoiceStart(0)


class Late(FakeVADSession):
    def feed(self, audio: bytes) -> Any:
        event = FakeVADSession.feed(self, audio)
        return attrs.evolve(event, at_ms=event.at_ms + 400) if event else None


class Stuttering(FakeVADSession):
    def feed(self, audio: bytes) -> Any:
        event = FakeVADSession.feed(self, audio)
        return VoiceStart(event.at_ms) if isinstance(event, VoiceStop) else event


class Forgetful(FakeVADSession):
    def feed(self, audio: bytes) -> Any:
        self._rest = b""
        return FakeVADSession.feed(self, audio)


class Lazy(FakeVADSession):
    def feed(self, audio: bytes) -> Any:
        threading.Event().wait(0.02)
        return FakeVADSession.feed(self, audio)


class Fragile(FakeVADSession):
    def feed(self, audio: bytes) -> Any:
        if not audio:
            raise IndexError("empty")
        return FakeVADSession.feed(self, audio)


class Deaf(FakeVADSession):
    """What it has heard keeps it from hearing anything else."""

    def feed(self, audio: bytes) -> Any:
        event = FakeVADSession.feed(self, audio)
        return event if self._done_ms < 4_000 else None


class Lingering(FakeVADSession):
    """Holds on to a voice for longer than its tail, as some detectors do by themselves."""

    def feed(self, audio: bytes) -> Any:
        self.settings = attrs.evolve(self.settings, tail_ms=250)
        return FakeVADSession.feed(self, audio)


class Communal(FakeVAD):
    """All calls share one detector."""

    one: list[FakeVADSession] = []

    def start(self, audio: Any) -> FakeVADSession:
        self.one.append(FakeVADSession(self, audio))
        return self.one[0]


VOICE = (MULAW_8K, spoken("a voice of a second", MULAW_8K))
VAD_CULPRITS = [
    ("test_every_declared_format_is_accepted", {"provider": rogue(Nervous)}),
    ("test_a_voice_begins_and_ends_where_it_does", {"provider": rogue(Late)}),
    ("test_a_voice_begins_and_ends_where_it_does", {"provider": FakeVAD(onset_ms=60_000)}),
    ("test_a_stop_takes_as_long_as_the_tail", {"provider": rogue(Lingering)}),
    ("test_a_word_is_heard_after_a_sentence_too", {"provider": rogue(Deaf)}),
    ("test_starts_and_stops_alternate", {"provider": rogue(Stuttering)}),
    ("test_how_audio_is_cut_changes_nothing", {"provider": rogue(Forgetful), "ms": 33}),
    ("test_two_calls_do_not_mix", {"provider": Communal()}),
    ("test_it_keeps_up", {"provider": rogue(Lazy)}),
    ("test_the_tail_is_short", {"provider": FakeVAD(tail_ms=800)}),
    ("test_any_bytes_are_survived", {"provider": rogue(Fragile), "noise": b""}),
]


@pytest.mark.parametrize(("rule", "given"), VAD_CULPRITS)
def test_a_detector_that_breaks_a_rule_is_convicted(rule: str, given: dict[str, Any]) -> None:
    assert convicted(VADSuite(), rule, voice=VOICE, slack_ms=250, **given)


def test_every_rule_on_detectors_was_tried() -> None:
    assert untried(VADSuite, {rule for rule, _ in VAD_CULPRITS}) == set()


def test_an_innocent_is_not_convicted() -> None:
    begun = time.monotonic()
    good = FakeSTT(script=SCRIPT)
    assert not convicted(
        STTSuite(), "test_how_audio_is_cut_changes_nothing", provider=good, speech=SPEECH, size=322
    )
    assert not convicted(VADSuite(), "test_it_keeps_up", provider=FakeVAD(), voice=VOICE)
    assert time.monotonic() - begun < 5
