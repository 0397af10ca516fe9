"""Reading a handler that yields: what it says while it works, and its result at the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import aclosing
from typing import Any, TypeAlias

from patter.application import pieces
from patter.tools.refusals import bounded
from patter.tools.result import as_text

Say: TypeAlias = Callable[[str], None]
"""Says a sentence to the caller, if somebody still listens; never waits."""

PROGRESS_LIMIT = 400
"""Characters of one progress: it is read out while the caller waits."""


async def result_read(
    answer: AsyncGenerator[Any, Any] | Generator[Any], owner: str, say: Say
) -> str:
    """The text of the result that *answer* yields as ``{"result": ...}``, or yields last.

    Each ``{"progress": text}`` before it is said. Raises what the generator raises.
    """
    result: Any = None
    async with aclosing(pieces(answer, owner)) as every:
        async for piece in every:
            if isinstance(piece, Mapping) and "result" in piece:
                return as_text(piece["result"])
            if isinstance(piece, Mapping) and "progress" in piece:
                if text := bounded(str(piece["progress"] or ""), PROGRESS_LIMIT).strip():
                    say(text)
            else:
                result = piece
    return as_text(result)
