"""Removes secrets from the texts of others: vendors quote keys in errors, some by their end.

A word that shares four characters in a row with a secret is replaced, and so is a number that
is the length of one. Names that are shown anyway are left: of variables, providers, hosts.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

# Vendors show the last four characters of a key; shorter runs occur in ordinary words.
RUN = 4
MASK = "[hidden]"
_EDGES = "()[]{}<>.,;:!?'\"`"
_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|SID|AUTH_ID)\Z")


@attrs.frozen
class Hidden:
    """Hides *secrets*; *shown* are words that are never hidden."""

    secrets: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    shown: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, environ: Mapping[str, str], settings: Iterable[object], shown: Iterable[str] = ()
    ) -> Hidden:
        """Hide the secrets in *environ* and in *settings*, which are provider objects."""
        variables = (value for name, value in environ.items() if _SECRET_NAME.search(name))
        kept = (value for each in settings for value in _secrets(each))
        secrets = frozenset(value for value in (*variables, *kept) if len(value) >= RUN)
        return cls(secrets, frozenset((*environ, *shown)))

    def text(self, text: str) -> str:
        """*text* without a trace of a secret."""
        runs = {run for secret in self.secrets for run in _runs(secret)}
        lengths = {str(len(secret)) for secret in self.secrets}
        parts = re.split(r"(\s+)", text)
        return "".join(self._word(part, runs, lengths) for part in parts)

    @contextmanager
    def in_logs(self) -> Iterator[None]:
        """Hide them in every line that is logged while inside."""
        handlers = [(handler, handler.formatter) for handler in logging.getLogger().handlers]
        for handler, formatter in handlers:
            handler.setFormatter(_Hiding(self, formatter or logging.Formatter()))
        try:
            yield
        finally:
            for handler, formatter in handlers:
                handler.setFormatter(formatter)

    def _word(self, word: str, runs: set[str], lengths: set[str]) -> str:
        bare = word.strip(_EDGES)
        if bare in self.shown:
            return word
        leaks = not runs.isdisjoint(_runs(word))
        return MASK if leaks or bare in lengths else word


def _runs(text: str) -> Iterator[str]:
    return (text[i : i + RUN] for i in range(len(text) - RUN + 1))


class _Hiding(logging.Formatter):
    """Another formatter's lines, without secrets."""

    def __init__(self, hidden: Hidden, inner: logging.Formatter) -> None:
        super().__init__()
        self._hidden, self._inner = hidden, inner

    def format(self, record: logging.LogRecord) -> str:
        return self._hidden.text(self._inner.format(record))


def _secrets(thing: object) -> Iterator[str]:
    """The secrets of *thing*: texts in attrs fields with ``repr=False``."""
    settings: Any = type(thing)
    if not attrs.has(settings):
        return
    for field in attrs.fields(settings):
        value = getattr(thing, field.name, None)
        if not field.repr and isinstance(value, str):
            yield value
