"""What lets requests in, and where they go: with a key, or in a project of Google Cloud."""

from __future__ import annotations

from typing import Any

import attrs

from patter.env import credential

BASE_URL = "https://generativelanguage.googleapis.com"
KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
PROJECT = "GOOGLE_CLOUD_PROJECT"
_REGIONS = ("eu", "us")
"""Locations that are several regions, with addresses of their own."""

THRESHOLDS = (
    "BLOCK_NONE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_LOW_AND_ABOVE",
    "OFF",
)
_HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")


def gemini_key() -> Any:
    """The field that has the key: as given, else from the environment; Vertex AI needs none."""

    def read(value: str | None, owner: Any) -> str:
        if owner.vertexai:
            return value or ""
        return credential(type(owner).__name__, "api_key", value, *KEYS)

    converter = attrs.Converter(read, takes_self=True)
    return attrs.field(default=None, converter=converter, repr=False, metadata={"env": KEYS[0]})


def cloud_project() -> Any:
    """The field that has the project: as given, else from the environment, for Vertex AI alone."""

    def read(value: str | None, owner: Any) -> str:
        if not owner.vertexai:
            return value or ""
        return credential(type(owner).__name__, "project", value, PROJECT)

    return attrs.field(default=None, converter=attrs.Converter(read, takes_self=True))


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


def safety_settings(threshold: str | None) -> list[dict[str, str]]:
    """What is blocked of all harms: from *threshold* on; empty leaves that to the vendor."""
    harms = _HARMS if threshold else ()
    return [{"category": f"HARM_CATEGORY_{harm}", "threshold": threshold or ""} for harm in harms]
