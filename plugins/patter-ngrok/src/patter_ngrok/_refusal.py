"""What ngrok's refusals mean, as errors with a fix: pure, and no authtoken gets into them.

The service quotes the authtoken in its messages, so those about it are never repeated.
Sources: ngrok.com/docs/errors, bubenshchykov/ngrok#242 for an agent that is not connected yet.
"""

from __future__ import annotations

import re

from patter.errors import (
    AuthenticationError,
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
)

SHOWN_CHARS = 200
_CODE = re.compile(r"ERR_NGROK_(\d+)")
_NOT_YET = re.compile(r"session (?:not ready yet|has not yet been established)")
_TOKEN = re.compile(r"(?i)(authtoken\w*\s*[:=]\s*)\S+")
_LOGIN = frozenset({"105", "106", "107", "300", "4018"})
_ELSEWHERE = "or pass --webhook-url HOST"
_FIXES = {
    "108": "end your other ngrok agent, see dashboard.ngrok.com/agents",
    "324": "end a tunnel of this agent",
    "334": "end the agent that has this address, see dashboard.ngrok.com/endpoints",
}


def is_not_yet(reason: str) -> bool:
    """Is the agent only still connecting?"""
    return _NOT_YET.search(reason) is not None


def refused(status: int, reason: str) -> PatterError:
    """The agent answered with *status* for *reason*, in its words."""
    match = _CODE.search(reason)
    code = match.group(1) if match else ""
    if code in _LOGIN:
        return AuthenticationError(
            f"ngrok refused the authtoken of its agent (ERR_NGROK_{code})",
            fix="ngrok config add-authtoken TOKEN, then start the agent again",
        )
    message = f"ngrok made no tunnel (HTTP {status})"
    shown = _TOKEN.sub(r"\1***", " ".join(reason.split()))[:SHOWN_CHARS]
    page = f"see ngrok.com/docs/errors/err_ngrok_{code}" if code else "see what the agent logs"
    fix = f"{_FIXES.get(code, page)}, {_ELSEWHERE}"
    return PatterConnectionError(f"{message}: {shown}" if shown else message, fix=fix)


def absent(api: str) -> PatterError:
    """Nobody answers where the agent should be."""
    return PatterConnectionError(
        f"no ngrok agent answers at {api}",
        fix="ngrok start --none, or pass Ngrok(hostname=...)",
    )


def broken(api: str) -> PatterError:
    """Somebody took the request and did not answer it in HTTP."""
    return PatterConnectionError(
        f"what listens at {api} broke off", fix="start the agent again, or pass Ngrok(api=...)"
    )


def silent(api: str, waited_s: float) -> PatterError:
    """Somebody listens where the agent should be, and says nothing."""
    return PatterTimeoutError(
        f"what listens at {api} did not answer in {waited_s:g} s",
        fix="start the agent again, or pass Ngrok(api=...)",
    )


def late(waited_s: float, *, connecting: bool) -> PatterError:
    """There was no tunnel in *waited_s* seconds."""
    if connecting:
        return PatterTimeoutError(
            f"the ngrok agent is not connected after {waited_s:g} s",
            fix="ngrok config add-authtoken TOKEN, and let connect.ngrok-agent.com:443 by",
        )
    return PatterTimeoutError(
        f"the ngrok agent gave no tunnel in {waited_s:g} s", fix="start the agent again"
    )
