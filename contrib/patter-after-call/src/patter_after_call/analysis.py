"""Asking a model about one call: bounded in time, in attempts and in what is read of its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import attrs

from patter import PatterError, PatterTimeoutError, ProviderError
from patter.llm.loop import ModelWaits, reply
from patter.providers.context import CallContext
from patter.providers.llm import LLM, Message, ToolRequest, UsageChunk
from patter_after_call.result import ANSWER_MOST, prompt_of, read_result, schema_of
from patter_after_call.settings import AfterCall

ATTEMPTS = 2
"""An answer that does not fit is asked for once more, with what is wrong about it."""


@attrs.frozen
class Analysis:
    """What the model says of a call, and the tokens that it took."""

    result: dict[str, Any]
    usage: dict[str, int]


async def analysed(llm: LLM, settings: AfterCall, call_id: str, text: str) -> Analysis:
    """What *llm* says of the conversation *text*. Raises PatterError."""
    schema, usage = schema_of(settings), {"tokens_in": 0, "tokens_out": 0}
    messages = [Message("system", prompt_of(settings)), Message("user", f"The call:\n{text}")]
    call = CallContext(call_id=f"after-{call_id}")
    for attempt in range(1, ATTEMPTS + 1):
        answer = await _model_answer(llm, messages, call, settings.timeout_s, usage)
        try:
            return Analysis(read_result(answer, schema), usage)
        except ProviderError as unfit:
            if attempt == ATTEMPTS:
                raise
            again = f"{unfit.message}. Answer again, with the JSON object alone."
            messages += [Message("assistant", answer), Message("user", again)]
    raise AssertionError("the last attempt returns or raises")


async def _model_answer(
    llm: LLM, messages: Sequence[Message], call: CallContext, within_s: float, usage: dict[str, int]
) -> str:
    text, waits = "", ModelWaits(round(within_s * 1_000), round(within_s * 1_000))
    try:
        async with (
            asyncio.timeout(within_s),
            aclosing(reply(llm, messages, (), call, _no_tools, max_rounds=1, waits=waits)) as items,
        ):
            async for item in items:
                if isinstance(item, UsageChunk):
                    usage["tokens_in"] += item.input_tokens
                    usage["tokens_out"] += item.output_tokens
                elif isinstance(item, str) and len(text) < ANSWER_MOST:
                    text += item
    except PatterError:
        raise
    except TimeoutError:
        raise PatterTimeoutError(
            f"the model did not answer within {within_s:g} s", fix="raise timeout_s"
        ) from None
    except Exception as raised:
        raise ProviderError(
            f"the model failed: {type(raised).__name__}", fix="see the log of this process"
        ) from raised
    return text[:ANSWER_MOST]


async def _no_tools(_: ToolRequest) -> str:
    return "there are no tools here"
