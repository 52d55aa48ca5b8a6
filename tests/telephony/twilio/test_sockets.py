"""The door for media sockets: who is let in, once; and what happens on a real connection."""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web

from cordboard.clock import SystemClock
from cordboard.engine.clock import MediaClock
from cordboard.media import g711
from cordboard.media.dtmf_tones import InBandDigits
from cordboard.telephony.twilio import sockets
from cordboard.telephony.twilio.leg import TwilioLeg
from cordboard.telephony.twilio.media_socket import MediaSocket, text_frame
from cordboard.telephony.twilio.signature import sign
from cordboard.telephony.twilio.sockets import MOST_BROKEN
from tests.counts import count
from tests.fakes.twilio_media import FakeStream
from tests.telephony.twilio.door import (
    CALL_SID,
    PUBLIC_URL,
    TOKEN,
    Control,
    Door,
    Ears,
    HandClock,
    open_door,
)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """Open a door."""
    async with open_door() as opened:
        yield opened


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _knock(door: Door, url: str, signature: str) -> int:
    local = f"http://127.0.0.1:{door.port}/" + url.split("/", 3)[3]
    async with aiohttp.ClientSession() as http:
        try:
            async with http.ws_connect(local, headers={"X-Twilio-Signature": signature}):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


async def test_only_the_signed_address_and_only_once(door: Door) -> None:
    """No address, no signature, another secret: 403. The right one is let in a single time."""
    leg = door.leg(HandClock())
    url = door.sockets.expect(leg, TOKEN)
    other = f"{PUBLIC_URL}/twilio/media/{'0' * 64}"
    assert await _knock(door, other, sign(TOKEN, other)) == 403
    assert await _knock(door, url, "") == 403
    assert await _knock(door, url, sign("another secret", url)) == 403
    assert await _knock(door, url, sign(TOKEN, url + "0")) == 403
    assert await _knock(door, url, sign(TOKEN, url)) == 101
    assert await _knock(door, url, sign(TOKEN, url)) == 403


async def test_guessed_and_changed_addresses(door: Door) -> None:
    """Not one of many changed addresses is let in, and the real one still works."""
    leg = door.leg(HandClock())
    url = door.sockets.expect(leg, TOKEN)
    for number in range(count(20, 5_000)):
        changed = url[:-4] + f"{number:04x}"
        if changed != url:
            assert await _knock(door, changed, sign(TOKEN, changed)) == 403
    assert await _knock(door, url, sign(TOKEN, url)) == 101


async def test_an_address_expires(door: Door) -> None:
    """After its time, or when the call is over, it opens nothing."""
    leg = door.leg(HandClock())
    late = door.sockets.expect(leg, TOKEN, for_ms=0)
    assert await _knock(door, late, sign(TOKEN, late)) == 403
    over = door.sockets.expect(leg, TOKEN)
    leg.call_status("canceled")
    assert await _knock(door, over, sign(TOKEN, over)) == 403


