"""Cartesia's SDK: its client, and its types as checks of what is sent and of what has come."""

from __future__ import annotations

from typing import Any

import pydantic
from cartesia import AsyncCartesia
from cartesia.types import voice
from cartesia.types.generation_request_param import GenerationRequestParam
from cartesia.types.stt.auto_finalize_websocket_params import AutoFinalizeWebsocketParams
from cartesia.types.stt.manual_finalize_websocket_params import ManualFinalizeWebsocketParams
from cartesia.types.stt.stt_auto_finalize_websocket_request_param import (
    STTAutoFinalizeWebsocketRequestParam,
)
from cartesia.types.stt.stt_auto_finalize_websocket_response import (
    STTAutoFinalizeWebsocketResponse,
)
from cartesia.types.stt.stt_manual_finalize_websocket_request import (
    STTManualFinalizeWebsocketRequest,
)
from cartesia.types.stt.stt_manual_finalize_websocket_response import (
    STTManualFinalizeWebsocketResponse,
)
from cartesia.types.websocket_client_event_param import CancelContextRequest
from cartesia.types.websocket_response import WebsocketResponse

__all__ = [
    "AsyncCartesia",
    "AutoFinalizeWebsocketParams",
    "CancelContextRequest",
    "GenerationRequestParam",
    "ManualFinalizeWebsocketParams",
    "STTAutoFinalizeWebsocketRequestParam",
    "STTAutoFinalizeWebsocketResponse",
    "STTManualFinalizeWebsocketRequest",
    "STTManualFinalizeWebsocketResponse",
    "WebsocketResponse",
    "fits",
    "unknown_in",
    "voice",
]


def fits(kind: Any, value: Any) -> list[str]:
    """*value* as the SDK's *kind*: fields that it does not know. Raises for one that is wrong."""
    return unknown_in(pydantic.TypeAdapter(kind).validate_python(value))


def unknown_in(value: Any) -> list[str]:
    """Fields that no model has, wherever they are."""
    if isinstance(value, pydantic.BaseModel):
        fields = [getattr(value, name) for name in type(value).model_fields]
        return [
            *(value.model_extra or {}),
            *(each for field in fields for each in unknown_in(field)),
        ]
    if isinstance(value, list):
        return [each for item in value for each in unknown_in(item)]
    return []
