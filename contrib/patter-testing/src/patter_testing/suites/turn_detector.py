"""What a turn detector has to keep."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from patter.audio.formats import AudioFormat
from patter.providers.turn_detector import TurnDetector
from patter_testing.suites.rules import (
    ANSWER_S,
    ProviderSuite,
    cancelled,
    nothing_left,
    within,
)
from patter_testing.suites.stt import silence

LAG_MS = 50.0
"""How long the loop may be kept from its other calls, in the best of a few predictions."""

TICK_S = 0.002
TURNS = ("I would like", "Thank you, goodbye.", "my number is five", "Is that all right?")


class TurnDetectorSuite(ProviderSuite):
    """Subclass, and return the detector from ``provider``."""

    async def test_it_answers_with_a_probability(self, provider: TurnDetector) -> None:
        """For every declared format, a number from 0 to 1.

        If this fails: put the model's output through a sigmoid, or clip it.
        """
        assert provider.accepts, "it accepts no format at all"
        for audio in provider.accepts:
            async with within(ANSWER_S, f"a prediction in {audio}"):
                window = silence(audio, provider.window_ms)
                answer = await provider.predict(window, "Hello.")
                assert isinstance(answer, float | int), f"{answer!r} is not a valid number"
                assert 0 <= answer <= 1

    async def test_the_same_turn_is_judged_the_same(self, provider: TurnDetector) -> None:
        """Nothing is remembered from one prediction to the next.

        If this fails: reset the model's state in ``predict``.
        """
        window = silence(provider.accepts[0], provider.window_ms)
        first = await provider.predict(window, "I would like")
        await provider.predict(window, "Thank you, goodbye.")
        assert await provider.predict(window, "I would like") == pytest.approx(first, abs=1e-6)

    @pytest.mark.parametrize("ms", [0, 20, 30_000])
    async def test_any_length_is_judged(self, provider: TurnDetector, ms: int) -> None:
        """No audio, a little and far too much are all answered.

        If this fails: pad what is short, and keep the last ``window_ms`` of what is long.
        """
        async with within(ANSWER_S, "a prediction"):
            assert 0 <= await provider.predict(silence(provider.accepts[0], ms), "") <= 1

    @pytest.mark.parametrize("piece", [b"\0\0\0", b"\x00\x80" * 8_000, b"\xff\x7f" * 8_000])
    async def test_any_bytes_are_judged(self, provider: TurnDetector, piece: bytes) -> None:
        """Half a sample at the end, and the loudest there is, are audio too.

        If this fails: cut audio to whole samples, and keep logarithms away from zero.
        """
        for audio in provider.accepts:
            async with within(ANSWER_S, f"a prediction in {audio}"):
                assert 0 <= await provider.predict(piece, "Hello") <= 1

    async def test_many_at_once_do_not_mix(self, provider: TurnDetector) -> None:
        """Calls that pause at the same time get the answers they would get alone.

        If this fails: keep nothing of a prediction outside ``predict``.
        """
        audio = provider.accepts[0]
        windows = [_noise(audio, provider.window_ms, seed) for seed, _ in enumerate(TURNS)]
        pairs = list(zip(windows, TURNS, strict=True))
        async with within(ANSWER_S, "predictions for four calls, one by one and at once"):
            alone = [await provider.predict(*each) for each in pairs]
            together = await asyncio.gather(*(provider.predict(*each) for each in pairs))
        assert together == pytest.approx(alone, abs=1e-4)

    async def test_the_loop_is_free_while_it_judges(self, provider: TurnDetector) -> None:
        """Every other call's audio goes through the same loop meanwhile.

        If this fails: run the model in a thread that no call waits for, not in ``predict``.
        """
        window = _noise(provider.accepts[0], provider.window_ms, 1)
        async with within(ANSWER_S, "a few predictions"):
            await provider.predict(window, "Hello")
            lags = [await _lag_ms(provider, window) for _ in range(4)]
        assert min(lags) < LAG_MS, f"the loop stood still for {min(lags):.0f} ms"

    def test_its_numbers_make_sense(self, provider: TurnDetector) -> None:
        """The threshold is a probability, the window a few seconds.

        If this fails: give ``threshold`` between 0 and 1 and ``window_ms`` up to 30 000.
        """
        assert 0 < provider.threshold < 1
        assert 0 < provider.window_ms <= 30_000

    async def test_cancelling_ends_it_within_a_second(self, provider: TurnDetector) -> None:
        """A caller who speaks on makes the prediction moot.

        If this fails: run the model off the loop, with ``asyncio.to_thread``.
        """

        async def predict(begun: asyncio.Event) -> None:
            begun.set()
            await provider.predict(silence(provider.accepts[0], provider.window_ms), "Hello")

        async with nothing_left(), cancelled(predict):
            pass

    async def test_what_was_cancelled_is_not_in_the_way_of_the_next(
        self, provider: TurnDetector
    ) -> None:
        """Callers pause and go on, often; only the last pause matters.

        If this fails: drop what is cancelled from the queue of the thread that runs the model.
        """
        window = silence(provider.accepts[0], provider.window_ms)
        for _ in range(20):
            async with asyncio.TaskGroup() as tasks:
                stale = tasks.create_task(_prediction(provider, window))
                await asyncio.sleep(0)
                stale.cancel()
        async with within(ANSWER_S, "a prediction after twenty that were cancelled"):
            assert 0 <= await provider.predict(window, "Hello") <= 1


async def _prediction(provider: TurnDetector, window: bytes) -> None:
    await provider.predict(window, "Hello")


async def _lag_ms(provider: TurnDetector, window: bytes) -> float:
    """The longest time that the loop could do nothing else during one prediction."""
    longest, last = 0.0, time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        judging = tasks.create_task(_prediction(provider, window))
        while not judging.done():
            await asyncio.wait({judging}, timeout=TICK_S)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    return longest * 1_000


def _noise(audio: AudioFormat, ms: float, seed: int) -> bytes:
    return random.Random(seed).randbytes(audio.bytes_in(ms))
