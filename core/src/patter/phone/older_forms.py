"""Arguments that the first README of this API showed. The distribution getpatter reads them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

FACADE = "getpatter"
KEYWORDS = frozenset(
    {"api_key", "backend_url", "rest_url", "twilio_sid", "twilio_token", "openai_key"}
)


def reader_of(names: Iterable[str]) -> type | None:
    """The phone that reads arguments of these *names*: None for newer ones, or without getpatter.

    Who wrote them imports `patter.Patter`, as that README did, and no other package.
    """
    if KEYWORDS.isdisjoint(names):
        return None
    try:
        phone: type = import_module(FACADE).Patter
    except ModuleNotFoundError as exc:
        if exc.name != FACADE:
            raise
        return None
    return phone
