"""Several models in order: the next is used when one fails, is late, or is later than usual.

Alone, a failure after the first chunk is final: who reads has the beginning already. In a call the
next model goes on where one broke off, and what it repeats of that is taken out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, cast

import attrs

from patter.aio import task_scope
from patter.clock import Clock, LoopClock
from patter.errors import (
    AllProvidersFailedError,
    PartialStreamError,
    PatterConfigError,
    PatterError,
    ProviderError,
)
from patter.llm.attempt import Attempt, ModelCandidate, Name
from patter.llm.continuation import Continuation, WholeWords, continued
from patter.llm.hedging import SHARE, HedgeBudget
from patter.llm.pace import TextPace
from patter.llm.race import GIVE_UP_MS, ModelReport, Race, Report
from patter.providers.availability import RECOVERY_MS, availability_of, claimed_order
from patter.providers.context import CallContext
from patter.providers.llm import (
    LLM,
    DoneChunk,
    LLMChunk,
    LLMRequest,
    Message,
    SourcedUsage,
    TextChunk,
    ToolCallChunk,
    ToolSpec,
    UsageChunk,
)
from patter.providers.traits import ProviderTraits
from patter.providers.warmth import warmed


def _share(hedge: bool | float | str) -> float:
    """``True`` is the usual share."""
    if isinstance(hedge, str) and not hedge.replace(".", "", 1).isdigit():
        hedge = attrs.converters.to_bool(hedge)
    return (SHARE if hedge else 0.0) if isinstance(hedge, bool) else float(hedge)


def _models(providers: Iterable[LLM | str]) -> tuple[LLM, ...]:
    return tuple(map(_resolved, providers))


def _resolved(provider: LLM | str) -> LLM:
    if not isinstance(provider, str):
        return provider
    from patter.plugins.kinds import LLM_KIND
    from patter.plugins.registry import PluginRegistry

    return PluginRegistry.from_environment().resolve(LLM_KIND, provider)


def _pairs(names: Iterable[Name]) -> tuple[Name, ...]:
    return tuple(names)


def _name(provider: LLM) -> Name:
    traits = ProviderTraits.of(provider)
    return traits.name or type(provider).__name__.lower().removesuffix("llm"), traits.model


def _refuse_none(_: object, __: object, providers: tuple[LLM, ...]) -> None:
    if not providers:
        raise PatterConfigError("a fallback has no model", fix="name one or more")


def _between(least: float, most: float) -> Callable[[object, Any, float], None]:
    def check(_: object, field: Any, value: float) -> None:
        if not least <= value <= most:
            raise PatterConfigError(
                f"{field.name}={value!r} is out of range", fix=f"give {least:g} to {most:g}"
            )

    return check


@attrs.frozen
class FallbackLLMProvider:
    """Uses the first of *providers*, spec strings or models, that answers.

    One that cannot begin because the connection failed is asked *max_retry_per_provider* times
    more, 0 to 10. One that failed is left alone for *recovery_interval_s* seconds, by all calls
    of this process; then one request tries it again. *hedge* asks the second model beside the
    first where that takes longer than 95 of 100 answers before it did: ``True`` for at most a
    tenth of all requests, or a share of them, 0 to 1. *names* are what records and prices call
    the providers, (provider, model) each. Raises PatterConfigError, a ValueError, without
    providers.
    """

    providers: tuple[LLM, ...] = attrs.field(converter=_models, validator=_refuse_none)
    max_retry_per_provider: int = attrs.field(
        default=1, converter=int, validator=_between(0, 10), kw_only=True
    )
    recovery_interval_s: float = attrs.field(
        default=RECOVERY_MS / 1_000, converter=float, validator=_between(0, 86_400), kw_only=True
    )
    hedge: float = attrs.field(
        default=False, converter=_share, validator=_between(0, 1), kw_only=True
    )
    names: tuple[Name, ...] = attrs.field(converter=_pairs, kw_only=True, eq=False)
    _hedges: HedgeBudget = attrs.field(init=False, eq=False, repr=False)

    @names.default
    def _own_names(self) -> tuple[Name, ...]:
        return tuple(map(_name, self.providers))

    @_hedges.default
    def _no_hedge_yet(self) -> HedgeBudget:
        return HedgeBudget(self.hedge)

    @property
    def name(self) -> str:
        return self.names[0][0]

    @property
    def model(self) -> str:
        return self.names[0][1] or ProviderTraits.of(self.providers[0]).model

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts a request may be sent to."""
        hosts = (host for each in self.providers for host in ProviderTraits.of(each).hosts)
        return tuple(dict.fromkeys(hosts))

    async def warm(self) -> None:
        """Have each of them get ready."""
        for each in self.providers:
            await warmed(each)

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        """Yield the reply of the first model that begins one.

        Raises AllProvidersFailedError when none does, and PartialStreamError when it breaks off
        after its first chunk.
        """
        async with aclosing(_Reply(self, request).chunks()) as chunks:
            async for chunk in chunks:
                yield chunk

    def in_call(self, report: Report) -> LLM:
        """The same for a call that speaks its text: models go on where others broke off.

        *report* is told what becomes of each.
        """
        return _InCall(self, report)

    async def complete_stream(
        self,
        messages: Iterable[Message | Mapping[str, Any]],
        tools: Sequence[ToolSpec] = (),
    ) -> AsyncGenerator[str, None]:
        """Yield the text alone of the reply to *messages*, or mappings of role and content.

        Raises as `stream` does.
        """
        rows = tuple(each if isinstance(each, Message) else _message(each) for each in messages)
        request = LLMRequest(messages=rows, tools=tuple(tools), call=CallContext(call_id="none"))
        async with aclosing(cast(Any, self.stream(request))) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, TextChunk) and chunk.text:
                    yield chunk.text

    def get_availability(self) -> list[dict[str, Any]]:
        """For each, in order: `provider`, `model`, `available`, `recovers_in_s`, `reason`."""
        return [
            {
                "provider": name[0],
                "model": name[1],
                "available": its.usable,
                "recovers_in_s": its.recovers_in_ms / 1_000,
                "reason": "" if its.reason is None else its.reason.message,
            }
            for name, its in zip(self.names, map(availability_of, self.providers), strict=True)
        ]

    def destroy(self) -> None:
        """Forget what is held against the providers: all are tried again."""
        for each in self.providers:
            availability_of(each).reset()

    async def aclose(self) -> None:
        """Close the providers that can be closed; what one raises is not raised."""
        for each in self.providers:
            close = getattr(each, "aclose", None)
            with suppress(Exception):
                if close is not None:
                    await close()

    def _candidates(self) -> list[ModelCandidate]:
        return [
            ModelCandidate(each, name, availability_of(each, f"llm {name[0]}"))
            for each, name in zip(self.providers, self.names, strict=True)
        ]


