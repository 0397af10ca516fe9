"""What the list of Soniox's models says about a configuration, before a call meets it (pure).

The list is that of ``GET /v1/models``. What it does not say is not held against anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from patter.errors import PatterConfigError
from patter_soniox._errors import ERRORS

_SUPPORT = {
    "language_hints_strict": "supports_language_hints_strict",
    "max_endpoint_delay_ms": "supports_max_endpoint_delay",
    "endpoint_sensitivity": "supports_endpoint_sensitivity",
}
"""An option, and the mark of models that take it."""


def fitting(listed: Any, start: Mapping[str, Any]) -> str:
    """What the report says where one of the models *listed* takes *start*.

    Raises PatterConfigError where none does, ProviderError where it is no list of models.
    """
    try:
        models = {str(each["id"]): each for each in listed["models"]}
        live = [name for name, each in models.items() if each["transcription_mode"] == "real_time"]
        if start["model"] not in live:
            raise PatterConfigError(
                f"Soniox has no real-time model {start['model']!r}",
                fix=f"use one of {', '.join(live)}"[:200],
            )
        _refuse_misfits(models[start["model"]], start)
    except (LookupError, TypeError, AttributeError):
        # The answer may repeat the key, so nothing of it is shown.
        raise ERRORS.garbled("no list of models") from None
    return f"knows the key, and has {start['model']}"


def _refuse_misfits(model: Mapping[str, Any], start: Mapping[str, Any]) -> None:
    if misfits := ", ".join(_misfits(model, start)):
        raise PatterConfigError(
            f"{start['model']} does not take {misfits}", fix="leave it out, or use another model"
        )


def _misfits(model: Mapping[str, Any], start: Mapping[str, Any]) -> Iterable[str]:
    codes = {language["code"] for language in model["languages"]}
    hints = start.get("language_hints", ())
    yield from (f"the language {hint}" for hint in hints if hint not in codes)
    for option, mark in _SUPPORT.items():
        if option in start and model.get(mark) is False:
            yield option
    level = start.get("endpoint_latency_adjustment_level", 0)
    most = model.get("endpoint_latency_adjustment_max_level")
    if isinstance(most, int) and level > most:
        yield f"endpoint_latency_adjustment_level {level}"
