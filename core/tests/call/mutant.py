"""One line of the product that reads otherwise."""

from __future__ import annotations

import importlib
from pathlib import Path

import attrs

CALL = "patter.call"


@attrs.frozen
class Mutant:
    """What goes wrong, and the line of *module* that makes it so: *new* in place of *old*.

    *call*, if any, is the script of a call that can be heard to go wrong, and goes well without it.
    """

    name: str
    module: str
    old: str
    new: str
    call: str = ""

    @property
    def path(self) -> Path:
        """The file of the module."""
        return Path(str(importlib.import_module(f"{CALL}.{self.module}").__file__))

    def source(self) -> str:
        """The module with its mistake. Raises LookupError when the line is not there once."""
        text = self.path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise LookupError(f"{self.name}: {text.count(self.old)} places read {self.old!r}")
        return text.replace(self.old, self.new)