@attrs.frozen
class _InCall:
    """*fallback* as a call uses it."""

    fallback: FallbackLLMProvider
    report: Report

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        reply = _Reply(self.fallback, request, self.report, goes_on=True)
        async with aclosing(reply.chunks()) as chunks:
            async for chunk in chunks:
                yield chunk


def _unreported(_: ModelReport) -> None:
    """Nobody wants to know."""


@attrs.define(eq=False)
class _Reply:
    """One reply to *request*. With *goes_on* another model may end what one has begun."""

    fallback: FallbackLLMProvider
    request: LLMRequest
    report: Report = _unreported
    goes_on: bool = False
    clock: Clock = attrs.field(factory=LoopClock)
    _text: str = attrs.field(default="", init=False)
    _began: bool = attrs.field(default=False, init=False)
    _words: WholeWords = attrs.field(factory=WholeWords, init=False)
    _new: Continuation | None = attrs.field(default=None, init=False)
    _tools: list[ToolCallChunk] = attrs.field(factory=list, init=False)

    async def chunks(self) -> AsyncGenerator[LLMChunk, None]:
        settings = self.fallback
        settings._hedges.note_request()
        candidates = settings._candidates()
        async with task_scope() as tasks:
            race = Race(
                waiting=deque(claimed_order(candidates, lambda each: each.availability)),
                first=candidates[0],
                tasks=tasks,
                clock=self.clock,
                report=self.report,
                recovery_ms=settings.recovery_interval_s * 1_000,
                retries=settings.max_retry_per_provider,
                hedges=settings._hedges if settings.hedge else None,
            )
            try:
                async with aclosing(self._replied(race)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            finally:
                await race.dismiss()

    async def _replied(self, race: Race) -> AsyncGenerator[LLMChunk, None]:
        while True:
            attempt = await self._winner(race)
            try:
                async with aclosing(self._read(race, attempt)) as chunks:
                    async for chunk in chunks:
                        self._began = self._began or not isinstance(chunk, UsageChunk)
                        yield chunk
                return
            except PatterError as failed:
                race.fail(attempt, failed)
                await race.dismiss(attempt)
                if self._began and not (self.goes_on and race.waiting):
                    raise PartialStreamError(failed, self._text) from failed
            self._words.drop()
            self._tools.clear()
            self._new = Continuation(self._text) if self._text else None

    async def _winner(self, race: Race) -> Attempt:
        request = continued(self.request, self._text) if self._text else self.request
        try:
            return await race.winner(request)
        except AllProvidersFailedError as failed:
            if self._text:
                raise PartialStreamError(failed.failures[-1], self._text) from failed
            raise

    async def _read(self, race: Race, attempt: Attempt) -> AsyncGenerator[LLMChunk, None]:
        """What is passed on of *attempt*, to its DoneChunk. Raises PatterError."""
        pace, source = TextPace(self.clock.ms()), attempt.candidate.name
        for used in race.usage():
            yield used
        while (chunk := await attempt.next(self._patience_ms(race, pace))) is not None:
            pace.take(chunk)
            match chunk:
                case TextChunk():
                    if text := self._through(chunk.text):
                        self._text += text
                        yield TextChunk(text)
                case ToolCallChunk():
                    # Only a whole one can be run, and half of one must not stay.
                    self._tools.append(chunk)
                case UsageChunk():
                    yield SourcedUsage.of(chunk, source)
                case DoneChunk():
                    for last in self._rest():
                        yield last
                    yield chunk
                    return
        raise attempt.failure or ProviderError(
            f"{attempt.candidate.label} ended its stream", fix="see the provider's status"
        )

    def _patience_ms(self, race: Race, pace: TextPace) -> float:
        """Only where another model may go on is one left because the voice waits for it."""
        return pace.patience_ms(self.clock.ms()) if self.goes_on and race.waiting else GIVE_UP_MS

    def _through(self, text: str) -> str:
        new = self._new.push(text) if self._new else text
        return self._words.push(new) if self.goes_on else new

    def _rest(self) -> list[LLMChunk]:
        """What was kept back until the end."""
        rest = self._words.push(self._new.flush()) if self._new else ""
        rest += self._words.flush()
        self._text += rest
        texts: list[LLMChunk] = [TextChunk(rest)] if rest else []
        return [*texts, *self._tools]


def _message(row: Mapping[str, Any]) -> Message:
    return Message(row["role"], str(row.get("content", row.get("text", "")) or ""))


if TYPE_CHECKING:
    _: type[LLM] = FallbackLLMProvider
    _c: type[LLM] = _InCall
