"""One model's attempt at one request, in a task of its own: its chunks as they come."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, TypeAlias

import attrs

from patter.application import containment
from patter.clock import Clock
from patter.errors import ErrorCode, PatterError, PatterTimeoutError, ProviderError
from patter.providers.availability import Availability
from patter.providers.llm import (
    LLM,
    DoneChunk,
    LLMChunk,
    LLMRequest,
    TextChunk,
    ToolCallChunk,
    UsageChunk,
)

Name: TypeAlias = tuple[str, str]
UNREAD = 64
"""Chunks that may wait for the reader; then the model does."""


@attrs.frozen(eq=False)
class ModelCandidate:
    """A model that may answer; records and prices call it *name*: (provider, model)."""

    provider: LLM
    name: Name
    availability: Availability

    @property
    def label(self) -> str:
        """What messages call it."""
        return "/".join(filter(None, self.name))


@attrs.define(eq=False)
class Attempt:
    """*candidate* answers, since *since_ms*; it is asked *retries* times more if it cannot begin.

    It has *begun* with its first text or tool call. *changed* is set when it has, or is over.
    """

    candidate: ModelCandidate
    clock: Clock
    changed: asyncio.Event
    retries: int
    since_ms: float
    begun: bool = attrs.field(default=False, init=False)
    over: bool = attrs.field(default=False, init=False)
    failure: PatterError | None = attrs.field(default=None, init=False)
    task: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _chunks: asyncio.Queue[LLMChunk | None] = attrs.field(
        factory=lambda: asyncio.Queue(UNREAD), init=False
    )

    @property
    def waited_ms(self) -> float:
        """For how long it has been asked."""
        return self.clock.ms() - self.since_ms

    async def run(self, request: LLMRequest) -> None:
        """Ask the model; what it raises becomes the *failure*."""
        for left in range(self.retries, -1, -1):
            self.failure = await self._try(request)
            if self.failure is None or self.begun or not left or not _may_pass(self.failure):
                break
        self.over = True
        self.changed.set()
        await self._chunks.put(None)

    async def next(self, within_ms: float) -> LLMChunk | None:
        """The next chunk, None after the last. Raises PatterTimeoutError."""
        if not self._chunks.empty():
            return self._chunks.get_nowait()
        bound = asyncio.timeout(max(0.0, within_ms) / 1_000)
        try:
            async with bound:
                return await self._chunks.get()
        except TimeoutError as late:
            if not bound.expired():
                raise
            raise self.too_late("fell silent in the middle of a reply") from late

    def usage(self) -> list[UsageChunk]:
        """What it has reported to have used, and nobody has read."""
        unread: list[LLMChunk | None] = []
        while not self._chunks.empty():
            unread.append(self._chunks.get_nowait())
        return [chunk for chunk in unread if isinstance(chunk, UsageChunk)]

    def too_late(self, what: str) -> PatterTimeoutError:
        """The error of a model of which too little comes, or nothing."""
        return PatterTimeoutError(
            f"{self.candidate.label} {what}",
            fix="see the provider's status; another model goes on, where there is one",
        )

    async def _try(self, request: LLMRequest) -> PatterError | None:
        try:
            with containment():
                await self._read(request)
        except PatterError as failed:
            return failed
        except Exception as failed:
            reason = str(failed) or type(failed).__name__
            label = self.candidate.label
            return ProviderError(
                f"{label} failed: {reason}", fix=f"report it to the authors of {label}"
            )
        return None

    async def _read(self, request: LLMRequest) -> None:
        stream: Any = self.candidate.provider.stream(request)
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                if _is_substance(chunk) and not self.begun:
                    self._begin()
                await self._chunks.put(chunk)
                if isinstance(chunk, DoneChunk):
                    return
        raise ProviderError(
            f"{self.candidate.label} ended its stream in the middle of a reply",
            fix="nothing to set: see the provider's status",
        )

    def _begin(self) -> None:
        self.begun = True
        self.candidate.availability.took(self.waited_ms)
        self.changed.set()


def _is_substance(chunk: LLMChunk) -> bool:
    if isinstance(chunk, TextChunk):
        return bool(chunk.text)
    return isinstance(chunk, ToolCallChunk | DoneChunk)


def _may_pass(failed: PatterError) -> bool:
    """Is it worth asking the same model at once again? One that is too busy is not."""
    return failed.code is ErrorCode.CONNECTION
