"""Tools: what an agent can do. A frozen value; its schema is read off the function once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, overload

import attrs

from patter.errors import PatterConfigError
from patter.providers.llm import ToolSpec
from patter.tools.arguments import ArgumentReader, reader_of
from patter.tools.schema import SignatureSchema, check_schema, description_of, schema_of
from patter.tools.signature import function_of

Effect: TypeAlias = Literal["read", "idempotent", "once"]
Handler: TypeAlias = Callable[..., Any]


def _bounded_s(seconds: float) -> float:
    return min(300.0, max(0.1, float(seconds)))


@attrs.frozen(kw_only=True)
class Tool:
    """A function the model may call.

    *effect* says what running it means: ``read`` changes nothing (may be cancelled, retried
    and speculated), ``idempotent`` may be repeated, ``once`` (the default) may neither be
    cancelled nor retried once it has started. *timeout_s* is 0.1 to 300 seconds.
    *reassurance* is said when the tool takes longer than a moment. *parameters* is the JSON
    schema of the arguments; without it, the handler's signature is, and its types decode what
    the model sends.
    Raises PatterConfigError for a name, schema or handler that cannot work.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = attrs.field(default=None)
    handler: Handler = attrs.field(repr=False)
    effect: Effect = attrs.field(
        default="once", validator=attrs.validators.in_(("read", "idempotent", "once"))
    )
    strict: bool = False
    reassurance: str = ""
    timeout_s: float = attrs.field(default=30.0, converter=_bounded_s)
    reader: ArgumentReader = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if not self.name.isidentifier():
            raise PatterConfigError(
                f"{self.name!r} is not a tool name",
                fix="pass name=, of letters, digits and underscores",
            )
        if not callable(self.handler):
            raise PatterConfigError(
                f"tool {self.name!r} has no handler", fix="pass handler=, or decorate a function"
            )
        # A copy made by attrs.evolve passes the schema on: it stays the signature's.
        if not self.parameters or isinstance(self.parameters, SignatureSchema):
            object.__setattr__(self, "parameters", schema_of(self.name, self.handler))
        check_schema(self.name, self.parameters, strict=self.strict)
        object.__setattr__(self, "reader", reader_of(self.name, self.handler, self.parameters))

    @property
    def spec(self) -> ToolSpec:
        """The tool as the model sees it."""
        return ToolSpec(self.name, self.description, self.parameters, self.strict)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the handler as the plain function it is."""
        return self.handler(*args, **kwargs)


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
    reassurance: str = ...,
    timeout_s: float = ...,
) -> Tool: ...
@overload
def tool(
    *,
    name: str = ...,
    description: str = ...,
    parameters: Mapping[str, Any] | None = ...,
    effect: Effect = ...,
    strict: bool = ...,
    reassurance: str = ...,
    timeout_s: float = ...,
) -> Callable[[Handler], Tool]: ...
def tool(fn: Handler | None = None, /, **options: Any) -> Tool | Callable[[Handler], Tool]:
    """Make a tool of a function: ``@tool``, ``@tool(effect="read")`` or ``tool(handler=fn)``.

    The name is the function's, the description its docstring's first paragraph, the schema
    its signature's; each can be given instead.
    """
    handler = fn or options.pop("handler", None)
    if handler is None:
        return lambda decorated: _tool_of(decorated, options)
    return _tool_of(handler, options)


def _tool_of(handler: Handler, options: Mapping[str, Any]) -> Tool:
    settings = {name: value for name, value in options.items() if value is not None}
    defaults = {
        "name": getattr(function_of(handler), "__name__", ""),
        "description": description_of(handler),
    }
    return Tool(**{**defaults, **settings, "handler": handler})
