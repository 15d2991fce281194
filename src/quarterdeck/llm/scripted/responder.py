"""Who answers: a scenario, or a test in Python."""

from collections.abc import Mapping
from typing import Any, Protocol

from quarterdeck.llm.scripted.replies import Reply


class Responder(Protocol):
    """Chooses the reply to a request. Called on the event loop: it must not block."""

    def reply(self, request: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        """The reply to a valid `POST /v1/messages` body; header names are in lower case."""
        ...
