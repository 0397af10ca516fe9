"""The commands that pages print, block by block, as a shell would read them."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import attrs

from .house import ROOT, packages

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GUIDES = [package.folder / "README.md" for package in packages()]
FENCED = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    (?:pip|patter|export|nox|python3?) .*\n)+", re.MULTILINE)
SEPARATORS = "|&;"
BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")


@attrs.frozen
class Command:
    """One line of a block, joined where it goes on; *words* as the shell splits it."""

    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def simple(self) -> list[list[str]]:
        """The words of each command of the line, settings of variables before it left out."""
        words = shlex.shlex(self.text, posix=True, punctuation_chars=SEPARATORS)
        words.whitespace_split, words.commenters = True, ""
        found: list[list[str]] = [[]]
        for word in words:
            if set(word) <= set(SEPARATORS):
                found.append([])
            else:
                found[-1].append(word)
        return [each[_settings(each) :] for each in found if each]


def _settings(words: list[str]) -> int:
    return next((n for n, word in enumerate(words) if not re.match(r"[A-Z_]+=", word)), len(words))


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    """The shell blocks of *page*, with the line each begins at."""
    text = page.read_text(encoding="utf-8")
    for found in FENCED.finditer(text):
        yield text.count("\n", 0, found.start()) + 2, found[1]
    if page in GUIDES:
        for found in INDENTED.finditer(re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)):
            yield 1, re.sub(r"^    ", "", found[0], flags=re.MULTILINE)


def commands(page: Path) -> Iterator[Command]:
    """Every command of *page*."""
    for line, block in blocks(page):
        joined = block.replace("\\\n", "")
        for text in filter(None, map(str.strip, joined.splitlines())):
            yield Command(page, line, text)


def braced(word: str) -> list[str]:
    """*word* as a shell expands its braces.

    >>> braced("./plugins/patter-{twilio,openai}")
    ['./plugins/patter-twilio', './plugins/patter-openai']
    """
    parts = BRACES.split(word)
    choices = [part.split(",") if n % 2 else [part] for n, part in enumerate(parts)]
    return ["".join(each) for each in product(*choices)]


def distributions() -> set[str]:
    """The packages of this repository, by name; with each extra, too."""
    names = set()
    for package in packages():
        text = (package.folder / "pyproject.toml").read_text(encoding="utf-8")
        project = tomllib.loads(text)["project"]
        extras = project.get("optional-dependencies", {})
        names |= {project["name"], *(f"{project['name']}[{extra}]" for extra in extras)}
    return names
