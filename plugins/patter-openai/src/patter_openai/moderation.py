"""OpenAI's moderation as a guardrail: what it flags is not said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from patter.providers.guardrail import GuardrailVerdict
from patter.vendors.chat_wire import clean
from patter.vendors.options import address, key, number, several, switch
from patter_openai._access import Access
from patter_openai._errors import ERRORS
from patter_openai._settings import BASE_URL, KEY, SILENCES, host_of

if TYPE_CHECKING:
    from patter.providers.context import CallContext
    from patter.providers.guardrail import GuardrailProvider

MOST_LETTERS = 10_000
"""Longer texts are judged in pieces."""


@attrs.frozen(kw_only=True)
class OpenAIModeration:
    """What the agent must not say, as OpenAI judges it. Immutable: share it between calls.

    *categories* are those that count, such as ``harassment`` or ``violence``; all of them if
    empty. A category counts when OpenAI flags it; with a *threshold* (0 to 1), when its score is
    not below. *replacement* is said instead. What the caller says is let by unless *callers*. Each
    sentence waits for its verdict, at the most *timeout* seconds: then it is an error, and what
    was not judged is not said.
    """

    name: ClassVar[str] = "openai"

    model: str = "omni-moderation-latest"
    categories: tuple[str, ...] = several()
    threshold: float | None = number(None, 0, 1)
    replacement: str = ""
    callers: bool = switch(False)
    timeout: float = number(1.5, *SILENCES)
    organization: str = ""
    project: str = ""
    base_url: str = address(BASE_URL)
    api_key: str = key(KEY)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that every request goes to."""
        return (host_of(self.base_url),)

    async def check(
        self, text: str, speaker: Literal["agent", "caller"], call: CallContext
    ) -> GuardrailVerdict:
        """Judge *text*. Raises PatterError without a verdict, which counts as not allowed."""
        del call
        if not text.strip() or (speaker == "caller" and not self.callers):
            return GuardrailVerdict()
        pieces = [clean(text[at : at + MOST_LETTERS]) for at in range(0, len(text), MOST_LETTERS)]
        answer = await self.access.api.json(
            "POST", "/moderations", self.body(pieces), within_s=self.timeout
        )
        return self.verdict(answer, len(pieces))

    def body(self, pieces: list[str]) -> dict[str, Any]:
        """The request that has *pieces* judged."""
        return {"model": self.model, "input": pieces}

    def verdict(self, answer: object, pieces: int = 1) -> GuardrailVerdict:
        """What *answer*, of as many results as there were *pieces*, means. Raises PatterError."""
        try:
            results: Any = answer["results"]  # type: ignore[index]
            if len(results) != pieces:
                raise ValueError("results are missing")
            categories = {name for result in results for name in self._categories(result)}
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ERRORS.garbled(answer) from None
        if not categories:
            return GuardrailVerdict()
        return GuardrailVerdict(
            False, self.replacement, f"flagged: {', '.join(sorted(categories))}"
        )

    async def warm(self) -> None:
        """Import the client and open a connection."""
        await self.access.reach()

    @property
    def access(self) -> Access:
        """Where requests go."""
        return Access(
            base_url=self.base_url,
            api_key=self.api_key,
            organization=self.organization,
            project=self.project,
        )

    def _categories(self, result: Mapping[str, Any]) -> list[str]:
        """The categories of *result* that count."""
        flags: Mapping[str, Any] = result["categories"]
        scores: Mapping[str, Any] = result["category_scores"]
        flagged = {name for name, value in flags.items() if value is True}
        if self.threshold is not None:
            flagged = {name for name, value in scores.items() if float(value) >= self.threshold}
        if not isinstance(result["flagged"], bool):
            raise TypeError("no verdict")
        if self.categories:
            return [name for name in self.categories if name in flagged]
        if result["flagged"] and self.threshold is None:
            return sorted(flagged) or ["unnamed"]
        return sorted(flagged)


if TYPE_CHECKING:
    _: type[GuardrailProvider] = OpenAIModeration
