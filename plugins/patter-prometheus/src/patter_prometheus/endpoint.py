"""``/metrics``: open where only this machine can reach it, else for who has the token."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable
from typing import Any

import attrs
from aiohttp import web
from prometheus_client.exposition import choose_encoder

from patter.egress.addresses import is_loopback_host
from patter.env import read
from patter.safe_text import remember_secret
from patter_prometheus.serving import current

PATH = "/metrics"
TOKEN = "PATTER_METRICS_TOKEN"
log = logging.getLogger("patter_prometheus")


def routes(server: Any) -> Iterable[web.RouteDef]:
    """The route of ``/metrics``; none, with a warning, where it would be open to strangers."""
    tokens = tokens_of(server)
    if exposed(server) and not tokens:
        log.warning(
            "%s is not served: others than this machine could read it; fix: export %s=...",
            PATH,
            TOKEN,
        )
        return []
    return [web.get(PATH, Endpoint(tokens).answer)]


def exposed(server: Any) -> bool:
    """Can others than this machine reach *server*?"""
    if server.served is not None:
        return bool(server.served.exposed)
    settings = server.settings
    return bool(settings.public_host) or not is_loopback_host(settings.host)


def tokens_of(server: Any) -> tuple[bytes, ...]:
    """What opens ``/metrics``: our own token; where strangers may come, the dashboard's, too."""
    tokens = [read(TOKEN)]
    if server.served is not None and exposed(server):
        tokens.append(server.served.options.get("dashboard", {}).get("token") or "")
    for token in filter(None, tokens):
        remember_secret(token)
    return tuple(token.encode() for token in tokens if token)


@attrs.frozen
class Endpoint:
    """Answers who has one of *tokens*, and everybody when there is none."""

    tokens: tuple[bytes, ...] = attrs.field(repr=False)

    async def answer(self, request: web.Request) -> web.Response:
        """The metrics as they are now, in the format that is asked for."""
        if self.tokens and not self._may(request.headers.get("Authorization", "")):
            return web.Response(
                status=401,
                text="a bearer token is needed\n",
                headers={"WWW-Authenticate": "Bearer"},
            )
        encode, kind = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(current().registry), headers={"Content-Type": kind})

    def _may(self, header: str) -> bool:
        scheme, _, token = header.partition(" ")
        secret = token.strip().encode("utf-8", "replace")
        # Each is compared, so that the time says nothing about which one is near.
        right = [hmac.compare_digest(secret, each) for each in self.tokens]
        return scheme.lower() == "bearer" and any(right)
