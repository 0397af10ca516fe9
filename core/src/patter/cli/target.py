"""Find what ``module:name`` on the command line means, and the module's one `Patter`.

The module is imported with the ``--stt``-like flags already in force.
"""

from __future__ import annotations

import argparse
import difflib
import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

import attrs

from patter.errors import InputError, PatterConfigError, PatterError
from patter.plugins.kinds import CARRIER_KIND, LLM_KIND, STT_KIND, TTS_KIND, VAD_KIND
from patter.plugins.overrides import overriding

P = TypeVar("P")
FLAGS = tuple(kind.name for kind in (CARRIER_KIND, STT_KIND, LLM_KIND, TTS_KIND, VAD_KIND))


@attrs.frozen
class Target(Generic[P]):
    """*thing* is what NAME stands for; *phone* the module's Patter."""

    module: ModuleType
    name: str
    thing: Any
    phone: P


def add_arguments(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add TARGET, ``--phone`` and a flag for each part that can be replaced."""
    count = "?" if optional else None
    parser.add_argument("target", metavar="TARGET", nargs=count, help="the agent, as module:name")
    parser.add_argument("--phone", metavar="NAME", help="which Patter of the module")
    for kind in FLAGS:
        parser.add_argument(f"--{kind}", metavar="SPEC", help=f"use this {kind} instead")


def replaced(args: argparse.Namespace) -> dict[str, str]:
    """The parts that flags replace, by kind."""
    return {kind: spec for kind in FLAGS if (spec := getattr(args, kind, None))}


def load(
    target: str, phone_class: type[P], parts: Mapping[str, object], phone: str | None = None
) -> Target[P]:
    """Import the module of *target* with *parts* in force, and look up both names.

    Raises InputError when *target* is not ``module:name``; PatterConfigError when the module
    cannot be imported, or has not what is asked of it.
    """
    path, name = split(target)
    with overriding(parts):
        module = _import(path)
    thing = _named(module, name)
    return Target(module, name, thing, _phone(module, phone_class, phone))


def split(target: str) -> tuple[str, str]:
    """The module and the name in it. Raises InputError when *target* is not ``module:name``."""
    path, colon, name = target.partition(":")
    if not (path and colon and name):
        raise InputError(f"{target!r} is not module:name", fix=f"write {path or 'bistro'}:agent")
    return path, name


def _import(path: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return import_module(path)
    except (PatterError, KeyboardInterrupt):
        raise
    except ModuleNotFoundError as exc:
        if exc.name == path.partition(".")[0]:
            raise PatterConfigError(
                f"there is no module {path!r} here", fix="run it in the directory of that file"
            ) from exc
        raise _broken(path, exc) from exc
    except BaseException as exc:  # a module that exits would end us without a word
        raise _broken(path, exc) from exc


def _broken(path: str, exc: BaseException) -> PatterConfigError:
    last = traceback.extract_tb(exc.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    return PatterConfigError(
        f"{path} cannot be imported: {type(exc).__name__}: {exc} ({where})",
        fix=f"see it whole: python -c 'import {path}'",
    )


def _named(module: ModuleType, name: str) -> Any:
    if hasattr(module, name):
        return getattr(module, name)
    public = [each for each in vars(module) if not each.startswith("_")]
    close = difflib.get_close_matches(name, public, n=1)
    fix = f"did you mean {close[0]!r}?" if close else f"define {name} in {module.__name__}"
    raise PatterConfigError(f"{module.__name__} has no {name!r}", fix=fix)


def _phone(module: ModuleType, phone_class: type[P], wanted: str | None) -> P:
    if wanted is not None:
        phone = _named(module, wanted)
        if not isinstance(phone, phone_class):
            raise PatterConfigError(
                f"{module.__name__}.{wanted} is not a {phone_class.__name__}",
                fix=f"name a {phone_class.__name__} with --phone",
            )
        return phone
    phones = {n: each for n, each in vars(module).items() if isinstance(each, phone_class)}
    distinct = {id(each): (n, each) for n, each in reversed(phones.items())}
    if len(distinct) == 1:
        return next(iter(distinct.values()))[1]
    raise _how_many(module.__name__, phone_class.__name__, list(phones))


def _how_many(module: str, wanted: str, names: list[str]) -> PatterConfigError:
    if not names:
        return PatterConfigError(
            f"{module} has no {wanted} object", fix=f"write phone = {wanted}(...) in {module}"
        )
    count = {2: "two", 3: "three"}.get(len(names), str(len(names)))
    return PatterConfigError(
        f"{module} has {count} {wanted} objects: {', '.join(names)}", fix=f"--phone {names[0]}"
    )
