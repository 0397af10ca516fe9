"""``patter new`` writes packages that are green at once and clean at once, for every kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from patter.errors import InputError, PatterConfigError
from patter.plugins.catalogue import EXTENSION, KINDS
from patter.scaffold import render

PLUGINS = (*KINDS, EXTENSION)


def new(kind: str, target: Path, name: str = "my-shop") -> Path:
    render(kind, name, target)
    (home,) = target.iterdir()
    return home


def pytest_in(home: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=60)


def passed(run: subprocess.CompletedProcess[str]) -> bool:
    return run.returncode == 0 and " passed" in run.stdout


@pytest.mark.parametrize("kind", PLUGINS)
def test_the_tests_of_a_new_plugin_are_green(kind: str, tmp_path: Path) -> None:
    run = pytest_in(new(kind, tmp_path))
    assert passed(run), run.stdout[-3_000:] + run.stderr[-1_000:]


@pytest.mark.parametrize(
    ("kind", "file", "old", "new_text", "test"),
    [
        (
            "stt",
            "stt.py",
            "await self._socket.send_str(_wire.FINALIZE)",
            "return",
            "test_silence_finalizes_to_an_empty_final",
        ),
        (
            "vad",
            "vad.py",
            "VoiceStop(self._at_ms - self._quiet_ms)",
            "VoiceStop(self._at_ms)",
            "ends_where",
        ),
        ("llm", "_wire.py", '"name": tool.name,', '"name": "",', "told_messages_and_tools"),
        (
            "guardrail",
            "guardrail.py",
            'None if speaker == "caller" else first_term',
            "first_term",
            "test_a_caller_may_say_anything",
        ),
    ],
)
def test_a_broken_line_is_named_by_a_failure(
    kind: str, file: str, old: str, new_text: str, test: str, tmp_path: Path
) -> None:
    home = new(kind, tmp_path)
    source = home / "src" / "patter_my_shop" / file
    assert old in source.read_text()
    source.write_text(source.read_text().replace(old, new_text))
    run = pytest_in(home)
    assert run.returncode == 1
    assert test in run.stdout


@pytest.mark.parametrize("kind", PLUGINS)
def test_every_word_of_a_template_is_filled_in(kind: str, tmp_path: Path) -> None:
    for path in new(kind, tmp_path, "parrot").rglob("*"):
        assert "MODULE" not in path.name and "KIND" not in path.name
        if path.suffix in (".py", ".toml", ".md"):
            text = path.read_text()
            compile(text, str(path), "exec") if path.suffix == ".py" else None
            assert "$" not in text.replace("$HOME", "") and "TODO" not in text


@pytest.mark.parametrize("name", ["", "Parrot", "parrot_x", "-x", "x-", "1x", "../x", "a b"])
def test_a_name_that_cannot_be_a_package_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be a name"):
        render("stt", name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    new("vad", tmp_path)
    with pytest.raises(PatterConfigError, match="exists already"):
        render("stt", "my-shop", tmp_path)
