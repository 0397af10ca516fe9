"""``patter new``: complete packages whose own tests are green before the first edit.

Templates are real files under ``templates/``: ``any`` for every plugin, ``vendor`` for kinds
that talk to somebody, ``pooled`` for those with a client and a double of their own, then one
folder a kind. Nothing here imports a plugin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from patter.errors import InputError, PatterConfigError
from patter.plugins.catalogue import EXTENSION
from patter.plugins.kinds import kind_names

KINDS = ("agent", *kind_names(), EXTENSION)
_POOLED = frozenset({"stt", "tts", "llm", "engine"})
_VENDOR = _POOLED | {"carrier"}
_NUMERIC = frozenset({"vad", "audio_filter"})
_SHORT = frozenset({"stt", "tts", "llm", "vad"})
NAME_RULE = "a letter, then lower case letters, digits and single dashes"
"""How plugins and agents may be called: what a spec string, a package and a module can be."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")


def render(kind: str, name: str, target: Path) -> list[Path]:
    """Write the *kind* called *name* into a new directory of *target*; return the files.

    Raises InputError for a name or kind that cannot be, PatterConfigError when the directory
    exists already.
    """
    if kind not in KINDS:
        raise InputError(f"there is nothing of kind {kind!r}", fix=f"one of {', '.join(KINDS)}")
    if not _NAME.match(name):
        raise InputError(f"{name!r} cannot be a name", fix=f"write {NAME_RULE}: my-shop")
    home = target / (name if kind == "agent" else f"patter-{name}")
    if home.exists():
        raise PatterConfigError(f"{home.name} exists already", fix="choose another name")
    words = _words(kind, name)
    written = [_write(home, place, text, words) for place, text in _templates(kind)]
    return sorted(written)


def _words(kind: str, name: str) -> dict[str, str]:
    vendor = "".join(part.capitalize() for part in name.split("-"))
    suffix = kind.upper() if kind in _SHORT else kind.title().replace("_", "")
    major, minor, *_ = version("patter-core").split(".")
    extras, points, where = _double(kind, name, vendor)
    return {
        "kind": kind,
        "extras": extras,
        "points": points,
        "where": where,
        "constant": f"{kind.upper()}_KIND",
        "slug": name,
        "module": name.replace("-", "_"),
        "vendor": vendor,
        "cls": vendor + suffix,
        "env": name.upper().replace("-", "_"),
        "needs": "".join(f'"{each}", ' for each in _needs(kind)),
        "core": f">={major}.{minor},<{major}.{int(minor) + 1}",
    }


def _double(kind: str, name: str, vendor: str) -> tuple[str, str, str]:
    """The double's extra, its entry point, and where it is."""
    if kind not in _POOLED:
        return "", "", "`tests/double.py`"
    major, minor, *_ = version("patter-testing").split(".")
    module = f"patter_{name.replace('-', '_')}.double"
    extra = f'double = ["patter-testing>={major}.{minor},<{major}.{int(minor) + 1}"]\n'
    point = f'[project.entry-points."patter.double"]\n{name} = "{module}:{vendor}Double"\n\n'
    return extra, point, f"`{module}`"


def _needs(kind: str) -> list[str]:
    """What the generated code imports beside Patter itself."""
    needs = ["aiohttp>=3.11"] if kind in _VENDOR else []
    return [*needs, "attrs>=24.1", *(["numpy>=1.26"] if kind in _NUMERIC else [])]


def _templates(kind: str) -> Iterator[tuple[str, str]]:
    folders = [kind] if kind == "agent" else ["any", kind]
    if kind in _VENDOR:
        folders.insert(1, "vendor")
    if kind in _POOLED:
        folders.insert(2, "pooled")
    texts: dict[str, str] = {}
    for folder in folders:
        texts.update(_walk(files(__name__) / "templates" / folder))
    yield from texts.items()


def _walk(folder: Traversable, path: str = "") -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        here = f"{path}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{here}/")
        elif here.endswith(".tmpl"):
            yield here.removesuffix(".tmpl"), entry.read_text(encoding="utf-8")


def _write(home: Path, place: str, text: str, words: dict[str, str]) -> Path:
    """Fill in one template; ``MODULE``, ``KIND`` in its path stand for the words too."""
    for word in ("module", "kind"):
        place = place.replace(word.upper(), words[word])
    path = home / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Template(text).substitute(words), encoding="utf-8")
    return path
