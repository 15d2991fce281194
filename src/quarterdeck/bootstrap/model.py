"""The model behind its port, joined late: importing the SDK takes over a second, so it happens in a thread.

The tools are joined late in the same way, in `workers`; nowhere else is anything imported inside a function.
"""

import asyncio
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.llm.requests import ModelRequest
from quarterdeck.llm.steps import Step, StreamEvent
from quarterdeck.runtime.threads import run_in_thread

if TYPE_CHECKING:
    from quarterdeck.llm.client import ModelClient


class Endpoint(msgspec.Struct, frozen=True):
    """How the model is reached. Never shown whole: it may hold a key."""

    api_key: str | None
    auth_token: str | None
    base_url: str | None

    @property
    def is_set(self) -> bool:
        """Whether there is anything to reach."""
        return bool(self.api_key or self.auth_token or self.base_url)

    def __repr__(self) -> str:
        return f"Endpoint(base_url={self.base_url!r}, key={'set' if self.api_key else 'none'})"


class LateModel:
    """A `ModelPort` whose client is made when it is first needed, or warmed up after the first paint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client: ModelClient | None = None
        self._making: asyncio.Lock | None = None
        self._aborted: set[RunId] = set()
        self.not_before: asyncio.Event | None = None
        """The screen's first paint: the import would hold it up."""

    async def warm_up(self) -> None:
        """Import the SDK and make the client; returns at once when that is done."""
        await self._ready()

    async def stream_step(self, request: ModelRequest, on_event: Callable[[StreamEvent], None]) -> Step:
        """One whole response. :raises ModelFault: anything else."""
        client = await self._ready()
        return await client.stream_step(request, on_event)

    def abort(self, run_id: RunId) -> int:
        """Close the run's streams and refuse what it still tries."""
        if self._client is not None:
            return self._client.abort(run_id)
        self._aborted.add(run_id)
        return 0

    async def list_models(self) -> tuple[str, ...]:
        """Model ids of the endpoint. :raises ModelFault: it did not say."""
        client = await self._ready()
        return await client.list_models()

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()

    async def _ready(self) -> "ModelClient":
        if self._client is not None:
            return self._client
        if self.not_before is not None:
            await self.not_before.wait()
        if self._making is None:
            self._making = asyncio.Lock()
        async with self._making:
            if self._client is None:
                module = await run_in_thread(_import_client, name="import the SDK")
                self._client = module(
                    api_key=self._endpoint.api_key,
                    auth_token=self._endpoint.auth_token,
                    base_url=self._endpoint.base_url,
                )
                for run_id in self._aborted:
                    self._client.abort(run_id)
                self._aborted.clear()
        return self._client


def _import_client() -> "type[ModelClient]":
    client: type[ModelClient] = importlib.import_module("quarterdeck.llm.client").ModelClient
    return client
