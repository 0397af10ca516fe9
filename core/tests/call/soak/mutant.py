"""One line of the product that reads otherwise."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import CodeType

import attrs


@attrs.frozen
class Mutant:
    """What goes wrong, and the line of *module* that makes it so: *new* in place of *old*.

    *call* is the script of a call that can be heard to go wrong, and goes well without it.
    """

    name: str
    module: str
    old: str
    new: str
    call: str

    def code(self) -> CodeType:
        """The module with its mistake. Raises LookupError when the line is not there once."""
        file = Path(str(importlib.import_module(f"patter.call.{self.module}").__file__))
        text = file.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise LookupError(f"{self.name}: {text.count(self.old)} places read {self.old!r}")
        return compile(text.replace(self.old, self.new), str(file), "exec")
