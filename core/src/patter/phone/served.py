"""What one `serve` tells its extensions: `server.served` in `patter_routes` and their like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter.agent import Agent
from patter.observe.call_log import CallLog
from patter.observe.pricing import Price


@attrs.frozen(kw_only=True)
class Served:
    """What a phone serves. *log* is where its records are, None when it keeps none.

    *exposed*: others than this machine can reach the server, by a public host, a tunnel or the
    address it listens on. *options*: what `serve` was told for extensions, by their name.
    """

    agent: Agent
    log: CallLog | None = None
    prices: tuple[Price, ...] = ()
    exposed: bool = False
    options: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict, repr=False)
