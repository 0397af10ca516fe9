"""A tool that is a web service of the application: its arguments go there, its answer comes back.

POST ``{tool, arguments, call_id, caller, callee, attempt}``; JSON comes back. `Idempotency-Key`
is the same for every attempt of one run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import orjson

from patter.egress.policy import EgressPolicy
from patter.egress.post import Post, PostFailure
from patter.egress.signing import secret_of
from patter.errors import ProviderError
from patter.providers.context import CallContext

ANSWER_BYTES = 1 << 20
KEY = "Idempotency-Key"


@attrs.frozen(kw_only=True)
class Webhook:
    """Where the runs of *tool* are sent, and the *secret* that signs them."""

    tool: str
    url: str
    secret: str = attrs.field(default="", repr=False)

    async def send(
        self,
        arguments: Mapping[str, Any],
        call: CallContext,
        *,
        attempt: int,
        key: str,
        within_s: float,
    ) -> Any:
        """What the service answers, read as JSON; None for an empty answer.

        Raises PostFailure.
        """
        body = {
            "tool": self.tool,
            "arguments": arguments,
            "call_id": call.call_id,
            "caller": call.caller,
            "callee": call.callee,
            "attempt": attempt,
        }
        post = Post(
            url=self.url,
            secret=secret_of(self.secret),
            policy=EgressPolicy.of(),
            limit_bytes=ANSWER_BYTES,
            within_s=within_s,
        )
        answer = await post.send(body, call.clock, {KEY: key})
        try:
            return orjson.loads(answer) if answer.strip() else None
        except orjson.JSONDecodeError as wrong:
            garbled = ProviderError("the service answered with no JSON", fix="answer with JSON")
            raise PostFailure(garbled, arrived=True) from wrong
