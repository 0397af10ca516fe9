"""A limit to what one call may cost, so that a call without an end is shown and not waited for.

It is of the time the processor works for this process: on a busy machine nothing takes too long
that does not elsewhere. A loop that turns without working is ended by its own patience.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class TooLong(KeyboardInterrupt):
    """A call goes on and on. Nothing else leaves a loop from wherever it is."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `TooLong` in what is done here once it has worked for *seconds*; main thread only.

    It is raised at the end, too, if all of that made something else of it: a loop that is left
    between two steps cannot be closed in peace.
    """
    places: list[str] = []

    def over(_: int, where: FrameType | None) -> None:
        places.append(f"{where.f_code.co_filename}:{where.f_lineno}" if where else "nowhere")
        raise TooLong(_message(seconds, places))

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
    try:
        yield
    except Exception as raised:
        if not places:
            raise
        raise TooLong(_message(seconds, places)) from raised
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    if places:
        raise TooLong(_message(seconds, places))


def _message(seconds: float, places: list[str]) -> str:
    return f"still going after {seconds:g} s, at {places[0]}"
