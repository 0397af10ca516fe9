"""What the first README wrote: keys without their provider, tools as dicts. Each warns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from getpatter.cloud import unavailable
from getpatter.deprecations import deprecate
from patter import STTConfig, Tool, TTSConfig
from patter.errors import PatterConfigError, PatterTypeError

if TYPE_CHECKING:
    from patter.plugins.registry import PluginRegistry
    from patter.providers.carrier import Carrier

HOSTED = ("api_key", "backend_url", "rest_url")
FLAT = ("twilio_sid", "twilio_token", "openai_key")
KEYWORDS = frozenset({*HOSTED, *FLAT, "mode"})
"""Arguments of `Patter` that only this package reads."""
TOOL = ("name", "description", "parameters", "handler", "webhook_url")
"""What a tool's dict may have."""


def warn(form: str, instead: str) -> None:
    """Warn of *form*, in whose place stands *instead* today."""
    deprecate(f"{form} is the older form: write {instead}")


def refuse_hosted(options: Mapping[str, Any]) -> None:
    """Raises CloudUnavailable for *options* of the hosted service, or a mode of it."""
    for name in HOSTED:
        if name in options:
            raise unavailable(f"Patter({name}=...)")
    if options.get("mode", "local") != "local":
        raise unavailable(f"Patter(mode={options['mode']!r})")


def carrier_of(options: Mapping[str, Any], carrier: object) -> Carrier | None:
    """The carrier that *options* describe, if they do. Raises PatterConfigError beside another."""
    sid, token = options.get("twilio_sid"), options.get("twilio_token")
    if sid is None and token is None:
        return None
    if carrier is not None:
        raise PatterConfigError(
            "Patter has both carrier and twilio_sid", fix="remove twilio_sid and twilio_token"
        )
    from getpatter.carriers.twilio import Twilio

    warn("twilio_sid=, twilio_token=", "carrier=Twilio(account_sid, auth_token)")
    return Twilio(sid, token)


def agent_options(
    options: dict[str, Any], registry: PluginRegistry, openai_key: str
) -> dict[str, Any]:
    """*options* of `Patter.agent` with providers and tools in place of what describes them.

    Raises PatterConfigError for an engine beside a recogniser or a voice, and for what makes none.
    """
    changed = {name: _built(each, registry) for name, each in options.items()}
    if isinstance(options.get("tools"), list | tuple):
        changed["tools"] = [_as_tool(each) for each in options["tools"]]
    _refuse_two_ways(changed)
    parts = ("engine", "stt", "tts", "llm", "provider")
    if openai_key and not any(changed.get(name) for name in parts):
        changed["engine"] = _engine(openai_key, changed)
    return changed


def _engine(key: str, options: Mapping[str, Any]) -> object:
    from getpatter.engines.openai import OpenAIRealtime

    names = {name: options[name] for name in ("voice", "model") if options.get(name)}
    return OpenAIRealtime(key, **names)


def _built(value: object, registry: PluginRegistry) -> object:
    return value.build(registry) if isinstance(value, STTConfig | TTSConfig) else value


def _as_tool(tool: object) -> object:
    if not isinstance(tool, Mapping):
        return tool
    warn("a tool as a dict", "Tool(name=..., ...)")
    if unknown := sorted({*map(str, tool)} - set(TOOL)):
        raise PatterTypeError(
            f"a tool has no {', '.join(unknown)}", fix=f"write some of {', '.join(TOOL)}"
        )
    return Tool(**tool)


def _refuse_two_ways(options: Mapping[str, Any]) -> None:
    parts = [name for name in ("stt", "tts") if options.get(name) is not None]
    if options.get("engine") is not None and parts:
        raise PatterConfigError(
            f"agent has both engine and {parts[0]}",
            fix=f"remove engine, which hears and speaks by itself, or {' and '.join(parts)}",
        )
