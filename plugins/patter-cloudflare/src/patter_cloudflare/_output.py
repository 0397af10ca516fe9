"""What cloudflared prints, read line by line: pure, and no line is kept longer than it may be.

Everything comes on stderr today; nothing here depends on it. Lines are zerolog's console form
(time, level, words, ``key=value``) or, with ``--output json``, one object each. Sources:
cmd/cloudflared/tunnel/quick_tunnel.go, metrics/metrics.go and logs of users in
cloudflare/cloudflared#946 and #657.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs
import orjson

LINE_BYTES = 8_192
"""A line that is longer is cut; the rest of it is never stored."""

_HOST = re.compile(r"https://([a-z0-9-]+\.trycloudflare\.com)(?![\w-]|\.\w)", re.IGNORECASE)
_NAME_SERVER = "api.trycloudflare.com"
"""Who makes the names; it is in the lines that tell why there is none."""
_REGISTERED = re.compile(r"\bRegistered tunnel connection\b|\bConnection \S+ registered\b")
_METRICS = re.compile(r"metrics server on ((?:127\.0\.0\.1|\[::1\]|localhost):\d{1,5})/metrics")
_VERSION = re.compile(r"^cloudflared version v?(\d[\w.+-]{0,40})")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\S+\s+")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_QUIET = frozenset({"message", "level", "time"})


@attrs.frozen
class Seen:
    """What the lines so far have shown. *metrics* is ``host:port`` of its own small server."""

    host: str = ""
    registered: bool = False
    metrics: str = ""

    @property
    def named_and_registered(self) -> bool:
        """Is there a name, and did the edge take the connection? A name alone leads nowhere."""
        return bool(self.host) and self.registered

    def after(self, message: str) -> Seen:
        """The same with what *message* adds; the first name and the last server count."""
        return Seen(
            host=self.host or host_in(message),
            registered=self.registered or _REGISTERED.search(message) is not None,
            metrics=_metrics_in(message) or self.metrics,
        )


@attrs.define
class Lines:
    """Cuts a stream of bytes into lines; keeps at most `LINE_BYTES` of one that is not over."""

    _open: bytearray = attrs.field(factory=bytearray, init=False)

    def feed(self, data: bytes) -> list[str]:
        """The lines that *data* ends, without their ends."""
        *ended, rest = data.split(b"\n")
        lines = [self._whole(part) for part in ended]
        self._keep(rest)
        return lines

    def flush(self) -> list[str]:
        """What was written without an end."""
        return [self._whole(b"")] if self._open else []

    def _whole(self, part: bytes) -> str:
        self._keep(part)
        line = self._open.decode("utf-8", "replace").rstrip("\r")
        self._open.clear()
        return line

    def _keep(self, part: bytes) -> None:
        self._open += part[: LINE_BYTES - len(self._open)]


def message_of(line: str) -> str:
    """The words of one *line* in either form, without time, colours and control characters."""
    words = _json_message(line) if line.startswith("{") else ""
    plain = _TIME.sub("", _COLOUR.sub("", words or line), count=1)
    return "".join(char if char.isprintable() else " " for char in plain).strip()


def host_in(message: str) -> str:
    """The public host that *message* names, in lower case; empty when there is none.

    >>> host_in("|  https://red-fox.trycloudflare.com  |")
    'red-fox.trycloudflare.com'
    >>> host_in('Post "https://api.trycloudflare.com/tunnel": no such host')
    ''
    """
    hosts = (match.group(1).lower() for match in _HOST.finditer(message))
    return next((host for host in hosts if host != _NAME_SERVER), "")


def version_in(messages: Iterable[str]) -> str:
    """The version among what ``cloudflared --version`` prints; empty when there is none.

    >>> version_in(["cloudflared version 2025.8.1 (built 2025-08-21-1534 UTC)"])
    '2025.8.1'
    """
    match = filter(None, map(_VERSION.search, messages))
    return next((each.group(1) for each in match), "")


def _metrics_in(message: str) -> str:
    match = _METRICS.search(message)
    return match.group(1) if match else ""


def _json_message(line: str) -> str:
    """The message of a JSON line and its other fields, written as the console form has them."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(fields, dict):
        return ""
    others = (f"{name}={value}" for name, value in fields.items() if name not in _QUIET)
    return " ".join([str(fields.get("message", "")), *others])
