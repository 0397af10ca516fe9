"""pydantic's models are tools' parameters where pydantic is installed, and nothing imports it."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from typing import Annotated, Any

import pytest

from patter.errors import PatterConfigError
from patter.tools.refusals import InvalidArgumentsError
from patter.tools.tool import tool

pydantic: Any = pytest.importorskip("pydantic", reason="pydantic is not installed")


class Dish(pydantic.BaseModel):  # type: ignore[misc]
    name: str
    sides: list[Dish] = []


class Booking(pydantic.BaseModel):  # type: ignore[misc]
    """A table for somebody."""

    model_config = {"extra": "forbid"}
    people: Annotated[int, pydantic.Field(ge=1, description="How many.")]
    day: date
    dish: Dish | None = None


def book(booking: Booking, dishes: list[Dish] | None = None) -> None: ...
def half(people: Annotated[int, pydantic.Field(ge=1)]) -> None: ...


BOOK = tool(handler=book)
GOOD = '{"booking": {"people": 2, "day": "2026-05-31"}, "dishes": [{"name": "soup"}]}'


def test_a_model_describes_itself() -> None:
    schema = BOOK.parameters["properties"]["booking"]
    assert schema["description"] == "A table for somebody."
    assert schema["properties"]["people"]["minimum"] == 1
    assert schema["additionalProperties"] is False


def test_references_of_a_recursive_model_lead_somewhere() -> None:
    text = str(BOOK.parameters["properties"])
    targets = {piece.split("'")[0] for piece in text.split("#/$defs/")[1:]}
    assert targets and targets <= set(BOOK.parameters["$defs"])


def test_a_handler_gets_the_model() -> None:
    values = BOOK.reader.read(GOOD).values
    assert values["booking"] == Booking(people=2, day=date(2026, 5, 31))
    assert values["dishes"] == [Dish(name="soup")]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ('{"people": "2", "day": "2026-05-31"}', "people: Input should be a valid integer"),
        ('{"people": 0, "day": "2026-05-31"}', "people: Input should be greater than"),
        ('{"people": 1, "day": "soon"}', "day: Input should be a valid date"),
        ('{"people": 1, "day": "2026-05-31", "dog": 1}', "dog: Extra inputs"),
        ("null", "expected an object, got null"),
        ("{}", "people: Field required; day: Field required"),
    ],
)
def test_what_a_model_refuses_is_refused_with_its_reason(sent: str, reason: str) -> None:
    with pytest.raises(InvalidArgumentsError) as refused:
        BOOK.reader.read(f'{{"booking": {sent}}}')
    assert reason in refused.value.reason and "errors.pydantic.dev" not in refused.value.reason


def test_a_constraint_outside_a_model_is_refused_for_nobody_would_check_it() -> None:
    with pytest.raises(PatterConfigError, match="FieldInfo is checked in pydantic models only"):
        tool(handler=half)


def test_a_tool_without_models_imports_no_pydantic() -> None:
    code = """
import sys
from patter import tool
tool(handler=lambda n=1: n, name="a").reader.read("{}")
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "msgspec" in done.stdout.split() and "pydantic" not in done.stdout.split()
