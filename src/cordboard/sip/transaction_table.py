"""The four transaction machines of RFC 3261 section 17 and RFC 6026, as tables.

For datagrams: timers D, I and K have the values of an unreliable transport.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

T1_MS = 500
T2_MS = 4_000
T4_MS = 5_000
GIVE_UP_MS = 64 * T1_MS
PROVISIONAL_LIMIT_MS = 200_000


class Kind(StrEnum):
    """Which of the four machines a transaction runs."""

    CLIENT_INVITE = "client invite"
    CLIENT = "client"
    SERVER_INVITE = "server invite"
    SERVER = "server"


class State(StrEnum):
    """States by the names of RFC 3261 figures 5 to 8; Accepted is RFC 6026's."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    TERMINATED = "terminated"


class Input(StrEnum):
    """What can happen to a transaction apart from its timers."""

    REQUEST = "request again"
    ACK = "ack"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300 to 699"


class Timer(StrEnum):
    """Timers by their letters (RFC 3261 table 4; L and M are RFC 6026's).

    C is a proxy's in the RFC; here it bounds every INVITE that got a provisional answer only.
    """

    A = "timer A: INVITE again"
    B = "timer B: no answer to INVITE"
    C = "timer C: no final answer to INVITE"
    D = "timer D: late answers absorbed"
    E = "timer E: request again"
    F = "timer F: no answer to request"
    G = "timer G: final answer again"
    H = "timer H: no ACK"
    I = "timer I: late ACKs absorbed"  # noqa: E741 - the RFC's letter
    J = "timer J: repeated requests absorbed"
    K = "timer K: late answers absorbed"
    L = "timer L: repeated INVITEs absorbed"
    M = "timer M: further 2xx awaited"


