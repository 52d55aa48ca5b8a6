"""Twilio's REST API for calls and texts, as far as it is used.

After "Calls resource", "Twilio's response: errors" and "API rate limits"; Twilio's own client is
run against it in the same tests. ``trouble`` is served before anything is done.
"""

from __future__ import annotations

import base64
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cached_property

from aiohttp import web

ACCOUNT_SID = "AC" + "a" * 32
AUTH_TOKEN = "a-token-of-thirty-two-characters"
Fields = list[tuple[str, str]]


@dataclass
class FakeCall:
    """A call on record, with the form that made it."""

    sid: str
    form: Fields
    status: str = "queued"
    documents: list[str] = field(default_factory=list)
    date_created: str | None = "Sat, 21 Nov 2026 00:00:00 +0000"

    def get(self, name: str) -> str:
        """Return a field of the form."""
        return dict(self.form).get(name, "")

    def as_json(self) -> dict[str, object]:
        """Return what the API shows."""
        return {
            "sid": self.sid,
            "account_sid": ACCOUNT_SID,
            "status": self.status,
            "to": self.get("To"),
            "from": self.get("From"),
            "direction": "outbound-api",
            "answered_by": None,
            "date_created": self.date_created,
            "start_time": None,
            "uri": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Calls/{self.sid}.json",
        }


class FakeTexts:
    """The messages of one account, by their identifiers."""

    def __init__(self) -> None:
        self.sent: dict[str, dict[str, str]] = {}
        self.fates: deque[str] = deque()
        """What a message's status is when it is looked up, one per look; else it is delivered."""

    def send(self, fields: dict[str, str]) -> dict[str, str] | int:
        """Take a message; returns it, or the code of a refusal."""
        if not fields.get("To", "").startswith("+"):
            return 21211
        if not fields.get("From", "").startswith("+"):
            return 21603
        if not 1 <= len(fields.get("Body", "")) <= 1_600:
            return 21617
        sid = f"SM{len(self.sent) + 1:032x}"
        told = {"to": fields["To"], "from": fields["From"], "body": fields["Body"]}
        self.sent[sid] = {**told, "sid": sid, "status": "queued", "direction": "outbound-api"}
        return self.sent[sid]

    def look_up(self, sid: str) -> dict[str, str] | None:
        """Return a message as it is now."""
        found = self.sent.get(sid)
        if found is not None:
            found["status"] = self.fates.popleft() if self.fates else "delivered"
        return found


