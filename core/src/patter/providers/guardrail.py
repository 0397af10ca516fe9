"""Guardrails: what the agent must not say."""

from __future__ import annotations

from typing import Literal, Protocol

import attrs

from patter.providers.context import CallContext


@attrs.frozen
class GuardrailVerdict:
    """Let the text pass, or say *replacement* instead (empty: say nothing)."""

    allowed: bool = True
    replacement: str = ""
    reason: str = ""


class GuardrailProvider(Protocol):
    """Settings of a guardrail. Asked once per sentence, before it is spoken.

    What else it may tell is in `ProviderTraits`.
    """

    @property
    def name(self) -> str: ...

    async def check(
        self, text: str, speaker: Literal["agent", "caller"], call: CallContext
    ) -> GuardrailVerdict:
        """Judge *text*. A check that raises counts as not allowed."""
        ...
