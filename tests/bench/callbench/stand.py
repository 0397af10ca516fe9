"""What a measured process serves, as its loader gets to know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import attrs

PHONES = ("phone", "recorded", "watched")
"""The kinds of process that are Patter behind a carrier: alone, with records, and watched, too."""


@attrs.frozen
class Stand:
    """Calls come in at *port*.

    *heard*: by the carrier's name of a call, the milliseconds its record says the caller heard
    between one clear and the next; empty where nobody keeps a record.
    """

    port: int
    heard: Mapping[str, Sequence[int]] = attrs.field(factory=dict)


Serving: TypeAlias = Callable[[str], AbstractAsyncContextManager[Stand]]
"""Serves calls while inside, with the vendors at an address."""
