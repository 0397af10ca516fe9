"""Which of several models answers a request: the first that begins, of those that were asked.

They are asked one after the other: the next when one has failed, when it is late, or as a hedge
when it is later than usual. Whoever begins first answers; the others are cancelled, at the vendor
too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs

from patter.clock import Clock
from patter.errors import AllProvidersFailedError, PatterError
from patter.llm.attempt import Attempt, ModelCandidate, Name
from patter.llm.hedging import HedgeBudget, hedge_ms, late_ms
from patter.providers.llm import LLMRequest, SourcedUsage, UsageChunk

GIVE_UP_MS = 15_000.0
"""A model that nobody can stand in for may be silent for so long."""

CLOSE_S = 1.0
"""Within that a cancelled request is aborted; one that clings to it is cancelled again."""


@attrs.frozen
class ModelReport:
    """What became of model *name*, (provider, model), in a request; one row of the record.

    *what*: `failed`, `hedged` (it was asked beside one that was later than usual) or `took_over`
    (it answers, though it is not the first of the list). *gap_ms*: how long the one before it, or
    it itself if it failed, had been asked by then. *error*: why it failed, or why it took over.
    """

    name: Name
    what: str
    gap_ms: int
    error: PatterError | None = None


Report: TypeAlias = Callable[[ModelReport], None]


@attrs.define(eq=False, kw_only=True)
class Race:
    """The models that are asked, and *waiting*, those that can be. *tasks* runs the requests.

    *first* is the one that the application would have.
    """

    waiting: deque[ModelCandidate]
    first: ModelCandidate
    tasks: asyncio.TaskGroup
    clock: Clock
    report: Report
    recovery_ms: float
    retries: int
    hedges: HedgeBudget | None
    failures: list[PatterError] = attrs.field(factory=list, init=False)
    _running: list[Attempt] = attrs.field(factory=list, init=False)
    _dismissed: list[Attempt] = attrs.field(factory=list, init=False)
    _changed: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    async def winner(self, request: LLMRequest) -> Attempt:
        """The first attempt at *request* that begins. Raises AllProvidersFailedError."""
        while True:
            self._changed.clear()
            if begun := next((each for each in self._running if each.begun), None):
                return self._chosen(begun)
            for attempt in [each for each in self._running if each.over]:
                self._running.remove(attempt)
                self.fail(attempt, attempt.failure)
            if not self._running:
                self._start_next(request)
            elif not await self._change():
                self._lose_patience(request)

    def fail(self, attempt: Attempt, failed: PatterError | None) -> None:
        """*attempt* came to nothing: nobody uses its model for a while."""
        if failed is None:
            return
        self.failures.append(failed)
        attempt.candidate.availability.fail(failed, self.recovery_ms)
        gap_ms = round(attempt.waited_ms)
        self.report(ModelReport(attempt.candidate.name, "failed", gap_ms, failed))

    def usage(self) -> list[UsageChunk]:
        """What those have used that were cancelled, as far as they have told."""
        return [
            SourcedUsage.of(chunk, attempt.candidate.name)
            for attempt in self._dismissed
            for chunk in attempt.usage()
        ]

    async def dismiss(self, *attempts: Attempt) -> None:
        """Cancel *attempts*, all that run without any; returns when they have ended, or soon."""
        ending = [
            each.task
            for each in (attempts or (*self._running, *self._dismissed))
            if each.task is not None and not each.task.done()
        ]
        for task in ending:
            task.cancel()
        if ending:
            _, clinging = await asyncio.wait(ending, timeout=CLOSE_S)
            for task in clinging:
                task.cancel()

    # --- who is asked

    def _start_next(self, request: LLMRequest, *, hedged: bool = False) -> None:
        """Ask the next. Raises AllProvidersFailedError when there is none."""
        if not self.waiting:
            raise all_failed(self.failures)
        candidate, before = self.waiting.popleft(), self._running[-1:]
        if hedged:
            self.report(ModelReport(candidate.name, "hedged", round(before[0].waited_ms)))
        attempt = Attempt(candidate, self.clock, self._changed, self.retries, self.clock.ms())
        attempt.task = self.tasks.create_task(attempt.run(request), name=f"model-{candidate.label}")
        self._running.append(attempt)

    async def _change(self) -> bool:
        """Wait until something becomes of those who run; False when nothing does in time."""
        latest = self._running[-1]
        within_ms = self._patience_ms(latest) if self.waiting else GIVE_UP_MS
        bound = asyncio.timeout(max(0.0, within_ms - latest.waited_ms) / 1_000)
        try:
            async with bound:
                await self._changed.wait()
        except TimeoutError:
            if not bound.expired():
                raise
            return False
        return True

    def _patience_ms(self, latest: Attempt) -> float:
        """How long *latest* may take to begin before the next is asked, too."""
        within_ms = late_ms(latest.candidate.availability)
        if self._may_hedge():
            within_ms = hedge_ms(latest.candidate.availability) or within_ms
        return within_ms

    def _may_hedge(self) -> bool:
        """Only the first of a request is hedged, and once."""
        alone = len(self._running) == 1 and not self._dismissed and not self.failures
        return self.hedges is not None and self.hedges.any and alone

    def _lose_patience(self, request: LLMRequest) -> None:
        latest = self._running[-1]
        if not self.waiting:
            for attempt in self._running:
                attempt.failure = attempt.too_late("never began to answer")
                self.fail(attempt, attempt.failure)
            self._dismissed += self._running
            self._running = []
            return
        # A timer may be early by what a float loses.
        early = latest.waited_ms + 1 < late_ms(latest.candidate.availability)
        hedged = early and self.hedges is not None and self.hedges.spend()
        self._start_next(request, hedged=hedged)

    def _chosen(self, winner: Attempt) -> Attempt:
        """*winner* answers; the others are not needed, and who was late is not asked next time."""
        self._running.remove(winner)
        winner.candidate.availability.work()
        for each in self._running:
            self._lose(each)
        self._dismissed += self._running
        self._running = []
        if winner.candidate is not self.first or self.failures:
            why = self.failures[-1] if self.failures else self.first.availability.reason
            self.report(
                ModelReport(winner.candidate.name, "took_over", round(winner.waited_ms), why)
            )
        return winner

    def _lose(self, attempt: Attempt) -> None:
        """Somebody else was first."""
        if attempt.task is not None:
            attempt.task.cancel()
        availability = attempt.candidate.availability
        late = attempt.waited_ms >= late_ms(availability)
        availability.took(attempt.waited_ms)
        if attempt.over:
            self.fail(attempt, attempt.failure)
        elif late:
            what = f"had not begun to answer after {attempt.waited_ms:.0f} ms"
            self.fail(attempt, attempt.too_late(what))
        else:
            # It may still be needed, should the winner break off.
            self.waiting.append(attempt.candidate)


def all_failed(failures: Sequence[PatterError]) -> AllProvidersFailedError:
    """The error of models that have all failed."""
    return AllProvidersFailedError(failures)
