"""A guardrail that blocks the terms it is made with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import attrs

from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailProvider, GuardrailVerdict


@attrs.frozen(kw_only=True)
class FakeGuardrail:
    """Replaces whatever holds one of *blocked*, in any case, after *takes_ms*."""

    blocked: tuple[str, ...] = ()
    replacement: str = ""
    takes_ms: float = attrs.field(default=0.0, converter=float)
    fails: PatterError | None = None
    name: str = "fake"
    checked: list[str] = attrs.field(factory=list, init=False, repr=False, eq=False)

    async def check(
        self,
        text: str,
        speaker: Literal["agent", "caller"],  # noqa: ARG002
        call: CallContext,  # noqa: ARG002
    ) -> GuardrailVerdict:
        self.checked.append(text)
        await asyncio.sleep(self.takes_ms / 1_000)
        if self.fails is not None:
            raise self.fails
        for term in self.blocked:
            if term.casefold() in text.casefold():
                return GuardrailVerdict(False, self.replacement, f"blocked term {term!r}")
        return GuardrailVerdict()


if TYPE_CHECKING:
    _: type[GuardrailProvider] = FakeGuardrail
