"""Keeps a test on this machine: a socket that would leave it is refused and fails the test.

The refusal is an OSError, as a firewall would give, so the code under test runs on; it is
also remembered, so no `except OSError` can hide it. Tests marked ``live`` are let through.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_INTERNET = (socket.AF_INET, socket.AF_INET6)


class RefusedByTest(OSError):
    """A test tried to reach another machine."""


def is_local(host: object) -> bool:
    """Does *host* name this machine, without asking anybody?

    >>> [is_local(h) for h in ("127.8.8.8", "::1", "localhost", "192.0.2.1", "example.com")]
    [True, True, True, False, False]
    """
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)


@contextmanager
def refuse_the_network(item: pytest.Item) -> Iterator[None]:
    """Refuse what leaves this machine while the body runs; fail the test if it tried."""
    if item.get_closest_marker("live"):
        yield
        return
    tried: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        _guard_sockets(patch, tried)
        _guard_names(patch, tried)
        try:
            yield
        finally:
            if tried:
                _fail(tried)


def _fail(tried: list[str]) -> None:
    pytest.fail(
        f"the test tried to reach {', '.join(dict.fromkeys(tried))}; talk to a simulator on"
        " 127.0.0.1, or mark the test @pytest.mark.live",
        pytrace=False,
    )


def _guard_sockets(patch: pytest.MonkeyPatch, tried: list[str]) -> None:
    for name, position in (("connect", 0), ("connect_ex", 0), ("sendto", -1), ("sendmsg", 3)):
        guarded = _guarded(getattr(socket.socket, name), position, tried)
        patch.setattr(socket.socket, name, guarded)


def _guarded(original: Any, position: int, tried: list[str]) -> Any:
    """*original*, refusing when its argument at *position* is an address elsewhere."""

    def method(self: socket.socket, *args: Any) -> Any:
        address = args[position] if position < len(args) else None
        if self.family in _INTERNET and isinstance(address, tuple) and not is_local(address[0]):
            tried.append(str(address[0]))
            raise RefusedByTest(f"tests may not reach {address[0]}")
        return original(self, *args)

    return method


def _guard_names(patch: pytest.MonkeyPatch, tried: list[str]) -> None:
    """A name server is another machine too; numbers need none."""
    original = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_local(host) and not _is_number(host):
            tried.append(str(host))
            raise RefusedByTest(f"tests may not look up {host}")
        return original(host, *args, **kwargs)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)


def _is_number(host: object) -> bool:
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return True
