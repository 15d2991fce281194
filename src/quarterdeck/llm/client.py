"""Streaming steps from the Messages API through the anthropic SDK. The only importer of `anthropic`.

Never retries, never keeps a history, raises `ModelFault` only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Final

import anthropic
import httpx2

from quarterdeck.domain.ids import RunId
from quarterdeck.llm.deadline import ContentDeadline
from quarterdeck.llm.fault_words import body_line, fault_line, one_line
from quarterdeck.llm.faults import FaultKind, ModelFault, classify, read_error_body, retry_after_seconds
from quarterdeck.llm.fold import StepFold, is_whole
from quarterdeck.llm.models_list import model_ids
from quarterdeck.llm.requests import ModelRequest, encode_body, with_breakpoints
from quarterdeck.llm.sse import EventTooLarge, ServerEvent, SseDecoder
from quarterdeck.llm.steps import Step, StreamEvent, StreamOpened
from quarterdeck.llm.transport import CURRENT_LINE, Line, LineTransport, aiohttp_response

RUN_HEADER: Final = "x-quarterdeck-run"
MESSAGES_PATH: Final = "/v1/messages"
MODELS_PATH: Final = "/v1/models?limit=1000"
TAIL_S: Final = 0.25
"""How long the connection's end is waited for after the message's end, to keep the connection."""

_NO_KEY = "There is no key. Set ANTHROPIC_API_KEY, then r revives it."
_ABORTED = "aborted"
_STALLED = "stalled"
_OVER = "over"
_PLACEHOLDER = "none"
_STREAM_HEADERS: Final = {
    "accept": "text/event-stream",
    "accept-encoding": "identity",
    "X-Stainless-Raw-Response": "stream",
}

Read = Callable[[], Awaitable[bytes]]


class ModelClient:
    """One endpoint and key: shared by every run that uses them. Must be used in one event loop."""

    def __init__(
        self,
        *,
        api_key: str | None,
        auth_token: str | None,
        base_url: str | None,
        first_event_s: float = 180,
        content_event_s: float = 60,
    ) -> None:
        self._api_key = api_key
        self._auth_token = auth_token
        self._base_url = base_url
        self._first_event_s = first_event_s
        self._content_event_s = content_event_s
        self._sdk: anthropic.AsyncAnthropic | None = None
        self._lines: dict[RunId, set[Line]] = {}
        self._refused: set[RunId] = set()

    async def stream_step(self, request: ModelRequest, on_event: Callable[[StreamEvent], None]) -> Step:
        """One request, its answer streamed to `on_event`, and the whole step at its end.

        :raises ModelFault: whatever went wrong, here or upstream.
        """
        if request.run_id in self._refused:
            raise _fault(FaultKind.aborted)
        line = Line()
        open_lines = self._lines.setdefault(request.run_id, set())
        open_lines.add(line)
        try:
            with _watched(line, self._first_event_s) as deadline:
                return await self._exchange(request, on_event, line, deadline)
        finally:
            open_lines.discard(line)
            if not open_lines and self._lines.get(request.run_id) is open_lines:
                del self._lines[request.run_id]

    def abort(self, run_id: RunId) -> int:
        """Close a run's open streams at once and refuse it for ever; how many streams were open."""
        self._refused.add(run_id)
        lines = self._lines.pop(run_id, set())
        for line in lines:
            line.cut(_ABORTED)
        return len(lines)

    async def list_models(self) -> tuple[str, ...]:
        """The ids of the models that the endpoint offers, in its order.

        :raises ModelFault: whatever went wrong.
        """
        with _watched(Line(), self._content_event_s):
            try:
                response = await self._open_sdk().get(MODELS_PATH, cast_to=httpx2.Response)
            except ModelFault:
                raise
            except Exception as e:
                raise _as_fault(e) from e
            return model_ids(response.content)

    async def close(self) -> None:
        """Close all connections; open streams end with a fault."""
        for lines in list(self._lines.values()):
            for line in lines:
                line.cut(_ABORTED)
        if self._sdk is not None:
            await self._sdk.close()

    def __repr__(self) -> str:
        return f"ModelClient(base_url={one_line(self._base_url or 'default')})"

    def _open_sdk(self) -> anthropic.AsyncAnthropic:
        if self._sdk is not None:
            return self._sdk
        token = self._auth_token
        if not self._api_key and not token:
            if self._base_url is None:
                raise ModelFault(FaultKind.authentication, _NO_KEY)
            # A local server asks for no key; without one the SDK would look for others by itself.
            token = _PLACEHOLDER
        # No redirects: they would carry the key and the conversation to another host.
        http = anthropic.DefaultAioHttpClient(
            transport=LineTransport(), trust_env=False, follow_redirects=False
        )
        self._sdk = anthropic.AsyncAnthropic(
            api_key=self._api_key or None,
            auth_token=None if self._api_key else token,
            base_url=self._base_url,
            max_retries=0,
            http_client=http,
        )
        return self._sdk

    async def _exchange(
        self,
        request: ModelRequest,
        on_event: Callable[[StreamEvent], None],
        line: Line,
        deadline: ContentDeadline,
    ) -> Step:
        response = await self._post(request)
        try:
            on_event(StreamOpened())
            return await self._read_step(response, StepFold(on_event), line, deadline)
        except ModelFault as fault:
            fault.request_id = fault.request_id or response.headers.get("request-id", "")
            raise
        finally:
            await response.aclose()

    async def _post(self, request: ModelRequest) -> httpx2.Response:
        # A raw post: the typed call would walk the whole history and build a model object per event.
        body = encode_body(with_breakpoints(request))
        headers = {RUN_HEADER: request.run_id, **_STREAM_HEADERS}
        try:
            return await self._open_sdk().post(
                MESSAGES_PATH, cast_to=httpx2.Response, content=body, options={"headers": headers}
            )
        except ModelFault:
            raise
        except Exception as e:
            raise _as_fault(e) from e

    async def _read_step(
        self, response: httpx2.Response, fold: StepFold, line: Line, deadline: ContentDeadline
    ) -> Step:
        read = _reader(response)
        decoder = SseDecoder()
        seen = False
        while not fold.ended:
            try:
                chunk = await read()
            except Exception as e:
                raise _as_fault(e) from e
            for name, payload in _decode(decoder, chunk):
                seen = True
                if fold.take(name, payload):
                    deadline.touch(self._first_event_s if fold.waits_long else self._content_event_s)
                if line.cut_reason:
                    raise _fault(FaultKind.connection)
            if not chunk:
                break
        if not seen and not fold.ended:
            _check_is_stream(response)
        step = fold.finish()
        deadline.stop()
        await _read_tail(read, line)
        return step


