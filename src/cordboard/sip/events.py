"""What the user agent reports. Every event names its call by ``handle``.

Each call has exactly one ``CallEnded`` (only ``DialogChanged`` and ``CallReleased`` follow) and
exactly one ``CallReleased`` (the far end knows, or was given up: the dialog's record may go). A
call that is refused before ``CallOffered`` has neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cordboard.sip.datagram import Address
from cordboard.sip.dialog import DialogRecord


class EndedBy(StrEnum):
    """Who ended a call."""

    LOCAL = "local"
    REMOTE = "remote"
    TIMEOUT = "timeout"
    NO_ACK = "no_ack"


@dataclass(frozen=True, slots=True)
class CallOffered:
    """A new INVITE was admitted; ``ring``, ``answer`` or ``reject`` is expected.

    ``sdp_offer`` is None for an offerless INVITE: the answer command then carries our offer.
    ``headers`` holds the request's extension headers (``X-…`` and identity ones), lower case.
    ``label`` is what the ``authorise`` hook allowed the request with.
    """

    handle: str
    call_id: str
    from_user: str
    to_user: str
    request_user: str
    display_name: str
    source: Address
    sdp_offer: bytes | None
    headers: Mapping[str, str]
    label: str = ""


@dataclass(frozen=True, slots=True)
class CallConfirmed:
    """The ACK to our answer came; ``sdp_answer`` is set when the INVITE was offerless."""

    handle: str
    sdp_answer: bytes | None


@dataclass(frozen=True, slots=True)
class CallProgressed:
    """A call that we placed got a provisional answer; ``sdp`` describes early media."""

    handle: str
    status: int
    reason: str
    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """A call that we placed was answered (and the ACK is on its way)."""

    handle: str
    sdp_answer: bytes | None


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is over: by whom, with what final status (0: none), and why in words.

    A cancelled call ends by ``remote`` with 487; a refused one with the refusal's status. A
    redirected one (300 to 399) names the ``contacts`` to try instead, the most wanted first.
    """

    handle: str
    by: EndedBy
    status: int
    reason: str
    contacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallReleased:
    """Nothing is left to be done for this call; its handle is void."""

    handle: str


@dataclass(frozen=True, slots=True)
class ReinviteReceived:
    """The peer changes the call (re-INVITE, or UPDATE with an offer).

    ``answer_reinvite`` or ``reject_reinvite`` is expected; without an ``sdp_offer`` our answer
    carries an offer and ``ReinviteConfirmed`` the peer's answer.
    """

    handle: str
    sdp_offer: bytes | None


@dataclass(frozen=True, slots=True)
class ReinviteConfirmed:
    """The ACK to our answer of a re-INVITE came."""

    handle: str
    sdp_answer: bytes | None


@dataclass(frozen=True, slots=True)
class RefreshReceived:
    """The peer refreshed the session (UPDATE without SDP); it is answered already."""

    handle: str


@dataclass(frozen=True, slots=True)
class InfoReceived:
    """The peer sent INFO that is no digit; it is answered already."""

    handle: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """A digit by SIP INFO: one of ``0-9*#A-D``."""

    handle: str
    digit: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class TransferProgressed:
    """The peer reports how our REFER goes (RFC 3515): a status line's code and text."""

    handle: str
    status: int
    reason: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """Our INFO, REFER or re-INVITE got its final answer (408 when none came).

    A re-INVITE may be ours without a command: the refresh of a session (RFC 4028).
    """

    handle: str
    method: str
    status: int
    reason: str
    sdp_answer: bytes | None


@dataclass(frozen=True, slots=True)
class DialogChanged:
    """The dialog's persisted form changed; store it before sending what is queued."""

    handle: str
    dialog: DialogRecord


@dataclass(frozen=True, slots=True)
class RegistrationChanged:
    """A registration of ours holds now, or does not; ``handle`` is its own, not a call's.

    Until ``is_over`` it is tried again by itself.
    """

    handle: str
    is_up: bool
    status: int
    reason: str
    is_over: bool


SipEvent = (
    CallOffered
    | CallConfirmed
    | CallProgressed
    | CallAnswered
    | CallEnded
    | CallReleased
    | ReinviteReceived
    | ReinviteConfirmed
    | RefreshReceived
    | InfoReceived
    | DigitPressed
    | TransferProgressed
    | RequestAnswered
    | DialogChanged
    | RegistrationChanged
)
