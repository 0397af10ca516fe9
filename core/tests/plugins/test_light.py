"""Importing costs what is used: nothing for ``import patter``, nothing heavy to list plugins."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIST = "import patter; patter.PluginRegistry.from_environment({}).catalogue.candidates"
HEAVY = {
    "aiohttp",
    "attr",
    "importlib_metadata",
    "numpy",
    "orjson",
    "pluggy",
    "soxr",
    "pytest",
    "hypothesis",
}


def loaded_by(code: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded after *code*."""
    program = f"import sys; {code}; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return HEAVY & {name.partition(".")[0] for name in run.stdout.split()}


@pytest.mark.parametrize(
    ("code", "needs"),
    [
        ("import patter", set()),
        ("from patter import ErrorCode, PatterError", set()),
        ("from patter import ProviderSpec, hookimpl", {"attr", "pluggy"}),
        (
            "import patter; patter.PluginRegistry.from_environment({}).catalogue.candidates",
            {"attr", "importlib_metadata"},
        ),
        ("import patter.cli", {"attr"}),
    ],
)
def test_nothing_is_imported_before_it_is_needed(code: str, needs: set[str]) -> None:
    assert loaded_by(code) <= needs
