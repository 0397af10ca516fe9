"""Each rule on tunnels, guardrails, turn detectors and audio filters convicts a culprit."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.providers.guardrail import GuardrailVerdict
from patter_testing import (
    AudioFilterSuite,
    FakeAudioFilter,
    FakeGuardrail,
    FakeTunnel,
    FakeTurnDetector,
    GuardrailSuite,
    TunnelSuite,
    TurnDetectorSuite,
)

from .trial import STAY_S, convicted, untried


class Forgotten(FakeTunnel):
    @asynccontextmanager
    async def open(self, port: int) -> Any:
        asyncio.get_running_loop().create_task(asyncio.sleep(60))
        yield self.host


@attrs.frozen(kw_only=True)
class Fickle(FakeTunnel):
    """Tells one host and opens on another."""

    hostname: str = "told.example"

    @asynccontextmanager
    async def open(self, port: int) -> Any:
        yield self.host


class Slow(FakeTunnel):
    @asynccontextmanager
    async def open(self, port: int) -> Any:
        try:
            yield self.host
        finally:
            await asyncio.sleep(STAY_S)


class Moody(FakeGuardrail):
    """Says the same to everybody who asks at once."""

    last: list[str] = []

    async def check(self, text: str, speaker: Any, call: Any) -> GuardrailVerdict:
        self.last.append(text)
        await asyncio.sleep(0)
        return await FakeGuardrail.check(self, self.last[-1], speaker, call)


class Picky(FakeGuardrail):
    async def check(self, text: str, speaker: Any, call: Any) -> GuardrailVerdict:
        if not text.strip():
            raise IndexError("no words")
        return GuardrailVerdict()


class Remembering(FakeTurnDetector):
    seen: list[str] = []

    async def predict(self, audio: bytes, text: str) -> float:
        self.seen.append(text)
        return 1 / len(self.seen)


class NeedsAudio(FakeTurnDetector):
    async def predict(self, audio: bytes, text: str) -> float:
        return audio[0] / 255


class Wordy(FakeTurnDetector):
    async def predict(self, audio: bytes, text: str) -> float:
        return "likely"  # type: ignore[return-value]


class WholeSamplesOnly(FakeTurnDetector):
    async def predict(self, audio: bytes, text: str) -> float:
        return memoryview(audio).cast("h").nbytes * 0.0


class Absent(FakeTurnDetector):
    """Answers everybody as the last who asked."""

    last: list[str] = []

    async def predict(self, audio: bytes, text: str) -> float:
        self.last.append(text)
        await asyncio.sleep(0)
        return len(self.last[-1]) / 99


class Blocking(FakeTurnDetector):
    async def predict(self, audio: bytes, text: str) -> float:
        threading.Event().wait(0.06)
        return 1.0


class Queueing(FakeTurnDetector):
    """Computes for everybody who ever asked, one after the other."""

    line: list[str] = []

    async def predict(self, audio: bytes, text: str) -> float:
        self.line.append(text)
        await asyncio.sleep(0.03 * len(self.line))
        self.line.clear()
        return 1.0


class Unstoppable(FakeTurnDetector):
    async def predict(self, audio: bytes, text: str) -> float:
        try:
            await asyncio.sleep(0.05)
        finally:
            await asyncio.sleep(STAY_S)
        return 1.0


@attrs.frozen
class Filter:
    """A filter whose sessions are made by *begin*."""

    begin: Any
    accepts: Any = FakeAudioFilter().accepts

    def start(self, audio: Any) -> Any:
        return self.begin()


class Swallows:
    def process(self, audio: bytes) -> bytes:
        return audio[: len(audio) // 2]


class Fades:
    """Changes with the number of pieces, not with the audio."""

    def __init__(self) -> None:
        self.count = 0

    def process(self, audio: bytes) -> bytes:
        self.count += 1
        return bytes((each + self.count) % 256 for each in audio)


class Sleeps:
    def process(self, audio: bytes) -> bytes:
        threading.Event().wait(0.005)
        return audio


class Pretends:
    """Takes the far end, and cancels nothing."""

    def far_end(self, audio: bytes) -> None: ...

    def process(self, audio: bytes) -> bytes:
        return audio


ONE_FOR_ALL = Fades()
CULPRITS: list[tuple[type, str, dict[str, Any]]] = [
    (TunnelSuite, "test_it_opens_on_a_bare_host", {"provider": FakeTunnel(host="https://a.b/")}),
    (TunnelSuite, "test_a_host_known_before_is_the_one_opened", {"provider": Fickle()}),
    (TunnelSuite, "test_a_closed_tunnel_leaves_nothing", {"provider": Forgotten()}),
    (TunnelSuite, "test_cancelling_closes_within_a_second", {"provider": Slow()}),
    (TunnelSuite, "test_a_refusal_says_what_to_do", {"refused": FakeTunnel()}),
    (GuardrailSuite, "test_it_allows_the_good", {"provider": FakeGuardrail(blocked=("good",))}),
    (GuardrailSuite, "test_it_stops_the_bad", {"provider": FakeGuardrail()}),
    (GuardrailSuite, "test_it_stops_the_bad", {"provider": FakeGuardrail(blocked=("a",))}),
    (GuardrailSuite, "test_many_at_once_do_not_mix", {"provider": Moody(blocked=("bad",))}),
    (GuardrailSuite, "test_any_text_is_judged", {"provider": Picky(), "text": ""}),
    (GuardrailSuite, "test_a_refusal_says_what_to_do", {"refused": FakeGuardrail()}),
    (
        TurnDetectorSuite,
        "test_it_answers_with_a_probability",
        {"provider": FakeTurnDetector(judge=lambda text: 7.0)},
    ),
    (TurnDetectorSuite, "test_the_same_turn_is_judged_the_same", {"provider": Remembering()}),
    (TurnDetectorSuite, "test_any_length_is_judged", {"provider": NeedsAudio(), "ms": 0}),
    (TurnDetectorSuite, "test_it_answers_with_a_probability", {"provider": Wordy()}),
    (
        TurnDetectorSuite,
        "test_any_bytes_are_judged",
        {"provider": WholeSamplesOnly(), "piece": b"\0\0\0"},
    ),
    (TurnDetectorSuite, "test_many_at_once_do_not_mix", {"provider": Absent()}),
    (TurnDetectorSuite, "test_the_loop_is_free_while_it_judges", {"provider": Blocking()}),
    (
        TurnDetectorSuite,
        "test_what_was_cancelled_is_not_in_the_way_of_the_next",
        {"provider": Queueing()},
    ),
    (
        TurnDetectorSuite,
        "test_its_numbers_make_sense",
        {"provider": FakeTurnDetector(threshold=50)},
    ),
    (TurnDetectorSuite, "test_cancelling_ends_it_within_a_second", {"provider": Unstoppable()}),
    (AudioFilterSuite, "test_as_much_comes_out_as_goes_in", {"provider": Filter(Swallows)}),
    (
        AudioFilterSuite,
        "test_how_audio_is_cut_changes_nothing",
        {"provider": Filter(Fades), "ms": 33},
    ),
    (AudioFilterSuite, "test_two_calls_do_not_mix", {"provider": Filter(lambda: ONE_FOR_ALL)}),
    (AudioFilterSuite, "test_it_keeps_up", {"provider": Filter(Sleeps)}),
    (
        AudioFilterSuite,
        "test_an_echo_of_the_far_end_gets_quieter",
        {"provider": Filter(Pretends)},
    ),
    (
        AudioFilterSuite,
        "test_a_caller_alone_is_let_through",
        {"provider": FakeAudioFilter(mute=True, echo_ms=120)},
    ),
]


@pytest.mark.parametrize(("suite", "rule", "given"), CULPRITS)
def test_a_provider_that_breaks_a_rule_is_convicted(
    suite: type, rule: str, given: dict[str, Any]
) -> None:
    if rule == "test_it_stops_the_bad" and given["provider"].blocked:
        given = {"provider": attrs.evolve(given["provider"], replacement="a bad one again")}
    assert convicted(suite(), rule, good="a good day", bad="a bad day", **given)


@pytest.mark.parametrize("suite", sorted({suite for suite, _, _ in CULPRITS}, key=str))
def test_every_rule_was_tried(suite: type) -> None:
    assert untried(suite, {rule for each, rule, _ in CULPRITS if each is suite}) == set()
