"""The whole way on one port: voice webhook, stream, redirect, status; REST API beside it.

It is also the example of how wiring puts the carrier's parts together.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import aiohttp
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordboard.call.events import LegEndedBy
from cordboard.clock import SystemClock
from cordboard.engine.clock import MediaClock
from cordboard.ids import Randomness
from cordboard.telephony.media_port import MediaPort
from cordboard.telephony.twilio.api import Account, CallRequest, TwilioApi
from cordboard.telephony.twilio.leg import LegParts, TwilioLeg
from cordboard.telephony.twilio.sockets import MediaSockets
from cordboard.telephony.twilio.webhooks import (
    FORM_BYTES_MAX,
    RESUME_PATH,
    STATUS_PATH,
    VOICE_PATH,
    Offer,
    Question,
    Reply,
    Webhooks,
)
from tests.fakes.twilio_call import FakeCall
from tests.fakes.twilio_media import FakeStream
from tests.fakes.twilio_rest import ACCOUNT_SID, AUTH_TOKEN, FakeRest
from tests.telephony.twilio.door import Ears

URL = "https://voice.example.com"


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Carrier:
    """The carrier's parts, put together; every offer is answered at once."""

    api: TwilioApi
    clock: MediaClock
    group: asyncio.TaskGroup
    port: int = 0
    legs: list[TwilioLeg] = field(default_factory=list)
    ears: list[Ears] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sockets = MediaSockets(
            URL.replace("https", "wss"), SystemClock(), Randomness.seeded(1)
        )
        self.webhooks = Webhooks(URL, self.sockets)

    def leg(self, call_sid: str) -> TwilioLeg:
        leg = TwilioLeg(
            f"leg{len(self.legs)}", call_sid, LegParts(SystemClock(), self.clock, self.api)
        )
        ears = Ears()
        leg.start(ears)
        self.legs.append(leg)
        self.ears.append(ears)
        self.group.create_task(leg.answer())
        return leg

    def _accept(self, offer: Offer) -> TwilioLeg | int:
        return self.leg(offer.call_sid)

    def routes(self) -> list[Route]:
        async def voice(request: Request) -> Response:
            return _response(
                await self.webhooks.offered(await _question(request), AUTH_TOKEN, self._accept)
            )

        async def resume(request: Request) -> Response:
            return _response(self.webhooks.resumed(await _question(request)))

        async def status(request: Request) -> Response:
            return _response(self.webhooks.status(await _question(request)))

        return [
            Route(VOICE_PATH + "{number}", voice, methods=["POST"]),
            Route(RESUME_PATH + "{leg}", resume, methods=["POST"]),
            Route(STATUS_PATH + "{leg}", status, methods=["POST"]),
        ]


async def _question(request: Request) -> Question:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            break
    path = request.scope["raw_path"].decode()
    query = request.scope["query_string"].decode()
    signature = request.headers.get("X-Twilio-Signature", "")
    return Question(f"{path}?{query}" if query else path, body, signature)


def _response(reply: Reply) -> Response:
    return Response(reply.document, reply.status, media_type="text/xml")


@contextlib.asynccontextmanager
async def _carrier() -> AsyncIterator[tuple[Carrier, FakeRest]]:
    clock = MediaClock(SystemClock(), lambda where, error: None)
    async with (
        FakeRest().running() as rest,
        aiohttp.ClientSession() as http,
        asyncio.TaskGroup() as group,
    ):
        ticking = group.create_task(clock.run())
        api = TwilioApi(http, Account(ACCOUNT_SID, AUTH_TOKEN), rest.url)
        carrier = Carrier(api, clock, group)
        app, media = FastAPI(), MediaPort()
        app.router.routes.extend(carrier.routes())
        carrier.sockets.add_routes(media.app)
        async with media.open() as protocol:
            config = uvicorn.Config(
                app, host="127.0.0.1", port=0, ws=protocol, log_config=None, lifespan="off"
            )
            server = _Server(config)
            serving = group.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            carrier.port = server.servers[0].sockets[0].getsockname()[1]
            try:
                yield carrier, rest
            finally:
                server.should_exit = True
                await serving
                ticking.cancel()


