"""What a user agent is told at its start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cordboard.sip.datagram import Address
from cordboard.sip.message import Request


@dataclass(frozen=True, slots=True)
class Allow:
    """The request may go on. ``label`` (a trunk's id, say) comes back in ``CallOffered``."""

    label: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """The request is not answered at all."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The request is answered with this status; ``headers`` go with it.

    A 401 with the ``WWW-Authenticate`` fields of ``digest.DigestServer.challenge`` is a challenge.
    """

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()


Verdict = Allow | Drop | Refuse


def _allow(request: Request, now_ms: int) -> Verdict:
    return Allow()


def _accept(source: Address, now_ms: int) -> bool:
    return True


def _same_host(source: Address, peer: Address) -> bool:
    return source[0] == peer[0]


@dataclass(frozen=True, slots=True)
class UserAgentConfig:
    """Settings of one user agent.

    ``local`` is what Contact and Via advertise. ``accepts_source`` is asked before anything is
    answered to a datagram that belongs to no known call (False: silence); put networks and the
    token bucket there. ``authorise`` is asked about every request outside a dialog before any
    state exists; ``request.source`` is its sender. ``is_peer`` tells whether a source (first) may
    speak inside a dialog that another address (second) opened: by itself the same host only; a
    trunk of several hosts may allow its own.
    """

    local: Address
    accepts_source: Callable[[Address, int], bool] = _accept
    authorise: Callable[[Request, int], Verdict] = _allow
    is_peer: Callable[[Address, Address], bool] = _same_host
    user_agent: str = "Cordboard"
    transport: str = "UDP"
    first_cseq: int = 1
    ring_limit_ms: int = 60_000
    min_session_s: int = 90
    max_legs: int = 2_000
    max_transactions: int = 20_000
