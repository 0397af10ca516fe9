"""A streamed request by the SDK: its server-sent events as JSON, and an end that is an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from patter_openai._sdk import Access


async def events_of(
    access: Access, path: str, body: Mapping[str, Any], headers: Mapping[str, str], within_s: float
) -> AsyncGenerator[object, None]:
    """The events that answer *body*, as JSON was read.

    Closing this closes the connection, which is how OpenAI is told to stop; read to its end, the
    connection is kept. Raises PatterError.
    """
    async with access.client() as client:
        from openai import AsyncStream

        stream: AsyncStream[object] = await client.post(
            path,
            cast_to=object,
            body=dict(body),
            options={"headers": dict(headers), "timeout": access.timeout(within_s)},
            stream=True,
            stream_cls=AsyncStream[object],
        )
        async with stream:
            async for event in stream:
                yield event
