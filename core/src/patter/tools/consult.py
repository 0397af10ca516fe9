"""A tool with which the agent asks another one, that knows more and takes longer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import orjson

from patter.egress.policy import EgressPolicy
from patter.egress.post import Post, PostFailure
from patter.egress.signing import secret_of
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.safe_text import remember_secret
from patter.tools.tool import Tool

ANSWER_BYTES = 1 << 20
_KEYS = ("reply", "response", "text", "result", "answer", "message")
_DESCRIPTION = (
    "Ask a more capable agent to look something up, think something through or do something. "
    "It takes a while; tell the caller that you are checking."
)


class ConsultFailure(Exception):
    """Nothing came of it; the text is for the model, to say it to the caller."""


@attrs.frozen(kw_only=True)
class OpenAICompatibleConsult:
    """An agent behind ``POST base_url/chat/completions``, with *api_key* as a bearer token."""

    base_url: str
    model: str
    api_key: str = attrs.field(default="", repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"{self.base_url.rstrip('/')}/chat/completions"

    def message(self, request: str, call: CallContext) -> dict[str, Any]:
        """What it is asked; the call is the user, so that it can remember the last question."""
        messages = [{"role": "user", "content": request}]
        return {"model": self.model, "messages": messages, "user": call.call_id}

    @property
    def all_headers(self) -> Mapping[str, str]:
        """*headers*, and the key."""
        if not self.api_key:
            return self.headers
        remember_secret(self.api_key)
        return {"Authorization": f"Bearer {self.api_key}", **self.headers}


@attrs.frozen(kw_only=True)
class ConsultConfig:
    """Gives the model the tool *tool_name*, which asks another agent ``{"request": text}``.

    The agent is at *url*, which gets ``{request, call_id, caller, callee}`` as JSON, signed as
    webhooks are, and answers JSON with a ``reply`` or plain text; or it is *openai_compatible*.
    *timeout_s* is 0.1 to 290. When nothing comes of it the model reads *fallback*, to say it.
    *allow_loopback*: it may run on this machine. Raises PatterConfigError, EgressError,
    ToolSchemaError.
    """

    url: str = ""
    openai_compatible: OpenAICompatibleConsult | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    timeout_s: float = attrs.field(default=30.0, converter=float)
    tool_name: str = "consult_agent"
    description: str = _DESCRIPTION
    reassurance: str | Mapping[str, Any] | None = None
    allow_loopback: bool = False
    fallback: str = "I am sorry, I cannot look into that right now."
    tool: Tool = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if bool(self.url) is (self.openai_compatible is not None):
            raise PatterConfigError(
                "consult names not one agent", fix="ConsultConfig(url=...) or openai_compatible=..."
            )
        if not 0.1 <= self.timeout_s <= 290:
            raise PatterConfigError(
                f"timeout_s={self.timeout_s:g} is out of range", fix="give 0.1 to 290 seconds"
            )
        self._policy.check_url(self._target)
        # One for all calls, so that they know together when the other agent is gone.
        object.__setattr__(self, "tool", self._made())

    def _made(self) -> Tool:
        return Tool(
            self.tool_name,
            self.description,
            {
                "type": "object",
                "properties": {
                    "request": {"type": "string", "description": "What to find out or to do."}
                },
                "required": ["request"],
                "additionalProperties": False,
            },
            self._ask,
            reassurance=self.reassurance,
            # Its own bound comes first, and has words for the caller.
            timeout_s=self.timeout_s + 5,
        )

    @property
    def _target(self) -> str:
        return self.openai_compatible.url if self.openai_compatible else self.url

    @property
    def _policy(self) -> EgressPolicy:
        return EgressPolicy.of(allow_loopback=self.allow_loopback)

    async def _ask(self, request: str, call: CallContext) -> str:
        """What the agent answers. Raises ConsultFailure."""
        other = self.openai_compatible
        about = {"call_id": call.call_id, "caller": call.caller, "callee": call.callee}
        post = Post(
            url=self._target,
            secret="" if other else secret_of(""),
            headers={**self.headers, **(other.all_headers if other else {})},
            policy=self._policy,
            limit_bytes=ANSWER_BYTES,
            within_s=self.timeout_s,
        )
        message = other.message(request, call) if other else {"request": request, **about}
        try:
            text = answer_of(await post.send(message, call.clock))
        except PostFailure as failed:
            raise ConsultFailure(self.fallback) from failed
        if not text.strip():
            raise ConsultFailure(self.fallback)
        return text


def answer_of(body: bytes) -> str:
    """The words of an answer: those under a usual name, a chat completion's, or all of it.

    >>> answer_of(b'{"reply": "At nine."}'), answer_of(b"At nine.")
    ('At nine.', 'At nine.')
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return body.decode(errors="replace")
    try:
        completion = value["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        completion = None
    every = (completion, *(value.get(key) for key in _KEYS))
    return next((each for each in every if isinstance(each, str)), body.decode(errors="replace"))
