"""Registrations at other servers: proved, refreshed, tried again, taken back."""

from __future__ import annotations

import itertools

import pytest

from cordboard.sip.config import UserAgentConfig
from cordboard.sip.digest import Credentials, DigestServer, DigestVerdict
from cordboard.sip.events import RegistrationChanged
from cordboard.sip.fields import BadField
from cordboard.sip.message import Request, parse_datagram
from cordboard.sip.registration import RETRY_FIRST_MS, RETRY_MAX_MS, Binding
from cordboard.sip.user_agent import UserAgent

REGISTRAR = ("192.0.2.1", 5060)
US = ("192.0.2.9", 5060)
BINDING = Binding(
    "sip:registrar.example", "sip:desk@registrar.example", REGISTRAR, Credentials("desk", "secret")
)


class Registrar:
    """A registrar by hand: takes what the user agent sends, answers as told."""

    def __init__(self, binding: Binding = BINDING) -> None:
        tokens = (f"token{number:012}" for number in itertools.count())
        self.agent = UserAgent(UserAgentConfig(US), lambda: next(tokens))
        self.digest = DigestServer("registrar", b"k" * 32, lambda: next(tokens))
        self.now_ms = 1_000
        self.requests: list[Request] = []
        self.handle = self.agent.registrations.add(binding, self.now_ms)
        self.take()

    def take(self) -> None:
        """Take what was sent."""
        for datagram in self.agent.datagrams_to_send():
            assert datagram.destination == REGISTRAR
            message = parse_datagram(datagram.payload, US)
            assert isinstance(message, Request)
            self.requests.append(message)

    def answer(self, status: int, *fields: tuple[str, str]) -> None:
        """Answer the last request."""
        request = self.requests[-1]
        copied = ("Via", "From", "To", "Call-ID", "CSeq")
        given = [*((name, request.headers.get(name)) for name in copied), *fields]
        lines = [f"SIP/2.0 {status} Words", *(f"{name}: {value}" for name, value in given)]
        payload = "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()
        self.agent.receive(payload, REGISTRAR, self.now_ms)
        self.take()

    def wait(self, duration_ms: int) -> None:
        """Let time pass."""
        end_ms = self.now_ms + duration_ms
        while (due := self.agent.next_deadline()) is not None and due.at_ms <= end_ms:
            self.now_ms = due.at_ms
            self.agent.handle_deadline(self.now_ms)
            self.take()
        self.now_ms = end_ms

    def changes(self) -> list[tuple[bool, int, bool]]:
        """Return what was reported since the last time."""
        return [
            (event.is_up, event.status, event.is_over)
            for event in self.agent.events()
            if isinstance(event, RegistrationChanged)
        ]


def test_proved_and_refreshed() -> None:
    """A challenge is answered, and the binding is renewed before it runs out."""
    registrar = Registrar()
    first = registrar.requests[0]
    assert (first.method, first.uri) == ("REGISTER", "sip:registrar.example")
    assert first.headers.get("contact") == "<sip:desk@192.0.2.9:5060>"
    registrar.answer(401, *registrar.digest.challenge(registrar.now_ms))
    second = registrar.requests[1]
    verdict, user = registrar.digest.check(
        second.headers.every("authorization"), "REGISTER", lambda _: "secret", registrar.now_ms
    )
    assert (verdict, user) == (DigestVerdict.ACCEPTED, "desk")
    assert second.headers.get("call-id") == first.headers.get("call-id")
    registrar.answer(200, ("Contact", "<sip:desk@192.0.2.9:5060>;expires=120"))
    assert registrar.changes() == [(True, 200, False)]
    registrar.wait(89_000)
    assert len(registrar.requests) == 2
    registrar.wait(1_200)
    assert len(registrar.requests) == 3
    registrar.answer(200, ("Expires", "120"))
    assert registrar.changes() == []


def test_wrong_password_is_tried_seldom() -> None:
    """A server that keeps asking is not asked on and on: the next try is later each time."""
    registrar = Registrar()
    waits = []
    for _ in range(8):
        before_ms, count = registrar.now_ms, len(registrar.requests)
        for _ in range(3):
            registrar.answer(401, *registrar.digest.challenge(registrar.now_ms))
        assert len(registrar.requests) == count + 2
        assert registrar.changes() == [(False, 401, False)]
        while len(registrar.requests) == count + 2:
            registrar.wait(1_000)
        waits.append(registrar.now_ms - before_ms)
    assert waits == sorted(waits)
    assert RETRY_FIRST_MS <= waits[0] <= RETRY_FIRST_MS + 1_000
    assert RETRY_MAX_MS <= waits[-1] <= RETRY_MAX_MS + 1_000


def test_silence_is_a_failure() -> None:
    """A server that does not answer counts as 408, and is tried again."""
    registrar = Registrar()
    registrar.wait(33_000)
    assert registrar.changes() == [(False, 408, False)]
    count = len(registrar.requests)
    registrar.wait(RETRY_FIRST_MS)
    assert len(registrar.requests) > count
    registrar.answer(200)
    assert registrar.changes() == [(True, 200, False)]


def test_longer_intervals_are_accepted() -> None:
    """A 423 is answered with the interval that it names."""
    registrar = Registrar()
    registrar.answer(423, ("Min-Expires", "1800"))
    assert registrar.requests[-1].headers.get("expires") == "1800"
    registrar.answer(200)
    assert registrar.changes() == [(True, 200, False)]


def test_taken_back() -> None:
    """Removing takes the binding back at the server, and leaves nothing behind."""
    registrar = Registrar()
    registrar.answer(200)
    registrar.changes()
    assert registrar.agent.registrations.remove(registrar.handle, registrar.now_ms)
    registrar.take()
    assert registrar.requests[-1].headers.get("expires") == "0"
    registrar.answer(401, *registrar.digest.challenge(registrar.now_ms))
    registrar.answer(200)
    assert registrar.changes() == [(False, 200, True)]
    assert not registrar.agent.registrations.remove(registrar.handle, registrar.now_ms)
    registrar.wait(60_000)
    assert not any(registrar.agent.counts().values())


def test_addresses_that_cannot_be_used() -> None:
    """What is no SIP address is refused before anything is sent."""
    for address in ("mailto:desk@example.com", "sip:desk@example.com\r\nX: y"):
        with pytest.raises(BadField):
            Registrar(Binding("sip:registrar.example", address, REGISTRAR))
