"""Which vendors this machine has keys for: those a phone could talk with instead of offline."""

from __future__ import annotations

from typing import Any

from patter.env import environment
from patter.errors import PatterError
from patter.parts import installed
from patter.plugins.kinds import LLM_KIND, STT_KIND, TTS_KIND
from patter.plugins.registry import PluginRegistry
from patter.providers.traits import ProviderTraits

KINDS = (STT_KIND, LLM_KIND, TTS_KIND)


def ready(registry: PluginRegistry) -> dict[str, list[str]]:
    """Installed vendors by kind whose keys are set; empty unless there is one of each kind."""
    if not any(name.endswith("_API_KEY") and value for name, value in environment().items()):
        return {}
    names = {kind.name: _with_keys(registry, kind) for kind in KINDS}
    return names if all(names.values()) else {}


def command(names: dict[str, list[str]]) -> str:
    """The command that talks with the first of each."""
    return " ".join(["patter phone", *(f"--{kind} {each[0]}" for kind, each in names.items())])


def _with_keys(registry: PluginRegistry, kind: Any) -> list[str]:
    # A variant of a vendor, such as one over REST, is not offered beside the vendor itself.
    return [
        name
        for name in installed(registry, kind)
        if "-" not in name and _has_key(registry, kind, name)
    ]


def _has_key(registry: PluginRegistry, kind: Any, name: str) -> bool:
    try:
        provider = registry.resolve(kind, name)
    except PatterError:
        return False
    return bool(ProviderTraits.of(provider).hosts)
