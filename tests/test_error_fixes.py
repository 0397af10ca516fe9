"""Errors as a user meets them: each is provoked, its fix is done as it says, and that mends it."""

from __future__ import annotations

import json
import re
import shlex
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter.cli import main
from patter.errors import ErrorCode

from .house import ROOT, packages

FARM = """
from patter import Patter
phone = Patter(carrier="softphone", persist=False)
agent = phone.agent("Be brief.", stt="pocketsphinx", llm="rules", tts="espeak")
"""
SHOPS = {
    "farm": FARM,
    "two": FARM + "backup = Patter(carrier='softphone', persist=False)\n",
    "typo": FARM.replace("pocketsphinx", "pocketsphynx"),
    "capital": FARM.replace("pocketsphinx", "Pocketsphinx"),
    "keyed": FARM.replace('"espeak"', '"lmnt"'),
    "option": FARM.replace('"espeak"', '"espeak?voise=en"'),
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with the modules of `SHOPS`, and no keys."""
    for name, text in SHOPS.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("LMNT_API_KEY", "PATTER_LOG_DIR"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    for name in SHOPS:
        sys.modules.pop(name, None)


@attrs.frozen
class Shell:
    """Runs ``patter`` in this process."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> tuple[int, str]:
        """The exit status and stdout."""
        for name in SHOPS:
            sys.modules.pop(name, None)
        status = main(list(words))
        return status, self.capsys.readouterr().out

    def error(self, *words: str) -> tuple[int, dict[str, Any]]:
        """The exit status and the error, which there must be."""
        for name in SHOPS:
            sys.modules.pop(name, None)
        status = main([*words, "--json", "--quiet"])
        error: dict[str, Any] = json.loads(self.capsys.readouterr().err.splitlines()[-1])["error"]
        return status, error


@pytest.fixture
def shell(shop: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def rewritten(name: str, old: str, new: str) -> None:
    path = Path(f"{name}.py")
    path.write_text(path.read_text().replace(old, new))


REWRITES = [
    ("typo", r"did you mean '(\w+)'\?", "pocketsphynx"),
    ("capital", r"write '(\w+)': names are lower case", "Pocketsphinx"),
    ("option", r"did you mean '(\w+)'\?", "voise"),
]


@pytest.mark.parametrize(("name", "pattern", "wrong"), REWRITES)
def test_writing_what_the_fix_says_mends_the_file(
    shell: Shell, name: str, pattern: str, wrong: str
) -> None:
    status, error = shell.error("explain", f"{name}:agent")
    assert (status, error["code"]) == (3, "CONFIG")
    match = re.search(pattern, error["fix"])
    assert match, error["fix"]
    rewritten(name, wrong, match[1])
    assert shell("explain", f"{name}:agent")[0] == 0


WRITES = [
    (("explain", "farm.py"), 2),
    (("explain", "./farm.py:agent"), 2),
    (("explain", "farm"), 2),
    (("explain", "farm:phone"), 3),
]


@pytest.mark.parametrize(("words", "expected"), WRITES, ids=lambda each: str(each)[:40])
def test_the_target_that_the_fix_writes_is_one(
    shell: Shell, words: tuple[str, ...], expected: int
) -> None:
    status, error = shell.error(*words)
    assert status == expected
    written = error["fix"].removeprefix("write ")
    assert shell(words[0], written)[0] == 0


FLAGS = [
    ("explain", "two:agent"),
    ("serve", "farm:agent", "--drain", "3", "--check"),
    ("doctor", "--offline"),
    ("explain", "farm:agent", "--tts", "zorp"),
    ("nothing",),
]


@pytest.mark.parametrize("words", FLAGS, ids=" ".join)
def test_the_flags_or_the_command_of_a_fix_are_taken(shell: Shell, words: tuple[str, ...]) -> None:
    _, error = shell.error(*words)
    first = error["fix"].split(", or ")[0].replace("bistro", "farm").removeprefix("see: ")
    command = shlex.split(first)
    if command[0] != "patter":
        replaced = {each for each in command if each.startswith("--")}
        kept = [word for at, word in enumerate(words) if not {word, words[at - 1]} & replaced]
        command = ["patter", *kept, *command]
    if "--help" in command:
        with pytest.raises(SystemExit) as left:
            shell(*command[1:])
        assert left.value.code == 0
    else:
        # Doctor may find something else; a command line that is wrong is 2, a part that is 3.
        assert shell(*command[1:])[0] <= 1


def test_a_key_that_is_exported_is_there(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    _, error = shell.error("explain", "keyed:agent")
    match = re.match(r"export (\w+), or ", error["fix"])
    assert match, error["fix"]
    monkeypatch.setenv(match[1], "0123456789abcdef")
    assert shell("explain", "keyed:agent")[0] == 0


def test_a_port_that_is_taken_has_another_one_beside_it(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        status, error = shell.error("serve", "farm:agent", "--port", str(port))
        assert (status, error["code"]) == (3, "CONFIG")
        flag, other = error["fix"].split()
        assert flag == "--port"
        assert 0 < int(other) <= 65_535 and int(other) != port


def test_a_log_that_others_can_read_is_mended_by_the_command(
    shell: Shell, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = shop / "log"
    log.mkdir(mode=0o755)
    monkeypatch.setenv("PATTER_LOG_DIR", str(log))
    _, error = shell.error("calls", "list")
    command, mode, path = shlex.split(error["fix"])
    assert (command, Path(path)) == ("chmod", log)
    log.chmod(int(mode, 8))
    assert shell("calls", "list")[0] == 0


def test_every_package_that_a_fix_would_install_is_one_of_ours() -> None:
    ours = {package.pyproject["project"]["name"] for package in packages()}
    fixes = re.compile(r"""\b(?:fix|install)=f?"(?:pip install )?(patter-[a-z-]+)["\s]""")
    named: set[str] = set()
    for source in ROOT.glob("*/*/src/**/*.py"):
        named.update(fixes.findall(source.read_text(encoding="utf-8")))
    assert named and named <= ours


def raisers() -> dict[str, Callable[[str], object]]:
    """Of each code: does a test's text see it?"""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \|.*\| `(\w+)` \|", page, re.M)
    return {
        code: re.compile(rf"raises\([^)]*\b{cls}\b|ErrorCode\.{code}\b|\"{code}\"").search
        for code, cls in rows
    }


def test_every_code_of_the_page_is_provoked_by_a_test() -> None:
    unseen = raisers()
    assert set(unseen) == {code.value for code in ErrorCode}
    for path in [*ROOT.glob("core/tests/**/test_*.py"), *ROOT.glob("*/*/tests/**/test_*.py")]:
        text = path.read_text(encoding="utf-8")
        unseen = {code: sees for code, sees in unseen.items() if not sees(text)}
    assert not unseen
