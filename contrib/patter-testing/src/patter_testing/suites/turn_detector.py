"""What a turn detector has to keep."""

from __future__ import annotations

import asyncio

import pytest

from patter.providers.turn_detector import TurnDetector
from patter_testing.suites.rules import (
    ANSWER_S,
    ProviderSuite,
    cancelled,
    nothing_left,
    within,
)
from patter_testing.suites.stt import silence


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
                assert 0 <= await provider.predict(window, "Hello.") <= 1

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
