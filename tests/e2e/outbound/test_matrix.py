"""The rest of the outcomes of a call that we place: each status, silence, endings in each state."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from tests.e2e.outbound.callee import (
    answers,
    asked_again,
    callee,
    hangs_up,
    is_cancelled,
    is_hung_up_on,
    plays,
    refuses,
    rings,
    waits,
)
from tests.e2e.outbound.house import line
from tests.e2e.server import Json, Server

PROOF = {"register_user": "user", "register_password": "secret-word"}
NOT_CONNECTED = ("created", "call_did_not_connect")


def _outcome(call: Json) -> tuple[str, str, str, str]:
    return call["status"], call["stage"], call["stage_outcome"], call["end_reason"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("400 Bad Request", ("ended", *NOT_CONNECTED, "unreachable")),
        ("408 Request Timeout", ("ended", "created", "human_unanswered", "no_answer")),
        ("410 Gone", ("ended", *NOT_CONNECTED, "unreachable")),
        ("484 Address Incomplete", ("ended", *NOT_CONNECTED, "unreachable")),
        ("487 Request Terminated", ("ended", "created", "human_unanswered", "no_answer")),
        ("488 Not Acceptable Here", ("ended", *NOT_CONNECTED, "unreachable")),
        ("500 Server Internal Error", ("error", *NOT_CONNECTED, "carrier_failed")),
        ("502 Bad Gateway", ("error", *NOT_CONNECTED, "carrier_failed")),
        ("504 Server Time-out", ("error", *NOT_CONNECTED, "carrier_failed")),
        ("604 Does Not Exist Anywhere", ("ended", *NOT_CONNECTED, "unreachable")),
        ("607 Unwanted", ("ended", *NOT_CONNECTED, "rejected")),
    ],
)
async def test_refused_without_ringing(
    calling: Server, tmp_path: Path, status: str, expected: tuple[str, str, str, str]
) -> None:
    """A refusal that nothing came before is told apart by its status alone."""
    async with callee(tmp_path, refuses(status)) as far:
        placing = line(calling, far.port)
        created = await placing.call()
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert _outcome(call) == expected
    if expected[0] == "error":
        assert status[:3] in call["error_message"]


async def test_nobody_is_there(calling: Server) -> None:
    """A trunk that never answers a word is unreachable, not somebody who does not pick up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        placing = line(calling, deaf.getsockname()[1])
        created = await placing.call(telephony_params={"Timeout": "1"})
        call = await placing.over(created["id"])
    assert _outcome(call) == ("ended", *NOT_CONNECTED, "unreachable")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_challenged_by_a_proxy(calling: Server, tmp_path: Path, algorithm: str) -> None:
    """407 is answered as 401 is, in the proxy's own field."""
    challenge = (
        f'Proxy-Authenticate: Digest realm="trunk", nonce="4711", qop="auth", algorithm={algorithm}'
    )
    again = asked_again().replace('header="Authorization:"', 'header="Proxy-Authorization:"')
    steps = (refuses("407 Proxy Authentication Required", challenge), again, answers())
    async with callee(tmp_path, *steps, waits(300), hangs_up()) as far:
        placing = line(calling, far.port, **PROOF)
        created = await placing.call()
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert f"algorithm={algorithm}" in run.messages
    assert call["stage_outcome"] == "human_disconnected"


async def test_wrong_password(calling: Server, tmp_path: Path) -> None:
    """A trunk that challenges again is not asked a third time: the trunk failed, not the human."""
    challenge = 'WWW-Authenticate: Digest realm="trunk", nonce="4711", qop="auth", algorithm=MD5'
    refused = refuses("401 Unauthorized", challenge)
    async with callee(tmp_path, refused, asked_again(), refused) as far:
        placing = line(calling, far.port, **PROOF)
        created = await placing.call()
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert run.messages.count("INVITE sip:") == 2
    assert _outcome(call) == ("error", *NOT_CONNECTED, "carrier_failed")


async def test_given_up_during_early_sound(calling: Server, tmp_path: Path) -> None:
    """``calls/end`` of a call that plays before the answer sends CANCEL."""
    async with callee(tmp_path, plays(), is_cancelled()) as far:
        placing = line(calling, far.port)
        created = await placing.call()
        await _has(calling, created["id"], "leg_ringing")
        await placing.end(created["id"])
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert _outcome(call) == ("ended", *NOT_CONNECTED, "api_ended")


