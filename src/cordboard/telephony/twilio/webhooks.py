"""What Twilio asks over HTTP, free of any framework: an offered call, what comes next, the status.

All are forms signed with the account's token. A request that is not signed, or is about a
call that nobody knows, gets an empty 403 and changes nothing. Twilio repeats requests: an offer
that comes again gets the answer of the first one, a status that comes again changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from cordboard.telephony.twilio import twiml
from cordboard.telephony.twilio.leg import TwilioLeg
from cordboard.telephony.twilio.signature import is_signed
from cordboard.telephony.twilio.sockets import MediaSockets

VOICE_PATH: Final = "/twilio/voice/"
RESUME_PATH: Final = "/twilio/resume/"
STATUS_PATH: Final = "/twilio/status/"
DIALLED_PATH: Final = "/twilio/dialled/"
DECISION_WAIT_S: Final = 8.0
"""Twilio gives up a webhook after 15 s."""

FORM_BYTES_MAX: Final = 64 * 1024
FIELDS_MAX: Final = 200
_BUSY_STATUSES: Final = frozenset({486, 503, 600})


@dataclass(frozen=True, slots=True)
class Question:
    """One request: its public path with the query, its body, and its signature header."""

    path: str
    body: bytes
    signature: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer: a document, or an empty status."""

    status: int
    document: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A call that is being offered. Numbers are as Twilio writes them, with their ``+``."""

    call_sid: str
    account_sid: str
    from_number: str
    to_number: str


Accept = Callable[[Offer], TwilioLeg | int]

FORBIDDEN: Final = Reply(403)
EMPTY: Final = Reply(204)


class Webhooks:
    """Answers for all legs of the process. ``public_url`` is where Twilio reaches us, with
    ``https`` and without a slash at the end.

    """

    def __init__(self, public_url: str, sockets: MediaSockets) -> None:
        """Know no leg yet."""
        self._public_url = public_url
        self._sockets = sockets
        self._legs: dict[str, tuple[TwilioLeg, str]] = {}

    def add(self, leg: TwilioLeg, auth_token: str) -> None:
        """Know a leg by its ``leg_id``; for calls that we place, before they are placed."""
        self._legs[leg.leg_id] = leg, auth_token

    def remove(self, leg_id: str) -> None:
        """Forget a leg, when its call has been closed."""
        self._legs.pop(leg_id, None)

    def resume_url(self, leg: TwilioLeg) -> str:
        """Return where Twilio asks what comes next."""
        return f"{self._public_url}{RESUME_PATH}{leg.leg_id}"

    def status_url(self, leg: TwilioLeg) -> str:
        """Return where Twilio tells how a call fares."""
        return f"{self._public_url}{STATUS_PATH}{leg.leg_id}"

    def number_urls(self, number: str) -> tuple[str, str]:
        """Return where Twilio asks about calls to a number (stored form), and tells of their
        end.
        """
        number = number.lstrip("+")
        return f"{self._public_url}{VOICE_PATH}{number}", f"{self._public_url}{STATUS_PATH}{number}"

    def dialled_url(self, leg: TwilioLeg) -> str:
        """Return where Twilio tells how the target of a leg's transfer fares."""
        return f"{self._public_url}{DIALLED_PATH}{leg.leg_id}"

    def document(self, leg: TwilioLeg, auth_token: str, for_ms: int | None = None) -> str:
        """Return the document that gives a call its stream; also what a call of ours starts with,
        where ``for_ms`` has to outlast the ringing.
        """
        if for_ms is None:
            stream_url = self._sockets.expect(leg, auth_token)
        else:
            stream_url = self._sockets.expect(leg, auth_token, for_ms)
        return twiml.connect(stream_url, self.resume_url(leg))

    async def offered(self, question: Question, auth_token: str, accept: Accept) -> Reply:
        """Answer the voice webhook of a number whose account has this token.

        ``accept`` is told of an offer that is signed and new: it returns the leg that was handed to
        the engine, or the status of a refusal.
        """
        form = self._form(question, auth_token)
        if form is None:
            return FORBIDDEN
        call_sid = form.get("CallSid", "")
        leg = self._find(call_sid, auth_token)
        if leg is None:
            offer = Offer(
                call_sid, form.get("AccountSid", ""), form.get("From", ""), form.get("To", "")
            )
            accepted = accept(offer) if call_sid else 400
            if isinstance(accepted, int):
                return _refusal(accepted)
            leg = accepted
            self.add(leg, auth_token)
        try:
            async with asyncio.timeout(DECISION_WAIT_S):
                status = await leg.progress.decision()
        except TimeoutError:
            leg.call_status("canceled")
            return _refusal(503)
        return _refusal(status) if status else self._connect(leg, auth_token)

    def is_new(self, question: Question, auth_token: str) -> bool:
        """Tell whether ``offered`` would ask ``accept``: a signed offer of a call not known yet."""
        form = self._form(question, auth_token)
        return form is not None and self._find(form.get("CallSid", ""), auth_token) is None

    def resumed(self, question: Question) -> Reply:
        """Answer what comes next for a call whose stream has ended: another one while the call
        goes on with us, else the end.
        """
        found = self._known(question)
        if found is None:
            return FORBIDDEN
        leg, auth_token, form = found
        dialled = form.get("DialCallStatus", "")
        leg.progress.target_took(dialled)
        # Also asked when the caller has gone meanwhile, or when a target that answered has.
        if leg.progress.transferring and "completed" in (dialled, form.get("CallStatus")):
            leg.call_status("completed")
        if leg.progress.over:
            return Reply(200, twiml.hang_up())
        return self._connect(leg, auth_token)

    def status(self, question: Question) -> Reply:
        """Take how a call fares. A call of ours learns its identifier here at the latest; one from
        outside is known by it, since all of a number's calls are told at one address.
        """
        found = self._known(question) or self._known_by_call(question)
        if found is None:
            return FORBIDDEN
        leg, _, form = found
        if not leg.progress.call_sid:
            leg.progress.call_sid = form.get("CallSid", "")
        leg.call_status(form.get("CallStatus", ""))
        return EMPTY

    def dialled(self, question: Question) -> Reply:
        """Take how the target of a transfer fares: a leg of its own, whose parent is the call."""
        found = self._known(question, "ParentCallSid")
        if found is None:
            return FORBIDDEN
        leg, _, form = found
        leg.progress.target_took(form.get("CallStatus", ""))
        return EMPTY

    def _find(self, call_sid: str, auth_token: str) -> TwilioLeg | None:
        """Return the leg of a call that was offered before, by the same account."""
        for leg, known_token in self._legs.values():
            if _is_of(leg, call_sid) and known_token == auth_token:
                return leg
        return None

    def _known(
        self, question: Question, of: str = "CallSid"
    ) -> tuple[TwilioLeg, str, dict[str, str]] | None:
        """Return the leg that a path names and the form, if the call's account signed it and the
        field ``of`` has the call's identifier.
        """
        leg_id = question.path.partition("?")[0].rpartition("/")[2]
        leg, auth_token = self._legs.get(leg_id, (None, ""))
        form = self._form(question, auth_token)
        if leg is None or form is None:
            return None
        if leg.progress.call_sid and not _is_of(leg, form.get(of, "")):
            return None
        return leg, auth_token, form

    def _known_by_call(self, question: Question) -> tuple[TwilioLeg, str, dict[str, str]] | None:
        """Return the leg whose call the form names, and the form, if its account signed it."""
        call_sid = named_in(question.body, "CallSid")
        for leg, auth_token in list(self._legs.values()):
            if _is_of(leg, call_sid):
                form = self._form(question, auth_token)
                return None if form is None else (leg, auth_token, form)
        return None

    def _form(self, question: Question, auth_token: str) -> dict[str, str] | None:
        """Return the fields of a signed form, None for anything else."""
        if len(question.body) > FORM_BYTES_MAX:
            return None
        try:
            # The signature does not cover where a name ends: what is no field is refused outright.
            fields = parse_qsl(
                question.body.decode(),
                keep_blank_values=True,
                strict_parsing=True,
                max_num_fields=FIELDS_MAX,
            )
        except ValueError:
            return None
        url = self._public_url + question.path
        return dict(fields) if is_signed(auth_token, url, question.signature, fields) else None

    def _connect(self, leg: TwilioLeg, auth_token: str) -> Reply:
        try:
            return Reply(200, self.document(leg, auth_token))
        except OverflowError:
            return _refusal(503)


def named_in(body: bytes, field: str) -> str:
    """Return a field of a form that is not proven yet; empty where it has none."""
    try:
        return dict(parse_qsl(body[:16_384].decode(), max_num_fields=FIELDS_MAX)).get(field, "")
    except ValueError:
        return ""


def picked_up_by_human(body: bytes) -> bool | None:
    """Return what a status callback says of who picked up; None where it says nothing of it.

    ``AnsweredBy`` is ``human``, ``fax``, ``unknown``, or begins with ``machine``.
    """
    answered_by = named_in(body, "AnsweredBy")
    if answered_by == "human":
        return True
    return False if answered_by == "fax" or answered_by.startswith("machine") else None


def _is_of(leg: TwilioLeg, call_sid: str) -> bool:
    return bool(call_sid) and leg.progress.call_sid == call_sid


def _refusal(status: int) -> Reply:
    """Return the document that refuses: it works only while a call has not been answered."""
    return Reply(200, twiml.reject(busy=status in _BUSY_STATUSES))
