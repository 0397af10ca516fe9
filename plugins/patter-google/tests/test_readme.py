"""What the README shows runs, and says what is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter_google import GeminiLive, GoogleLLM

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=["llm", "live"])
def test_an_example_runs(block: str) -> None:
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["said"] == "Good evening."


@pytest.mark.parametrize("settings", [GoogleLLM, GeminiLive])
def test_every_option_is_in_the_table(settings: type) -> None:
    for name in (field.name for field in attrs.fields(settings) if field.init):
        assert f"`{name}`" in README, name
