"""A guardrail of the application: terms the agent must not say, or a function that decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import attrs

from patter.application import result_of
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.guardrail import (
    LOOK_BACK,
    REPLACEMENT,
    GuardrailProvider,
    GuardrailVerdict,
)
from patter.text.terms import Terms

PASSED = GuardrailVerdict()
SENTENCES = 200
"""How many characters before a sentence, at least, are looked at together with it."""


def _terms(terms: Iterable[str] | None) -> tuple[str, ...]:
    return (terms,) if isinstance(terms, str) else tuple(terms or ())


@attrs.frozen
class Guardrail:
    """Blocks a sentence with one of *blocked_terms*, or for which *check* is true.

    Terms are found in any case, across line breaks and markdown, and over the border of two
    sentences; so the second one is blocked. ``check(text)`` returns true for what must not be
    said: of each sentence, and of it with the *look_back* characters before it. It may be async,
    else it runs in a thread. *replacement* is said instead, empty: nothing. It is also said
    where *check* fails or takes two seconds; with *fail_open* the sentence passes then. Raises
    PatterConfigError when it could never block anything.
    """

    name: str
    blocked_terms: tuple[str, ...] = attrs.field(default=(), converter=_terms)
    _check: Callable[[str], Any] | None = attrs.field(default=None, repr=False)
    replacement: str = REPLACEMENT
    fail_open: bool = attrs.field(default=False, kw_only=True, converter=attrs.converters.to_bool)
    _wanted: Terms = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if not any(self.blocked_terms) and self._check is None:
            raise PatterConfigError(
                f"guardrail {self.name!r} blocks nothing",
                fix="give it blocked_terms=[...], or check=a_function",
            )
        object.__setattr__(self, "_wanted", Terms(self.blocked_terms))

    @property
    def look_back(self) -> int:
        """Characters before a sentence that it is judged with; space may stretch a term."""
        return min(LOOK_BACK, max(SENTENCES, 2 * self._wanted.longest))

    def blocks(self, text: str) -> bool:
        """Has *text* one of the terms? Needs no waiting."""
        return self._wanted.first_in(text) is not None

    async def check(
        self,
        text: str,
        speaker: Literal["agent", "caller"],  # noqa: ARG002
        call: CallContext,
    ) -> GuardrailVerdict:
        """Judge *text*, whoever speaks."""
        if (term := self._wanted.first_in(text)) is not None:
            return GuardrailVerdict(False, self.replacement, f"blocked term {term!r}")
        if self._check is not None and await result_of(
            self._check, text, owner=call.call_id, made=bool
        ):
            return GuardrailVerdict(False, self.replacement, f"refused by {self.name}")
        return PASSED


def guardrail(
    name: str,
    blocked_terms: Iterable[str] | None = None,
    check: Callable[[str], Any] | None = None,
    replacement: str = REPLACEMENT,
    *,
    fail_open: bool = False,
) -> Guardrail:
    """Make a `Guardrail`; see there. Raises PatterConfigError when it could block nothing."""
    return Guardrail(name, blocked_terms, check, replacement, fail_open=fail_open)


if TYPE_CHECKING:
    _: type[GuardrailProvider] = Guardrail
