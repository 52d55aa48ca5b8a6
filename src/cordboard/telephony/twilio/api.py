"""Twilio's REST API, as far as calls need it: place, look up, hang up, send elsewhere, text."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

from cordboard.telephony.twilio.errors import (
    ApiError,
    NotAllowed,
    NotFound,
    Refused,
    TooMany,
    Unavailable,
)

T = TypeVar("T")

BASE_URL: Final = "https://api.twilio.com"
TOTAL_S: Final = 10.0
CONNECT_S: Final = 3.0
RETRY_AFTER_S_MAX: Final = 60.0
BODY_BYTES_MAX: Final = 256 * 1024
STATUS_EVENTS: Final = ("initiated", "ringing", "answered", "completed")
OVER: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_ACCOUNT_SID: Final = re.compile(r"AC[0-9a-fA-F]{32}\Z")
_NUMBER_SID: Final = re.compile(r"PN[0-9a-fA-F]{32}\Z")
_CALL_SID: Final = re.compile(r"CA[0-9a-fA-F]{32}\Z")
_TEXT_SID: Final = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}\Z")
_TEXT_FAILED: Final = frozenset({"failed", "undelivered", "canceled"})
_NOT_A_CALL_IN_PROGRESS: Final = 21220
OURS: Final = frozenset(
    {
        *("twiml", "url", "to", "from", "applicationsid", "method"),
        *("statuscallback", "statuscallbackevent", "statuscallbackmethod"),
        *("asyncamdstatuscallback", "asyncamdstatuscallbackmethod"),
    }
)
"""What ``telephony_params`` cannot replace: who is called, what happens then, who learns of it."""


def is_account_sid(text: str) -> bool:
    """Tell whether a text has the form of an account's identifier."""
    return _ACCOUNT_SID.match(text) is not None