class FakeRest:
    """The API of one account."""

    def __init__(self) -> None:
        self.calls: dict[str, FakeCall] = {}
        self.requests = 0
        self.numbers: dict[str, dict[str, str]] = {}
        """The fields of each number of the account, by the number."""
        self.numbers_ever = 0
        self.trouble: deque[web.Response | None] = deque()
        """Answers to be given instead, one per request; None cuts the connection."""
        self.lose_answers = 0
        """So many calls are placed, or numbers sold, whose answer never arrives."""
        self.for_sale: list[str] = []
        """Numbers of the US that can be bought."""
        self.sold_meanwhile: list[str] = []
        """Numbers that are offered, and are gone when somebody wants to buy them."""
        self.break_lookups = 0
        """So many times a number is not found by its friendly name, since the service is down."""
        self.url = ""

    @cached_property
    def texts(self) -> FakeTexts:
        """Return the account's messages."""
        return FakeTexts()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[FakeRest]:
        """Serve within the block."""
        app = web.Application()
        folder = "/2010-04-01/Accounts/{account}/"
        app.router.add_post(folder + "Calls.json", self._create)
        app.router.add_get(folder + "Calls.json", self._list)
        app.router.add_get(folder + "IncomingPhoneNumbers.json", self._list_numbers)
        app.router.add_post(folder + "IncomingPhoneNumbers.json", self._buy_number)
        app.router.add_post(folder + "IncomingPhoneNumbers/{sid}.json", self._update_number)
        app.router.add_delete(folder + "IncomingPhoneNumbers/{sid}.json", self._release_number)
        local = folder + "AvailablePhoneNumbers/{country}/Local.json"
        app.router.add_get(local, self._offer_numbers)
        app.router.add_get(folder + "Calls/{sid}.json", self._fetch)
        app.router.add_post(folder + "Calls/{sid}.json", self._update)
        app.router.add_post(folder + "Messages.json", self._send_text)
        app.router.add_get(folder + "Messages/{sid}.json", self._fetch_text)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    def owns(self, number: str, voice_url: str = "") -> dict[str, str]:
        """Have a number; returns its fields, which change."""
        self.numbers_ever += 1
        sid = f"PN{self.numbers_ever:032x}"
        fields = {"sid": sid, "phone_number": number, "voice_url": voice_url}
        self.numbers[number] = fields | {"status_callback": ""}
        return self.numbers[number]

    def fail(self, status: int, code: int = 0, retry_after: str = "") -> None:
        """Have the next request fail."""
        answer = failure(status, code)
        if retry_after:
            answer.headers["Retry-After"] = retry_after
        self.trouble.append(answer)

    async def _form(self, request: web.Request) -> Fields | web.Response:
        self.requests += 1
        if self.trouble:
            answer = self.trouble.popleft()
            if answer is not None:
                return answer
            assert request.transport is not None
            request.transport.abort()
            return failure(500, 20500)
        secret = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {secret}":
            return failure(401, 20003)
        if request.match_info["account"] != ACCOUNT_SID:
            return failure(404, 20404)
        return [(name, str(value)) for name, value in (await request.post()).items()]

    async def _create(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        fields = dict(form)
        if not fields.get("To", "").startswith("+"):
            return failure(400, 21211)
        if not fields.get("From"):
            return failure(400, 21213)
        if not fields.get("Url") and not fields.get("Twiml"):
            return failure(400, 21205)
        call = FakeCall(f"CA{len(self.calls) + 1:032x}", form)
        self.calls[call.sid] = call
        if self.lose_answers:
            self.lose_answers -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(call.as_json(), status=201)

    async def _list(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        wanted = request.query
        found = [
            call.as_json()
            for call in reversed(self.calls.values())
            if wanted.get("To", call.get("To")) == call.get("To")
            and wanted.get("From", call.get("From")) == call.get("From")
        ]
        page = {"calls": found, "page": 0, "page_size": 50, "next_page_uri": None}
        return web.json_response(page)

    async def _list_numbers(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        wanted, name = request.query.get("PhoneNumber", ""), request.query.get("FriendlyName")
        if name is not None and self.break_lookups:
            self.break_lookups -= 1
            return failure(503, 20503)
        found = [
            fields
            for number, fields in self.numbers.items()
            if wanted in number and name in (None, fields.get("friendly_name"))
        ]
        return web.json_response({"incoming_phone_numbers": found, "page": 0})

    async def _update_number(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        for fields in self.numbers.values():
            if fields["sid"] == request.match_info["sid"]:
                names = {"VoiceUrl": "voice_url", "StatusCallback": "status_callback"}
                fields |= {names[name]: value for name, value in form if name in names}
                return web.json_response(fields)
        return failure(404, 20404)

    async def _offer_numbers(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        area = request.query.get("AreaCode", "")
        there = request.match_info["country"] == "US"
        found = [n for n in self.for_sale if there and n.removeprefix("+1").startswith(area)]
        shown = [{"phone_number": number, "iso_country": "US"} for number in found]
        return web.json_response({"available_phone_numbers": shown, "uri": request.path})

    async def _buy_number(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        fields = dict(form)
        number = fields.get("PhoneNumber", "")
        if number not in self.for_sale or number in self.sold_meanwhile:
            return failure(400, 21422)
        self.for_sale.remove(number)
        owned = self.owns(number, fields.get("VoiceUrl", ""))
        owned["friendly_name"] = fields.get("FriendlyName", number)
        owned["status_callback"] = fields.get("StatusCallback", "")
        if self.lose_answers:
            self.lose_answers -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(owned, status=201)

    async def _release_number(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        for number, fields in self.numbers.items():
            if fields["sid"] == request.match_info["sid"]:
                del self.numbers[number]
                return web.Response(status=204)
        return failure(404, 20404)

    async def _send_text(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        sent = self.texts.send(dict(form))
        return failure(400, sent) if isinstance(sent, int) else web.json_response(sent, status=201)

    async def _fetch_text(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        found = self.texts.look_up(request.match_info["sid"])
        return failure(404, 20404) if found is None else web.json_response(found)

    async def _fetch(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        call = self.calls.get(request.match_info["sid"])
        return failure(404, 20404) if call is None else web.json_response(call.as_json())

    async def _update(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        call = self.calls.get(request.match_info["sid"])
        if call is None:
            return failure(404, 20404)
        if call.status in ("completed", "busy", "failed", "no-answer", "canceled"):
            return failure(400, 21220)
        fields = dict(form)
        call.status = fields.get("Status", call.status)
        if "Twiml" in fields:
            call.documents.append(fields["Twiml"])
        return web.json_response(call.as_json())


def failure(status: int, code: int) -> web.Response:
    """Return an error as the API words it."""
    body = {"code": code, "message": "as the documentation says", "status": status}
    return web.json_response(body, status=status)
