"""Moderation, against the double."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import ErrorCode, PatterError, ProviderSpec
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailVerdict
from patter_openai import OpenAIModeration
from patter_openai.double import OpenAIDouble
from patter_openai.moderation import MOST_LETTERS
from patter_testing.doubles.vendor_double import Latency, VendorFaults

CALL = CallContext(call_id="c1")
GUARD = OpenAIModeration(api_key="k", timeout=0.5)
BAD = "You are an idiot."


async def judged(
    vendor: OpenAIDouble, text: str = BAD, speaker: Any = "agent", **options: Any
) -> GuardrailVerdict:
    return await attrs.evolve(vendor.pointed(GUARD), **options).check(text, speaker, CALL)


async def test_what_is_flagged_is_replaced_and_the_reason_is_its_category(
    vendor: OpenAIDouble,
) -> None:
    verdict = await judged(vendor, replacement="Let us see.")
    assert verdict == GuardrailVerdict(False, "Let us see.", "flagged: harassment")


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({"categories": "violence"}, True),
        ({"categories": "harassment,violence"}, False),
        ({"threshold": 0.99}, True),
        ({"threshold": 0.9}, False),
        ({"threshold": 0.9, "categories": ("hate",)}, True),
    ],
    ids=str,
)
async def test_what_counts_can_be_chosen(
    vendor: OpenAIDouble, options: dict[str, Any], allowed: bool
) -> None:
    assert (await judged(vendor, **options)).allowed is allowed


async def test_callers_say_what_they_like_unless_told_otherwise(vendor: OpenAIDouble) -> None:
    assert (await judged(vendor, speaker="caller")).allowed
    assert not vendor.log
    assert not (await judged(vendor, speaker="caller", callers=True)).allowed


async def test_a_long_text_is_judged_to_its_end(vendor: OpenAIDouble) -> None:
    assert not (await judged(vendor, "a" * (2 * MOST_LETTERS) + BAD)).allowed
    assert len(vendor.bodies("/moderations")[0]["input"]) == 3


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (VendorFaults(status=401), ErrorCode.AUTH),
        (VendorFaults(status=429), ErrorCode.RATE_LIMIT),
        (VendorFaults(status=500), ErrorCode.CONNECTION),
        (VendorFaults(silent=True), ErrorCode.TIMEOUT),
        (VendorFaults(stalls=True), ErrorCode.TIMEOUT),
    ],
    ids=str,
)
async def test_without_a_verdict_it_fails_and_never_allows(
    faults: VendorFaults, code: ErrorCode
) -> None:
    async with OpenAIDouble(faults=faults).running() as vendor:
        with pytest.raises(PatterError) as caught:
            await judged(vendor, timeout=0.1)
    assert caught.value.code is code


async def test_a_verdict_that_comes_late_is_waited_for_as_long_as_set() -> None:
    async with OpenAIDouble(latency=Latency(p50_ms=200)).running() as vendor:
        assert not (await judged(vendor, timeout=2)).allowed


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["results", "flagged", "categories", "category_scores", "hate"]), inner
        )
    ),
)


@given(json_values)
def test_garbage_never_allows(answer: object) -> None:
    try:
        verdict = GUARD.verdict(answer)
    except PatterError:
        return
    (result,) = answer["results"]  # type: ignore[index]
    assert verdict.allowed is not bool(result["flagged"])


def test_a_result_that_is_missing_never_allows() -> None:
    fine = {"flagged": False, "categories": {}, "category_scores": {}}
    assert GUARD.verdict({"results": [fine]}).allowed
    with pytest.raises(PatterError):
        GUARD.verdict({"results": [fine]}, 2)


def test_an_option_can_be_given_in_a_spec_string(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    text = "openai/omni-moderation-latest?categories=hate,violence&threshold=0.4&callers=true"
    guard = ProviderSpec.parse(text).build(OpenAIModeration)
    assert guard.categories == ("hate", "violence") and guard.threshold == 0.4 and guard.callers


async def test_warmth_opens_a_connection_that_costs_nothing(vendor: OpenAIDouble) -> None:
    await vendor.pointed(GUARD).warm()
    assert not vendor.log
