"""The HTTP transport under the SDK's client, on aiohttp: each stream's socket can be closed from outside.

Never decides about retries; knows no provider.
"""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from functools import cache
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
from aiohttp.tracing import Trace

MAX_CONNECTIONS: Final = 10_000
"""Beyond the pool's limit streams wait silently, so it lies above any team's size."""

MAX_ERROR_BYTES: Final = 1024 * 1024
CONNECT_S: Final = 30.0
RESPONSE: Final = "quarterdeck_response"
"""Key of the `aiohttp.ClientResponse` in `httpx2.Response.extensions`."""


class Line:
    """One exchange with the provider, from before it connects until its response is closed.

    `cut` works from outside and at once, whatever its coroutine does.
    """

    __slots__ = ("_transport", "cut_reason")

    def __init__(self) -> None:
        self.cut_reason = ""
        self._transport: asyncio.Transport | None = None

    def attach(self, connection: aiohttp.connector.Connection) -> None:
        """Take the connection that this exchange runs over.

        :raises aiohttp.ClientConnectionError: the line was cut before it was connected.
        """
        if self.cut_reason:
            connection.close()
            raise aiohttp.ClientConnectionError(self.cut_reason)
        self._transport = connection.transport
        # The pool may give the connection to another exchange then; a late cut must not hit that one.
        connection.add_callback(self._detach)

    def cut(self, reason: str) -> None:
        """Close the socket without flushing; the waiting read or write fails with a connection error."""
        self.cut_reason = self.cut_reason or reason
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def _detach(self) -> None:
        self._transport = None


CURRENT_LINE: Final[ContextVar[Line | None]] = ContextVar("CURRENT_LINE", default=None)


class LineConnector(aiohttp.TCPConnector):
    """A pool that tells the exchange in whose context it connects which socket it got."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        line = CURRENT_LINE.get()
        if line is not None:
            line.attach(connection)
        return connection


class LineTransport(httpx2.AsyncBaseTransport):
    """`httpx2` requests over an aiohttp session; errors come out as `httpx2.TransportError`."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self._open_session().request(
                request.method,
                str(request.url),
                headers=request.headers,
                data=request.content or None,
                proxy=proxy_for(request.url.scheme, request.url.host),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_connect=CONNECT_S),
            )
        except (aiohttp.ClientError, OSError, ValueError) as e:
            raise httpx2.ConnectError(str(e) or type(e).__name__, request=request) from e
        return httpx2.Response(
            status_code=response.status,
            headers=response.raw_headers,
            stream=_ResponseBytes(response),
            request=request,
            extensions={"http_version": b"HTTP/1.1", RESPONSE: response},
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        # Made on first use: a session belongs to the running loop.
        if self._session is None:
            connector = LineConnector(limit=MAX_CONNECTIONS, ssl=httpx2.create_ssl_context())
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                # Else aiohttp reads ~/.netrc in a thread for each request, and what it finds
                # there collides with the key.
                trust_env=False,
            )
        return self._session


@cache
def proxy_for(scheme: str, host: str) -> str | None:
    """The proxy that the environment (`HTTPS_PROXY`, `NO_PROXY`, …) sets for a host; asked once."""
    if proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(scheme) or proxies.get("all")


class _ResponseBytes(httpx2.AsyncByteStream):
    """The undecoded body. That of an error is cut at `MAX_ERROR_BYTES`: nobody reads more of it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        try:
            async for chunk in self._response.content.iter_any():
                taken += len(chunk)
                yield chunk
                if self._response.status >= 300 and taken > MAX_ERROR_BYTES:
                    return
        except (aiohttp.ClientError, OSError) as e:
            raise httpx2.ReadError(str(e) or type(e).__name__) from e

    async def aclose(self) -> None:
        self._response.release()


def aiohttp_response(response: httpx2.Response) -> aiohttp.ClientResponse:
    """The aiohttp response under one that came over `LineTransport`."""
    raw: Any = response.extensions[RESPONSE]
    assert isinstance(raw, aiohttp.ClientResponse)
    return raw
