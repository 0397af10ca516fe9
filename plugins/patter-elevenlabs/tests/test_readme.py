"""What the README shows runs, and says what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter_elevenlabs import ElevenLabsRestTTS, ElevenLabsScribeSTT, ElevenLabsWebSocketTTS
from patter_elevenlabs._settings import FORMATS, SETTING_NAMES

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_example_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", block + "\nassert len(heard) == 8 * 60 * 14"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("cls", [ElevenLabsWebSocketTTS, ElevenLabsRestTTS, ElevenLabsScribeSTT])
def test_every_option_is_in_a_table(cls: Any) -> None:
    for name in (*attrs.fields_dict(cls), *SETTING_NAMES):
        assert f"`{name}`" in README, name


def test_the_formats_are_those_that_it_names() -> None:
    assert {"ulaw_8000", "alaw_8000", "pcm_8000", "pcm_48000"} <= set(FORMATS)
