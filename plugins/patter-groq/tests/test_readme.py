"""What the README shows runs, and says what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter_groq import GroqLLM, GroqWhisperSTT

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_examples_run() -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\nassert said == 'We open at nine.'"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("cls", [GroqLLM, GroqWhisperSTT])
def test_every_option_is_in_a_table(cls: Any) -> None:
    for name in (field.alias for field in attrs.fields(cls) if field.init):
        assert f"`{name}`" in README, name
