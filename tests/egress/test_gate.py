"""The gate against scripted names and hostile targets on loopback."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest

from cordboard.egress import (
    BadAnswer,
    Egress,
    EgressAnswer,
    EgressError,
    EgressPolicy,
    NameResolver,
    TargetRefused,
    TimedOut,
    TooLarge,
    Unreachable,
)
from tests.egress.vectors import BAD_ANSWERS, REFUSED

LOOPBACK = EgressPolicy(open_networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")))
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class ScriptedNames:
    """Answers each lookup with the next scripted answer, the last one for ever."""

    def __init__(self, *answers: Iterable[str]) -> None:
        """Take the answers in order."""
        self._answers = [list(answer) for answer in answers]
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> list[str]:
        """Answer and remember the question."""
        self.asked.append(host)
        return self._answers[min(len(self.asked), len(self._answers)) - 1]

    async def close(self) -> None:
        """Hold nothing."""


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """Run a target on loopback and give its port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def answering(head: str, body: bytes = b"") -> Serve:
    """Return a target that sends this head and body and closes."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return serve


@asynccontextmanager
async def gate(
    policy: EgressPolicy = LOOPBACK, names: NameResolver | None = None
) -> AsyncIterator[Egress]:
    """Open a gate and close it."""
    egress = Egress(policy, names)
    try:
        yield egress
    finally:
        await egress.close()


async def post(
    port: int, *, total_ms: int = 5000, max_bytes: int = 65536, host: str = "127.0.0.1"
) -> EgressAnswer:
    """Send one request through a gate that may reach loopback."""
    async with gate() as egress:
        url = f"http://{host}:{port}/hook"
        return await egress.post_json(url, b"{}", {}, total_ms=total_ms, max_bytes=max_bytes)


@asynccontextmanager
async def canary() -> AsyncIterator[tuple[int, list[object]]]:
    """Listen on every local IPv4 address and remember each connection."""
    seen: list[object] = []

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(handle, "0.0.0.0", 0)
    try:
        yield server.sockets[0].getsockname()[1], seen
        await asyncio.sleep(0.05)
    finally:
        server.close()


async def test_no_bad_target_is_ever_connected_to() -> None:
    """No spelling of the list opens a single connection to the canary."""
    assert len(REFUSED) >= 80
    async with canary() as (port, seen), gate(EgressPolicy()) as egress:
        for url in REFUSED:
            with pytest.raises(TargetRefused):
                await egress.post_json(url.format(port=port), b"{}", {})
        await asyncio.sleep(0.05)
        assert seen == []


async def test_the_canary_sings() -> None:
    """The canary does notice a connection, so its silence elsewhere means something."""
    async with canary() as (port, seen), gate() as egress:
        with pytest.raises(EgressError):
            await egress.post_json(f"http://127.0.0.1:{port}/", b"{}", {})
        assert len(seen) == 1


@pytest.mark.parametrize("answers", BAD_ANSWERS)
async def test_one_bad_answer_refuses_the_name(answers: tuple[str, ...]) -> None:
    """A name of which any address is bad is refused as a whole, and the address is not told."""
    async with canary() as (port, seen), gate(EgressPolicy(), ScriptedNames(answers)) as egress:
        with pytest.raises(TargetRefused) as refusal:
            await egress.post_json(f"http://mixed.test:{port}/", b"{}", {})
        assert refusal.value.code == "ssrf_blocked"
        assert not any(answer in str(refusal.value) for answer in answers)
        assert seen == []


async def test_a_name_is_resolved_once() -> None:
    """A rebinding name gets one question per request, and its second answer no connection."""
    names = ScriptedNames(["127.0.0.1"], ["10.0.0.1"])
    target = serving(answering("HTTP/1.1 200 OK\nContent-Length: 0"))
    async with target as port, gate(LOOPBACK, names) as egress:
        url = f"http://rebind.test:{port}/"
        assert (await egress.post_json(url, b"{}", {})).status == 200
        assert names.asked == ["rebind.test"]
        with pytest.raises(TargetRefused):
            await egress.post_json(url, b"{}", {})


async def test_the_name_stays_in_the_host_header() -> None:
    """The connection goes to the judged address, the request still names the host."""
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, gate(LOOPBACK, ScriptedNames(["127.0.0.1"])) as egress:
        answer = await egress.post_json(f"http://named.test:{port}/x", b"{}", {"X-Own": "1"})
    request = seen[0].lower()
    assert answer == EgressAnswer(200, {"content-length": "2"}, b"ok")
    assert f"host: named.test:{port}".encode() in request
    assert b"accept-encoding: gzip\r\n" in request
    assert b"x-own: 1\r\n" in request


async def test_an_unknown_name_is_unreachable() -> None:
    """A name without addresses is a failure to reach, no refusal."""
    async with gate(LOOPBACK, ScriptedNames([])) as egress:
        with pytest.raises(Unreachable):
            await egress.post_json("http://nowhere.test/", b"{}", {})


async def test_environment_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment gets nothing."""
    async with canary() as (proxy, seen):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        async with serving(answering("HTTP/1.1 200 OK\nContent-Length: 0")) as port:
            assert (await post(port)).status == 200
        assert seen == []


