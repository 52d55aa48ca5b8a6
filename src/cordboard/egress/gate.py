"""The one gate through which every connection to a tenant-chosen target goes.

The name is resolved once, all its answers are judged, and only judged addresses are handed to the
connector; the socket factory judges again what is really connected to, so there is no gap between
the check and the use. No redirects, no proxies from the environment, no cookies.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from cordboard.egress.addresses import permitted_text
from cordboard.egress.errors import BadAnswer, EgressError, TimedOut, TooLarge, Unreachable
from cordboard.egress.targets import EgressPolicy, check_answers, parse_target
from cordboard.egress.watch import watched
from cordboard.egress.web_socket import EgressSocket, connected

BODY_BYTES_MAX: Final = 64 * 1024
_CONNECT_SECONDS: Final = 3.0
# Less than what the usual servers keep an idle connection for.
_IDLE_SECONDS: Final = 4.0
_FAILURE_BODY_SECONDS: Final = 0.5
_FAILURE_BODY_BYTES: Final = 1024
_LOOKUPS_MAX: Final = 32
_CONNECTIONS_MAX: Final = 1000
_CONNECTIONS_PER_TARGET_MAX: Final = 200
_AddrInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]


class NameResolver(Protocol):
    """Finds the addresses of a host name."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return all addresses as text; raises OSError when the name is unknown."""
        ...

    async def close(self) -> None:
        """Release what it holds."""
        ...


