"""What servers list becomes tools that vendors take; one that is in doubt costs only itself."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import mcp_types as types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from mcp.server.mcpserver import MCPServer

from patter.tools.mcp_server import McpServer
from patter_mcp import mcp_tools
from patter_mcp.listing import MOST, Listed, schema_of, tools_of
from patter_mcp.results import text_of

SERVER = McpServer(url="https://tools.example.com/mcp")
PLAIN = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}


async def _run(tool: str, arguments: Mapping[str, Any]) -> str:
    return f"{tool} {json.dumps(arguments)}"


def listed(name: str, schema: Any = PLAIN, **more: Any) -> Listed:
    return Listed(name=name, description=more.pop("description", ""), schema=schema, **more)


def names(*every: Listed, server: McpServer = SERVER) -> list[str]:
    return [each.name for each in tools_of(server, every, _run)]


def test_names_are_made_to_fit_and_the_second_of_one_name_is_left_out() -> None:
    assert names(listed("get-hours"), listed("get.hours"), listed("book")) == ["get_hours", "book"]
    assert names(listed("a" * 80)) == ["a" * 64]
    named = McpServer(url=SERVER.url, name="crm")
    assert names(listed("find-customer"), server=named) == ["crm_find_customer"]


def test_a_run_is_asked_for_by_the_servers_own_name() -> None:
    (tool,) = tools_of(SERVER, [listed("get-hours")], _run)
    answer = asyncio.run(tool.handler({"day": "sunday"}, {}))
    assert answer == 'get-hours {"day": "sunday"}'


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string"},
        [],
        None,
        {"type": "object", "properties": 7},
        {"type": "object", "properties": {"a": 7}},
        {"type": "object", "properties": {"a": {"type": "strng"}}},
        {"type": "object", "properties": {"what day": {"type": "string"}}},
        {"type": "object", "required": ["missing"]},
        {"type": "object", "properties": {"a": {"$ref": "https://elsewhere.example.com/a"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/nowhere"}}},
        {"type": "object", "properties": {"a": {"enum": ["x" * 20_000]}}},
        {"type": "object", "$defs": 7},
    ],
)
def test_a_bad_schema_costs_its_tool_and_no_other(
    schema: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert names(listed("good"), listed("bad", schema), listed("fine")) == ["good", "fine"]
    assert "1 tools left out: bad" in caplog.text


def test_a_schema_that_is_nested_without_end_is_left_out() -> None:
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(60):
        deep = {"type": "object", "properties": {"a": deep}}
    assert names(listed("deep", deep)) == []


def test_references_are_written_out_and_what_vendors_refuse_is_not_there() -> None:
    made = schema_of(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "at": {"$ref": "#/definitions/When"},
                "pattern": {"type": "string", "pattern": "(a+)+$"},
            },
            "definitions": {"When": {"type": "string", "format": "date"}},
            "oneOf": [{"required": ["at"]}],
        }
    )
    assert made == {
        "type": "object",
        "properties": {
            "at": {"type": "string", "format": "date"},
            "pattern": {"type": "string"},
        },
    }


def test_a_schema_that_holds_itself_keeps_its_definition() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    made = schema_of(
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}}
    )
    assert "Node" in made["$defs"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["object", "string", "#/$defs/a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "$ref", "$defs", "items", "required", "anyOf", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON, _JSON, _JSON)
def test_whatever_a_server_lists_is_a_tool_or_left_out(root: Any, part: Any, other: Any) -> None:
    schema = {"type": "object", "properties": {"a": part}, "$defs": {"a": other}, "x": root}
    for each in tools_of(SERVER, [listed("any", schema)], _run):
        assert each.parameters["type"] == "object"
        Draft202012Validator.check_schema(json.loads(json.dumps(each.parameters)))


def test_there_is_a_bound_on_tools() -> None:
    assert len(names(*(listed(f"tool_{index}") for index in range(MOST + 30)))) == MOST


async def test_a_hundred_tools_are_a_hundred_tools(serve_mcp: Callable[..., Any]) -> None:
    server = MCPServer("many", log_level="CRITICAL")
    for index in range(100):
        server.add_tool(lambda day: day, name=f"tool_{index}", description="One of many.")
    running = serve_mcp(server)
    async with mcp_tools([{"url": running.url, "allow_loopback": True}]) as tools:
        assert len(tools) == 100


def test_a_result_is_its_texts_and_what_else_was_there() -> None:
    content: list[types.ContentBlock] = [
        types.TextContent(type="text", text="Two tables."),
        types.ImageContent(type="image", data="", mime_type="image/png"),
        types.TextContent(type="text", text="At eight."),
    ]
    result = types.CallToolResult(content=content)
    assert text_of(result) == "Two tables.\n(an image, which cannot be heard)\nAt eight."
    only = types.CallToolResult(content=[], structured_content={"free": 2})
    assert text_of(only) == '{"free": 2}'
    assert text_of(types.CallToolResult(content=[])) == ""