@dataclass(frozen=True, slots=True)
class Account:
    """Whose calls these are. Raises ``ValueError`` for an identifier of another form."""

    sid: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        if not is_account_sid(self.sid):
            raise ValueError("account: not an account's identifier (AC and 32 hexadecimal digits)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """A call to be placed. Numbers have their ``+``.

    ``status_url`` is told how the call fares; with the attempt's own tag in it, it tells the call's
    identifier even where our request's answer was lost. ``params`` are the user's own fields.
    """

    to_number: str
    from_number: str
    document: str
    status_url: str
    timeout_s: int | None = None
    send_digits: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    detects_machines: bool = False
    """Whether ``status_url`` is to be told, in the midst of the call, who has picked up."""

    def form(self) -> list[tuple[str, str]]:
        """Return the fields to be sent; the user's win where they may."""
        fields = {"To": self.to_number, "From": self.from_number, "Twiml": self.document}
        fields |= {"StatusCallback": self.status_url, "StatusCallbackMethod": "POST"}
        if self.timeout_s is not None:
            fields["Timeout"] = str(self.timeout_s)
        if self.send_digits:
            fields["SendDigits"] = self.send_digits
        if self.detects_machines:
            fields |= {"MachineDetection": "Enable", "AsyncAmd": "true"}
            fields |= {"AsyncAmdStatusCallback": self.status_url}
        left_out = self.left_out()
        fields |= {name: value for name, value in self.params.items() if name not in left_out}
        events = [("StatusCallbackEvent", event) for event in STATUS_EVENTS]
        return [*fields.items(), *events]

    def left_out(self) -> tuple[str, ...]:
        """Return the names of the user's fields that are not sent on, for the record."""
        return tuple(name for name in self.params if name.lower() in OURS)


class CallState(msgspec.Struct, frozen=True):
    """A call as the API describes it."""

    sid: str
    status: str
    to: str = ""
    from_: str = msgspec.field(default="", name="from")
    direction: str | None = None
    date_created: str | None = None
    answered_by: str | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in OVER


class NumberState(msgspec.Struct, frozen=True):
    """A number of an account, and where its calls lead."""

    sid: str
    phone_number: str
    voice_url: str | None = None
    friendly_name: str | None = None


class TextState(msgspec.Struct, frozen=True):
    """A text message as the API describes it."""

    sid: str
    status: str

    @property
    def failed(self) -> bool:
        """Whether it will not arrive."""
        return self.status in _TEXT_FAILED

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.failed or self.status in ("delivered", "read")


class _Page(msgspec.Struct):
    calls: list[CallState]


class _Offer(msgspec.Struct):
    phone_number: str


class _Offers(msgspec.Struct):
    available_phone_numbers: list[_Offer]


class _Numbers(msgspec.Struct):
    incoming_phone_numbers: list[NumberState]


class _Failure(msgspec.Struct):
    code: int | None = None
    message: str | None = None


class TwilioApi:
    """The calls of one account. All requests have a deadline and raise ``ApiError``."""

    def __init__(
        self, http: aiohttp.ClientSession, account: Account, base_url: str = BASE_URL
    ) -> None:
        """Use ``http``, which its owner closes."""
        self._http = http
        self._account_url = f"{base_url}/2010-04-01/Accounts/{account.sid}"
        secret = f"{account.sid}:{account.token}".encode()
        self._headers = {"Authorization": "Basic " + base64.b64encode(secret).decode()}

    async def create(self, request: CallRequest) -> CallState:
        """Place a call. It is never repeated here: an error whose ``maybe_done`` is set may have
        placed it.
        """
        return await self._call("POST", ".json", request.form())

    async def fetch(self, call_sid: str) -> CallState:
        """Look a call up."""
        return await self._call("GET", f"/{_checked(call_sid)}.json")

    async def hang_up(self, call_sid: str) -> None:
        """End a call in whatever state; one that is over, or unknown, is no error."""
        path, form = f"/{_checked(call_sid)}.json", [("Status", "completed")]
        try:
            try:
                await self._call("POST", path, form)
            except Unavailable:
                await self._call("POST", path, form)
        except NotFound:
            return
        except Refused as error:
            if error.code != _NOT_A_CALL_IN_PROGRESS:
                raise

    async def redirect(self, call_sid: str, document: str) -> None:
        """Have a running call go on by another document; its media stream ends."""
        await self._call("POST", f"/{_checked(call_sid)}.json", [("Twiml", document)])

    async def find(self, to_number: str, from_number: str, since: datetime) -> Sequence[CallState]:
        """Return the calls that were placed between two numbers since then, newest first.

        For an attempt whose answer was lost in a crash. Calls bear no tag of ours that could be
        asked for; the tag is in ``CallRequest.status_url``, which is told of every call.
        """
        query = {
            "To": to_number,
            "From": from_number,
            "StartTime>": since.strftime("%Y-%m-%d"),
            "PageSize": "50",
        }
        page = await self._ask("GET", "/Calls.json?" + urlencode(query), None, _Page)
        return tuple(
            call
            for call in page.calls
            if (call.direction or "").startswith("outbound") and _is_made_since(call, since)
        )

    async def send_text(self, from_number: str, to_number: str, text: str) -> TextState:
        """Send a text message of up to 1,600 characters. It is never repeated here."""
        form = [("To", to_number), ("From", from_number), ("Body", text)]
        return await self._ask("POST", "/Messages.json", form, TextState)

    async def text(self, text_sid: str) -> TextState:
        """Look a text message up."""
        if not _TEXT_SID.match(text_sid):
            raise NotFound("not a message's identifier")
        return await self._ask("GET", f"/Messages/{text_sid}.json", None, TextState)

    async def number(self, phone_number: str) -> NumberState | None:
        """Return a number of the account (with its ``+``), None where it has none like that."""
        query = urlencode({"PhoneNumber": phone_number})
        page = await self._ask("GET", f"/IncomingPhoneNumbers.json?{query}", None, _Numbers)
        found = [one for one in page.incoming_phone_numbers if one.phone_number == phone_number]
        return found[0] if found else None

    async def lead(self, number_sid: str, voice_url: str, status_url: str) -> None:
        """Set what is asked about calls to a number, and told of their end; empty for nothing."""
        if not _NUMBER_SID.match(number_sid):
            raise NotFound("not a number's identifier")
        path = f"/IncomingPhoneNumbers/{number_sid}.json"
        await self._ask("POST", path, _led_to(voice_url, status_url), NumberState)

    async def offers(self, country: str, area_code: str) -> Sequence[str]:
        """Return a few local numbers (with ``+``) that may be bought and take calls; of the area,
        if any, which there is in the US and Canada.
        """
        query = {"VoiceEnabled": "true", "PageSize": "5"}
        if area_code:
            query["AreaCode"] = area_code
        path = f"/AvailablePhoneNumbers/{country}/Local.json?{urlencode(query)}"
        page = await self._ask("GET", path, None, _Offers)
        return tuple(one.phone_number for one in page.available_phone_numbers)

    async def buy(self, phone_number: str, name: str, urls: tuple[str, str] | None) -> NumberState:
        """Buy a number and lead its calls to ``urls`` (voice, status), if any; never repeated here.

        It bears ``name``, by which ``named`` finds it where the answer was lost.
        """
        form = [("PhoneNumber", phone_number), ("FriendlyName", name)]
        form += [] if urls is None else _led_to(*urls)
        return await self._ask("POST", "/IncomingPhoneNumbers.json", form, NumberState)

    async def named(self, name: str) -> NumberState | None:
        """Return the account's number of that friendly name, None where it has none."""
        query = urlencode({"FriendlyName": name})
        page = await self._ask("GET", f"/IncomingPhoneNumbers.json?{query}", None, _Numbers)
        found = [one for one in page.incoming_phone_numbers if one.friendly_name == name]
        return found[0] if found else None

    async def release(self, number_sid: str) -> None:
        """Give a number back to the carrier; one that the account has not is no error."""
        if not _NUMBER_SID.match(number_sid):
            return
        url = URL(f"{self._account_url}/IncomingPhoneNumbers/{number_sid}.json", encoded=True)
        status, headers, body = await self._send("DELETE", url, None)
        if not 200 <= status <= 299 and status != 404:
            raise _failure(status, headers.get("Retry-After", ""), body)

    async def _call(
        self, method: str, path: str, form: Sequence[tuple[str, str]] | None = None
    ) -> CallState:
        return await self._ask(method, f"/Calls{path}", form, CallState)

    async def _ask(
        self, method: str, path: str, form: Sequence[tuple[str, str]] | None, kind: type[T]
    ) -> T:
        url = URL(self._account_url + path, encoded=True)
        status, headers, body = await self._send(method, url, form)
        if not 200 <= status <= 299:
            raise _failure(status, headers.get("Retry-After", ""), body)
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, RecursionError):
            raise Unavailable("the answer is not what the API documents", status, True) from None

    async def _send(
        self, method: str, url: URL, form: Sequence[tuple[str, str]] | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        limits = aiohttp.ClientTimeout(total=TOTAL_S, sock_connect=CONNECT_S)
        data = None if form is None else aiohttp.FormData(list(form))
        try:
            async with self._http.request(
                method, url, data=data, headers=self._headers, timeout=limits, allow_redirects=False
            ) as answer:
                body = await answer.content.read(BODY_BYTES_MAX)
                while not answer.content.at_eof() and len(body) < BODY_BYTES_MAX:
                    body += await answer.content.read(BODY_BYTES_MAX)
                return answer.status, answer.headers, body
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise Unavailable("the API cannot be reached") from None
        except TimeoutError:
            raise Unavailable("the API did not answer in time", maybe_done=True) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise Unavailable("the connection to the API broke", maybe_done=True) from None


def _led_to(voice_url: str, status_url: str) -> list[tuple[str, str]]:
    return [
        ("VoiceUrl", voice_url),
        ("VoiceMethod", "POST"),
        ("StatusCallback", status_url),
        ("StatusCallbackMethod", "POST"),
    ]


def _is_made_since(call: CallState, since: datetime) -> bool:
    """Tell whether a call is so new, their clock and ours being a minute apart at most; the API
    itself asks by the day. One that does not say is taken.
    """
    try:
        made = parsedate_to_datetime(call.date_created or "")
    except ValueError:
        return True
    if made.tzinfo is None:
        return True
    return made >= since - timedelta(minutes=1)


def _failure(status: int, retry_after: str, body: bytes) -> ApiError:
    """Return the error of an answer that is no success."""
    try:
        found = msgspec.json.decode(body, type=_Failure)
    except (msgspec.DecodeError, RecursionError):
        found = _Failure()
    code = found.code or 0
    text = f"HTTP {status}" + (f", code {code}: {(found.message or '')[:200]}" if code else "")
    if status == 429:
        return TooMany(text, _retry_after_s(retry_after), code)
    if status in (401, 403):
        return NotAllowed(text, status, code)
    if status == 404:
        return NotFound(text, status, code)
    if status >= 500:
        return Unavailable(text, status, maybe_done=True)
    return Refused(text, status, code)


def _retry_after_s(value: str) -> float:
    """Return the seconds that ``Retry-After`` asks for, within reason; 1 where it says nothing."""
    if not value.isascii() or not value.isdigit():
        return 1.0
    return min(max(float(value), 0.1), RETRY_AFTER_S_MAX)


def _checked(call_sid: str) -> str:
    if not _CALL_SID.match(call_sid):
        raise NotFound("not a call's identifier")
    return call_sid
