"""What a tool's handler takes, read off its signature; what cannot work is refused. Pure."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from patter.errors import ToolSchemaError
from patter.providers.context import CallContext

CONTEXT_NAMES = ("call", "call_context")
_EMPTY = inspect.Parameter.empty
_SIMPLE = (bool, int, float, str)


@attrs.frozen
class Parameter:
    """One argument the model may send; *default* is inspect's empty where there is none."""

    name: str
    annotation: Any
    default: Any = _EMPTY

    @property
    def required(self) -> bool:
        return self.default is _EMPTY


@attrs.frozen
class Signature:
    """What a handler takes by name: the model's arguments and, if *context*, the call.

    *variadic* are its ``*args`` and ``**kwargs``, as written; *keywords* is whether it has the
    latter.
    """

    parameters: Mapping[str, inspect.Parameter]
    context: tuple[str, ...] = ()
    variadic: tuple[str, ...] = ()
    keywords: bool = False

    def required(self) -> list[str]:
        """The names without which Python refuses to call the handler."""
        return [name for name, each in self.parameters.items() if each.default is _EMPTY]


def function_of(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The function whose docstring and annotations *handler* goes by."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    return handler


def signature_of(tool: str, handler: Callable[..., Any]) -> Signature:
    """Read *handler*'s signature; what a partial has bound is not the model's to choose.

    Raises ToolSchemaError for a handler without a signature, a method without its object and
    a positional-only parameter.
    """
    try:
        every = inspect.signature(handler).parameters
    except (ValueError, TypeError, NameError) as exc:
        raise bad_tool(
            tool, f"its handler's signature cannot be read: {exc}", "wrap it in a def"
        ) from exc
    bound = handler.keywords if isinstance(handler, functools.partial) else {}
    _check_object(tool, handler, [name for name in every if name not in bound])
    _check_reachable(tool, every)
    kinds = inspect.Parameter
    named = {
        name: each
        for name, each in every.items()
        if each.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY) and name not in bound
    }
    return Signature(
        {name: each for name, each in named.items() if name not in CONTEXT_NAMES},
        tuple(name for name in named if name in CONTEXT_NAMES),
        tuple(
            str(each).split(":")[0]
            for each in every.values()
            if each.kind in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)
        ),
        any(each.kind is kinds.VAR_KEYWORD for each in every.values()),
    )


def typed_parameters(tool: str, handler: Callable[..., Any]) -> list[Parameter]:
    """The parameters a schema can be made of.

    Raises ToolSchemaError for ``*args`` and ``**kwargs``, for an annotation that names nothing
    and for a CallContext under a name that is not injected.
    """
    signature = signature_of(tool, handler)
    if signature.variadic:
        raise bad_tool(
            tool,
            f"{signature.variadic[0]} has no names and types to tell a model",
            "name each parameter, or write the schema yourself: parameters={...}",
        )
    hints = _hints(tool, handler, signature.parameters)
    for name, hint in hints.items():
        if hint is CallContext:
            raise bad_tool(tool, f"{name!r} is the call, not an argument", "name it call")
    return [
        Parameter(name, hints[name], each.default) for name, each in signature.parameters.items()
    ]


def takes_dicts(handler: Callable[..., Any], schema: Mapping[str, Any] | None) -> bool:
    """Is *handler* called with two dicts, the arguments and the call, instead of names?

    It is if its parameters are ``(arguments, call_context)``; and, where somebody wrote a
    *schema*, if they are any two that this does not declare.
    """
    try:
        every = list(inspect.signature(handler).parameters.values())
    except (ValueError, TypeError, NameError):
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [each.name for each in every]
    if len(every) != 2 or any(each.kind not in kinds for each in every):
        return False
    if names == ["arguments", "call_context"]:
        return True
    # A schema that was read off this very signature declares them.
    declared = schema.get("properties", {}) if schema else names
    undeclared = not any(name in declared or name in CONTEXT_NAMES for name in names)
    return undeclared and all(each.default is _EMPTY for each in every)


def bad_tool(tool: str, what: str, fix: str) -> ToolSchemaError:
    """The error for a tool that cannot be made."""
    return ToolSchemaError(f"tool {tool!r}: {what}", fix=fix)


def _check_object(tool: str, handler: Callable[..., Any], names: list[str]) -> None:
    """A function of a class still wants the object, unless a partial has passed it."""
    function = function_of(handler)
    owner, _, name = getattr(function, "__qualname__", "").rpartition(".")
    of_class = inspect.isfunction(function) and owner and not owner.endswith("<locals>")
    if not of_class or (isinstance(handler, functools.partial) and handler.args):
        return
    if names and names[0] in ("self", "cls"):
        raise bad_tool(
            tool,
            f"{owner}.{name} is a method without its object",
            f"make the tool of the object's method: tool(handler=the_object.{name})",
        )


def _check_reachable(tool: str, every: Mapping[str, inspect.Parameter]) -> None:
    for name, each in every.items():
        if each.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise bad_tool(
                tool,
                f"{name!r} is positional-only, and a model sends arguments by name",
                "remove the / from the signature",
            )


def _hints(
    tool: str, handler: Callable[..., Any], parameters: Mapping[str, inspect.Parameter]
) -> dict[str, Any]:
    """Resolve the annotations of *parameters* only: a return type may be for checkers alone."""

    def holder() -> None: ...

    holder.__annotations__ = {
        name: _default_type(each) if each.annotation is _EMPTY else each.annotation
        for name, each in parameters.items()
    }
    try:
        return typing.get_type_hints(holder, _globals(handler), include_extras=True)
    except (NameError, SyntaxError, TypeError, AttributeError) as exc:
        raise bad_tool(
            tool,
            f"an annotation cannot be resolved: {exc}",
            "import or define the type at the top of the handler's module, not in a function "
            "or under TYPE_CHECKING",
        ) from exc


def _globals(handler: Callable[..., Any]) -> dict[str, Any]:
    function: Any = function_of(handler)
    if not inspect.isroutine(function):
        function = function.__init__ if inspect.isclass(function) else type(function).__call__
    function = inspect.unwrap(getattr(function, "__func__", function))
    return getattr(function, "__globals__", {})


def _default_type(parameter: inspect.Parameter) -> type:
    """What a parameter without an annotation is: of its default's type, else a string."""
    kind = type(parameter.default)
    return kind if kind in _SIMPLE else str
