"""What tunnels, guardrails, turn detectors and audio filters have to keep."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

import pytest

from patter.audio.formats import AudioFormat
from patter.errors import PatterError
from patter.providers.audio_filter import AudioFilter
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailProvider, GuardrailVerdict
from patter.providers.tunnel import Tunnel, TunnelTraits
from patter.providers.turn_detector import TurnDetector
from patter_testing.suites.rules import (
    ANSWER_S,
    ProviderSuite,
    cancelled,
    has_fix,
    nothing_left,
    within,
)
from patter_testing.suites.stt import silence


class TunnelSuite(ProviderSuite):
    """Subclass, and return the tunnel from ``provider``."""

    async def test_it_opens_on_a_bare_host(self, provider: Tunnel) -> None:
        """What it yields is a host: no scheme, no path.

        If this fails: strip ``https://`` and everything from the first slash.
        """
        async with within(ANSWER_S, "opening"), provider.open(8_000) as host:
            assert host, "the host is empty"
            assert "/" not in host, f"{host!r} is not a bare host"

    async def test_a_host_known_before_is_the_one_opened(self, provider: Tunnel) -> None:
        """Webhooks are written for `hostname` before the tunnel is open.

        If this fails: yield ``self.hostname``, or leave it empty when it can change.
        """
        async with within(ANSWER_S, "opening"), provider.open(8_000) as host:
            known = TunnelTraits.of(provider).hostname
            assert known in ("", host), f"told {known!r}, opened {host!r}"

    async def test_a_closed_tunnel_leaves_nothing(self, provider: Tunnel) -> None:
        """No task, socket or process outlives the ``async with``.

        If this fails: end the vendor's process in a ``finally``, and wait for it.
        """
        async with nothing_left(), provider.open(8_000):
            pass

    async def test_cancelling_closes_within_a_second(self, provider: Tunnel) -> None:
        """A server that stops is not kept waiting.

        If this fails: bound what ``open`` does after its ``yield``.
        """

        async def hold(begun: asyncio.Event) -> None:
            async with provider.open(8_000):
                begun.set()
                await asyncio.get_running_loop().create_future()

        async with nothing_left(), cancelled(hold):
            pass

    async def test_a_refusal_says_what_to_do(self, refused: Tunnel) -> None:
        """A tunnel that cannot be had makes a PatterError with a fix.

        If this fails: raise PatterConnectionError with the vendor's reason.
        """
        async with within(ANSWER_S, "being refused"), nothing_left():
            with pytest.raises(PatterError) as raised:
                async with refused.open(8_000):
                    pass
        has_fix(raised.value)


class GuardrailSuite(ProviderSuite):
    """Subclass, return the guardrail from ``provider``; from ``bad``, what it must not let by."""

    @pytest.fixture
    def good(self) -> str:
        """Something it allows."""
        return "We are open from nine to five."

    @pytest.fixture
    def bad(self) -> str:
        """Something it does not allow."""
        raise NotImplementedError("override the fixture 'bad' with what it must not let by")

    async def test_it_allows_the_good(
        self, provider: GuardrailProvider, good: str, call: CallContext
    ) -> None:
        """Harmless text passes.

        If this fails: override the fixture ``good`` if this text is not harmless to you.
        """
        async with within(ANSWER_S, "a verdict"):
            assert (await provider.check(good, "agent", call)).allowed

    async def test_it_stops_the_bad(
        self, provider: GuardrailProvider, bad: str, call: CallContext
    ) -> None:
        """What must not be said is stopped, and the verdict says why; the replacement passes.

        If this fails: return ``GuardrailVerdict(False, replacement, reason)``.
        """
        async with within(ANSWER_S, "a verdict"):
            verdict = await provider.check(bad, "agent", call)
            assert isinstance(verdict, GuardrailVerdict)
            assert not verdict.allowed, f"{bad!r} was let by"
            assert verdict.reason, "the verdict gives no reason"
            if verdict.replacement:
                assert (await provider.check(verdict.replacement, "agent", call)).allowed

    async def test_many_at_once_do_not_mix(
        self, provider: GuardrailProvider, good: str, bad: str, call: CallContext
    ) -> None:
        """Each text gets its own verdict.

        If this fails: keep no state in the provider.
        """
        texts = [good, bad] * 5
        async with within(ANSWER_S, "ten verdicts"), nothing_left():
            verdicts = await asyncio.gather(*(provider.check(t, "agent", call) for t in texts))
        assert [verdict.allowed for verdict in verdicts] == [True, False] * 5

    @pytest.mark.parametrize("text", ["", " ", "\0\ud7ff🎉", "word " * 5_000])
    async def test_any_text_is_judged(
        self, provider: GuardrailProvider, text: str, call: CallContext
    ) -> None:
        """Empty, odd and very long texts get a verdict.

        If this fails: bound what is sent to the vendor, and judge empty text as allowed.
        """
        async with within(ANSWER_S, "a verdict"):
            assert isinstance(await provider.check(text, "agent", call), GuardrailVerdict)

    async def test_a_refusal_says_what_to_do(
        self, refused: GuardrailProvider, good: str, call: CallContext
    ) -> None:
        """A check that cannot be made raises a PatterError; it never allows.

        If this fails: raise for every answer that is no verdict.
        """
        async with within(ANSWER_S, "being refused"), nothing_left():
            with pytest.raises(PatterError) as raised:
                await refused.check(good, "agent", call)
        has_fix(raised.value)


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


class AudioFilterSuite(ProviderSuite):
    """Subclass, and return the filter from ``provider``."""

    def test_as_much_comes_out_as_goes_in(self, provider: AudioFilter) -> None:
        """In each of `accepts`, a stream keeps its length but for one window, in whole samples.

        If this fails: hold back what does not fill a window, and deliver it with the next.
        """
        assert provider.accepts, "it accepts no format at all"
        for audio in provider.accepts:
            out = _through(provider, audio, _noise(audio, 2_000), 20)
            assert len(out) % audio.sample_bytes == 0, "half a sample"
            assert 0 <= 2_000 - audio.ms_in(len(out)) <= 100

    @pytest.mark.parametrize("ms", [2.5, 10, 33])
    def test_how_audio_is_cut_changes_nothing(self, provider: AudioFilter, ms: float) -> None:
        """The same audio in pieces of another length comes out the same.

        If this fails: keep the samples that do not fill a window for the next ``process``.
        """
        audio = provider.accepts[0]
        line = _noise(audio, 1_000)
        one, other = _through(provider, audio, line, 20), _through(provider, audio, line, ms)
        common = min(len(one), len(other))
        assert one[:common] == other[:common]
        assert abs(audio.ms_in(len(one) - len(other))) <= 100

    def test_two_calls_do_not_mix(self, provider: AudioFilter) -> None:
        """A filter hears its own caller only.

        If this fails: keep state in the session, never in the provider.
        """
        audio = provider.accepts[0]
        one, other = provider.start(audio), provider.start(audio)
        loud, alone = _noise(audio, 20), provider.start(audio)
        for _ in range(20):
            one.process(loud)
            expected = alone.process(silence(audio, 20))
            assert other.process(silence(audio, 20)) == expected

    def test_it_keeps_up(self, provider: AudioFilter) -> None:
        """20 ms of audio cost less than a millisecond, for it runs on the loop.

        If this fails: load models when the provider is built, and profile ``process``.
        """
        audio = provider.accepts[0]
        session, piece, costs = provider.start(audio), _noise(audio, 20), []
        for _ in range(100):
            begun = time.perf_counter()
            session.process(piece)
            costs.append((time.perf_counter() - begun) * 1_000)
        assert statistics.median(costs) < 1.0, f"{statistics.median(costs):.2f} ms"


def _noise(audio: AudioFormat, ms: float) -> bytes:
    return bytes(at * 31 % 97 for at in range(audio.bytes_in(ms)))


def _through(provider: Any, audio: AudioFormat, line: bytes, ms: float) -> bytes:
    session, size = provider.start(audio), audio.bytes_in(ms)
    return b"".join(session.process(line[at : at + size]) for at in range(0, len(line), size))
