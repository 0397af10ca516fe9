"""One call to a phone menu, watched from outside: loops and silences are reported.

Who drives a call by hand uses this; agents have `menu_hooks`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from patter import CallControl, InputError, Tool
from patter.aio import task_scope
from patter.application import result_of
from patter.clock import Clock, LoopClock
from patter_ivr.keys import send_dtmf_events
from patter_ivr.loops import TfidfLoopDetector

USER_WAITS, AGENT_WAITS = frozenset({"listening", "away"}), frozenset({"idle", "listening"})
CALLBACK_S = 10.0
log = logging.getLogger("patter.ivr")
Callback = Callable[[], Any]


class IVRActivity:
    """Watches the call of *call_control*; enter it, or `start` and `stop` it.

    *on_silence* is called once each time that nobody has spoken for *max_silence_duration*
    seconds, *on_loop_detected* when the menu repeats itself; *loop_detector* False looks for no
    loop. Both are plain or async functions without parameters; what they raise is logged, and
    they have 10 s. Raises InputError.
    """

    def __init__(
        self,
        call_control: CallControl,
        *,
        max_silence_duration: float = 5.0,
        loop_detector: bool | TfidfLoopDetector = True,
        on_loop_detected: Callback | None = None,
        on_silence: Callback | None = None,
        clock: Clock | None = None,
    ) -> None:
        if max_silence_duration <= 0:
            raise InputError(
                f"max_silence_duration={max_silence_duration} is not a valid time",
                fix="pass seconds above 0",
            )
        self.call_control = call_control
        self._silence_ms = max_silence_duration * 1_000
        self._detector = TfidfLoopDetector() if loop_detector is True else loop_detector or None
        self._on_loop, self._on_silence = on_loop_detected, on_silence
        self._clock = clock or LoopClock()
        self._user = self._agent = "listening"
        self._changed = asyncio.Event()
        self._silent = False
        self._scope: AsyncExitStack | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def tools(self) -> list[Tool]:
        """What an agent needs to press keys."""
        return [send_dtmf_events]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin to listen for silence; twice is fine."""
        if self._scope is None:
            self._scope = AsyncExitStack()
            tasks = await self._scope.enter_async_context(task_scope())
            self._watching = tasks.create_task(self._watch(), name="ivr-silence")

    async def stop(self) -> None:
        """Stop listening; twice is fine."""
        scope, self._scope = self._scope, None
        if scope is not None and self._watching is not None:
            self._watching.cancel()
            await scope.aclose()

    aclose = stop

    async def on_user_transcribed(self, text: str) -> None:
        """The menu said *text*."""
        if self._detector is None:
            return
        self._detector.add_chunk(text)
        if self._detector.check_loop_detection():
            self._detector.reset()
            await self._call("on_loop_detected", self._on_loop)

    def note_user_state(self, state: str) -> None:
        """The menu is ``listening``, ``speaking``, ``thinking`` or ``away`` now."""
        self._note(state, self._agent)

    def note_agent_state(self, state: str) -> None:
        """The agent is ``idle``, ``listening``, ``thinking`` or ``speaking`` now."""
        self._note(self._user, state)

    def _note(self, user: str, agent: str) -> None:
        if (user, agent) != (self._user, self._agent):
            self._user, self._agent = user, agent
            self._silent = False
            self._changed.set()

    async def _watch(self) -> None:
        reported = False
        while True:
            self._changed.clear()
            self._silent = False
            quiet = self._user in USER_WAITS and self._agent in AGENT_WAITS
            if quiet and not reported:
                reported = not await self._changes_soon()
                if reported:
                    await self._call("on_silence", self._on_silence)
            else:
                await self._changed.wait()
                reported = False

    async def _changes_soon(self) -> bool:
        """Is there another state before the silence is too long?"""
        timer = self._clock.at(self._clock.ms() + self._silence_ms, self._late)
        try:
            await self._changed.wait()
        finally:
            timer.cancel()
        return not self._silent

    def _late(self) -> None:
        self._silent = True
        self._changed.set()

    async def _call(self, name: str, callback: Callback | None) -> None:
        if callback is None:
            return
        try:
            async with asyncio.timeout(CALLBACK_S):
                await result_of(callback, owner=self.call_control.call_id)
        except Exception:
            log.exception("%s of call %s failed", name, self.call_control.call_id)
