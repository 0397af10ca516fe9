"""Supervised connections to providers: opened, watched, replaced, and closed in bounded time.

A plugin only encodes and decodes. Whether a socket died, hangs or was refused is decided here:
passing failures are retried within a budget per call, permanent ones are not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random
from typing import Generic, TypeVar

import attrs

from patter.clock import Clock
from patter.errors import PatterError, PatterTimeoutError, ProviderError
from patter.observe.call_events import CallEvents
from patter.observe.events import Link

S = TypeVar("S")
P = TypeVar("P")


@attrs.frozen(kw_only=True)
class LinkRules:
    """Bounds of one connection, in milliseconds; *retries* is the budget of a whole call."""

    open_ms: int = 10_000
    close_ms: int = 2_000
    retries: int = 5
    backoff_ms: int = 100
    backoff_max_ms: int = 2_000
    answer_ms: int = 5_000
    speech_ms: int = 4_000
    replay_ms: int = 5_000


@attrs.define(eq=False)
class ReconnectPolicy:
    """When to connect to one provider again, within its budget for one call.

    *random* spreads the waits of different calls: all that lose one vendor at once must not come
    back at once. Seed it with the call, so that a replayed call waits the same.
    """

    kind: str
    provider: str
    clock: Clock
    events: CallEvents
    rules: LinkRules
    random: Random = attrs.field(factory=Random)
    failures: int = 0
    _lost_at: float | None = attrs.field(default=None, init=False)

    async def retry(self, failed: PatterError) -> bool:
        """Wait before the next attempt; False when *failed* is final or the budget spent."""
        self.failures += 1
        if self._lost_at is None:
            self._lost_at = self.clock.ms()
        # What a vendor does not classify may pass, so it is worth the budget.
        final = not failed.passing and failed.code != "PROVIDER_ERROR"
        if final or self.failures > self.rules.retries:
            self.give_up(failed)
            return False
        self._note("lost", text=failed.message)
        await self.clock.sleep(self._wait_ms())
        return True

    def give_up(self, failed: PatterError) -> None:
        """The provider is not used any more on this call."""
        self._note("failed")
        self.events.error(failed, f"{self.kind} {self.provider}")

    def _wait_ms(self) -> float:
        """The doubled and bounded wait, of which a random half or more is waited."""
        doubled_ms = self.rules.backoff_ms << (self.failures - 1)
        return min(self.rules.backoff_max_ms, doubled_ms) * self.random.uniform(0.5, 1.0)

    def restored(self, replayed_ms: float = 0.0) -> None:
        """The connection stands again, if it was lost before."""
        if self._lost_at is not None:
            gap_ms = round(self.clock.ms() - self._lost_at)
            self._lost_at = None
            self._note("back", gap_ms=gap_ms, replayed_ms=round(replayed_ms))

    def take_over(self, previous: ReconnectPolicy) -> None:
        """This provider replaces that of *previous*, and the gap began when that was lost."""
        self._lost_at = previous._lost_at

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


@asynccontextmanager
async def opened(
    scope: AbstractAsyncContextManager[S], rules: LinkRules, who: str
) -> AsyncIterator[S]:
    """Enter *scope* and leave it within bounds; whatever a plugin raises is a PatterError."""
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
        await _leave(scope, rules, failure)


async def _leave(
    scope: AbstractAsyncContextManager[object], rules: LinkRules, failure: BaseException | None
) -> None:
    """Close. One that does not close in time is cancelled and left behind."""
    try:
        async with asyncio.timeout(rules.close_ms / 1_000):
            await scope.__aexit__(type(failure) if failure else None, failure, None)
    except Exception as late:
        if failure is None:
            raise as_patter_error(late, "closing") from late


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
