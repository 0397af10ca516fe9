"""Tools: what an agent can do. A frozen value; its schema is read off the function once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, overload

import attrs

from patter.application import is_async
from patter.egress.policy import EgressPolicy
from patter.errors import ToolSchemaError
from patter.providers.llm import ToolSpec
from patter.tools.arguments import ArgumentReader, open_reader, reader_of
from patter.tools.breaker import CircuitBreaker
from patter.tools.reassurance import Reassurance
from patter.tools.schema import SignatureSchema, check_schema, description_of, schema_of
from patter.tools.signature import function_of, takes_dicts
from patter.tools.webhook import Webhook

Effect: TypeAlias = Literal["read", "idempotent", "once"]
Handler: TypeAlias = Callable[..., Any]
NAME_LIMIT = 64
"""Characters of a name; vendors take no more."""


def _bounded_s(seconds: float) -> float:
    return min(300.0, max(0.1, float(seconds)))


@attrs.frozen
class Tool:
    """Something the model may call: a function, *handler*, or a web service at *webhook_url*.

    *effect* says what running it means: ``read`` changes nothing (may be cancelled, retried
    and speculated), ``idempotent`` may be repeated, ``once`` (the default) may neither be
    cancelled nor retried once it has started. *timeout_s* is 0.1 to 300 seconds.
    *reassurance* is said when the tool takes longer than a moment: a text, or
    ``{"message": text, "after_ms": 1500}``. *parameters* is the JSON schema of the arguments;
    without it, the handler's signature is, and its types decode what the model sends.
    *webhook_secret* signs what is sent to the webhook; without it, PATTER_WEBHOOK_SECRET does.
    What a *sensitive* tool gets and returns is in no record, log, event, trace or page.
    Raises ToolSchemaError, a ValueError, for a name, schema or handler that cannot work, and
    EgressError for an address that nothing may be sent to.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = attrs.field(default=None)
    handler: Handler = attrs.field(default=None, repr=False)
    webhook_url: str = ""
    effect: Effect = attrs.field(
        default="once",
        validator=attrs.validators.in_(("read", "idempotent", "once")),
        kw_only=True,
    )
    strict: bool = attrs.field(default=False, kw_only=True)
    reassurance: str | Mapping[str, Any] | None = attrs.field(default="", kw_only=True)
    timeout_s: float = attrs.field(default=30.0, converter=_bounded_s, kw_only=True)
    webhook_secret: str = attrs.field(default="", repr=False, kw_only=True)
    sensitive: bool = attrs.field(default=False, kw_only=True)
    reader: ArgumentReader = attrs.field(init=False, repr=False, eq=False)
    takes_dicts: bool = attrs.field(init=False, repr=False, eq=False)
    """Is the handler called with two dicts, the arguments and the call?"""
    webhook: Webhook | None = attrs.field(init=False, repr=False, eq=False)
    comfort: Reassurance | None = attrs.field(init=False, repr=False, eq=False)
    breaker: CircuitBreaker = attrs.field(factory=CircuitBreaker, init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        _check_name(self.name)
        _check_target(self)
        self._set("comfort", Reassurance.of(self.name, self.reassurance))
        self._set("webhook", None)
        if self.webhook_url:
            self._set("takes_dicts", False)
            self._become_webhook()
            return
        self._set("takes_dicts", takes_dicts(self.handler, self.parameters))
        if self.takes_dicts and not self.parameters:
            self._set("parameters", dict(_NOTHING))
        # A copy made by attrs.evolve passes the schema on: it stays the signature's.
        if not self.parameters or isinstance(self.parameters, SignatureSchema):
            self._set("parameters", schema_of(self.name, self.handler))
        check_schema(self.name, self.parameters, strict=self.strict)
        reader = open_reader(self.parameters) if self.takes_dicts else None
        self._set("reader", reader or reader_of(self.name, self.handler, self.parameters))

    def _become_webhook(self) -> None:
        if not self.parameters:
            self._set("parameters", dict(_NOTHING))
        check_schema(self.name, self.parameters, strict=self.strict)
        self._set("reader", open_reader(self.parameters))
        url = EgressPolicy.of().check_url(self.webhook_url)
        self._set("webhook", Webhook(tool=self.name, url=url, secret=self.webhook_secret))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def spec(self) -> ToolSpec:
        """The tool as the model sees it."""
        return ToolSpec(self.name, self.description, self.parameters, self.strict)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the handler as the plain function it is. Raises ToolSchemaError without one."""
        if self.webhook_url:
            raise ToolSchemaError(
                f"tool {self.name!r} is a web service, not a function", fix="test the service"
            )
        return self.handler(*args, **kwargs)


_NOTHING: Mapping[str, Any] = {"type": "object", "properties": {}, "required": []}


def _check_name(name: object) -> None:
    plain = isinstance(name, str) and name.isidentifier()
    if not plain or len(str(name)) > NAME_LIMIT:
        raise ToolSchemaError(
            f"{name!r} is not a tool name",
            fix=f"pass name=, of {NAME_LIMIT} letters, digits and underscores at most",
        )


def _check_target(tool: Tool) -> None:
    if tool.handler is not None and not callable(tool.handler):
        raise ToolSchemaError(
            f"tool {tool.name!r} has a handler that is not a function", fix="pass handler=function"
        )
    if (tool.handler is None) is not bool(tool.webhook_url):
        both = "both a handler and a webhook_url" if tool.webhook_url else "no handler"
        raise ToolSchemaError(
            f"tool {tool.name!r} has {both}",
            fix="pass handler= or webhook_url=, or decorate a function",
        )


@overload
def tool(fn: Handler, /) -> Tool: ...
@overload
def tool(
    *,
    name: str = ...,
    description: str = ...,
    parameters: Mapping[str, Any] | None = ...,
    handler: Handler,
    effect: Effect = ...,
    strict: bool = ...,
    reassurance: str | Mapping[str, Any] | None = ...,
    timeout_s: float | None = ...,
    sensitive: bool = ...,
) -> Tool: ...
@overload
def tool(
    *,
    name: str,
    description: str = ...,
    parameters: Mapping[str, Any] | None = ...,
    webhook_url: str,
    effect: Effect = ...,
    strict: bool = ...,
    reassurance: str | Mapping[str, Any] | None = ...,
    timeout_s: float | None = ...,
    sensitive: bool = ...,
    webhook_secret: str = ...,
) -> Tool: ...
@overload
def tool(
    *,
    name: str = ...,
    description: str = ...,
    parameters: Mapping[str, Any] | None = ...,
    effect: Effect = ...,
    strict: bool = ...,
    reassurance: str | Mapping[str, Any] | None = ...,
    timeout_s: float | None = ...,
    sensitive: bool = ...,
) -> Callable[[Handler], Tool]: ...
def tool(fn: Handler | None = None, /, **options: Any) -> Tool | Callable[[Handler], Tool]:
    """Make a tool: ``@tool``, ``@tool(effect="read")``, ``tool(handler=fn)``, ``webhook_url=``.

    The name is the function's, the description its docstring's first paragraph, the schema
    its signature's; each can be given instead. Raises ToolSchemaError as `Tool` does.
    """
    handler = fn or options.pop("handler", None)
    settings = {name: value for name, value in options.items() if value is not None}
    if settings.get("webhook_url"):
        return Tool(**{"name": "", **settings, "handler": handler})
    if handler is None:
        return lambda decorated: _tool_of(decorated, settings)
    return _tool_of(handler, settings)


def _tool_of(handler: Handler, settings: Mapping[str, Any]) -> Tool:
    defaults = {
        "name": getattr(function_of(handler), "__name__", ""),
        "description": description_of(handler),
    }
    return Tool(**{**defaults, **settings, "handler": handler})


def define_tool(
    name: str,
    description: str,
    parameters: Mapping[str, Mapping[str, Any]],
    handler: Handler,
    **options: Any,
) -> Tool:
    """Make a tool of *handler*, which is called with two dicts: the arguments, and the call.

    *parameters* is a property each: ``{"city": {"type": "string", "description": "..."}}``; one
    with a ``default`` may be left out by the model, and the handler then gets that default.
    *options* are those of `Tool`. Raises ToolSchemaError.
    """
    if not isinstance(parameters, Mapping) or not all(
        isinstance(each, Mapping) for each in parameters.values()
    ):
        raise ToolSchemaError(
            f"tool {name!r}: its parameters are no properties",
            fix='write {"city": {"type": "string", "description": "Where?"}}',
        )
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {key: dict(each) for key, each in parameters.items()},
        "required": [key for key, each in parameters.items() if "default" not in each],
    }
    if options.get("strict"):
        schema["additionalProperties"] = False
    return Tool(name, description, schema, _with_defaults(handler, parameters), **options)


def _with_defaults(handler: Handler, parameters: Mapping[str, Mapping[str, Any]]) -> Handler:
    defaults = {key: each["default"] for key, each in parameters.items() if "default" in each}

    def called(arguments: Mapping[str, Any], call_context: Mapping[str, Any]) -> Any:
        return handler({**defaults, **arguments}, call_context)

    async def awaited(arguments: Mapping[str, Any], call_context: Mapping[str, Any]) -> Any:
        result = called(arguments, call_context)
        return await result if inspect.isawaitable(result) else result

    return awaited if is_async(handler) else called
