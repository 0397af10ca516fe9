"""Several models in order: the next is used when one fails before its first chunk.

After its first chunk a model's failure is final: the caller has heard the beginning, and another
model would begin anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import attrs

from patter.errors import PatterError, ProviderError
from patter.providers.llm import LLM, LLMChunk, LLMRequest
from patter.providers.traits import ProviderTraits
from patter.providers.warmth import warmed


@attrs.frozen
class FallbackLLM:
    """Uses the first of *models* that answers. Records name the first one's model."""

    models: tuple[LLM, ...] = attrs.field(validator=attrs.validators.min_len(1))

    @property
    def model(self) -> str:
        return ProviderTraits.of(self.models[0]).model

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts a request may be sent to."""
        hosts = (host for each in self.models for host in ProviderTraits.of(each).hosts)
        return tuple(dict.fromkeys(hosts))

    async def warm(self) -> None:
        """Have each of them get ready."""
        for each in self.models:
            await warmed(each)

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        """Yield the reply of the first model that begins one.

        Raises what the only model raised; ProviderError naming all failures of several; and
        whatever a model raises after its first chunk.
        """
        failures: list[PatterError] = []
        for each in self.models:
            began = False
            stream: Any = each.stream(request)
            try:
                async with aclosing(stream) as chunks:
                    async for chunk in chunks:
                        began = True
                        yield chunk
                return
            except PatterError as failure:
                if began:
                    raise
                failures.append(failure)
        raise _all_failed(failures)


def _all_failed(failures: list[PatterError]) -> PatterError:
    if len(failures) == 1:
        return failures[0]
    messages = "; ".join(failure.message for failure in failures)
    return ProviderError(f"no model answered: {messages}", fix=failures[0].fix)


if TYPE_CHECKING:
    _: type[LLM] = FallbackLLM
