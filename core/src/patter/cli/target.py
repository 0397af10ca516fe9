"""Find what ``module:name`` on the command line means, and the module's one `Patter`.

The module is imported with the ``--stt``-like flags already in force.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Generic, TypeVar

import attrs

from patter.cli.importing import imported
from patter.errors import InputError, PatterConfigError, did_you_mean, indefinite
from patter.plugins.kinds import CARRIER_KIND, LLM_KIND, STT_KIND, TTS_KIND, VAD_KIND
from patter.plugins.overrides import overriding

P = TypeVar("P")
FLAGS = tuple(kind.name for kind in (CARRIER_KIND, STT_KIND, LLM_KIND, TTS_KIND, VAD_KIND))
OFFLINE: Mapping[str, object] = {
    "carrier": "softphone",
    "tunnel": None,
    "engine": None,
    "stt": "pocketsphinx",
    "llm": "rules",
    "tts": "espeak",
    "vad": "silero",
}
"""What ``--offline`` puts in the place of everything that needs a key or a network."""
OFFLINE_HELP = "no keys, no network: every part is one of this machine"


@attrs.frozen
class Target(Generic[P]):
    """*thing* is what NAME stands for; *phone* the module's Patter."""

    module: ModuleType
    name: str
    thing: Any
    phone: P


def add_arguments(
    parser: argparse.ArgumentParser, *, optional: bool = False, offline: str = OFFLINE_HELP
) -> None:
    """Add TARGET, ``--phone``, ``--offline`` and a flag for each part that can be replaced."""
    count = "?" if optional else None
    parser.add_argument("target", metavar="TARGET", nargs=count, help="the agent, as module:name")
    parser.add_argument("--phone", metavar="NAME", help="which Patter of the module")
    add_parts(parser, offline)


def add_parts(parser: argparse.ArgumentParser, offline: str = OFFLINE_HELP) -> None:
    """Add ``--offline``, which does as *offline* says, and a flag for each part."""
    parser.add_argument("--offline", action="store_true", help=offline)
    for kind in FLAGS:
        parser.add_argument(f"--{kind}", metavar="SPEC", help=f"use this {kind} instead")


def replaced(args: argparse.Namespace) -> dict[str, object]:
    """The parts that flags replace, by kind: with ``--offline`` all, None what is left out."""
    offline = OFFLINE if getattr(args, "offline", False) else {}
    return {**offline, **flags_of(args)}


def flags_of(args: argparse.Namespace) -> dict[str, str]:
    """The parts that flags of their own replace, by kind."""
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
        module = imported(path, _note)
    thing = _named(module, name)
    if isinstance(thing, phone_class):
        raise _phone_not_agent(module, name, phone_class.__name__)
    return Target(module, name, thing, _phone(module, phone_class, phone))


def split(target: str) -> tuple[str, str]:
    """The module and the name in it. Raises InputError when *target* is not ``module:name``."""
    path, colon, name = target.rpartition(":")
    if not colon or "/" in name or "\\" in name:
        path, name = target, ""
    if path.endswith(".py") or "/" in path or "\\" in path:
        raise _file_not_module(path, name)
    if not (path and name):
        raise InputError(f"{target!r} is not module:name", fix=f"write {path or 'bistro'}:agent")
    return path, name


def _file_not_module(path: str, name: str) -> InputError:
    """What to write instead of the path of a file."""
    *folders, file = path.replace("\\", "/").removeprefix("./").split("/")
    module = f"{file.removesuffix('.py')}:{name or 'agent'}"
    there = f"cd {path[: -len(file) - 1]}, then write {module}"
    return InputError(
        f"{path!r} is a file, and a target is module:name",
        fix=there if folders else f"write {module}",
    )


def _phone_not_agent(module: ModuleType, name: str, kind: str) -> PatterConfigError:
    from patter.agent import Agent

    agents = [each for each, value in vars(module).items() if isinstance(value, Agent)]
    write = f"agent = {name}.agent(...), then {module.__name__}:agent"
    return PatterConfigError(
        f"{module.__name__}:{name} is {indefinite(kind)}, not an agent",
        fix=f"write {module.__name__}:{agents[0]}" if agents else f"write {write}",
    )


def _note(text: str) -> None:
    """Progress of an import; not for programs, which read what is JSON."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)


def _named(module: ModuleType, name: str) -> Any:
    if hasattr(module, name):
        return getattr(module, name)
    public = [each for each in vars(module) if not each.startswith("_")]
    fix = did_you_mean(name, public, f"define {name} in {module.__name__}")
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
