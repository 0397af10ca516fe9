"""What a guardrail has to keep."""

from __future__ import annotations

import asyncio

import pytest

from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailProvider, GuardrailVerdict
from patter_testing.suites.rules import (
    ANSWER_S,
    ProviderSuite,
    has_fix,
    nothing_left,
    within,
)


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

        If this fails: raise for every answer that is not a verdict.
        """
        async with within(ANSWER_S, "being refused"), nothing_left():
            with pytest.raises(PatterError) as raised:
                await refused.check(good, "agent", call)
        has_fix(raised.value)
