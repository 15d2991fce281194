"""Signatures of thinking blocks: made from the text, so that a changed block is known without memory."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any


def signature_of(thinking: str) -> str:
    """The only signature under which this text is accepted back."""
    return base64.b64encode(hashlib.sha512(b"scripted model" + thinking.encode()).digest()).decode()


def is_signed(block: Mapping[str, Any]) -> bool:
    """Whether a thinking block came from here and is unchanged."""
    thinking = block.get("thinking")
    return isinstance(thinking, str) and block.get("signature") == signature_of(thinking)
