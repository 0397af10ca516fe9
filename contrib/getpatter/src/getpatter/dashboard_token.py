"""The token of a dashboard that others can reach, where `serve` was given none.

`patter.Patter` refuses to start then. The getpatter package made one and printed it, and so it is
here.
"""

from __future__ import annotations

import logging
from typing import Any
from uuid import uuid4

from patter.egress.addresses import is_loopback_host
from patter.env import read

log = logging.getLogger("patter.getpatter")


def token_for(phone: Any, tunnel: Any, options: dict[str, Any]) -> str:
    """A random token, which is logged, for a dashboard that others can reach; else empty."""
    installed = ("extension", "dashboard") in phone.registry.catalogue.candidates
    if not installed or options.get("allow_insecure_dashboard") or read("PATTER_DASHBOARD_TOKEN"):
        return ""
    host = options.get("host") or read("PATTER_BIND_HOST", "127.0.0.1")
    if not (phone.webhook_url or phone.tunnel or tunnel or not is_loopback_host(host)):
        return ""
    token = str(uuid4())
    log.warning(
        "others can reach the dashboard: log in with %s; fix: serve(dashboard_token=...), or "
        "export PATTER_DASHBOARD_TOKEN, to have one that stays",
        token,
    )
    return token
