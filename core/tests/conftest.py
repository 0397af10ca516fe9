"""A shelf of small plugins that tests write, install and break."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import attrs
import pytest
from importlib_metadata import EntryPoint, distributions

from patter import PluginRegistry

HEAD = """
from contextlib import asynccontextmanager
import attrs
from patter import ProviderSpec, hookimpl
PATTER_API = 1
"""


@attrs.define
class Shelf:
    """Distributions in a directory of their own, seen through their real metadata."""

    site: Path

    def add(
        self, distribution: str, offers: Mapping[str, str], code: str, version: str = "0.1"
    ) -> None:
        """Install *distribution*, whose one module offers *offers* (kind to name)."""
        module = distribution.replace("-", "_")
        body = HEAD + dedent(code)
        (self.site / f"{module}.py").write_text(body)
        info = self.site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        groups = (f"[patter.{kind}]\n{name} = {module}\n" for kind, name in offers.items())
        (info / "entry_points.txt").write_text("".join(groups))

    def entry_points(self) -> list[EntryPoint]:
        found = distributions(path=[str(self.site)])
        return [
            entry for each in sorted(found, key=lambda d: d.name) for entry in each.entry_points
        ]

    def registry(self, environ: Mapping[str, str] | None = None) -> PluginRegistry:
        """A registry that sees the shelf and nothing else."""
        return PluginRegistry.from_environment(environ or {}, source=self.entry_points())


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)
    yield Shelf(site)
    for name in set(sys.modules) - before:
        if (file := getattr(sys.modules[name], "__file__", None)) and file.startswith(str(site)):
            del sys.modules[name]
