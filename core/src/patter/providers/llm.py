"""Language models: one request in, a stream of chunks out. Stateless, so no session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, Protocol, TypeAlias

import attrs

from patter.providers.context import CallContext

JSON: TypeAlias = Mapping[str, Any]


@attrs.frozen
class ToolRequest:
    """The model wants *name* run; *arguments* is the JSON text it wrote, checked by nobody."""

    id: str
    name: str
    arguments: str


@attrs.frozen
class Message:
    """One row for the model.

    An assistant row may carry *tool_calls*; a tool row answers one by *tool_call_id*.
    """

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    tool_calls: tuple[ToolRequest, ...] = ()
    tool_call_id: str = ""
    name: str = ""


@attrs.frozen
class ToolSpec:
    """A tool as the model sees it; *parameters* is a JSON schema of type object."""

    name: str
    description: str
    parameters: JSON
    strict: bool = False


@attrs.frozen(kw_only=True)
class LLMRequest:
    """Everything a model needs for one reply."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    call: CallContext


@attrs.frozen
class TextChunk:
    """The next piece of the reply."""

    text: str


@attrs.frozen
class ToolCallChunk:
    """A piece of a tool call: *arguments* of one *index* add up to JSON.

    *id* and *name* are given with the first piece and may be empty afterwards.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@attrs.frozen
class UsageChunk:
    """Tokens of this request; *input_tokens* are those not read from a cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@attrs.frozen
class SourcedUsage(UsageChunk):
    """Tokens of one of several models that may answer, *source*: (provider, model)."""

    source: tuple[str, str] = ("llm", "")

    @classmethod
    def of(cls, used: UsageChunk, source: tuple[str, str]) -> SourcedUsage:
        """*used*, by *source*."""
        return cls(**{**attrs.asdict(used), "source": source})


@attrs.frozen
class DoneChunk:
    """The reply is complete; *reason* in the vendor's words (``stop``, ``length``, ...)."""

    reason: str = "stop"


LLMChunk: TypeAlias = TextChunk | ToolCallChunk | UsageChunk | DoneChunk


class LLM(Protocol):
    """Settings of a model. What else it may tell is in `ProviderTraits`."""

    def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        """Answer *request*; closing the iterator aborts it at the vendor.

        Ends after exactly one DoneChunk, which tells the vendor's finish reason; a stream that
        ends without one has failed. Raises PatterError: AUTH, RATE_LIMIT, CONFIG (there is no
        such model), CONNECTION, TIMEOUT or PROVIDER_ERROR as the vendor answers.
        """
        ...
