"""What a call costs: amounts used, times prices that plugins and the user contribute.

Pure. An amount whose price nobody knows is named, and never counts as nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
from msgspec.structs import replace

from patter.errors import PatterConfigError
from patter.observe.events import Usage

UsageKey: TypeAlias = tuple[str, str, str, str]
"""Kind, provider, model and unit: what amounts are added up by."""


@attrs.frozen(kw_only=True)
class Price:
    """*usd* for *per* units of *unit*, at *provider* as a *kind* of thing.

    *kind* is ``stt tts llm engine carrier``; empty fits all of them. *model* matches
    itself and every longer name that begins with it; empty is the provider's price for
    models not named. *unit* is one of ``minutes characters tokens_in tokens_out
    tokens_cached tokens_cache_written`` or any other the provider reports. What is used of
    it in a call is rounded up to whole multiples of *step* (0: not rounded).
    """

    kind: str = ""
    provider: str
    model: str = ""
    unit: str
    usd: float = attrs.field(validator=attrs.validators.ge(0))
    per: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    step: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))


@attrs.frozen
class Bill:
    """Dollars by kind, to 6 places, and the names and kinds of what has no known price.

    *saved_usd* is what tokens read from a cache would have cost more; None if that is unknown.
    """

    costs: Mapping[str, float]
    unpriced: tuple[str, ...] = ()
    unpriced_kinds: frozenset[str] = frozenset()
    saved_usd: float | None = 0.0

    @property
    def usd(self) -> float | None:
        """The total; None when a part of it is unknown."""
        return None if self.unpriced else round(sum(self.costs.values()), 6)


def usage_name(usage: Usage) -> str:
    """What has to be priced, for people: ``openai/gpt-4o-mini tokens_in``."""
    model = f"/{usage.model}" if usage.model else ""
    return f"{usage.provider}{model} {usage.unit}"


def find(prices: Iterable[Price], usage: Usage) -> Price | None:
    """The price of *usage*: its model exactly, else the longest prefix; the later of equals."""
    best: Price | None = None
    for price in prices:
        if _fits(price, usage) and (best is None or len(price.model) >= len(best.model)):
            best = price
    return best


def cost(usages: Iterable[Usage], prices: Sequence[Price]) -> Bill:
    """Price everything used in one call.

    The price that a vendor reports replaces what its provider would be estimated at for that kind.
    """
    vendor_usd, used = _sorted_out(usages)
    costs: defaultdict[str, float] = defaultdict(float)
    unpriced: dict[str, str] = {}
    for (kind, _provider), usd in vendor_usd.items():
        costs[kind] += usd
    for usage in used:
        if (usage.kind, usage.provider) in vendor_usd or not usage.amount:
            continue
        if price := find(prices, usage):
            costs[usage.kind] += _charge(price, usage.amount)
        else:
            unpriced[usage_name(usage)] = usage.kind
    return Bill(
        {kind: round(usd, 6) for kind, usd in costs.items()},
        tuple(unpriced),
        frozenset(unpriced.values()),
        _saved(used, prices),
    )


A_MINUTE: Mapping[str, Mapping[str, float]] = {
    "stt": {"minutes": 1},
    "carrier": {"minutes": 1},
    "engine": {"minutes": 1},
    "tts": {"characters": 450},
    "llm": {"tokens_in": 3_000, "tokens_out": 150},
}
"""A minute of an ordinary call: the agent speaks half of it, at 15 characters a second, in
four turns of about 750 tokens read and 40 written."""


def per_minute(parts: Iterable[tuple[str, str, str]], prices: Sequence[Price]) -> Bill:
    """What a minute will cost about, for *parts* given as (kind, provider, model)."""
    return cost(
        [
            Usage(kind=kind, provider=provider, model=model, unit=unit, amount=amount)
            for kind, provider, model in parts
            for unit, amount in A_MINUTE.get(kind, {}).items()
        ],
        prices,
    )


_UNITS: Mapping[str, tuple[str, float]] = {
    "minute": ("minutes", 1),
    "1k_chars": ("characters", 1e3),
}
_UNCACHED: Mapping[str, str] = {
    "tokens_cached": "tokens_in",
    "audio_tokens_cached": "audio_tokens_in",
}
"""What cached tokens would be if they were not."""
_PER_TOKEN: Mapping[str, str] = {
    "text_input_per_token": "tokens_in",
    "text_output_per_token": "tokens_out",
    "cached_text_input_per_token": "tokens_cached",
    "audio_input_per_token": "audio_tokens_in",
    "audio_output_per_token": "audio_tokens_out",
    "cached_audio_input_per_token": "audio_tokens_cached",
}
_SUFFIXES: Mapping[str, str] = {
    "tts": "tts",
    "ws": "tts",
    "stt": "stt",
    "transcribe": "stt",
    "realtime": "engine",
    "convai": "engine",
}
"""What a provider sells, by the end of the name that the documents have for it."""
_TOKENS: Mapping[str, str] = {
    "input": "tokens_in",
    "output": "tokens_out",
    "cache_read": "tokens_cached",
    "cache_write": "tokens_cache_written",
}


def merged(prices: Iterable[Price], overrides: Mapping[str, Any]) -> tuple[Price, ...]:
    """*prices*, with the user's put over them; later entries win, so the rest stays.

    *overrides* maps a provider to ``{"unit": "minute" | "1k_chars", "price": usd, "models":
    {model: usd}}``, where ``{"price": usd}`` may stand for usd, and ``"round_up": True`` charges
    begun minutes whole; for language models, to ``{"models": {model: {"input": usd, "output":
    usd, "cache_read": usd, "cache_write": usd}}}`` for a million tokens; for engines, to ``{"unit":
    "token", "text_input_per_token": usd, "audio_input_per_token": usd, ...}``, whose ``models``
    have the same keys. A unit left out is the one its provider is known by. ``openai_tts`` is the
    voice of openai, ``cartesia_stt`` the recogniser of cartesia, ``openai_realtime`` an engine.
    Raises PatterConfigError.
    """
    all_prices = tuple(prices)
    mine = [
        price
        for provider, entry in overrides.items()
        for price in _overriding(all_prices, provider, entry)
    ]
    return (*all_prices, *mine)


def _fits(price: Price, usage: Usage) -> bool:
    return (
        price.provider == usage.provider
        and price.unit == usage.unit
        and price.kind in ("", usage.kind)
        and usage.model.startswith(price.model)
    )


def _sorted_out(
    usages: Iterable[Usage],
) -> tuple[dict[tuple[str, str], float], list[Usage]]:
    """Prices that vendors report, by (kind, provider); and amounts of one thing added up."""
    vendor_usd: dict[tuple[str, str], float] = {}
    sums: dict[UsageKey, Usage] = {}
    for usage in usages:
        if usage.usd is not None:
            vendor = (usage.kind, usage.provider)
            vendor_usd[vendor] = vendor_usd.get(vendor, 0) + usage.usd
        key = (usage.kind, usage.provider, usage.model, usage.unit)
        before = sums[key].amount if key in sums else 0.0
        sums[key] = replace(usage, amount=before + usage.amount)
    return vendor_usd, list(sums.values())


def _saved(used: Iterable[Usage], prices: Sequence[Price]) -> float | None:
    """What the cached tokens among *used* would have cost more if they were not."""
    saved = 0.0
    for usage in used:
        if usage.unit not in _UNCACHED or not usage.amount:
            continue
        cached, whole = (
            find(prices, usage),
            find(prices, replace(usage, unit=_UNCACHED[usage.unit])),
        )
        if cached is None or whole is None:
            return None
        saved += max(0.0, _charge(whole, usage.amount) - _charge(cached, usage.amount))
    return round(saved, 6)


def _charge(price: Price, amount: float) -> float:
    if price.step:
        # Sums of many small amounts land a hair above the whole; that is no new step.
        amount = math.ceil(round(amount / price.step, 9)) * price.step
    return amount / price.per * price.usd


def seller(name: str) -> tuple[str, str]:
    """Provider and kind of the *name* that a table has: ``openai_tts`` is openai's ``tts``.

    The kind is empty where the name does not tell it. No provider of ours has an underscore.
    """
    provider, _, suffix = name.rpartition("_")
    return (provider, _SUFFIXES[suffix]) if provider and suffix in _SUFFIXES else (name, "")


def _overriding(prices: Sequence[Price], name: str, entry: object) -> Iterable[Price]:
    if not isinstance(entry, Mapping):
        raise _unreadable(name, entry)
    models = entry.get("models", {})
    if not isinstance(models, Mapping):
        raise _unreadable(name, models)
    own = {key: value for key, value in entry.items() if key not in ("models", "unit", "round_up")}
    alike = _Alike(name, prices, entry.get("unit"), entry.get("round_up"))
    for model, price in {**({"": own} if own else {}), **models}.items():
        yield from alike.priced(model, price)


@attrs.define
class _Alike:
    """How the prices of *name* are read that have no unit of their own."""

    name: str
    prices: Sequence[Price]
    unit: object
    round_up: object
    provider: str = attrs.field(init=False)
    kind: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.provider, self.kind = seller(self.name)
        self.prices = [
            price
            for price in self.prices
            if price.provider == self.provider and (not self.kind or price.kind == self.kind)
        ]

    def priced(self, model: str, price: object) -> Iterable[Price]:
        if not isinstance(price, Mapping):
            yield self._flat(model, price)
        elif "price" in price:
            yield self._flat(model, price["price"])
        else:
            yield from self._by_token(model, price)

    def _by_token(self, model: str, price: Mapping[str, object]) -> Iterable[Price]:
        for key, usd in price.items():
            per, units = (1.0, _PER_TOKEN) if key in _PER_TOKEN else (1e6, _TOKENS)
            if key not in units:
                raise _unreadable(self.name, key)
            yield Price(
                kind=self.kind,
                provider=self.provider,
                model=model,
                unit=units[key],
                usd=_dollars(self.name, usd),
                per=per,
            )

    def _flat(self, model: str, usd: object) -> Price:
        units = ("minutes", "characters")
        inherited = next((price for price in self.prices if price.unit in units), None)
        if isinstance(self.unit, str) and self.unit in _UNITS:
            name, per = _UNITS[self.unit]
        elif self.unit is None and inherited is not None:
            # However a plugin writes its price, a table has it for a minute or a thousand.
            name, per = inherited.unit, dict(_UNITS.values())[inherited.unit]
        else:
            raise _unreadable(self.name, self.unit)
        same = next((price for price in self.prices if price.unit == name), None)
        step = same.step if same else 0.0
        if self.round_up is not None:
            step = 1.0 if self.round_up else 0.0
        return Price(
            kind=self.kind or (same.kind if same else ""),
            provider=self.provider,
            model=model,
            unit=name,
            usd=_dollars(self.name, usd),
            per=per,
            step=step,
        )


def _dollars(provider: str, usd: object) -> float:
    # To Python a bool is an int, and True is not a price.
    if isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 <= usd < math.inf:
        raise _unreadable(provider, usd)
    return float(usd)


def _unreadable(provider: str, what: object) -> PatterConfigError:
    return PatterConfigError(
        f"pricing of {provider!r} cannot be read: {what!r}",
        fix=f'write {{"{provider}": {{"unit": "minute", "price": 0.005}}}}, '
        'unit "1k_chars" for voices, "models" for models',
    )