class SystemResolver:
    """Asks the operating system, which knows hosts files and search domains.

    It has threads of its own: a tenant's name server that never answers holds up other tenants'
    targets at worst, not the files and databases that the loop's common threads serve.
    """

    def __init__(self) -> None:
        """Start no thread yet."""
        self._threads = ThreadPoolExecutor(_LOOKUPS_MAX, thread_name_prefix="egress-names")

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return all addresses as text, in the system's order of preference."""
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    async def close(self) -> None:
        """Forget the lookups that wait; those under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class EgressAnswer:
    """What a target answered; header names are lower case, ``body`` is decoded.

    Of an answer that is no success the body is cut short: the status is what counts.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Egress:
    """Sends requests to tenants' targets under one policy; made inside a running loop.

    ``resolver`` and ``tls`` (trust for https) are for tests and unusual installations.

    ``reuse`` keeps connections open for the next request to the same target. One that dies in that
    moment takes its request with it, which is not sent twice: for requests where speed counts more.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        resolver: NameResolver | None = None,
        tls: ssl.SSLContext | None = None,
        *,
        reuse: bool = False,
    ) -> None:
        """Connect nothing yet."""
        self._policy = policy
        connector = aiohttp.TCPConnector(
            resolver=_JudgingResolver(policy, resolver or SystemResolver()),
            use_dns_cache=False,
            socket_factory=_judging_sockets(policy),
            force_close=not reuse,
            keepalive_timeout=_IDLE_SECONDS if reuse else None,
            limit=_CONNECTIONS_MAX,
            limit_per_host=_CONNECTIONS_PER_TARGET_MAX,
            ssl=tls if tls is not None else True,
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            headers={"User-Agent": "cordboard", "Accept-Encoding": "gzip"},
            trace_configs=[watched()],
        )

    async def close(self) -> None:
        """Close what is open; the gate cannot be used afterwards."""
        await self._http.close()

    def check(self, url: str, field: str = "url") -> None:
        """Judge a target as far as its text tells; raises TargetRefused."""
        parse_target(url, self._policy, field)

    async def post_json(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        total_ms: int = 10_000,
        max_bytes: int = BODY_BYTES_MAX,
        sent: Callable[[], None] | None = None,
    ) -> EgressAnswer:
        """POST ``body`` as JSON and return the answer, whatever its status.

        ``total_ms`` bounds everything from the name to the last byte. A redirect is an answer like
        any other. A success whose decoded body exceeds ``max_bytes`` is an error. ``sent`` is
        called when the request is on its way.

        Raises:
            EgressError: one of its kinds; nothing else but cancellation.

        """
        read = partial(_read, max_bytes)
        told = {"Content-Type": "application/json", **headers}
        return await self._exchange("POST", url, body, told, total_ms, read, sent)

    async def open_socket(
        self, url: str, headers: Mapping[str, str], total_ms: int, max_bytes: int
    ) -> EgressSocket:
        """Open a WebSocket, within ``total_ms``; messages are of ``max_bytes`` at most.

        A target that does not accept is ``BadAnswer`` with the status; a redirect is not followed.

        Raises:
            EgressError: one of its kinds; nothing else but cancellation.

        """
        target = parse_target(url, self._policy)
        with _as_egress_errors():
            async with asyncio.timeout(total_ms / 1000):
                return await connected(self._http, target.url, headers, max_bytes)

    async def get_json(
        self, url: str, total_ms: int, max_bytes: int = BODY_BYTES_MAX
    ) -> EgressAnswer:
        """GET a JSON document; bounds and errors are those of ``post_json``."""
        headers = {"Accept": "application/json"}
        return await self._exchange("GET", url, b"", headers, total_ms, partial(_read, max_bytes))

    async def send(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], total_ms: int
    ) -> EgressAnswer:
        """Send a request whose answer counts by its status; its body is cut to a few kibibytes.

        A ``body`` goes out as JSON. Deadline and redirects are as of ``post_json``.

        Raises:
            EgressError: one of its kinds; nothing else but cancellation.

        """
        sent = {"Content-Type": "application/json", **headers} if body else dict(headers)
        return await self._exchange(method, url, body, sent, total_ms, _glanced)

    async def _exchange(
        self,
        method: str,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        total_ms: int,
        read: Callable[[aiohttp.ClientResponse], Awaitable[EgressAnswer]],
        sent: Callable[[], None] | None = None,
    ) -> EgressAnswer:
        target = parse_target(url, self._policy)
        with _as_egress_errors():
            async with asyncio.timeout(total_ms / 1000):
                async with self._http.request(
                    method,
                    target.url,
                    data=body or None,
                    headers=headers,
                    allow_redirects=False,
                    trace_request_ctx=sent,
                ) as response:
                    answer: EgressAnswer = await read(response)
        return answer


@contextmanager
def _as_egress_errors() -> Iterator[None]:
    try:
        yield
    except EgressError:
        raise
    except TimeoutError:
        raise TimedOut("the target did not answer in time") from None
    except aiohttp.WSServerHandshakeError as error:
        raise BadAnswer(f"the target answered with status {error.status}") from None
    except (aiohttp.ClientConnectionError, OSError) as error:
        raise _lost(error) from None
    except (aiohttp.ClientError, ValueError):
        raise BadAnswer("the answer is not valid HTTP") from None


def _lost(error: Exception) -> EgressError:
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientConnectorDNSError):
        return Unreachable("the target could not be reached")
    # The request may have been carried out, so this is another thing than not reaching anybody.
    return BadAnswer("the connection broke before the answer was complete")


async def _glanced(answer: aiohttp.ClientResponse) -> EgressAnswer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    try:
        return EgressAnswer(answer.status, headers, await _beginning(answer))
    finally:
        answer.close()


async def _read(max_bytes: int, answer: aiohttp.ClientResponse) -> EgressAnswer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    try:
        if 200 <= answer.status <= 299:
            return EgressAnswer(answer.status, headers, await _whole(answer, max_bytes))
        return EgressAnswer(answer.status, headers, await _beginning(answer))
    finally:
        # Where nothing is left to be read the connection may serve another request.
        if not answer.content.at_eof():
            answer.close()


async def _whole(answer: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    decoder = _decoder(answer)
    parts = bytearray()
    async for chunk in answer.content.iter_any():
        parts += decoder.decode(chunk, max_bytes + 1 - len(parts))
        if len(parts) > max_bytes:
            raise TooLarge("the answer is too large")
    if not decoder.complete:
        raise BadAnswer("the answer's compression is broken")
    return bytes(parts)


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    parts = bytearray()
    try:
        async with asyncio.timeout(_FAILURE_BODY_SECONDS):
            decoder = _decoder(answer)
            async for chunk in answer.content.iter_any():
                parts += decoder.decode(chunk, _FAILURE_BODY_BYTES - len(parts))
                if len(parts) >= _FAILURE_BODY_BYTES:
                    break
    except (TimeoutError, EgressError, aiohttp.ClientError, OSError):
        pass  # the status has come, which is all that is needed of a failure
    return bytes(parts)


class _Identity:
    complete = True

    def decode(self, chunk: bytes, limit: int) -> bytes:
        return chunk[:limit]


class _Gzip:
    """Unpacks one gzip member (RFC 1952) and never more of it than is wanted."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._begun = False

    @property
    def complete(self) -> bool:
        return self._inflate.eof or not self._begun

    def decode(self, chunk: bytes, limit: int) -> bytes:
        self._begun = True
        if self._inflate.eof:  # bytes after the end would only be collected
            raise BadAnswer("the answer goes on after its compressed end")
        try:
            return self._inflate.decompress(self._inflate.unconsumed_tail + chunk, limit)
        except zlib.error:
            raise BadAnswer("the answer's compression is broken") from None


def _decoder(answer: aiohttp.ClientResponse) -> _Identity | _Gzip:
    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _Identity()
    if encoding in ("gzip", "x-gzip"):
        return _Gzip()
    raise BadAnswer("the answer is compressed in a way that was not asked for")


class _JudgingResolver(AbstractResolver):
    """Resolves once and refuses a name of which any answer is not permitted."""

    def __init__(self, policy: EgressPolicy, names: NameResolver) -> None:
        self._policy = policy
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            answers = await self._names.resolve(host, port)
        except (OSError, UnicodeError):
            raise Unreachable("the target's name is not known") from None
        if not answers:
            raise Unreachable("the target's name is not known")
        check_answers(answers, self._policy)
        return [_result(host, address, port) for address in answers]

    async def close(self) -> None:
        await self._names.close()


def _result(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )


def _judging_sockets(policy: EgressPolicy) -> Callable[[_AddrInfo], socket.socket]:
    def make(info: _AddrInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not permitted_text(str(address[0]), policy.open_networks):
            raise PermissionError("the address is not permitted")
        return socket.socket(family, kind, protocol)

    return make
