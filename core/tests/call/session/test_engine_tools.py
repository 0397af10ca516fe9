"""Tools that an engine asks for at once: side by side, but for those that must not be repeated."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter.providers.engine_events import (
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseToolCall,
)
from patter.providers.llm import ToolRequest
from patter.tools.tool import Tool, tool
from patter_testing import lab

from .engine_plans import engine, plan

pytestmark = pytest.mark.virtual_time


def tools(order: list[str]) -> tuple[Tool, ...]:
    @tool(effect="read")
    async def look() -> str:
        order.append("look")
        await asyncio.sleep(1)
        order.append("looked")
        return "free"

    @tool
    async def book() -> str:
        order.append("book")
        await asyncio.sleep(1)
        order.append("booked")
        return "R-17"

    return look, book


def want(session: Any, *names: str) -> None:
    """One response of the vendor asks for tools, ``id:name`` each."""
    session.emit(ResponseStarted("asking", ResponseCause.CALLER))
    for each in names:
        identity, name = each.split(":")
        session._wanted.add(identity)
        session.emit(ResponseToolCall("asking", ToolRequest(identity, name, "{}")))
    session.emit(ResponseDone("asking", ResponseStatus.COMPLETED))


async def order_of(*names: str) -> list[str]:
    order: list[str] = []
    fake = engine("Hello.", "It is booked.")
    async with lab(plan(fake, tools=tools(order))) as call:
        await call.says("a table for two")
        want(fake.sessions[0], *names)
        await call.caller.waits(8_000)
    return order


async def test_those_that_only_look_run_side_by_side() -> None:
    assert await order_of("a:look", "b:look") == ["look", "look", "looked", "looked"]


async def test_a_booking_waits_for_what_was_asked_before_and_is_waited_for() -> None:
    order = await order_of("a:look", "b:book", "c:look")
    assert order == ["look", "looked", "book", "booked", "look", "looked"]


async def test_one_that_is_asked_for_twice_under_one_id_runs_once() -> None:
    assert await order_of("a:book", "a:book") == ["book", "booked"]
