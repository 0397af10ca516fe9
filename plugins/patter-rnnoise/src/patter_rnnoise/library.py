"""The C library RNNoise, as the package pyrnnoise brings it for this machine.

Its Python half decodes files, and imports FFmpeg for that; here the library alone is loaded.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from patter.errors import NotInstalled

_NAMES = {"darwin": "librnnoise.dylib", "win32": "rnnoise.dll"}
FRAME = 480
"""Samples the network takes at a time: 10 ms at 48 kHz."""


@cache
def library() -> ctypes.CDLL:
    """The library, loaded once. Raises NotInstalled where it cannot be."""
    spec = find_spec("pyrnnoise")
    places = spec.submodule_search_locations if spec is not None else None
    name = _NAMES.get(sys.platform, "librnnoise.so")
    for place in places or ():
        try:
            return _declared(ctypes.CDLL(str(Path(place) / name)))
        except OSError as exc:
            raise NotInstalled(
                f"{name} of pyrnnoise cannot be loaded: {exc}",
                fix="pip install --force-reinstall pyrnnoise, on a platform it has a wheel for",
            ) from exc
    raise NotInstalled("rnnoise needs the package pyrnnoise", fix="pip install pyrnnoise")


def _declared(loaded: ctypes.CDLL) -> ctypes.CDLL:
    samples = ctypes.POINTER(ctypes.c_float)
    loaded.rnnoise_create.argtypes, loaded.rnnoise_create.restype = (
        [ctypes.c_void_p],
        ctypes.c_void_p,
    )
    loaded.rnnoise_destroy.argtypes, loaded.rnnoise_destroy.restype = [ctypes.c_void_p], None
    loaded.rnnoise_process_frame.argtypes = [ctypes.c_void_p, samples, samples]
    loaded.rnnoise_process_frame.restype = ctypes.c_float
    return loaded
