"""Keys, projects and addresses: how settings are read and checked."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from patter import env
from patter.errors import PatterConfigError

BASE_URL = "https://generativelanguage.googleapis.com"
KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
PROJECT = "GOOGLE_CLOUD_PROJECT"
_HERE = ("127.0.0.1", "localhost", "::1")
_REGIONS = ("eu", "us")
"""Locations that are several regions, with addresses of their own."""


def api_key(value: str | None) -> str:
    """*value*, or the key in the environment; empty when there is none."""
    return value or next(filter(None, map(env.read, KEYS)), "")


def project_of(value: str | None) -> str:
    """*value*, or the project in the environment; empty when there is none."""
    return value or env.read(PROJECT)


def check_access(vertexai: bool, key: str, project: str) -> None:
    """Raise MissingCredential unless there is what lets requests in."""
    if vertexai:
        env.credential("GoogleLLM for Vertex AI", "project", project, PROJECT)
    else:
        env.credential("GoogleLLM", "api_key", key, *KEYS)


def secret_url(value: str) -> str:
    """*value* without its last slash: an address that a key may be sent to.

    Raises PatterConfigError unless it is https, or this machine.

    >>> secret_url("https://gateway.example.com/gemini/")
    'https://gateway.example.com/gemini'
    """
    parts = urlsplit(value)
    if not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)):
        raise PatterConfigError(
            f"base_url {value!r} is neither https nor on this machine",
            fix=f"leave base_url out, or write it like {BASE_URL}",
        )
    return value.rstrip("/")


def vertex_url(location: str) -> str:
    """The address of Vertex AI in *location*.

    >>> vertex_url("us-central1"), vertex_url("global")
    ('https://us-central1-aiplatform.googleapis.com', 'https://aiplatform.googleapis.com')
    >>> vertex_url("eu")
    'https://aiplatform.eu.rep.googleapis.com'
    """
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in _REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def host_of(base_url: str) -> str:
    """The host of *base_url*, for what is told of where words go."""
    return urlsplit(base_url).hostname or ""


def texts(value: str | Iterable[str]) -> tuple[str, ...]:
    """Several texts; written as one, they are separated by commas.

    >>> texts("STOP,END"), texts(""), texts(["a,b"])
    (('STOP', 'END'), (), ('a,b',))
    """
    if isinstance(value, str):
        return tuple(each for each in value.split(",") if each)
    return tuple(value)


def upper(value: str) -> str:
    """*value* in capitals, as the vendor's words are."""
    return value.upper()
