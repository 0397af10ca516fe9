"""Supervised connections to providers: opened, watched, replaced, and closed in bounded time.

A plugin only encodes and decodes. Whether a socket died, hangs or was refused is decided here:
passing failures are retried within a budget per call, permanent ones are not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from math import inf
from random import Random
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import attrs

from patter.audio.formats import AudioFormat
from patter.clock import Clock
from patter.errors import (
    ErrorCode,
    PatterError,
    PatterTimeoutError,
    ProviderError,
    RateLimitError,
)
from patter.observe.call_events import CallEvents
from patter.observe.events import Link
from patter.providers.availability import Availability
from patter.providers.context import CallContext

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
P = TypeVar("P")


_HURRIED = ("open_ms", "answer_ms", "speech_ms")

HURRIED_RETRIES = 2
"""One that loses a third connection in two minutes is left for the next."""

RECENT_MS = 120_000
"""Failures before that say nothing about a provider any more."""


@attrs.frozen(kw_only=True)
class LinkRules:
    """Bounds of one connection, in milliseconds; *retries* is the budget of two minutes.

    A caller hears *open_ms* of an attempt to connect, *speech_ms* of a voice that owes audio, and
    *outage_ms* of a provider that fails, as silence. With another provider at hand a failing one
    gets *fallback_ms*, and one of which nothing comes *hurry_ms*, see `hurried`. Meanwhile a voice
    is tried again every *voice_backoff_ms* or sooner.
    """

    open_ms: int = 4_000
    close_ms: int = 2_000
    retries: int = 5
    backoff_ms: int = 100
    backoff_max_ms: int = 2_000
    voice_backoff_ms: int = 400
    answer_ms: int = 5_000
    speech_ms: int = 4_000
    outage_ms: int = 4_000
    fallback_ms: int = 500
    hurry_ms: int = 1_000
    replay_ms: int = 5_000

    @property
    def hurried(self) -> LinkRules:
        """These for a provider that has another behind it: the caller hears no gap of 1.5 s."""
        waits = {name: min(getattr(self, name), self.hurry_ms) for name in _HURRIED}
        return attrs.evolve(self, **waits, retries=min(self.retries, HURRIED_RETRIES))


@attrs.define(eq=False)
class ReconnectPolicy:
    """When to connect to one provider again, within its budget for one call.

    *random* spreads the waits of different calls: all that lose one vendor at once must not come
    back at once. Seed it with the call, so that a replayed call waits the same. *availability*:
    where other calls learn that it was given up, if there is another provider to use.
    """

    kind: str
    provider: str
    clock: Clock
    events: CallEvents
    rules: LinkRules
    random: Random = attrs.field(factory=Random)
    availability: Availability | None = None
    _failed_ms: deque[float] = attrs.field(factory=deque, init=False)
    _lost_at: float | None = attrs.field(default=None, init=False)
    _out_since_ms: float | None = attrs.field(default=None, init=False)
    _gap_noted: bool = attrs.field(default=False, init=False)

    def begin(self) -> None:
        """An attempt to connect begins; one that fails was an outage from here on."""
        if self._out_since_ms is None:
            self._out_since_ms = self.clock.ms()

    async def retry(
        self, failed: PatterError, within_ms: float = inf, *, endless: bool = False
    ) -> bool:
        """Wait before the next attempt; False when *failed* is final or the budget spent.

        An outage may last *within_ms*. An *endless* one lasts as long as the call if it may pass:
        somebody may still wait for this provider, and there is no other.
        """
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # It came while the tasks of a failed session were ended; their group swallows it.
            raise asyncio.CancelledError
        self.lose(failed)
        asked_for_ms = failed.retry_after_ms if isinstance(failed, RateLimitError) else 0.0
        # Somebody is on the line: a vendor that asks for minutes is asked again before.
        asked_for_ms = min(asked_for_ms, self.rules.backoff_max_ms)
        over = self._is_over(within_ms - asked_for_ms)
        if not self.may_pass(failed) or (over and not endless):
            self.give_up(failed)
            return False
        await self.clock.sleep(max(self.wait_ms(), asked_for_ms))
        return True

    def may_pass(self, failed: PatterError) -> bool:
        """May it work a moment later? What a vendor does not classify is worth the budget."""
        return failed.passing or failed.code is ErrorCode.PROVIDER_ERROR

    def lose(self, failed: PatterError) -> None:
        """The connection is of no use, because of *failed*."""
        now_ms = self.clock.ms()
        self._failed_ms.append(now_ms)
        while self._failed_ms[0] < now_ms - RECENT_MS:
            self._failed_ms.popleft()
        first = self._lost_at is None
        if first:
            self._lost_at = now_ms
        self.begin()
        # One that fails for long would fill the record: what follows is told by its end.
        if self.may_pass(failed) and (first or self._failures <= self.rules.retries):
            self._gap_noted = True
            self._note("lost", text=failed.message)

    def give_up(self, failed: PatterError) -> None:
        """The provider is not used any more on this call."""
        self._note("failed")
        self.events.error(failed, f"{self.kind} {self.provider}")
        if self.availability is not None:
            self.availability.fail(failed)

    def skip(self, why: PatterError) -> None:
        """The provider goes behind the others: another call has found out *why*."""
        self._note("skipped", text=why.message)

    def wait_ms(self) -> float:
        """The doubled and bounded wait, of which a random half or more is waited."""
        rules = self.rules
        doubled_ms = rules.backoff_ms << min(self._failures - 1, 16)
        most_ms = rules.backoff_max_ms
        if self.kind == "tts" and self._out_ms < rules.outage_ms:
            most_ms = min(most_ms, rules.voice_backoff_ms)
        return min(most_ms, doubled_ms) * self.random.uniform(0.5, 1.0)

    @property
    def _failures(self) -> int:
        return len(self._failed_ms)

    def _is_over(self, within_ms: float) -> bool:
        """Is the budget spent, or has this outage lasted too long?"""
        return self._failures > self.rules.retries or self._out_ms >= within_ms

    @property
    def _out_ms(self) -> float:
        now_ms = self.clock.ms()
        return now_ms - (now_ms if self._out_since_ms is None else self._out_since_ms)

    def restored(self, replayed_ms: float = 0.0) -> None:
        """The connection stands again, if it was lost before."""
        self._out_since_ms = None
        if self._lost_at is not None:
            gap_ms = round(self.clock.ms() - self._lost_at)
            self._lost_at = None
            if self._gap_noted:
                self._gap_noted = False
                self._note("back", gap_ms=gap_ms, replayed_ms=round(replayed_ms))

    def take_over(self, previous: ReconnectPolicy) -> None:
        """This provider replaces that of *previous*, and the gap began when that was lost."""
        self._lost_at, self._gap_noted = previous._lost_at, True

    def _note(
        self,
        what: str,
        text: str = "",
        gap_ms: int | None = None,
        replayed_ms: int | None = None,
    ) -> None:
        self.events.emit(
            Link(
                provider=self.provider,
                kind=self.kind,
                what=what,
                gap_ms=gap_ms,
                replayed_ms=replayed_ms,
                text=text,
            )
        )


@attrs.frozen(eq=False)
class LinkCandidate(Generic[P]):
    """A provider that a link may use; records and prices call it *name*: (provider, model)."""

    provider: P
    name: tuple[str, str]
    policy: ReconnectPolicy


class Openable(Protocol[S_co]):
    """A provider whose sessions are opened for a call in a format."""

    def open(self, call: CallContext, audio: AudioFormat) -> AbstractAsyncContextManager[S_co]: ...


Prepared: TypeAlias = Callable[[P, AudioFormat], AbstractAsyncContextManager[S] | None]
"""The session of a provider that is ready for a format; None when there is none."""


def ready_or_new(
    prepared: Callable[[Any, AudioFormat], AbstractAsyncContextManager[S] | None] | None,
    provider: Openable[S],
    call: CallContext,
    audio: AudioFormat,
) -> AbstractAsyncContextManager[S]:
    """The session that is ready, else one that is opened now."""
    ready = prepared(provider, audio) if prepared else None
    return ready or provider.open(call, audio)


@asynccontextmanager
async def opened(
    scope: AbstractAsyncContextManager[S], policy: ReconnectPolicy
) -> AsyncIterator[S]:
    """Enter *scope* and leave it within bounds; whatever a plugin raises is a PatterError."""
    rules, who = policy.rules, policy.provider
    policy.begin()
    try:
        async with asyncio.timeout(rules.open_ms / 1_000):
            session = await scope.__aenter__()
    except Exception as failed:
        raise as_patter_error(failed, who) from failed
    failure: BaseException | None = None
    try:
        yield session
    except BaseException as raised:
        failure = raised
        raise
    finally:
        await _leave(scope, policy, failure)


async def _leave(
    scope: AbstractAsyncContextManager[object],
    policy: ReconnectPolicy,
    failure: BaseException | None,
) -> None:
    """Close. One that does not close in time is cancelled and left behind."""
    try:
        async with asyncio.timeout(policy.rules.close_ms / 1_000):
            await scope.__aexit__(type(failure) if failure else None, failure, None)
    except Exception as late:
        if failure is None or _was_of_the_scope(failure):
            raise as_patter_error(late, policy.provider) from late


def _was_of_the_scope(failure: BaseException) -> bool:
    """Was it a cancel by which a scope that failed ended its use? It has taken that back by now."""
    task = asyncio.current_task()
    own = task is not None and not task.cancelling()
    return isinstance(failure, asyncio.CancelledError) and own


def as_patter_error(failed: BaseException, who: str) -> PatterError:
    """Give what a plugin let through a code and a fix."""
    if isinstance(failed, PatterError):
        return failed
    if isinstance(failed, TimeoutError):
        return PatterTimeoutError(
            f"{who} did not answer in time", fix="check the provider's status and the network"
        )
    reason = str(failed) or type(failed).__name__
    if isinstance(failed, OSError):
        return ProviderError(
            f"{who} cannot be reached: {reason}",
            fix="check the provider's status and the network",
        )
    return ProviderError(f"{who} failed: {reason}", fix=f"report it to the authors of {who}")