FIRST_MS = {
    Timer.A: T1_MS, Timer.B: GIVE_UP_MS, Timer.C: PROVISIONAL_LIMIT_MS,
    Timer.D: GIVE_UP_MS, Timer.E: T1_MS,
    Timer.F: GIVE_UP_MS, Timer.G: T1_MS, Timer.H: GIVE_UP_MS, Timer.I: T4_MS,
    Timer.J: GIVE_UP_MS, Timer.K: T4_MS, Timer.L: GIVE_UP_MS, Timer.M: GIVE_UP_MS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """What to do on an input: next state, send, hand up, and which timers run."""

    state: State
    send: bool = False
    deliver: bool = False
    acknowledge: bool = False
    timed_out: bool = False
    start: tuple[Timer, ...] = ()
    stop: tuple[Timer, ...] = ()


Table = dict[tuple[State, Input | Timer], Step]
S = State

_CLIENT_INVITE: Table = {
    (S.CALLING, Timer.A): Step(S.CALLING, send=True),
    (S.CALLING, Timer.B): Step(S.TERMINATED, timed_out=True),
    (S.CALLING, Input.PROVISIONAL): Step(
        S.PROCEEDING, deliver=True, start=(Timer.C,), stop=(Timer.A, Timer.B)
    ),
    (S.PROCEEDING, Input.PROVISIONAL): Step(S.PROCEEDING, deliver=True, start=(Timer.C,)),
    (S.PROCEEDING, Timer.C): Step(S.TERMINATED, timed_out=True),
    (S.COMPLETED, Input.FAILURE): Step(S.COMPLETED, acknowledge=True),
    (S.COMPLETED, Timer.D): Step(S.TERMINATED),
    (S.ACCEPTED, Input.SUCCESS): Step(S.ACCEPTED, deliver=True),
    (S.ACCEPTED, Timer.M): Step(S.TERMINATED),
}
for _state in (S.CALLING, S.PROCEEDING):
    _stop = (Timer.A, Timer.B, Timer.C)
    _CLIENT_INVITE[_state, Input.SUCCESS] = Step(
        S.ACCEPTED, deliver=True, start=(Timer.M,), stop=_stop
    )
    _CLIENT_INVITE[_state, Input.FAILURE] = Step(
        S.COMPLETED, deliver=True, acknowledge=True, start=(Timer.D,), stop=_stop
    )

_CLIENT: Table = {(S.COMPLETED, Timer.K): Step(S.TERMINATED)}
for _state in (S.TRYING, S.PROCEEDING):
    _CLIENT[_state, Timer.E] = Step(_state, send=True)
    _CLIENT[_state, Timer.F] = Step(S.TERMINATED, timed_out=True)
    _CLIENT[_state, Input.PROVISIONAL] = Step(S.PROCEEDING, deliver=True)
    for _final in (Input.SUCCESS, Input.FAILURE):
        _CLIENT[_state, _final] = Step(
            S.COMPLETED, deliver=True, start=(Timer.K,), stop=(Timer.E, Timer.F)
        )

_SERVER_INVITE: Table = {
    (S.PROCEEDING, Input.REQUEST): Step(S.PROCEEDING, send=True),
    (S.PROCEEDING, Input.PROVISIONAL): Step(S.PROCEEDING, send=True),
    (S.PROCEEDING, Input.SUCCESS): Step(S.ACCEPTED, send=True, start=(Timer.L,)),
    (S.PROCEEDING, Input.FAILURE): Step(S.COMPLETED, send=True, start=(Timer.G, Timer.H)),
    (S.COMPLETED, Input.REQUEST): Step(S.COMPLETED, send=True),
    (S.COMPLETED, Timer.G): Step(S.COMPLETED, send=True),
    (S.COMPLETED, Timer.H): Step(S.TERMINATED, timed_out=True),
    (S.COMPLETED, Input.ACK): Step(S.CONFIRMED, start=(Timer.I,), stop=(Timer.G, Timer.H)),
    (S.CONFIRMED, Timer.I): Step(S.TERMINATED),
    (S.ACCEPTED, Input.SUCCESS): Step(S.ACCEPTED, send=True),
    (S.ACCEPTED, Timer.L): Step(S.TERMINATED),
}

_SERVER: Table = {
    (S.PROCEEDING, Input.REQUEST): Step(S.PROCEEDING, send=True),
    (S.COMPLETED, Input.REQUEST): Step(S.COMPLETED, send=True),
    (S.COMPLETED, Timer.J): Step(S.TERMINATED),
}
for _state in (S.TRYING, S.PROCEEDING):
    _SERVER[_state, Input.PROVISIONAL] = Step(S.PROCEEDING, send=True)
    for _final in (Input.SUCCESS, Input.FAILURE):
        _SERVER[_state, _final] = Step(S.COMPLETED, send=True, start=(Timer.J,))

TABLES: dict[Kind, Table] = {
    Kind.CLIENT_INVITE: _CLIENT_INVITE,
    Kind.CLIENT: _CLIENT,
    Kind.SERVER_INVITE: _SERVER_INVITE,
    Kind.SERVER: _SERVER,
}
START: dict[Kind, tuple[State, tuple[Timer, ...]]] = {
    Kind.CLIENT_INVITE: (S.CALLING, (Timer.A, Timer.B)),
    Kind.CLIENT: (S.TRYING, (Timer.E, Timer.F)),
    Kind.SERVER_INVITE: (S.PROCEEDING, ()),
    Kind.SERVER: (S.TRYING, ()),
}


def next_interval_ms(timer: Timer, state: State, interval_ms: int) -> int | None:
    """Return the wait before a timer fires again, or None for one that fires once."""
    if timer is Timer.A:
        return 2 * interval_ms
    if timer is Timer.E and state is S.PROCEEDING:
        return T2_MS
    if timer in (Timer.E, Timer.G):
        return min(2 * interval_ms, T2_MS)
    return None


def response_input(status: int) -> Input:
    """Return the input that a response of this status is."""
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.FAILURE