@contextmanager
def _watched(line: Line, limit_s: float) -> Iterator[ContentDeadline]:
    """Run one exchange over `line`; when we cut it ourselves, the fault says so, whatever broke first."""
    deadline = ContentDeadline(partial(line.cut, _STALLED), limit_s)
    token = CURRENT_LINE.set(line)
    try:
        yield deadline
    except ModelFault as fault:
        if line.cut_reason == _ABORTED:
            raise _fault(FaultKind.aborted) from fault
        if line.cut_reason == _STALLED:
            raise _fault(FaultKind.stalled, words=f"for {deadline.limit_s:g} s") from fault
        raise
    finally:
        CURRENT_LINE.reset(token)
        deadline.stop()
        line.cut(_OVER)


def _reader(response: httpx2.Response) -> Read:
    """What gives the body's next bytes, and `b""` at its end."""
    if response.headers.get("content-encoding", "identity") == "identity":
        # Straight from the socket's buffer: each layer between costs as much as decoding an event.
        return aiohttp_response(response).content.readany
    chunks = aiter(response.aiter_bytes())

    async def read() -> bytes:
        return await anext(chunks, b"")

    return read


def _decode(decoder: SseDecoder, chunk: bytes) -> list[ServerEvent]:
    try:
        # At the stream's end: what was cut in the middle of an event never came, so the answer is not whole.
        return decoder.feed(chunk) if chunk else [event for event in decoder.flush() if is_whole(event[1])]
    except EventTooLarge as e:
        raise _fault(FaultKind.malformed, words=str(e)) from e


async def _read_tail(read: Read, line: Line) -> None:
    """Let the body end, so that the connection can be used again; the step is whole with or without it."""
    timer = asyncio.get_running_loop().call_later(TAIL_S, line.cut, _OVER)
    try:
        with suppress(Exception):
            while await read():
                continue
    finally:
        timer.cancel()


def _check_is_stream(response: httpx2.Response) -> None:
    kind = str(response.headers.get("content-type", ""))
    if not kind.startswith("text/event-stream"):
        raise _fault(FaultKind.malformed, words=kind or "no content type")


def _as_fault(error: Exception) -> ModelFault:
    """What anything that came out of the SDK, the transport or a decoder means."""
    match error:
        case anthropic.APIStatusError():
            return _status_fault(error)
        case anthropic.APIConnectionError():
            return _fault(FaultKind.connection, words=str(error.__cause__ or error))
        case httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return _fault(FaultKind.connection, words=str(error))
        case httpx2.DecodingError() | anthropic.APIResponseValidationError() | ValueError():
            return _fault(FaultKind.malformed, words=str(error))
    return _fault(FaultKind.connection, words=str(error) or type(error).__name__)


def _status_fault(error: anthropic.APIStatusError) -> ModelFault:
    body = read_error_body(error.body)
    kind = classify(error.status_code, body)
    return ModelFault(
        kind,
        body_line(kind, error.status_code, body),
        status=error.status_code,
        retry_after_s=retry_after_seconds(error.response.headers, datetime.now(UTC)),
        request_id=error.request_id or body.request_id,
    )


def _fault(kind: FaultKind, *, words: str = "") -> ModelFault:
    return ModelFault(kind, fault_line(kind, words=words))
