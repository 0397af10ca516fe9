"""What is said when a package that not everybody needs is needed and not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from patter.errors import NotInstalled


@contextmanager
def needs(module: str, *, install: str) -> Iterator[None]:
    """Import *module*, or what imports it, inside; when it is absent, *install* brings it.

    Raises NotInstalled, which is an ImportError too. Any other failure of an import passes.
    """
    try:
        yield
    except ModuleNotFoundError as exc:
        if exc.name != module:
            raise
        name = module.replace("_", "-")
        quoted = f'"{install}"' if "[" in install else install
        raise NotInstalled(
            f"this needs {name}, which is not installed", fix=f"pip install {quoted}"
        ) from exc