async def test_given_up_while_digits_are_sent(calling: Server, tmp_path: Path) -> None:
    """``calls/end`` while the extension is being dialled hangs up; the rest is not sent."""
    async with callee(tmp_path, rings(), answers(), is_hung_up_on()) as far:
        placing = line(calling, far.port)
        created = await placing.call(telephony_params={"SendDigits": "," * 30 + "1"})
        async with asyncio.timeout(10):
            while "SIP/2.0 200" not in far.messages():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        await placing.end(created["id"])
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert call["end_reason"] == "api_ended"


async def test_ended_twice(calling: Server, tmp_path: Path) -> None:
    """``calls/end`` of a call that is over changes nothing of it."""
    async with callee(tmp_path, refuses("486 Busy Here")) as far:
        placing = line(calling, far.port)
        created = await placing.call()
        call = await placing.over(created["id"])
        again = await asyncio.to_thread(
            calling.api.post, "/v1/calls/end", params={"id": created["id"]}
        )
        await far.done()
    assert again.status_code in (200, 400, 409)
    assert _outcome(placing.show(created["id"])) == _outcome(call)


async def test_answer_without_a_codec_of_ours(calling: Server) -> None:
    """Who answers with sound that we do not speak is hung up on; the call names what was wrong."""
    async with _forked(offers="m=audio 39998 RTP/AVP 18") as (fork, port):
        placing = line(calling, port)
        created = await placing.call()
        call = await placing.over(created["id"])
        async with asyncio.timeout(5):
            while ("BYE", "one") not in fork.heard:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert _outcome(call) == ("error", *NOT_CONNECTED, "carrier_failed")
    assert "no audio that we speak" in call["error_message"]


class _Fork(asyncio.DatagramProtocol):
    """Two phones behind one number: both answer at once. ``heard`` has each request's To tag."""

    def __init__(self, offers: str) -> None:
        self.heard: list[tuple[str, str]] = []
        self._offers = offers
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode()
        method = text.split()[0]
        to_value = _field(text, "To")
        self.heard.append((method, to_value.partition(";tag=")[2]))
        if method == "INVITE":
            for tag in ("one", "two"):
                self._answer(text, addr, "180 Ringing", tag)
            for tag in ("one", "two"):
                self._answer(text, addr, "200 OK", tag, with_sdp=True)
        elif method == "BYE":
            self._answer(text, addr, "200 OK", "")

    def _answer(
        self, text: str, addr: tuple[str, int], status: str, tag: str, *, with_sdp: bool = False
    ) -> None:
        assert self._transport is not None
        port = self._transport.get_extra_info("sockname")[1]
        body = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"{self._offers}\r\n"
            if with_sdp
            else ""
        )
        kept = [f"{name}: {_field(text, name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
        lines = [
            f"SIP/2.0 {status}",
            *kept,
            f"To: {_field(text, 'To')}" + (f";tag={tag}" if tag else ""),
            f"Contact: <sip:{tag or 'x'}@127.0.0.1:{port}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), addr)


def _field(text: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*?)\r?$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


@asynccontextmanager
async def _forked(
    offers: str = "m=audio 39998 RTP/AVP 0",
) -> AsyncIterator[tuple[_Fork, int]]:
    transport, fork = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Fork(offers), local_addr=("127.0.0.1", 0)
    )
    try:
        yield fork, int(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


async def test_forked_answers(calling: Server) -> None:
    """Of two phones that answer at once the first keeps the call; the other hears ACK and BYE."""
    async with _forked() as (fork, port):
        placing = line(calling, port)
        created = await placing.call()
        await placing.until(created["id"], ("in_progress",))
        async with asyncio.timeout(5):
            while ("BYE", "two") not in fork.heard:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert {("ACK", "one"), ("ACK", "two")} <= set(fork.heard)
        assert ("BYE", "one") not in fork.heard
        assert placing.show(created["id"])["status"] == "in_progress"
        await placing.end(created["id"])
        call = await placing.over(created["id"])
        assert ("BYE", "one") in fork.heard
    assert _outcome(call) == ("ended", "picked_up", "bot_disconnected", "api_ended")


async def _has(server: Server, call_id: str, kind: str) -> None:
    """Wait until a call's timeline has an event of this kind."""
    async with asyncio.timeout(10):
        while True:
            events = await asyncio.to_thread(server.events, call_id)
            if any(event["kind"] == kind for event in events):
                return
            await asyncio.sleep(0.05)
