"""The language model port over streamed chat completions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

import aiohttp
import msgspec

from cordboard.call.actions import ActionPlan
from cordboard.call.expectation import Expectation
from cordboard.ports import ModelAction, ModelText, ProviderError, ReplyRequest
from cordboard.providers.language_models.openai_compatible.history import (
    chat_messages,
    estimated_tokens,
)
from cordboard.providers.language_models.openai_compatible.sse import BadEvents, EventReader
from cordboard.providers.language_models.openai_compatible.tools import tools_of
from cordboard.providers.language_models.openai_compatible.wire import (
    DONE,
    BadChunk,
    CallCollector,
    Chunk,
    SpokenText,
    failure_of,
    read_chunk,
)
from cordboard.providers.retry_after import retry_after_s

VENDOR_URL = "https://api.openai.com/v1"
_CONNECT_S = 3.0
_KEEP_ALIVE_S = 60.0
_NAMES_S = 60
_LAST_BYTES_S = 0.05
_FAILURE_BYTES = 4096
_MOST_CONNECTIONS = 1000
_SPARE_TOKENS = 50
# Models that reason take no temperature but their own.
_OWN_TEMPERATURE = re.compile(r"(?:o\d|gpt-5)")

Piece = ModelText | ModelAction
AccountKey = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """Where chat completions are and how they are asked for.

    ``model`` is used where the plan names none. ``context_tokens`` is how much the model reads
    and writes in one request. ``most_tokens`` bounds one reply. Replies that an organisation's own
    account pays for are asked for at ``account_url``, by ``account_model`` where the plan names
    none: its key goes nowhere else.
    """

    base_url: str = VENDOR_URL
    api_key: str = field(default="", repr=False)
    model: str = "gpt-4.1-mini"
    context_tokens: int = 16_384
    most_tokens: int = 256
    account_url: str = VENDOR_URL
    account_model: str = "gpt-4.1-mini"


@dataclass(frozen=True, slots=True)
class _Payer:
    """Where a reply is asked for, who pays, and the model where the plan names none."""

    url: str
    key: str = field(repr=False)
    model: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request."""
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        return {**headers, "Authorization": f"Bearer {self.key}"} if self.key else headers

    @property
    def most_tokens_field(self) -> str:
        """The vendor has renamed the field; its imitators know the old name best."""
        host = urlsplit(self.url).hostname or ""
        own = host == "openai.com" or host.endswith(".openai.com")
        return "max_completion_tokens" if own else "max_tokens"


class ChatModel:
    """Streams replies. Used as ``async with ChatModel(options) as model``.

    ``account_key`` finds the key of an organisation's own account by the plan's
    ``settings["account_connection_id"]``. Connections are kept open between replies.
    """

    def __init__(self, options: ChatOptions, account_key: AccountKey | None = None) -> None:
        self._options = options
        self._account_key = account_key
        self._ours = _Payer(options.base_url.rstrip("/"), options.api_key, options.model)
        self._http: aiohttp.ClientSession | None = None
        self._used_s = -_KEEP_ALIVE_S

    async def __aenter__(self) -> Self:
        """Connect nothing yet."""
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=_MOST_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE_S, ttl_dns_cache=_NAMES_S
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            headers={"User-Agent": "cordboard"},
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._http is not None:
            await self._http.close()

    async def warm(self) -> None:
        """Leave one open connection in the pool, unless there must be one. Raises
        ``ProviderError``.
        """
        if asyncio.get_running_loop().time() - self._used_s > _KEEP_ALIVE_S / 2:
            await self.check()

    async def check(self) -> None:
        """Ask for the list of models. Raises ``ProviderError``: it tells whether address and key
        are right.
        """
        with _failures():
            request = self._session.get(f"{self._ours.url}/models", headers=self._ours.headers)
            async with request as answer:
                await answer.read()
                if answer.status != 200:
                    failure, retryable = failure_of(answer.status)
                    raise ProviderError(failure, retryable=retryable)
                self._used_s = asyncio.get_running_loop().time()

    def expectation(self, actions: Sequence[ActionPlan]) -> Expectation | None:
        """Return None: what a caller says first cannot be known."""
        return None

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """Stream a reply, text as it comes, then the actions asked for.

        Where the plan names a fallback model, that is asked when the first is not known or over
        its quota. Raises ``ProviderError``; closing the iterator closes the connection.
        """
        payer = await self._payer(request.plan.settings)
        models = [request.plan.model or payer.model, *_fallback(request.plan.settings)]
        for number, model in enumerate(models):
            try:
                body = self._body(request, model, payer)
                async with (
                    self._asked(body, payer) as answer,
                    aclosing(_pieces(answer)) as pieces,
                ):
                    async for piece in pieces:
                        yield piece
            except _NotServed as refused:
                if number + 1 == len(models):
                    raise refused.error from None
            else:
                return

    @asynccontextmanager
    async def _asked(self, body: bytes, payer: _Payer) -> AsyncIterator[aiohttp.ClientResponse]:
        url = f"{payer.url}/chat/completions"
        with _failures():
            async with self._session.post(url, data=body, headers=payer.headers) as answer:
                await _check(answer)
                self._used_s = asyncio.get_running_loop().time()
                yield answer

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._http is None or self._http.closed:
            raise ProviderError("unavailable")
        return self._http

    async def _payer(self, settings: Mapping[str, object]) -> _Payer:
        connection = settings.get("account_connection_id")
        if self._account_key is None or not isinstance(connection, str):
            return self._ours
        key = await self._account_key(connection)
        if key is None:
            raise ProviderError("bad_credentials")
        options = self._options
        return _Payer(options.account_url.rstrip("/"), key, options.account_model)

    def _body(self, request: ReplyRequest, model: str, payer: _Payer) -> bytes:
        options = self._options
        tools = tools_of(request.actions)
        room = options.context_tokens - options.most_tokens - _SPARE_TOKENS
        body: dict[str, Any] = {
            "model": model,
            "stream": True,
            "messages": chat_messages(request, room - estimated_tokens(tools)),
            payer.most_tokens_field: options.most_tokens,
        }
        if not _OWN_TEMPERATURE.match(model):
            body["temperature"] = request.plan.temperature
        if tools:
            body["tools"] = tools
        return msgspec.json.encode(body)


