"""What OpenAI's refusals mean: of a request, in the middle of a stream, and on a socket."""

from __future__ import annotations

from patter.vendors.error_bodies import error_in, refused, reported, words
from patter.vendors.errors import VendorErrors

__all__ = ["ERRORS", "error_in", "refused", "reported", "words"]

ERRORS = VendorErrors("OpenAI", "OPENAI_API_KEY", "status.openai.com")
