"""Requests, and what comes of them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter import PatterError
from patter.providers.context import CallContext
from patter.providers.llm import LLMChunk, LLMRequest, Message, TextChunk, ToolSpec
from patter_cerebras import CerebrasLLM
from patter_cerebras.double import CerebrasDouble

CALL = CallContext(call_id="c1")
BOOK = ToolSpec("book_table", "Book a table.", {"type": "object", "properties": {}})
ASK = LLMRequest(messages=(Message("system", "Be brief."), Message("user", "Hi.")), call=CALL)
WITH_TOOL = attrs.evolve(ASK, tools=(BOOK,))
REPLY = "This is a simulation. I heard: Hi."
LLM = CerebrasLLM(api_key="k")
CHAT = "/chat/completions"


async def answer(
    vendor: CerebrasDouble, model: Any = LLM, request: LLMRequest = ASK
) -> list[LLMChunk]:
    return [chunk async for chunk in vendor.pointed(model).stream(request)]


async def failure(
    vendor: CerebrasDouble, model: Any = LLM, request: LLMRequest = ASK
) -> PatterError:
    with pytest.raises(PatterError) as caught:
        await answer(vendor, model, request)
    assert caught.value.fix
    return caught.value


def text(chunks: list[LLMChunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))
