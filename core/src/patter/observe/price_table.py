"""Prices as tables, which is how the documents have them, and what something costs by one.

The prices themselves are the plugins'. What a table has no price for costs None, not 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import deepcopy
from enum import StrEnum
from typing import Any

from patter.errors import PatterError
from patter.observe.events import Usage
from patter.observe.pricing import Price, cost, merged, seller
from patter.plugins.registry import PluginRegistry

PRICING_VERSION = "2026.3"
"""Of the form of a table."""
_FLAT = {"minutes": "minute", "characters": "1k_chars"}
_MODEL = {
    "tokens_in": "input",
    "tokens_out": "output",
    "tokens_cached": "cache_read",
    "tokens_cache_written": "cache_write",
}
_ENGINE = {
    "tokens_in": "text_input_per_token",
    "tokens_out": "text_output_per_token",
    "tokens_cached": "cached_text_input_per_token",
    "audio_tokens_in": "audio_input_per_token",
    "audio_tokens_out": "audio_output_per_token",
    "audio_tokens_cached": "cached_audio_input_per_token",
}
_NAMES = {"tts": "_tts", "stt": "_stt", "engine": "_realtime"}


class PricingUnit(StrEnum):
    """What a table's prices are for. Each member is its own string."""

    MINUTE = "minute"
    THOUSAND_CHARS = "1k_chars"
    TOKEN = "token"


def __getattr__(name: str) -> Any:
    if name == "DEFAULT_PRICING":
        return default_pricing()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def default_pricing() -> dict[str, dict[str, Any]]:
    """The prices of every plugin that is installed, as a table; imports them all.

    A plugin that cannot be imported has no prices.
    """
    registry = PluginRegistry.from_environment()
    for offers in registry.catalogue.candidates.values():
        for candidate in offers:
            try:
                registry.load(candidate)
            except PatterError:
                continue
    return table(registry.prices())


def merge_pricing(
    overrides: Mapping[str, Any] | None = None, base: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    """*base*, the default table if None, with *overrides* over it; both stay as they are.

    Entries are merged by provider, and their models by name.
    """
    result: dict[str, dict[str, Any]] = deepcopy(dict(default_pricing() if base is None else base))
    for provider, entry in deepcopy(dict(overrides or {})).items():
        own = result.setdefault(provider, {})
        models = {**own.get("models", {}), **entry.pop("models", {})}
        own.update(entry)
        if models:
            own["models"] = models
    return result


def table(prices: Iterable[Price]) -> dict[str, dict[str, Any]]:
    """*prices* as a table; later ones go before earlier ones of the same.

    A provider that sells several kinds of things has an entry for each: ``openai_tts``.
    """
    kinds: defaultdict[str, dict[str, None]] = defaultdict(dict)
    prices = tuple(prices)
    for price in prices:
        kinds[price.provider][price.kind] = None
    result: dict[str, dict[str, Any]] = {}
    for price in prices:
        several = len(kinds[price.provider]) > 1
        name = price.provider + (_NAMES.get(price.kind, "") if several else "")
        _enter(result.setdefault(name, {}), price)
    return result


def calculate_stt_cost(
    provider: str, audio_seconds: float, pricing: Mapping[str, Any], model: str | None = None
) -> float | None:
    """US dollars for so much audio recognised; None when *pricing* does not tell."""
    return _cost("stt", provider, model, {"minutes": audio_seconds / 60}, pricing)


def calculate_tts_cost(
    provider: str, character_count: int, pricing: Mapping[str, Any], model: str | None = None
) -> float | None:
    """US dollars for so many characters spoken; None when *pricing* does not tell."""
    return _cost("tts", provider, model, {"characters": character_count}, pricing)


def calculate_telephony_cost(
    provider: str, duration_seconds: float, pricing: Mapping[str, Any]
) -> float | None:
    """US dollars for a call of that length; None when *pricing* does not tell."""
    return _cost("carrier", provider, None, {"minutes": duration_seconds / 60}, pricing)


def calculate_realtime_cost(
    usage: Mapping[str, Any],
    pricing: Mapping[str, Any],
    model: str | None = None,
    *,
    provider: str = "openai_realtime",
    duration_seconds: float | None = None,
) -> float | None:
    """US dollars for an engine's *usage*, or for its time where that is what it charges.

    *usage* has ``input_token_details`` and ``output_token_details`` with ``audio_tokens`` and
    ``text_tokens``; of the input ``cached_tokens_details`` has the same, else ``cached_tokens`` are
    taken of both by their shares. None when *pricing* does not tell.
    """
    entry = pricing.get(provider, {})
    if isinstance(entry, Mapping) and entry.get("unit") == PricingUnit.MINUTE:
        if duration_seconds is None:
            return None
        return _cost("engine", provider, model, {"minutes": duration_seconds / 60}, pricing)
    return _cost("engine", provider, model, _tokens(usage), pricing)


def _cost(
    kind: str,
    name: str,
    model: str | None,
    amounts: Mapping[str, float],
    pricing: Mapping[str, Any],
) -> float | None:
    provider, _ = seller(name)
    names = (name, name + _NAMES.get(kind, ""))
    entry = next(({each: pricing[each]} for each in names if each in pricing), {})
    used = [
        Usage(kind=kind, provider=provider, model=model or "", unit=unit, amount=amount)
        for unit, amount in amounts.items()
    ]
    return cost(used, merged((), entry)).usd


def _tokens(usage: Mapping[str, Any]) -> dict[str, float]:
    read = usage.get("input_token_details") or {}
    written = usage.get("output_token_details") or {}
    audio, text = read.get("audio_tokens", 0), read.get("text_tokens", 0)
    cached = read.get("cached_tokens_details") or _shares(read.get("cached_tokens", 0), audio, text)
    cached_audio = min(cached.get("audio_tokens", 0), audio)
    cached_text = min(cached.get("text_tokens", 0), text)
    return {
        "audio_tokens_in": audio - cached_audio,
        "tokens_in": text - cached_text,
        "audio_tokens_cached": cached_audio,
        "tokens_cached": cached_text,
        "audio_tokens_out": written.get("audio_tokens", 0),
        "tokens_out": written.get("text_tokens", 0),
    }


def _shares(cached: int, audio: int, text: int) -> dict[str, int]:
    """How many of *cached* tokens are of each sort, if nobody says."""
    share = cached / (audio + text) if audio + text else 0.0
    return {"audio_tokens": round(audio * share), "text_tokens": round(text * share)}


def _enter(entry: dict[str, Any], price: Price) -> None:
    values = entry.setdefault("models", {}).setdefault(price.model, {}) if price.model else entry
    if price.unit in _FLAT:
        entry["unit"] = PricingUnit(_FLAT[price.unit])
        per = 1_000 if price.unit == "characters" else 1
        values["price"] = round(price.usd / price.per * per, 12)
        if price.step:
            entry["round_up"] = True
    elif price.kind == "engine" and price.unit in _ENGINE:
        entry["unit"] = PricingUnit.TOKEN
        values[_ENGINE[price.unit]] = round(price.usd / price.per, 15)
    elif price.unit in _MODEL:
        values[_MODEL[price.unit]] = round(price.usd / price.per * 1e6, 9)
