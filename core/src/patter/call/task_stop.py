"""Stops a task of the call, also where something in it ignores that it is to stop."""

from __future__ import annotations

import asyncio

from patter.call.tts_link import TTSLink
from patter.clock import Clock

INSIST_MS = 1_000


def stop_task(task: asyncio.Task[None], clock: Clock, voice: TTSLink | None = None) -> None:
    """Cancel *task*, and once more after a second; *voice* is replaced if it still speaks then.

    A generator that catches its first CancelledError goes on; the second one ends it.
    """

    def insist() -> None:
        task.cancel()
        # A group passes only the first cancel on to its tasks.
        if voice is not None:
            voice.insist()

    task.cancel()
    again = clock.at(clock.ms() + INSIST_MS, insist)
    task.add_done_callback(lambda _: again.cancel())