async def test_a_redirect_is_an_answer() -> None:
    """A redirect is handed back and its target left alone."""
    async with canary() as (bait, seen):
        head = f"HTTP/1.1 302 Found\nLocation: http://127.0.0.1:{bait}/\nContent-Length: 0"
        async with serving(answering(head)) as port:
            assert (await post(port)).status == 302
        assert seen == []


async def test_gzip_is_unpacked() -> None:
    """The one compression that is asked for is understood."""
    body = gzip.compress(b'{"a": 1}')
    head = f"HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: {len(body)}"
    async with serving(answering(head, body)) as port:
        assert (await post(port)).body == b'{"a": 1}'


async def test_a_body_of_exactly_the_limit_passes() -> None:
    """The limit is counted in decoded bytes, and one more is too large."""
    for size, fits in ((1000, True), (1001, False)):
        body = gzip.compress(b"x" * size)
        head = f"HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: {len(body)}"
        async with serving(answering(head, body)) as port:
            if fits:
                assert len((await post(port, max_bytes=1000)).body) == size
            else:
                with pytest.raises(TooLarge):
                    await post(port, max_bytes=1000)


def _bomb() -> bytes:
    return gzip.compress(bytes(50_000_000))


@pytest.mark.parametrize(
    ("head", "body", "error"),
    [
        ("HTTP/1.1 200 OK\nContent-Encoding: gzip", _bomb(), TooLarge),
        ("HTTP/1.1 200 OK\nContent-Length: 70000", b"x" * 70000, TooLarge),
        ("HTTP/1.1 200 OK\nContent-Encoding: deflate", zlib.compress(b"{}"), BadAnswer),
        ("HTTP/1.1 200 OK\nContent-Encoding: br", b"\x0b\x01\x80{}\x03", BadAnswer),
        ("HTTP/1.1 200 OK\nContent-Encoding: gzip, gzip", gzip.compress(b"{}"), BadAnswer),
        ("HTTP/1.1 200 OK\nContent-Encoding: gzip", gzip.compress(b"{}" * 99)[:-9], BadAnswer),
        ("HTTP/1.1 200 OK\nContent-Encoding: gzip", gzip.compress(b"{}") + b"more", None),
        ("HTTP/1.1 200 OK\nContent-Encoding: gzip", b"no gzip at all", BadAnswer),
        ("HTTP/1.1 200 OK\nContent-Length: 100", b"cut", EgressError),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"zz\r\n", EgressError),
        ("hello", b"", EgressError),
        ("HTTP/1.1 200 OK\nX: " + "a" * 100_000, b"", EgressError),
        ("HTTP/1.1 99999 OK", b"", EgressError),
    ],
)
async def test_a_bad_answer_is_one_clear_error(
    head: str, body: bytes, error: type[EgressError] | None
) -> None:
    """Bombs, floods, broken compression and broken HTTP end in the documented errors."""
    async with serving(answering(head, body)) as port:
        if error is None:
            assert (await post(port)).body == b"{}"
        else:
            with pytest.raises(error):
                await post(port)


async def test_a_failure_keeps_its_status_whatever_its_body() -> None:
    """A 500 with an endless or dripping body is a 500, with little of the body."""

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Oops\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 Oops\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    for serve, status in ((flood, 500), (drip, 503)):
        async with serving(serve) as port:
            answer = await post(port)
            assert answer.status == status
            assert len(answer.body) <= 1024


@pytest.mark.parametrize("part", ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n"])
async def test_a_dripping_answer_fails_at_the_deadline(part: str) -> None:
    """The deadline is for the whole: bytes that trickle in do not extend it."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(part.encode())
        while True:
            writer.write(b"x" if part else b"")
            await writer.drain()
            await asyncio.sleep(0.03)

    async with serving(drip) as port:
        begun = time.monotonic()
        with pytest.raises(TimedOut):
            await post(port, total_ms=300)
        assert 0.25 < time.monotonic() - begun < 3


async def test_a_closed_port_is_unreachable() -> None:
    """Nobody listening is told as such."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(Unreachable):
        await post(port)


async def test_localhost_resolves_by_the_system() -> None:
    """The system's own resolver is used when none is given."""
    async with serving(answering("HTTP/1.1 200 OK\nContent-Length: 2", b"ok")) as port:
        assert (await post(port, host="localhost")).body == b"ok"


async def test_cancellation_passes() -> None:
    """A cancelled request raises cancellation and nothing else."""

    async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    async with serving(silent) as port, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(post(port))
        await asyncio.sleep(0.1)
        task.cancel()
    assert task.cancelled()
