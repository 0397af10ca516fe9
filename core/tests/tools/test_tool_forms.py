"""The forms in which a tool may be written, and what each handler is called with."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from patter import Tool, ToolSchemaError, define_tool, tool
from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.executor import DEFAULT_EXECUTOR

CALL = CallContext(call_id="c1", caller="+1", callee="+2")
ABOUT = {"call_id": "c1", "caller": "+1", "callee": "+2"}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


async def ran(made: Tool, arguments: str = '{"city": "Rome"}') -> str:
    return (await DEFAULT_EXECUTOR.execute(made, ToolRequest("t", made.name, arguments), CALL)).text


def by_name(arguments: dict[str, Any], call_context: dict[str, Any]) -> Any:
    return [arguments, call_context]


async def by_place(args: dict[str, Any], ctx: dict[str, Any]) -> Any:
    return [args, ctx]


@pytest.mark.parametrize("handler", [by_name, by_place, lambda a, b: [a, b]])
async def test_a_handler_of_two_that_the_schema_does_not_declare_gets_two_dicts(
    handler: Any,
) -> None:
    made = Tool("weather", "The weather.", CITY, handler)
    assert orjson.loads(await ran(made)) == [{"city": "Rome"}, ABOUT]
    assert "missing city" in await ran(made, "{}")


async def test_without_a_schema_such_a_handler_takes_no_arguments() -> None:
    made = tool(by_name)
    assert made.parameters == {"type": "object", "properties": {}, "required": []}
    assert (await ran(made, "{}")).startswith("[{},")


async def test_a_handler_of_two_that_are_declared_gets_them_by_name() -> None:
    def pair(first: str, second: str) -> str:
        return first + second

    assert await ran(tool(pair), '{"first": "a", "second": "b"}') == "ab"


async def test_a_tool_is_defined_property_by_property() -> None:
    async def weather(args: dict[str, Any], ctx: dict[str, Any]) -> str:
        return f"{args['city']} {args['unit']} {ctx['caller']}"

    made = define_tool(
        "weather",
        "The weather.",
        {
            "city": {"type": "string", "description": "Where."},
            "unit": {"type": "string", "default": "C"},
        },
        weather,
        effect="read",
        timeout_s=5,
    )
    assert made.parameters["required"] == ["city"] and made.timeout_s == 5
    assert await ran(made) == "Rome C +1"
    assert await ran(made, '{"city": "Rome", "unit": "F"}') == "Rome F +1"


async def test_a_defined_tool_may_block_and_may_yield() -> None:
    def weather(args: dict[str, Any], ctx: dict[str, Any]) -> str:
        return str(args["city"])

    async def slowly(args: dict[str, Any], ctx: dict[str, Any]) -> Any:
        yield {"progress": "Looking."}
        yield {"result": args["city"]}

    for handler in (weather, slowly):
        assert (
            await ran(define_tool("weather", "", {"city": {"type": "string"}}, handler)) == "Rome"
        )


@pytest.mark.parametrize(
    "broken",
    [
        {"name": ""},
        {"name": "no name"},
        {"name": "a" * 65},
        {"name": 7},
        {"handler": None},
        {"handler": "print"},
        {"parameters": {"type": "array"}},
        {"parameters": {**CITY, "required": ["town"]}},
        {"parameters": CITY, "strict": True},
        {"reassurance": {"after_ms": 3}},
        {"reassurance": {"message": "One moment.", "after_ms": "soon"}},
        {"reassurance": 3},
    ],
)
def test_what_cannot_be_a_tool_is_refused_as_a_value_error_with_a_fix(broken: Any) -> None:
    fields = {"name": "weather", "parameters": CITY, "handler": by_place, **broken}
    with pytest.raises(ValueError) as raised:
        Tool(**fields)
    assert isinstance(raised.value, ToolSchemaError) and raised.value.fix


@pytest.mark.parametrize("parameters", [["city"], {"city": "string"}])
def test_a_definition_that_has_no_properties_is_refused(parameters: Any) -> None:
    with pytest.raises(ToolSchemaError, match="no properties"):
        define_tool("weather", "", parameters, by_name)


def test_strict_is_told_to_the_vendor() -> None:
    made = define_tool("weather", "", {"city": {"type": "string"}}, by_name, strict=True)
    assert made.spec.strict and made.parameters["additionalProperties"] is False
    assert tool(handler=by_name, strict=False).spec.strict is False
