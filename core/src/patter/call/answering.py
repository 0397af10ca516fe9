"""Asking a function of the application for an answer: sync or async, all at once or in pieces."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing
from typing import Any, TypeAlias

from patter.application import pieces, result_of
from patter.call.control import CallControl

MessageHandler: TypeAlias = Callable[..., Any]
"""``handler(message)`` or ``handler(message, call)``, sync or async: the application answers.

It returns the text, or yields it in pieces. *message* has ``text``, ``call_id``, ``caller``,
``callee`` and ``history``; *call* is the `CallControl`.
"""


async def answered(
    handler: MessageHandler, message: dict[str, Any], control: CallControl | None
) -> AsyncGenerator[str, None]:
    """Yield what *handler* says to *message*; a blocking one runs in a thread.

    Raises what it raises.
    """
    owner = message["call_id"]
    wants_control = len(inspect.signature(handler).parameters) > 1
    arguments = (message, control) if wants_control else (message,)
    answer = await result_of(handler, *arguments, owner=owner)
    if isinstance(answer, (AsyncGenerator, Generator)):
        async with aclosing(pieces(answer, owner)) as every:
            async for piece in every:
                yield "" if piece is None else str(piece)
    elif answer:
        yield str(answer)
