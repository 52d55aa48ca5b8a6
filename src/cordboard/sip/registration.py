"""Registrations that we keep up at other servers (RFC 3261 section 10.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from cordboard.sip.core import Core
from cordboard.sip.datagram import Address
from cordboard.sip.digest import Credentials, answer_challenge, choose_challenge
from cordboard.sip.events import RegistrationChanged
from cordboard.sip.fields import check_line, clean, parse_uri
from cordboard.sip.message import Headers, Request, Response
from cordboard.sip.transaction import Transaction

REGISTRATION_PREFIX = "registration "
RETRY_FIRST_MS = 30_000
RETRY_MAX_MS = 900_000
EXPIRES_MAX_S = 86_400
_AUTH_TRIES = 2
_EXPIRES = re.compile(r";\s*expires\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)


class RegistrationTimer(StrEnum):
    """What a registration waits for."""

    NEXT = "register again"


@dataclass(frozen=True, slots=True)
class Binding:
    """What we ask a server to keep: calls for ``address`` (a URI) come to us.

    ``registrar`` is the Request-URI; everything goes to ``destination``.
    """

    registrar: str
    address: str
    destination: Address
    credentials: Credentials | None = None
    expires_s: int = 300


@dataclass(slots=True)
class _Registration:
    handle: str
    binding: Binding
    call_id: str
    local_tag: str
    cseq: int = 0
    tries: int = 0
    failures: int = 0
    is_up: bool = False
    removing: bool = False


class Registrations:
    """Commands for registrations, by their handle; refreshed and tried again by themselves."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._kept: dict[str, _Registration] = {}

    def add(self, binding: Binding, now_ms: int) -> str:
        """Register, and go on until ``remove``; ``RegistrationChanged`` tells how it goes.

        Raises ``BadField`` for addresses that cannot be used.
        """
        for text in (binding.registrar, binding.address):
            parse_uri(text)
            check_line("registration", text)
        token = self._core.new_token
        registration = _Registration(token(), binding, token(), token())
        self._kept[registration.handle] = registration
        self._send(registration, now_ms)
        return registration.handle

    def remove(self, handle: str, now_ms: int) -> bool:
        """Take the binding back; the last ``RegistrationChanged`` tells when that is done."""
        registration = self._kept.get(handle)
        if registration is None or registration.removing:
            return False
        registration.removing = True
        registration.tries = 0
        if registration.is_up:
            self._send(registration, now_ms)
        else:
            self._forget(registration, 0, "")
        return True

    def due(self, handle: str, now_ms: int) -> None:
        """Register again: it is time to."""
        registration = self._kept.get(handle)
        if registration is not None and not registration.removing:
            registration.tries = 0
            self._send(registration, now_ms)

    def receive(self, transaction: Transaction, response: Response, now_ms: int) -> None:
        """Take an answer to one of our REGISTER requests."""
        registration = self._of(transaction)
        if registration is None or response.status < 200:
            return
        if response.status < 300:
            self._succeeded(registration, response, now_ms)
        elif not self._try_again(registration, transaction, response, now_ms):
            self._failed(registration, response.status, clean(response.reason), now_ms)

    def timed_out(self, transaction: Transaction, now_ms: int) -> None:
        """Take it as 408 when no answer came."""
        registration = self._of(transaction)
        if registration is not None:
            self._failed(registration, 408, "no answer", now_ms)

    def _of(self, transaction: Transaction) -> _Registration | None:
        return self._kept.get(transaction.user.removeprefix(REGISTRATION_PREFIX))

    def _send(
        self, registration: _Registration, now_ms: int, fields: tuple[tuple[str, str], ...] = ()
    ) -> None:
        core, binding = self._core, registration.binding
        registration.cseq += 1
        branch, via = core.new_via()
        user = parse_uri(binding.address).user or ""
        contact = core.contact.replace("<sip:", f"<sip:{user}@", 1)
        expires_s = 0 if registration.removing else binding.expires_s
        headers = Headers(
            [
                ("Via", via),
                ("From", f"<{binding.address}>;tag={registration.local_tag}"),
                ("To", f"<{binding.address}>"),
                ("Call-ID", registration.call_id),
                ("CSeq", f"{registration.cseq} REGISTER"),
                ("Max-Forwards", "70"),
                ("Contact", contact),
                ("Expires", str(expires_s)),
                ("User-Agent", core.config.user_agent),
                *fields,
            ]
        )
        request = Request("REGISTER", binding.registrar, headers)
        owner = REGISTRATION_PREFIX + registration.handle
        core.transactions.open_client(request, branch, binding.destination, owner, now_ms)

    def _try_again(
        self,
        registration: _Registration,
        transaction: Transaction,
        response: Response,
        now_ms: int,
    ) -> bool:
        """Answer a challenge, or ask for as long as the server insists on."""
        if registration.tries >= _AUTH_TRIES:
            return False
        registration.tries += 1
        least = response.headers.get("min-expires") or ""
        if response.status == 423 and least.isdigit() and int(least) <= EXPIRES_MAX_S:
            registration.binding = replace(registration.binding, expires_s=int(least))
            self._send(registration, now_ms)
            return True
        proof = self._proof(registration.binding, transaction, response)
        if proof is None:
            return False
        self._send(registration, now_ms, (proof,))
        return True

    def _proof(
        self, binding: Binding, transaction: Transaction, response: Response
    ) -> tuple[str, str] | None:
        names = {401: ("www-authenticate", "Authorization"),
                 407: ("proxy-authenticate", "Proxy-Authorization")}  # fmt: skip
        if response.status not in names or binding.credentials is None:
            return None
        asked, answered = names[response.status]
        challenge = choose_challenge(response.headers.every(asked), binding.credentials)
        if challenge is None:
            return None
        uri, token = transaction.request.uri, self._core.new_token()
        return answered, answer_challenge(challenge, binding.credentials, "REGISTER", uri, token)

    def _succeeded(self, registration: _Registration, response: Response, now_ms: int) -> None:
        if registration.removing:
            self._forget(registration, response.status, "")
            return
        expires_s = _granted(response, registration.binding.expires_s)
        registration.failures = 0
        # Before three quarters are over nothing has run out, however slow the next answer is.
        self._again(registration, now_ms + max(1_000, expires_s * 750))
        if not registration.is_up:
            registration.is_up = True
            self._core.report(
                RegistrationChanged(registration.handle, True, response.status, "", False)
            )

    def _failed(self, registration: _Registration, status: int, reason: str, now_ms: int) -> None:
        if registration.removing:
            self._forget(registration, status, reason)
            return
        wait_ms = min(RETRY_FIRST_MS * 2**registration.failures, RETRY_MAX_MS)
        registration.failures = min(registration.failures + 1, 10)
        registration.is_up = False
        self._again(registration, now_ms + wait_ms)
        self._core.report(RegistrationChanged(registration.handle, False, status, reason, False))

    def _again(self, registration: _Registration, at_ms: int) -> None:
        owner = REGISTRATION_PREFIX + registration.handle
        self._core.timers.set((owner, RegistrationTimer.NEXT), at_ms)

    def _forget(self, registration: _Registration, status: int, reason: str) -> None:
        owner = REGISTRATION_PREFIX + registration.handle
        self._core.timers.cancel((owner, RegistrationTimer.NEXT))
        self._kept.pop(registration.handle, None)
        self._core.report(RegistrationChanged(registration.handle, False, status, reason, True))


def _granted(response: Response, asked_s: int) -> int:
    """Return how long the server keeps our binding: never more than we asked for."""
    found = [
        int(match[1])
        for contact in response.headers.every("contact")
        if (match := _EXPIRES.search(contact))
    ]
    general = response.headers.get("expires") or ""
    if not found and general.isdigit() and len(general) < 10:
        found = [int(general)]
    return max(1, min([*found, asked_s]))
