"""The agent's own API as pure functions: what is asked, and what an answer means.

An answer of any other shape is an `InputError`, never a surprise. Source: ngrok.com/docs/agent/api.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import quote, urlsplit

import attrs
import orjson

from patter.errors import InputError

TUNNELS = "/api/tunnels"
STATUS = "/api/status"
"""How the agent is; not on the page above, so it may be missing or look otherwise."""
_WORD = re.compile(r"[\w.+-]{1,40}", re.ASCII)
_ANY_SCHEME = "any://"


@attrs.frozen
class AgentTunnel:
    """A tunnel the agent has: from *host*, empty when that is not https, to local *port*.

    *port* is 0 when it leads to another machine, or to something that is not plain HTTP.
    """

    name: str
    host: str
    port: int


def tunnels(body: bytes) -> list[AgentTunnel]:
    """All tunnels of a listing. Raises InputError."""
    listed = _object(body).get("tunnels")
    if not isinstance(listed, list):
        raise _strange("it lists no tunnels")
    return [_tunnel_of(each) for each in listed]


def tunnel(body: bytes) -> AgentTunnel:
    """The tunnel that was made. Raises InputError."""
    return _tunnel_of(_object(body))


def leading_to(port: int, listed: Iterable[AgentTunnel]) -> AgentTunnel | None:
    """The first https tunnel to local *port*, if there is one."""
    return next((each for each in listed if each.host and each.port == port), None)


def new_name(port: int, taken: Collection[str]) -> str:
    """A name that no tunnel has, so that whatever has it later is ours to remove.

    >>> new_name(8000, {"patter-8000"})
    'patter-8000-2'
    """
    name, number = f"patter-{port}", 1
    while name in taken:
        number += 1
        name = f"patter-{port}-{number}"
    return name


def request(port: int, name: str) -> bytes:
    """What to post to have a tunnel to local *port*."""
    return orjson.dumps({"addr": f"127.0.0.1:{port}", "proto": "http", "name": name})


def path_of(name: str) -> str:
    """Where the tunnel called *name* is."""
    return f"{TUNNELS}/{quote(name, safe='')}"


def agent_description(body: bytes) -> str:
    """What an agent reports of itself, for people: its version, and its status if not online.

    >>> agent_description(b'{"status": "online", "agent_version": "3.39.6"}')
    'ngrok 3.39.6'
    """
    try:
        answer = _object(body)
    except InputError:
        answer = {}
    version, status = (_word(answer.get(name)) for name in ("agent_version", "status"))
    text = f"ngrok {version}" if version else "ngrok agent answers"
    return text if status in ("", "online") else f"{text}, {status}"


def refusal(body: bytes) -> str:
    """Why the agent refused: its own words and the service's behind them; empty if unreadable."""
    try:
        answer = _object(body)
    except InputError:
        return ""
    details = answer.get("details")
    behind = details.get("err") if isinstance(details, dict) else ""
    text = (text for text in (answer.get("msg"), behind) if isinstance(text, str) and text)
    return ": ".join(text)


def port_of(address: str) -> int:
    """The port of this machine that *address* means, 0 if it means none.

    >>> [port_of(a) for a in ("8000", "localhost:8000", "http://127.0.0.1:8000", "10.0.0.7:8000")]
    [8000, 8000, 8000, 0]
    """
    if address.isascii() and address.isdigit():
        address = f"localhost:{address}"
    try:
        parts = urlsplit(address if "://" in address else _ANY_SCHEME + address)
        port = parts.port
    except ValueError:
        return 0
    if parts.scheme not in ("http", "any") or not is_this_machine(parts.hostname or ""):
        return 0
    return port or 80


def is_this_machine(host: str) -> bool:
    """Is *host* a loopback address or localhost? Nobody is asked."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _word(value: object) -> str:
    """*value*, if it is a short word."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _tunnel_of(each: Any) -> AgentTunnel:
    if not isinstance(each, dict):
        raise _strange("a tunnel of it is not an object")
    config = each.get("config")
    address = config.get("addr") if isinstance(config, dict) else None
    name, url = each.get("name"), each.get("public_url")
    if not (isinstance(name, str) and isinstance(url, str) and isinstance(address, str)):
        raise _strange("a tunnel of it has no name, public_url and config.addr")
    return AgentTunnel(name, _host_of(url), port_of(address))


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme != "https" or port not in (None, 443) or not host.isascii():
        return ""
    return host


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise _strange("it is not JSON") from exc
    if not isinstance(answer, dict):
        raise _strange("it is not an object")
    return answer


def _strange(why: str) -> InputError:
    return InputError(
        f"this is not an answer of an ngrok agent: {why}",
        fix="pass Ngrok(api=...) with its address",
    )
