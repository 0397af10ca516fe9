"""Moderation of the double: a text is flagged for the words it was told to mind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from patter_testing.doubles.api_answers import body_of, check_model
from patter_testing.doubles.api_refusal import Refusal, check_fields
from patter_testing.doubles.chat_turn import new_id

if TYPE_CHECKING:
    from patter_openai.double.vendor import OpenAIVendor

CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
_ALSO_IMAGES = ("self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "violence")


@attrs.frozen
class Moderations:
    """``/v1/moderations``."""

    double: OpenAIVendor

    def routes(self) -> Iterable[web.RouteDef]:
        """Its path."""
        yield web.post("/v1/moderations", self.moderate)

    async def moderate(self, request: web.Request) -> web.Response:
        """Judge one text, or several."""
        double = self.double
        body = await body_of(double, request)
        check_fields(body, ("input", "model"), ("input",))
        model = body.get("model", "omni-moderation-latest")
        check_model(double, model)
        content = body["input"]
        texts = [content] if isinstance(content, str) else content
        if not all(isinstance(text, str) for text in texts):
            raise Refusal("this double judges text alone", param="input")
        await double.latency.wait()
        await double.stall_or_pass()
        results = [self._judged(text) for text in texts]
        return web.json_response({"id": new_id("modr"), "model": model, "results": results})

    def _judged(self, text: str) -> dict[str, Any]:
        categories = {
            category
            for word, category in self.double.flags.items()
            if word.casefold() in text.casefold()
        }
        return {
            "flagged": bool(categories),
            "categories": {each: each in categories for each in CATEGORIES},
            "category_scores": {
                each: 0.97 if each in categories else 0.0001 for each in CATEGORIES
            },
            "category_applied_input_types": {each: _inputs(each) for each in CATEGORIES},
        }


def _inputs(category: str) -> list[str]:
    return ["text", "image"] if category.removesuffix("/graphic") in _ALSO_IMAGES else ["text"]
