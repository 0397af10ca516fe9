"""Guardrails: what the agent must not say."""

from __future__ import annotations

from typing import Literal, Protocol

import attrs

from patter.providers.context import CallContext
from patter.providers.traits import ProviderTraits

REPLACEMENT = "I'm sorry, I can't respond to that."
LOOK_BACK = 10_000
"""How many characters a guardrail can look back at, at most: minutes of speech."""


@attrs.frozen
class GuardrailVerdict:
    """Let the text pass, or say *replacement* instead (empty: say nothing)."""

    allowed: bool = True
    replacement: str = ""
    reason: str = ""


@attrs.frozen(kw_only=True)
class GuardrailTraits(ProviderTraits):
    """What a guardrail may tell beside the contract.

    *look_back*: so many characters of what passed before, in the same reply, it wants to see in
    front of a sentence, in a second check; 0: none, at most `LOOK_BACK`. *fail_open*: what it
    cannot judge passes; otherwise *replacement* is said instead.
    """

    look_back: int = attrs.field(
        default=0, validator=[attrs.validators.ge(0), attrs.validators.le(LOOK_BACK)]
    )
    fail_open: bool = False
    replacement: str = REPLACEMENT


class GuardrailProvider(Protocol):
    """Settings of a guardrail. Asked once per sentence, before it is spoken.

    What else it may tell is in `GuardrailTraits`.
    """

    @property
    def name(self) -> str: ...

    async def check(
        self, text: str, speaker: Literal["agent", "caller"], call: CallContext
    ) -> GuardrailVerdict:
        """Judge *text*. A check that raises, or takes two seconds, counts as not allowed."""
        ...
