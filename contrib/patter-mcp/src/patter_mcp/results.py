"""What a model reads of a tool's result: its texts, and of everything else that it was there."""

from __future__ import annotations

import json

import mcp_types as types


def text_of(result: types.CallToolResult) -> str:
    """The texts of *result*, a line each; the JSON beside them when there is no text."""
    texts = [_text(block) for block in result.content]
    if not texts and result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return "\n".join(texts)


def _text(block: types.ContentBlock) -> str:
    match block:
        case types.TextContent():
            return block.text
        case types.EmbeddedResource(resource=types.TextResourceContents() as resource):
            return resource.text
        case types.ResourceLink():
            return f"({block.title or block.name})"
        case types.ImageContent():
            return "(an image, which cannot be heard)"
        case types.AudioContent():
            return "(a recording, which cannot be heard here)"
    return "(something that is not text)"
