"""What people read says it as the field does: pages, help, errors, and what browsers show.

Code is left out: names in backticks, blocks, docstrings that are in no page. What is inside the
simulators of vendors is theirs to say.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from .house import ROOT, packages

CODE = re.compile(
    r"```.*?```|^(?: {4}|\t)[^\n]*$|`(?:[^`\n]|\n(?!\n))+`|\]\([^)]*\)|\*\w+\*",
    re.DOTALL | re.MULTILINE,
)
SHOWN = re.compile(
    r">([^<>{}=]+)<|\b(?:label|title|placeholder|alt|caption)=\{?[\"`]([^\"`]+)[\"`]"
)
SIMULATORS = {"double", "doubles", "fakes"}


@attrs.frozen
class Unused:
    """*pattern* is not written: *instead* says it. *allowed*: pages that need the word itself."""

    pattern: str
    instead: str
    allowed: frozenset[str] = frozenset()

    def found(self, text: str) -> list[str]:
        """Each place of *text* where it is written, with a few words around it."""
        found = re.finditer(self.pattern, text, re.IGNORECASE)
        return [" ".join(text[max(0, at.start() - 30) : at.end() + 30].split()) for at in found]


UNUSED = (
    Unused(r"\bverbs?\b", "command", frozenset({"docs/style.md"})),
    Unused(r"\bunless told\b", "default: 30"),
    Unused(r"\bleave the browser alone\b", "do not open the browser"),
    Unused(r"\btells? machines\b|\bmachines from people\b", "answering machine detection"),
    Unused(r"\bhand(s|ed)? (a |the )?callers? over\b|\bhand-?overs\b", "transfer"),
    Unused(r"\bbrings? (a |the )?callers? back\b", "fallback"),
    Unused(r"\btells the other side\b", "warm transfer"),
    Unused(r"\bpresses keys\b", "sends DTMF"),
    Unused(r"\b(which keys|knows keys)\b", "receives DTMF"),
    Unused(r"\bplaces calls\b", "outbound calls"),
    Unused(r"(?<!\.)\bdoubles?\b(?! =)", "simulator", frozenset({"docs/glossary.md"})),
    Unused(r"\btelephone compan(y|ies)\b", "carrier"),
    Unused(r"(?<![:.-])\bgaps?\b(?!:)", "response latency"),
    Unused(r"\bcut agent\b", "interrupted"),
    Unused(r"\bheard cursor\b", "playback position"),
    Unused(r"\bhears, thinks\b", "stt, llm, tts"),
    Unused(r"(?<!\|)\bfaults?\b(?!\|)", "network simulation"),
    Unused(r"\bcall records?\b", "call log"),
    Unused(r"\bspeaks plugin API\b|\bsays no PATTER_API\b", "built for plugin API 0"),
    Unused(r"\bnobody is here\b", "needs confirmation; pass --yes"),
    Unused(r"\bmend(s|ed)?\b", "fix"),
    Unused(r"\bsee that (this|the) machine\b", "check that this machine can"),
    Unused(r"\ba (int|stt|engine|agent|event|llm)\b", "an"),
    Unused(r"\bwho is installed\b", "what is installed"),
    Unused(r"\b1 (calls|turns|errors|lines)\b", "1 call"),
    Unused(r"\bhabits\b", "vendor traits"),
    Unused(r"\bbabbl(e|es|ing)\b", "garbage"),
)
IN_MESSAGES = (
    *UNUSED,
    Unused(r"(?<!there )\bis no (?!longer|more|other|such)", "is not a valid ..."),
)


def pages() -> list[Path]:
    """Everything in Markdown that is read outside of a package's sources."""
    docs = ROOT / "docs"
    guides = [each.folder / "README.md" for each in packages()]
    return [ROOT / "README.md", *docs.glob("*.md"), *docs.glob("operate/*.md"), *guides]


def messages() -> Iterator[tuple[str, str]]:
    """Each text in the sources that is more than a name, and where: help, errors, log lines."""
    for package in packages():
        for path in package.modules():
            if SIMULATORS.isdisjoint({*path.parts, path.stem}):
                yield from _texts(path)


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for each in ast.walk(tree):
        if not isinstance(each, ast.Constant) or id(each) in docstrings:
            continue
        if isinstance(each.value, str) and " " in each.value.strip():
            yield f"{path.relative_to(ROOT).as_posix()}:{each.lineno}", CODE.sub(" ", each.value)


def shown() -> Iterator[tuple[str, str]]:
    """What browsers show of the pages that packages serve."""
    for package in packages():
        for pattern in ("src/*/page/*.html", "src/*/page/*.js", "web/src/**/*.jsx"):
            for path in package.folder.glob(pattern):
                for match in SHOWN.finditer(path.read_text(encoding="utf-8")):
                    yield str(path.relative_to(ROOT)), match[1] or match[2]


def _wrong(words: tuple[Unused, ...], where: str, text: str) -> list[str]:
    return [
        f"{where}: ...{place}...: {word.instead}"
        for word in words
        if where not in word.allowed
        for place in word.found(text)
    ]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_say_it_as_the_field_does(page: Path) -> None:
    prose = CODE.sub(" ", page.read_text(encoding="utf-8"))
    assert _wrong(UNUSED, page.relative_to(ROOT).as_posix(), prose) == []


def test_help_errors_and_log_lines_do() -> None:
    texts = list(messages())
    assert len(texts) > 2_000, "the sources were not found"
    assert [each for where, text in texts for each in _wrong(IN_MESSAGES, where, text)] == []


def test_what_browsers_show_does() -> None:
    texts = list(shown())
    assert len(texts) > 200, "the pages were not found"
    assert [each for where, text in texts for each in _wrong(UNUSED, where, text)] == []


def test_a_word_of_the_table_is_found() -> None:
    text = CODE.sub(" ", "It tells machines from people; `double` is\n\n    a double\n\n*gap*.")
    assert {each.rpartition(": ")[2] for each in _wrong(UNUSED, "a page", text)} == {
        "answering machine detection"
    }
