"""Why cloudflared gave no tunnel, as an error with what to do about it: pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from patter.errors import (
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
    RateLimitError,
)
from patter_cloudflare._output import Seen

SHOWN, SHOWN_CHARS = 3, 200
"""How many of the last lines are shown, and how much of each."""

_OTHERWISE = "or pass --webhook-url HOST"
_NO_NAME = re.compile(r"unmarshal\w* (?:QuickTunnel response|quick Tunnel)|quick Tunnel ID")
_TOO_MANY = re.compile(r"\b(?:429|1015)\b")
_CAUSES = (
    (_NO_NAME, "see www.cloudflarestatus.com"),
    (re.compile(r"flag provided but not defined|Incorrect Usage"), "update cloudflared"),
    (re.compile(r"request quick Tunnel|api\.trycloudflare\.com"), "let api.trycloudflare.com by"),
)
_SECRETS = (
    (re.compile(r"://[^/\s@]+@"), "://***@"),
    (re.compile(r"(?i)\b(\w*(?:token|secret|authorization)\w*[=:]\s*)\S+"), r"\1***"),
)
_EDGE = "let port 7844 out (TCP and UDP), try CloudflareTunnel(protocol='http2')"


@attrs.frozen
class Ending:
    """How it ended: what its output said, its *last* messages, its *status* (-N: a signal).

    *config* is the file it was given to read, if any.
    """

    program: str
    seen: Seen
    last: Sequence[str]
    status: int | None = None
    config: str = ""

    @property
    def how(self) -> str:
        """In words.

        >>> Ending("cloudflared", Seen(), (), -9).how
        'cloudflared was ended by signal 9'
        """
        if self.status is not None and self.status < 0:
            return f"{self.program} was ended by signal {-self.status}"
        return f"{self.program} ended with status {self.status}"

    @property
    def quoted(self) -> str:
        """The last messages on one line, with a colon before them, or nothing."""
        shown = [without_secrets(line)[:SHOWN_CHARS] for line in self.last if line][-SHOWN:]
        return ": " + "; ".join(shown) if shown else ""

    def early(self) -> PatterError:
        """It ended before there was a tunnel."""
        everything = "\n".join(self.last)
        message = f"{self.how} before there was a tunnel{self.quoted}"
        if _NO_NAME.search(everything) and _TOO_MANY.search(everything):
            return RateLimitError(message, fix=f"wait some minutes, {_OTHERWISE}")
        return PatterConnectionError(message, fix=self._fix(everything))

    def late(self, waited_s: float) -> PatterError:
        """It runs, but there was no tunnel in *waited_s* seconds."""
        what = "is not connected" if self.seen.host else "gave no address"
        message = f"{self.program} {what} after {waited_s:g} s{self.quoted}"
        fix = f"{_EDGE}, {_OTHERWISE}" if self.seen.host else self._fix("\n".join(self.last))
        return PatterTimeoutError(message, fix=fix)

    def lost(self) -> str:
        """It ended while calls could come in: what to log."""
        return (
            f"{self.how}: no call reaches {self.seen.host} any more{self.quoted}\n"
            "  fix: restart the server, which gets a new address and sets the webhooks"
        )

    def unusable(self, waited_s: float) -> PatterError:
        """It did not print its version, in *waited_s* seconds if it still runs."""
        fix = f"install cloudflared again, {_OTHERWISE}"
        if self.status is None:
            return PatterTimeoutError(
                f"{self.program} did not tell its version in {waited_s:g} s", fix=fix
            )
        return PatterConnectionError(f"{self.how}, asked for its version{self.quoted}", fix=fix)

    def _fix(self, everything: str) -> str:
        for cause, advice in _CAUSES:
            if cause.search(everything):
                return f"{advice}, {_OTHERWISE}"
        if self.config:
            return f"look for a tunnel or ingress in {self.config}, {_OTHERWISE}"
        return f"run {self.program} tunnel --url http://127.0.0.1:8000 by hand, {_OTHERWISE}"


def without_secrets(line: str) -> str:
    """*line* without what a proxy's address or a stray setting could give away.

    >>> without_secrets("proxyconnect http://joe:hunter2@proxy:3128 TUNNEL_TOKEN=abc")
    'proxyconnect http://***@proxy:3128 TUNNEL_TOKEN=***'
    """
    for secret, instead in _SECRETS:
        line = secret.sub(instead, line)
    return line
