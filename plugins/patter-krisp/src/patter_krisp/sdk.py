"""The vendor's SDK, the module `krisp_audio`: one of it in a process, for as long as it is held.

Whoever needs it has a `Hold`. The first sets the SDK up, with the licence; when the last is gone
the SDK is destroyed. A session of the SDK belongs to a hold and is gone before it: one that
outlived the SDK would read memory that was freed.
"""

from __future__ import annotations

import logging
import threading
import weakref
from importlib import import_module
from typing import Any

import attrs

from patter.errors import (
    AuthenticationError,
    NotInstalled,
    PatterConfigError,
    PatterError,
    ProviderError,
)

log = logging.getLogger("patter.krisp")
LICENCE = "KRISP_VIVA_SDK_LICENSE_KEY"
FIX_LICENCE = f"export {LICENCE} with a key of your Krisp account that is in force"
FLOAT_LEVELS_FROM = (1, 11)
"""The version whose bindings take the level as a float; before, it is an int."""


def krisp_audio() -> Any:
    """The vendor's module. Raises NotInstalled, which says where it is to be had."""
    try:
        return import_module("krisp_audio")
    except ModuleNotFoundError as exc:
        if exc.name != "krisp_audio":
            raise _unusable(exc) from exc
        raise NotInstalled(
            "krisp needs the vendor's package krisp_audio, which is not installed",
            fix="download the Python Server SDK from https://sdk.krisp.ai with your Krisp "
            f"account, pip install its krisp_audio-*.whl, and export {LICENCE}",
        ) from exc
    except ImportError as exc:
        raise _unusable(exc) from exc


def _unusable(exc: ImportError) -> NotInstalled:
    return NotInstalled(
        f"the vendor's package krisp_audio cannot be imported: {exc}",
        fix="pip install the krisp_audio-*.whl that was built for this Python and this platform",
    )


@attrs.define(eq=False)
class Sdk:
    """Who holds the SDK, and with which licence it was set up. All methods are for any thread.

    *refusal* is what the SDK said of the licence since; empty while it is content.
    """

    refusal: str = attrs.field(default="", init=False)
    version: tuple[int, int, int] = attrs.field(default=(0, 0, 0), init=False)
    # A collection of garbage may let go of a hold while the same thread takes one.
    _lock: threading.RLock = attrs.field(factory=threading.RLock, init=False)
    _holders: set[object] = attrs.field(factory=set, init=False)
    _key: str = attrs.field(default="", init=False, repr=False)
    _module: Any = attrs.field(default=None, init=False)

    def take(self, holder: object, key: str) -> Any:
        """The module, set up with *key*, until `leave` is called with the same *holder*.

        Raises NotInstalled without it, AuthenticationError when it refuses *key*, ProviderError
        when it cannot be set up, PatterConfigError while it is up with another key.
        """
        with self._lock:
            module = krisp_audio()
            # Before anything else: from here on nobody who leaves is the last one.
            self._holders.add(holder)
            try:
                if self._module is None:
                    self._set_up(module, key)
                elif key != self._key:
                    raise PatterConfigError(
                        "a process has one Krisp licence, and it has another one already",
                        fix="give every KrispVivaFilter of a process the same license_key",
                    )
                self.licensed()
            except PatterError:
                self.leave(holder)
                raise
            return module

    def leave(self, holder: object) -> None:
        """*holder* has no more need of it."""
        with self._lock:
            self._holders.discard(holder)
            if self._holders or self._module is None:
                return
            module, self._module, self._key, self.refusal = self._module, None, "", ""
            try:
                module.globalDestroy()
            except Exception:
                log.warning("the Krisp SDK could not be destroyed", exc_info=True)

    def licensed(self) -> None:
        """Raise AuthenticationError if the SDK has refused its licence."""
        if self.refusal:
            raise AuthenticationError(
                f"the Krisp SDK refuses its licence: {self.refusal}", fix=FIX_LICENCE
            )

    def _set_up(self, module: Any, key: str) -> None:
        self.refusal = ""
        try:
            self._global_init(module, key)
            version = module.getVersion()
            self.version = (version.major, version.minor, version.patch)
        except Exception as exc:
            # What it says of the licence tells more than that it failed.
            self.licensed()
            raise ProviderError(f"the Krisp SDK cannot be set up: {exc}", fix=FIX_LICENCE) from exc
        self._module, self._key = module, key

    def _global_init(self, module: Any, key: str) -> None:
        off = module.LogLevel.Off
        try:
            module.globalInit("", key, self._on_licence, _on_log, off)
        except TypeError:
            # Up to 1.6.0 it knew no licences.
            module.globalInit("", _on_log, off)

    def _on_licence(self, error: object, message: str) -> None:
        """The SDK tells that something is wrong with the licence, from any thread, at any time."""
        self.refusal = f"{message or error}"
        log.error("the Krisp SDK on its licence: %s: %s", error, message)


def _on_log(message: str, level: object) -> None:
    log.debug("krisp %s: %s", level, message)


SDK = Sdk()
"""That of the process."""


@attrs.define(eq=False, weakref_slot=True)
class Hold:
    """As long as it is there the SDK is, set up with the licence *key*."""

    key: str = attrs.field(repr=False)
    sdk: Sdk = attrs.field(factory=lambda: SDK)
    module: Any = attrs.field(init=False)
    _session: list[Any] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        holder = object()
        self.module = self.sdk.take(holder, self.key)
        weakref.finalize(self, _let_go, self.sdk, holder, self._session)

    def open(self, config: Any) -> None:
        """Open the one session of this hold. Raises ProviderError for what the SDK refuses."""
        try:
            self._session.append(self.module.NcInt16.create(config))
        except Exception as exc:
            self.sdk.licensed()
            raise ProviderError(
                f"the Krisp SDK opens no session: {exc}",
                fix="give model_path a noise or voice isolation model (*.kef) for this version "
                "of the SDK",
            ) from exc

    def process(self, frame: Any, level: float) -> Any:
        """One frame through the session, at *level* 0 to 100.

        Raises AuthenticationError when the licence was refused, ProviderError when it fails.
        """
        self.sdk.licensed()
        as_float = self.sdk.version[:2] >= FLOAT_LEVELS_FROM
        try:
            return self._session[0].process(frame, float(level) if as_float else round(level))
        except Exception as exc:
            self.sdk.licensed()
            raise ProviderError(
                f"the Krisp SDK failed in a call: {exc}",
                fix="see what the vendor says of it; calls go on without the filter",
            ) from exc


def _let_go(sdk: Sdk, holder: object, session: list[Any]) -> None:
    """First the session, then the SDK."""
    session.clear()
    sdk.leave(holder)
