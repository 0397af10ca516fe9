"""What the README shows runs, and says what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import attrs

from patter_cerebras import CerebrasLLM

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


def test_every_option_is_in_the_table() -> None:
    for name in (field.alias for field in attrs.fields(CerebrasLLM) if field.init):
        assert f"`{name}`" in README, name
