"""Tell a dashboard that runs beside this process of a call; nobody waits, nothing depends on it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

import orjson

from patter.env import read

PATH = "/api/dashboard/ingest"

PORT, WITHIN_S = 8_000, 1.0
AT_ONCE = 8
_OFF = ("0", "false", "no", "off")
_slots = threading.BoundedSemaphore(AT_ONCE)
log = logging.getLogger("patter.dashboard")


def notifies() -> bool:
    """Does PATTER_DASHBOARD_NOTIFY leave it on?"""
    return read("PATTER_DASHBOARD_NOTIFY").lower() not in _OFF


def notify_dashboard(data: Mapping[str, Any], port: int = PORT) -> None:
    """Post *data*, which has a `call_id`, to a dashboard at *port* of this machine.

    Returns at once; what is not there, or takes longer than a second, is not told. While eight
    are being told, more are left out. PATTER_DASHBOARD_NOTIFY=0 turns it off.
    """
    if not notifies() or not _slots.acquire(blocking=False):
        return
    try:
        body = orjson.dumps(dict(data), default=str)
        threading.Thread(
            target=_post, args=(body, port), name="patter-dashboard-notify", daemon=True
        ).start()
    except BaseException:
        _slots.release()
        raise


def _post(body: bytes, port: int) -> None:
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=WITHIN_S)
        try:
            connection.request("POST", PATH, body, {"Content-Type": "application/json"})
            connection.getresponse().read()
        finally:
            connection.close()
    except (OSError, HTTPException) as nobody:
        log.debug("no dashboard at port %d was told: %s", port, nobody)
    finally:
        _slots.release()
