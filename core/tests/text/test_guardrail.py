"""A guardrail of words or of a function: what it blocks, and what is said instead."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import CallContext, Guardrail, PatterConfigError
from patter.providers.guardrail import REPLACEMENT
from patter_testing import GuardrailSuite

CALL = CallContext(call_id="c1")


async def no_digits(text: str) -> bool:
    return any(char.isdigit() for char in text)


@pytest.mark.parametrize(
    ("guardrail", "reason"),
    [
        (Guardrail("legal", blocked_terms=["LAWsuit"]), "blocked term 'LAWsuit'"),
        (Guardrail("legal", blocked_terms="lawsuit"), "blocked term 'lawsuit'"),
        (Guardrail("short", check=lambda text: len(text) > 10), "refused by short"),
        (Guardrail("digits", check=no_digits), "refused by digits"),
    ],
)
async def test_what_is_blocked_is_replaced(guardrail: Guardrail, reason: str) -> None:
    verdict = await guardrail.check("A Lawsuit in 2026.", "agent", CALL)
    assert (verdict.allowed, verdict.replacement, verdict.reason) == (False, REPLACEMENT, reason)


async def test_what_is_not_blocked_passes() -> None:
    guardrail = Guardrail("legal", blocked_terms=["", "lawsuit"], check=no_digits)
    assert (await guardrail.check("We open at nine.", "agent", CALL)).allowed


@given(st.text(min_size=1), st.text(), st.text())
async def test_a_term_counts_wherever_it_stands(term: str, before: str, after: str) -> None:
    guardrail = Guardrail("one", blocked_terms=[term])
    assert not (await guardrail.check(f"{before}{term}{after}", "agent", CALL)).allowed


@pytest.mark.parametrize("terms", [None, [], [""]])
def test_one_that_blocks_nothing_is_refused(terms: Any) -> None:
    with pytest.raises(PatterConfigError, match="guardrail 'idle' blocks nothing"):
        Guardrail("idle", blocked_terms=terms)


class TestGuardrail(GuardrailSuite):
    @pytest.fixture
    def provider(self) -> Guardrail:
        return Guardrail("legal", blocked_terms=["lawsuit"])

    @pytest.fixture
    def bad(self) -> str:
        return "You could file a lawsuit."
