"""What is said when a name needs a distribution that is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from patter.errors import NotInstalled


@contextmanager
def distribution(name: str) -> Iterator[None]:
    """Inside, the modules of the distribution *name* are imported.

    Raises NotInstalled, an ImportError, where that is not installed.
    """
    module = name.replace("-", "_")
    try:
        yield
    except ModuleNotFoundError as exc:
        # A module that is missing inside an installed distribution is another problem.
        if exc.name != module:
            raise
        raise NotInstalled(
            f"this needs {name}, which is not installed", fix=f"pip install {name}"
        ) from exc
