"""MCP servers as an agent names them, and what happens to names that two of them have."""

from __future__ import annotations

from typing import Any

import pytest

from patter.errors import EgressError, PatterConfigError, PatterTypeError
from patter.safe_text import without_secrets
from patter.tools.mcp_server import McpServer, refuse_clashes, without_clashes
from patter.tools.tool import Tool

URL = "https://tools.example.com/mcp"
NORTH, SOUTH = McpServer(url=URL, name="north"), McpServer(url=URL, name="south")


def tools(*names: str) -> tuple[Tool, ...]:
    return tuple(Tool(name=name, handler=lambda: "") for name in names)


def test_an_address_and_a_mapping_say_the_same() -> None:
    assert McpServer.of(URL) == McpServer.of({"url": URL}) == McpServer(url=URL)
    assert McpServer.of(NORTH) is NORTH
    assert {NORTH, McpServer.of({"url": URL, "name": "north"})} == {NORTH}


def test_keys_are_neither_shown_nor_logged() -> None:
    headers = {"X-Api-Key": "k-4711-4711", "Accept-Language": "german-please"}
    server = McpServer.of({"url": f"{URL}?key=k-4711-4711", "headers": headers})
    assert "k-4711" not in repr(server.headers and server.label)
    assert "k-4711" not in without_secrets(f"{headers}")
    assert "german-please" in without_secrets(f"{headers}")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"url": "http://127.0.0.1:9/mcp"}, EgressError),
        ({"url": "http://metadata.google.internal./mcp"}, EgressError),
        ({"url": URL, "allow_loopback": "yes", "headers": 7}, PatterTypeError),
        ({"url": URL, "headers": {"X": 7}}, PatterTypeError),
        ({"url": URL, "name": "x" * 40}, PatterConfigError),
        ({"url": URL, "name": 7}, PatterTypeError),
        ({"url": URL, "timeout_s": True}, PatterTypeError),
        ({"url": URL, "timeout_s": 0}, PatterConfigError),
        ({"url": 7}, EgressError),
        (None, PatterTypeError),
    ],
)
def test_what_names_no_server_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        McpServer.of(value)


def test_this_machine_is_allowed_by_the_server_alone() -> None:
    McpServer.of({"url": "http://127.0.0.1:9/mcp", "allow_loopback": True})
    with pytest.raises(EgressError):
        McpServer.of({"url": "http://10.0.0.1/mcp", "allow_loopback": True})


def test_two_tools_of_one_name_are_refused_and_both_owners_named() -> None:
    refuse_clashes(["hours"], {NORTH: tools("book"), SOUTH: tools("cancel")})
    with pytest.raises(ValueError, match="'hours': the agent has one, and the MCP server south"):
        refuse_clashes(["hours"], {NORTH: tools("book"), SOUTH: tools("hours")})
    with pytest.raises(PatterConfigError, match="'book': north has one"):
        refuse_clashes([], {NORTH: tools("book"), SOUTH: tools("book")})


def test_later_the_first_of_a_name_stays() -> None:
    kept = without_clashes(["hours"], {NORTH: tools("book", "hours"), SOUTH: tools("book", "ask")})
    assert [each.name for each in kept] == ["book", "ask"]
