"""A guardrail of the application: terms the agent must not say, or a function that decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import attrs

from patter.application import result_of
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailProvider, GuardrailVerdict

REPLACEMENT = "I'm sorry, I can't respond to that."
PASSED = GuardrailVerdict()


def _terms(terms: Iterable[str] | None) -> tuple[str, ...]:
    return (terms,) if isinstance(terms, str) else tuple(terms or ())


@attrs.frozen
class Guardrail:
    """Blocks a sentence with one of *blocked_terms*, in any case, or for which *check* is true.

    ``check(text)`` returns true for what must not be said; it may be async, else it runs in
    a thread. *replacement* is said instead, empty: nothing. Raises PatterConfigError when it
    could never block anything.
    """

    name: str
    blocked_terms: tuple[str, ...] = attrs.field(default=(), converter=_terms)
    _check: Callable[[str], Any] | None = attrs.field(default=None, repr=False)
    replacement: str = REPLACEMENT

    def __attrs_post_init__(self) -> None:
        if not any(self.blocked_terms) and self._check is None:
            raise PatterConfigError(
                f"guardrail {self.name!r} blocks nothing",
                fix="give it blocked_terms=[...], or check=a_function",
            )

    async def check(
        self,
        text: str,
        speaker: Literal["agent", "caller"],  # noqa: ARG002
        call: CallContext,
    ) -> GuardrailVerdict:
        """Judge *text*, whoever speaks."""
        folded = text.casefold()
        for term in self.blocked_terms:
            if term and term.casefold() in folded:
                return GuardrailVerdict(False, self.replacement, f"blocked term {term!r}")
        if self._check is not None and await result_of(
            self._check, text, owner=call.call_id, made=bool
        ):
            return GuardrailVerdict(False, self.replacement, f"refused by {self.name}")
        return PASSED


if TYPE_CHECKING:
    _: type[GuardrailProvider] = Guardrail