async def test_a_plain_request(door: Door) -> None:
    """Even with the right signature: what is no upgrade gets an empty 403."""
    url = door.sockets.expect(door.leg(HandClock()), TOKEN)
    local = f"http://127.0.0.1:{door.port}/" + url.split("/", 3)[3]
    headers = {"X-Twilio-Signature": sign(TOKEN, url)}
    async with aiohttp.ClientSession() as http, http.get(local, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (403, b"")


class Caller:
    """A raw socket at the door, for messages that no vendor sends."""

    def __init__(self, http: aiohttp.ClientSession, door: Door, leg: TwilioLeg) -> None:
        self._url = door.sockets.expect(leg, TOKEN)
        self._http = http
        self._port = door.port

    async def open(self) -> aiohttp.ClientWebSocketResponse:
        local = f"http://127.0.0.1:{self._port}/" + self._url.split("/", 3)[3]
        headers = {"X-Twilio-Signature": sign(TOKEN, self._url)}
        return await self._http.ws_connect(local, headers=headers, compress=15)


def start_message(call_sid: str = CALL_SID) -> str:
    """Return a stream's second message."""
    return json.dumps({"event": "start", "start": {"streamSid": "MZ1", "callSid": call_sid}})


MEDIA = json.dumps({"event": "media", "media": {"payload": "/w==" * 1}})


@pytest.mark.parametrize(
    "first", [start_message("CA" + "9" * 32), MEDIA, json.dumps({"event": "stop"})]
)
async def test_a_stream_that_does_not_begin_as_it_should(door: Door, first: str) -> None:
    """Another call's stream, or sound before ``start``, is closed as a breach of policy."""
    leg = door.leg(HandClock())
    async with aiohttp.ClientSession() as http:
        socket = await Caller(http, door, leg).open()
        await socket.send_str(json.dumps({"event": "connected"}))
        await socket.send_str(first)
        message = await socket.receive(timeout=5)
    assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    assert socket.close_code == 1008
    assert leg.progress.ended is None


async def test_unreadable_messages(door: Door) -> None:
    """Some are passed over, many close the socket; binary and oversized ones do at once."""
    leg, ears = door.leg(HandClock()), Ears()
    leg.start(ears)
    async with aiohttp.ClientSession() as http:
        socket = await Caller(http, door, leg).open()
        await socket.send_str(start_message())
        for _ in range(MOST_BROKEN):
            await socket.send_str('{"event":"media"')
        await socket.send_str(json.dumps({"event": "dtmf", "dtmf": {"digit": "7"}}))
        await _until(lambda: ears.digits == "7")
        await socket.send_str("{")
        await socket.receive(timeout=5)
        assert socket.close_code == 1008
        for bad in (b"\x00" * 10, "x" * 70_000):
            socket = await Caller(http, door, leg).open()
            await (socket.send_str(bad) if isinstance(bad, str) else socket.send_bytes(bad))
            await socket.receive(timeout=5)
            assert socket.close_code in (1008, 1009)
    assert ears.endings == []


async def test_a_second_stream_takes_over(door: Door) -> None:
    """A new address for the same call replaces the live socket, which is closed."""
    leg = door.leg(HandClock())
    async with aiohttp.ClientSession() as http:
        first = await Caller(http, door, leg).open()
        await first.send_str(start_message())
        await _until(leg.progress.started.is_set)
        second = await Caller(http, door, leg).open()
        await second.send_str(start_message())
        message = await first.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.CLOSE
        leg.play(bytes(160))
        assert json.loads((await second.receive(timeout=5)).data)["event"] == "media"


async def test_a_half_open_stream_is_cut_and_the_next_takes_over(door: Door) -> None:
    """No sound for five seconds cuts it; within 3 s of the next one the call goes on."""
    clock = MediaClock(SystemClock(), lambda where, error: None)
    leg, ears = door.leg(clock), Ears()
    leg.start(ears)
    phone = FakeStream(door.port, TOKEN, CALL_SID)

    async def resume() -> str | None:
        phone.habits.reading = True
        return door.sockets.expect(leg, TOKEN)

    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(clock.run())
        streaming = group.create_task(phone.run(door.sockets.expect(leg, TOKEN), resume))
        await asyncio.wait_for(leg.progress.started.wait(), 5)
        phone.freeze()
        async with asyncio.timeout(12):
            while phone.seen.streams < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        cut = time.monotonic()
        phone.press("1")
        await _until(lambda: ears.digits == "1")
        assert time.monotonic() - cut < 3
        phone.hang_up()
        await streaming
        ticking.cancel()
    assert len(ears.endings) == 1


async def test_drops_without_end(door: Door) -> None:
    """However often the connection breaks: the same call goes on, within 3 s, on one socket."""
    clock = MediaClock(SystemClock(), lambda where, error: None)
    leg, ears = door.leg(clock), Ears()
    leg.start(ears)
    phone = FakeStream(door.port, TOKEN, CALL_SID)

    async def resume() -> str | None:
        return door.sockets.expect(leg, TOKEN)

    drops = count(5, 100)
    resumed_ms: list[float] = []
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(clock.run())
        streaming = group.create_task(phone.run(door.sockets.expect(leg, TOKEN), resume))
        await asyncio.wait_for(leg.progress.started.wait(), 5)
        for drop in range(drops):
            began = time.monotonic()
            phone.drop()
            await _until(lambda: phone.seen.streams > drop + 1)  # noqa: B023
            phone.press("1")
            await _until(lambda: len(ears.digits) > drop)  # noqa: B023
            resumed_ms.append((time.monotonic() - began) * 1000)
        phone.hang_up()
        await streaming
        ticking.cancel()
    assert phone.seen.streams == drops + 1
    assert sorted(resumed_ms)[int(drops * 0.99) - 1] <= 3_000
    assert len(ears.endings) == 1
    assert door.sockets.expected_count == 0


async def test_digits_are_heard(door: Door) -> None:
    """Keys that we press are in the far end's ear as tones, and told when they have been played."""
    clock = MediaClock(SystemClock(), lambda where, error: None)
    leg, ears = door.leg(clock), Ears()
    leg.start(ears)
    phone = FakeStream(door.port, TOKEN, CALL_SID)
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(clock.run())
        streaming = group.create_task(phone.run(door.sockets.expect(leg, TOKEN)))
        await asyncio.wait_for(leg.progress.started.wait(), 5)
        leg.play(b"\xff" * 1_600)
        leg.send_digits("r1", "18*#")
        await _until(lambda: bool(ears.sent))
        phone.hang_up()
        await streaming
        ticking.cancel()
    assert ears.sent == [("r1", None)]
    detector, pcm = InBandDigits(8000), g711.mulaw_to_pcm(bytes(phone.ear.heard))
    heard = [detector.push(pcm[start : start + 320]) for start in range(0, len(pcm), 320)]
    assert "".join(filter(None, heard)) == "18*#"


async def test_a_reader_that_takes_nothing_is_held_to_the_bound(door: Door) -> None:
    """Sound without end waits with us: the socket never holds more than 256 KiB."""
    leg = door.leg(HandClock())
    async with aiohttp.ClientSession() as http:
        socket = await Caller(http, door, leg).open()
        await socket.send_str(start_message())
        await _until(leg.progress.started.is_set)
        assert socket._response.connection is not None
        transport = socket._response.connection.transport
        assert transport is not None
        transport.pause_reading()
        for _ in range(200):
            leg.play(bytes(80_000))
            await asyncio.sleep(0)
            stream = leg._socket
            assert stream is not None
            assert stream.waiting_bytes < 256 * 1024
        assert leg.clear() > 1_000_000
        transport.abort()
        await _until(lambda: leg.progress.away_since_ms is not None)


async def test_messages_are_handled_in_the_read_itself() -> None:
    """Between a message's arrival and its handler there is no task and no queue: the handler runs
    in the callback that read the bytes.
    """
    callers: list[bool] = []

    def handle(message: bytes) -> None:
        names = {frame.name for frame in traceback.extract_stack()}
        callers.append("data_received" in names and asyncio.current_task() is None)

    async def serve(request: web.Request) -> web.StreamResponse:
        socket = MediaSocket(handle)
        await socket.prepare(request)
        await socket.receive()
        return socket

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
            async with http.ws_connect(url) as socket:
                await asyncio.sleep(0.05)
                await socket.send_str("one")
                await socket.ping()
                await socket.send_str("two" * 100)
                await _until(lambda: len(callers) == 2)
    finally:
        await runner.cleanup()
    assert callers == [True, True]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 70_000])
def test_frames(size: int) -> None:
    """All three lengths of a frame's head (RFC 6455 5.2)."""
    message = bytes(size)
    head = text_frame(message)[: -size or None]
    assert len(head) == (2 if size < 126 else 4 if size < 65_536 else 10)
    length = head[1] if size < 126 else int.from_bytes(head[2:], "big")
    assert (head[0], length) == (0x81, size)


async def test_too_many_are_expected(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of open addresses is bounded; those of ended calls make room."""
    monkeypatch.setattr(sockets, "MOST_EXPECTED", 2)
    leg = door.leg(HandClock())
    door.sockets.expect(leg, TOKEN)
    door.sockets.expect(leg, TOKEN)
    with pytest.raises(OverflowError):
        door.sockets.expect(leg, TOKEN)
    leg.call_status("completed")
    door.sockets.expect(door.leg(HandClock()), TOKEN)


async def test_control(door: Door) -> None:
    """A leg of the door asks its own account to hang up."""
    control = Control()
    leg = door.leg(HandClock(), control)
    await leg.end()
    assert control.hung_up == [CALL_SID]