def _call(carrier: Carrier, call_sid: str = "CA" + "1" * 32) -> FakeCall:
    phone = FakeStream(carrier.port, AUTH_TOKEN, call_sid)
    return FakeCall(carrier.port, URL, AUTH_TOKEN, phone)


async def test_inbound_with_a_drop_in_its_midst() -> None:
    """Ring, stream, drop, redirect, stream, hang-up: one call, one leg, one ending."""
    async with _carrier() as (carrier, _):
        call = _call(carrier)
        calling = asyncio.gather(call.offer("/twilio/voice/7"))
        async with asyncio.timeout(10):
            while not carrier.ears or len(carrier.ears[0].frames) < 10:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            call.phone.drop()
            while call.phone.seen.streams < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            call.phone.hang_up()
            await calling
    assert call.verbs == ["Connect", "Redirect", "Connect"]
    assert [len(carrier.legs), len(carrier.ears[0].endings)] == [1, 1]
    assert carrier.ears[0].endings[0][0] is LegEndedBy.FAR_END


async def test_our_hang_up_while_the_api_is_down() -> None:
    """The stream is closed; Twilio asks what comes next and is told to hang up."""
    async with _carrier() as (carrier, rest):
        call = _call(carrier)
        calling = asyncio.gather(call.offer("/twilio/voice/7"))
        async with asyncio.timeout(10):
            while not carrier.ears or not carrier.ears[0].frames:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            rest.fail(503)
            rest.fail(503)
            await carrier.legs[0].end()
            await calling
    assert call.verbs == ["Connect", "Redirect", "Hangup"]
    assert carrier.ears[0].endings == [(LegEndedBy.LOCAL, "released")]


async def test_outbound() -> None:
    """We place a call with its document; it rings, is picked up, speaks with us, and is ended by
    us through the API.
    """
    async with _carrier() as (carrier, rest):
        leg = carrier.leg("")
        carrier.webhooks.add(leg, AUTH_TOKEN)
        request = CallRequest(
            to_number="+12025550102",
            from_number="+12025550101",
            document=carrier.webhooks.document(leg, AUTH_TOKEN, for_ms=60_000),
            status_url=carrier.webhooks.status_url(leg),
        )
        made = await carrier.api.create(request)
        leg.progress.call_sid = made.sid
        call = _call(carrier, made.sid)
        status_path = rest.calls[made.sid].get("StatusCallback").removeprefix(URL)
        await call.post(status_path, {"CallStatus": "ringing"})
        picked_up = asyncio.gather(call.go_on(rest.calls[made.sid].get("Twiml")))
        async with asyncio.timeout(10):
            await leg.progress.started.wait()
            leg.play(bytes(1_600))
            leg.mark("u1")
            while carrier.ears[0].marks != ["u1"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            await leg.end()
            await picked_up
        await call.post(status_path, {"CallStatus": "completed"})
    assert rest.calls[made.sid].status == "completed"
    assert call.phone.ear.heard.count(0) == 1_600
    assert call.verbs == ["Connect", "Redirect", "Hangup"]
    assert call.statuses == [204, 200, 204]


async def test_outbound_that_is_not_picked_up() -> None:
    """The status callback alone ends it."""
    async with _carrier() as (carrier, _):
        leg = TwilioLeg("out", "", LegParts(SystemClock(), carrier.clock, carrier.api))
        ears = Ears()
        leg.start(ears)
        carrier.webhooks.add(leg, AUTH_TOKEN)
        call = _call(carrier)
        for status in ("initiated", "ringing", "no-answer"):
            await call.post("/twilio/status/out", {"CallStatus": status})
        assert ears.endings == [(LegEndedBy.FAR_END, "no answer")]
        assert leg.progress.call_sid == call.phone.call_sid


async def test_an_unsigned_request_gets_an_empty_403() -> None:
    """Without a body, and without a call."""
    async with _carrier() as (carrier, _):
        url = f"http://127.0.0.1:{carrier.port}/twilio/voice/7"
        async with aiohttp.ClientSession() as http:
            async with http.post(url, data={"CallSid": "CA1"}) as answer:
                assert (answer.status, await answer.read()) == (403, b"")
            async with http.post(url, data=b"x" * 100_000) as answer:
                assert answer.status == 403
    assert carrier.legs == []
