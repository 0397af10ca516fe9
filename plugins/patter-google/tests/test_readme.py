"""What the README shows runs, and says what is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs

from patter_google import GoogleLLM

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_example_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["said"] == "Good evening."


def test_every_option_is_in_the_table() -> None:
    for name in (field.name for field in attrs.fields(GoogleLLM) if field.init):
        assert f"`{name}`" in README, name
