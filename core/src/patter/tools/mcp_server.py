"""A server whose tools an agent may use over MCP, the Model Context Protocol: where, and as whom.

Core knows the settings and the names of what keeps the sessions. The package patter-mcp keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, Self

import attrs

from patter.egress.policy import EgressPolicy
from patter.errors import PatterConfigError, PatterTypeError, indefinite
from patter.safe_text import remember_secret
from patter.tools.tool import Tool

NAME_MOST = 24
"""Characters of a server's name, which stands before those of its tools."""
TIMEOUT_S = 30.0
_SECRET = re.compile("auth|key|token|secret|cookie", re.IGNORECASE)
_FIX = 'write mcp_servers=["https://HOST/mcp"], or {"url": ..., "headers": {...}, "name": ...}'


def _pairs(headers: Any) -> Any:
    """Headers as a value that can be compared and hashed; what is none is refused later."""
    return tuple(sorted(headers.items())) if isinstance(headers, Mapping) else headers


@attrs.frozen(kw_only=True)
class McpServer:
    """A server at *url*, spoken to over streamable HTTP, that gets *headers* with every request.

    With a *name*, its tools are called ``NAME_TOOL``. Each takes *timeout_s* seconds (0.1 to 300)
    at most. *allow_loopback*: the server may run on this machine. Raises PatterTypeError,
    PatterConfigError, EgressError.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_pairs, repr=False)
    name: str = ""
    timeout_s: float = TIMEOUT_S
    allow_loopback: bool = False

    def __attrs_post_init__(self) -> None:
        self.policy.check_url(self.url)
        _check_headers(self.headers)
        _check_name(self.name)
        seconds = self.timeout_s
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise PatterTypeError(f"timeout_s={seconds!r} is not a number", fix="pass seconds")
        if not 0.1 <= seconds <= 300:
            raise PatterConfigError(
                f"timeout_s={seconds:g} is out of range", fix="give 0.1 to 300 seconds"
            )

    @classmethod
    def of(cls, value: object) -> Self:
        """The server that *value* describes: its address, or a mapping of the fields here."""
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls(url=value)
        if not isinstance(value, Mapping) or "url" not in value:
            raise PatterTypeError(
                f"{indefinite(type(value).__name__)} in mcp_servers names no server", fix=_FIX
            )
        names = [each.name for each in attrs.fields(cls)]
        if unknown := [str(key) for key in value if key not in names]:
            raise PatterTypeError(
                f"an MCP server has no {', '.join(unknown)}", fix=f"there are: {', '.join(names)}"
            )
        return cls(**value)

    @property
    def policy(self) -> EgressPolicy:
        """Whom requests to it may reach."""
        return EgressPolicy.of(allow_loopback=self.allow_loopback is True)

    @property
    def label(self) -> str:
        """What logs call it: its name, or its address without what may be secret."""
        return self.name or self.url.partition("?")[0].partition("#")[0]


class McpSessions(Protocol):
    """Keeps sessions with servers while a phone serves; an async context manager."""

    async def connect(self, servers: Sequence[McpServer]) -> None:
        """Have sessions with *servers*, or have tried to; takes seconds at most, raises nothing."""
        ...

    def tools_of(self, server: McpServer) -> tuple[Tool, ...]:
        """The tools of *server*, as far as they are known now; at once."""
        ...


def refuse_clashes(own: Iterable[str], listed: Mapping[McpServer, Sequence[Tool]]) -> None:
    """Raise PatterConfigError if a tool of a server has the name of one of *own* or another's."""
    owners = dict.fromkeys(own, "the agent")
    for server, tools in listed.items():
        for each in tools:
            if each.name in owners:
                raise PatterConfigError(
                    f"two tools are named {each.name!r}: {owners[each.name]} has one, "
                    f"and the MCP server {server.label}",
                    fix='give the server a name, which its tools then begin with: "name": "crm"',
                )
            owners[each.name] = server.label


def without_clashes(
    own: Iterable[str], listed: Mapping[McpServer, Sequence[Tool]]
) -> tuple[Tool, ...]:
    """The tools whose names none of *own* and none before them has."""
    names, kept = set(own), []
    for tools in listed.values():
        for each in tools:
            if each.name not in names:
                names.add(each.name)
                kept.append(each)
    return tuple(kept)


def _check_headers(headers: object) -> None:
    fits = isinstance(headers, tuple) and all(
        isinstance(text, str) and text.isprintable() and text.isascii()
        for pair in headers
        for text in pair
    )
    if not fits:
        raise PatterTypeError(
            "headers of an MCP server are not names and values of plain text",
            fix='write {"Authorization": "Bearer KEY"}',
        )
    for name, value in headers:  # type: ignore[attr-defined]
        if _SECRET.search(name):
            remember_secret(value.removeprefix("Bearer "))


def _check_name(name: object) -> None:
    if name == "":
        return
    if not (isinstance(name, str) and name.isidentifier() and name.isascii()):
        raise PatterTypeError(
            f"{name!r} is not a name of an MCP server", fix="write letters, digits and underscores"
        )
    if len(name) > NAME_MOST:
        raise PatterConfigError(
            f"{name!r} is too long for an MCP server", fix=f"give {NAME_MOST} characters at most"
        )
