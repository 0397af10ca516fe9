"""A function of the application, or its own web service, in the place of a language model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import attrs

from patter.call.answering import MessageHandler, answered
from patter.call.control import INSIDE
from patter.call.remote_messages import RemoteMessageHandler, is_remote_url
from patter.errors import PatterTypeError, indefinite
from patter.providers.llm import DoneChunk, LLMChunk, LLMRequest, TextChunk


def _handler_of(value: Any) -> MessageHandler:
    if is_remote_url(value):
        return RemoteMessageHandler(value)
    if not callable(value):
        raise PatterTypeError(
            f"CustomLLM got {indefinite(type(value).__name__)}, not a function",
            fix="pass a function of the message, or an address: https://..., wss://...",
        )
    handler: MessageHandler = value
    return handler


@attrs.frozen
class CustomLLM:
    """Answers as ``llm=`` with *handler*, which is what `serve` takes as ``on_message``.

    It gets the message, and the `CallControl` if it takes two arguments; it is no model, so it is
    shown neither prompt nor tools. ``llm=function`` and ``llm="https://..."`` are the same.
    Raises PatterTypeError, EgressError.
    """

    handler: MessageHandler = attrs.field(converter=_handler_of)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host of the service, if it is one; ``patter explain`` shows it."""
        url = getattr(self.handler, "url", "")
        host = urlsplit(url).hostname if is_remote_url(url) else None
        return (host,) if host else ()

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        """Answer the last words of the user in *request*: where models are tried in order."""
        inside = INSIDE.get()
        control = inside.control if inside is not None else None
        async with aclosing(answered(self.handler, _message(request), control)) as pieces:
            async for piece in pieces:
                yield TextChunk(piece)
        yield DoneChunk()


def brain_of(choice: Any) -> Any:
    """*choice* of an agent's ``llm``, in which functions and addresses are a `CustomLLM`."""
    if isinstance(choice, (list, tuple)):
        return type(choice)(map(brain_of, choice))
    is_function = callable(choice) and not hasattr(choice, "stream")
    return CustomLLM(choice) if is_function or is_remote_url(choice) else choice


def asks_function(llm: Any) -> bool:
    """Is *llm*, or one of the models that it tries, a function? That may do anything."""
    return any(isinstance(each, CustomLLM) for each in getattr(llm, "providers", (llm,)))


def _message(request: LLMRequest) -> dict[str, Any]:
    rows = [row for row in request.messages if row.role in ("user", "assistant") and row.text]
    return {
        "text": next((row.text for row in reversed(rows) if row.role == "user"), ""),
        "call_id": request.call.call_id,
        "caller": request.call.caller,
        "callee": request.call.callee,
        "history": [{"role": row.role, "text": row.text} for row in rows],
    }