class _NotServed(Exception):
    """This model cannot be had now, another one may."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(error.failure)
        self.error = error


def _fallback(settings: Mapping[str, object]) -> list[str]:
    fallback = settings.get("fallback")
    if not isinstance(fallback, Mapping) or fallback.get("provider") != "openai":
        return []
    name = cast("Mapping[str, object]", fallback).get("model_name")
    return [name] if isinstance(name, str) and name else []


async def _check(answer: aiohttp.ClientResponse) -> None:
    if answer.status == 200:
        return
    body = await answer.content.read(_FAILURE_BYTES)
    failure, retryable = failure_of(answer.status, body)
    error = ProviderError(failure, retryable=retryable, retry_after_s=retry_after_s(answer.headers))
    if answer.status in (404, 429):
        raise _NotServed(error)
    raise error


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncGenerator[Piece, None]:
    """Read the stream to its end. Raises ``ProviderError`` where it breaks off before."""
    reader = EventReader()
    answered = _Answered()
    async for data in answer.content.iter_any():
        for event in reader.push(data):
            for piece in answered.take(event):
                yield piece
            if answered.finished:
                await _read_rest(answer)
                return
    raise ProviderError("unavailable", retryable=True)


async def _read_rest(answer: aiohttp.ClientResponse) -> None:
    """Read the end of the body, so that the connection lives on. The reply does not wait for it
    longer than nobody notices.
    """
    try:
        async with asyncio.timeout(_LAST_BYTES_S):
            await answer.content.readany()
            while not answer.content.at_eof():
                await answer.content.readany()
    except (TimeoutError, aiohttp.ClientError):
        answer.close()


class _Answered:
    """How far an answer has come; ``finished`` once the model has said all."""

    def __init__(self) -> None:
        self.finished = False
        self._calls = CallCollector()
        self._text = SpokenText()

    def take(self, event: bytes) -> Iterator[Piece]:
        """Return what one event adds. Raises ``ProviderError`` or ``BadChunk``."""
        if event == DONE:
            self.finished = True
            yield from self._asked()
            return
        chunk = read_chunk(event)
        if chunk.error is not None:
            raise ProviderError("unavailable", retryable=True)
        yield from self._add(chunk)

    def _add(self, chunk: Chunk) -> Iterator[Piece]:
        for choice in (chunk.choices or ())[:1]:
            delta = choice.delta
            if delta is not None and delta.content:
                yield from _said(self._text.push(delta.content))
            if delta is not None and delta.tool_calls:
                self._calls.push(delta.tool_calls)
            if choice.finish_reason:
                self.finished = True
                yield from self._asked()

    def _asked(self) -> Iterator[Piece]:
        yield from _said(self._text.finish())
        for name, arguments in self._calls.take():
            yield ModelAction(name, arguments)


def _said(text: str) -> Iterator[Piece]:
    if text:
        yield ModelText(text)


class _failures:  # noqa: N801 -- reads as a statement
    """``with _failures():`` turns what aiohttp and the parsers raise into ``ProviderError``."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, (BadChunk, BadEvents)):
            raise ProviderError("bad_answer", retryable=True) from None
        if isinstance(error, TimeoutError):
            raise ProviderError("timeout", retryable=True) from None
        if isinstance(error, (aiohttp.ClientError, OSError)):
            raise ProviderError("unavailable", retryable=True) from None
