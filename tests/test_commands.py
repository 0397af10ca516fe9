"""What pages tell a reader to type can be typed: in bash and in zsh, from where they stand."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from patter.cli import parser as patter_parser

from .commands import GUIDES, PAGES, Command, blocks, braced, commands, distributions
from .house import ROOT, here

EVERY = [command for page in (*PAGES, *GUIDES) for command in commands(page)]
SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]
OTHERS = {"nox[uv]"}
"""What is installed from the public index."""
SCAFFOLDED = {"-e", ".[test]"}
"""What `patter new` has made by then."""
REFUSED = {"--help", "--version", "phnoe"}
"""What ends a command line instead of being taken by a command."""
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\\\\.")


def of(word: str) -> list[list[str]]:
    """The commands that begin with *word*, without it."""
    found = (words for command in EVERY for words in command.simple if words)
    return [words[1:] for words in found if words[0].rpartition("/")[2] == word]


def test_there_are_commands_of_every_kind() -> None:
    assert len(EVERY) > 60
    assert all(of(word) for word in ("pip", "patter", "nox", "pytest", "export"))


@pytest.mark.parametrize("shell", SHELLS)
def test_every_block_is_read_by_the_shell(shell: str, tmp_path: Path) -> None:
    script = tmp_path / "blocks.sh"
    texts = [block for page in (*PAGES, *GUIDES) for _, block in blocks(page)]
    script.write_text("\n".join(texts), encoding="utf-8")
    run = subprocess.run([shell, "-n", script], capture_output=True, text=True, timeout=20)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("command", EVERY, ids=str)
def test_a_command_means_the_same_in_zsh(command: Command) -> None:
    # An interactive zsh knows no comments, and refuses a pattern that no file fits.
    bare = QUOTED.sub("", command.text)
    assert "#" not in bare, "a comment is pasted as arguments"
    assert not re.search(r"[][*?]", bare), "quote what has *, ? or brackets"


@pytest.mark.parametrize("command", EVERY, ids=str)
def test_a_command_is_whole(command: Command) -> None:
    assert all(words or "=" in command.text for words in command.simple)
    assert shlex.split(command.text)


def test_what_is_installed_exists() -> None:
    known = distributions()
    wanted = [word for words in of("pip") for each in words[1:] for word in braced(each)]
    named = {word for word in wanted if not word.startswith("-")} - OTHERS - SCAFFOLDED
    folders = {word for word in named if word.startswith("./")}
    assert len(named) > 30
    assert [word for word in folders if not (ROOT / word / "pyproject.toml").exists()] == []
    assert sorted(word for word in named - folders if word not in known) == []


def test_a_page_of_the_clone_installs_what_is_in_the_clone() -> None:
    """Its reader has a clone; the pages of packages are read on an index."""
    pages = {here(command.page) for command in EVERY if command.page in PAGES}
    named = [
        f"{command}: {word}"
        for command in EVERY
        if command.page in PAGES
        for words in command.simple
        if words[:2] == ["pip", "install"]
        for word in words
        if word.startswith("patter-")
    ]
    assert len(pages) > 5
    assert named == []


def patters() -> list[str]:
    return sorted({shlex.join(words) for words in of("patter")} - REFUSED)


@pytest.mark.parametrize("line", patters())
def test_patter_takes_the_command(line: str) -> None:
    words = shlex.split(line)
    assert patter_parser.parse(words).command


def test_a_session_that_is_named_exists() -> None:
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    sessions = set(re.findall(r"@nox\.session.*\n(?:@.*\n)*def (\w+)", text))
    named = {words[words.index("-s") + 1] for words in of("nox") if "-s" in words}
    assert {"demo", "phone", "bench"} <= named <= sessions


def test_a_script_that_is_run_exists() -> None:
    scripts = [word for words in of("python") for word in words if word.endswith(".py")]
    assert scripts
    assert [word for word in scripts if not (ROOT / word).exists()] == []


def test_the_module_that_a_command_names_is_a_pages() -> None:
    """``bistro:agent`` is saved by the page, or by one that it follows."""
    targets = {
        word for words in of("patter") for word in words if re.fullmatch(r"[\w.]+:\w+", word)
    }
    saved = {"bistro:agent", "dentist:agent", "front:agent"}
    others = targets - saved - {"nowhere:agent"}
    assert others or targets >= saved
    for target in others:
        module, _, name = target.partition(":")
        assert hasattr(import_module(module), name), target
