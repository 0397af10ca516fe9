"""Takes out of a text what a voice should not read: markdown marks, emoji.

Functions from one string to another, for `text_transforms` or for anything else. They have a
``stream`` too, which does the same to text that comes in pieces.
"""

from __future__ import annotations

from patter.text.emoji import EmojiStream
from patter.text.markdown import MarkdownStream
from patter.text.stream import StreamChain, whole, with_stream


def _for_tts() -> StreamChain:
    return StreamChain((MarkdownStream(), EmojiStream()))


@with_stream(MarkdownStream)
def filter_markdown(text: str) -> str:
    """Keep the words of a markdown text: labels of links, contents of code, no marks."""
    return whole(MarkdownStream(), text)


@with_stream(EmojiStream)
def filter_emoji(text: str) -> str:
    """Drop emoji, flags and keycaps, and the doubled spaces they leave."""
    return whole(EmojiStream(), text)


@with_stream(_for_tts)
def filter_for_tts(text: str) -> str:
    """Both: what is left is what can be read aloud."""
    return whole(_for_tts(), text)
