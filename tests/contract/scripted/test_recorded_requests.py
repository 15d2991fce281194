"""Requests that the real API answered are taken here too, the signatures of its own thinking aside."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.llm.scripted.cache import prompt_tokens
from quarterdeck.llm.scripted.refusals import refusal_of

_SHARED = Path(os.environ.get("QUARTERDECK_SHARED", Path(__file__).parents[4] / "shared"))
_RECORDED = _SHARED / "data" / "anthropic_recorded" / "sse"
_ANSWERED = sorted(
    file
    for file in _RECORDED.rglob("*.request.json")
    if file.with_name(file.name.replace(".request.json", ".sse")).exists()
)


def body_of(file: Path) -> dict[str, Any]:
    """The request's body; some recordings keep it inside the whole HTTP request."""
    kept: dict[str, Any] = json.loads(file.read_text("utf-8"))
    body: dict[str, Any] = kept.get("body", kept)
    return body


@pytest.mark.skipif(not _ANSWERED, reason="the recorded traffic is not here (QUARTERDECK_SHARED)")
@pytest.mark.parametrize("file", _ANSWERED, ids=lambda file: file.name)
def test_what_the_real_api_answered_is_not_refused(file: Path) -> None:
    body = body_of(file)
    refusal = refusal_of(body)
    assert refusal is None or "Invalid `signature` in `thinking` block" in refusal.message
    assert prompt_tokens(body) > 0
