"""A scripted peer: raw requests to one user agent, and its raw answers read back."""

from __future__ import annotations

from typing import TypeVar

from cordboard.sip.config import UserAgentConfig
from cordboard.sip.datagram import Address
from cordboard.sip.events import CallOffered, SipEvent
from cordboard.sip.message import BadMessage, Headers, Request, Response, parse_datagram
from cordboard.sip.user_agent import UserAgent
from tests.sip.link import SDP, tokens

US: Address = ("192.0.2.2", 5060)
THEM: Address = ("192.0.2.1", 5062)
Event = TypeVar("Event", bound=SipEvent)


class Peer:
    """Speaks to a user agent as ``THEM`` and keeps what comes back."""

    def __init__(self, config: UserAgentConfig | None = None) -> None:
        self.agent = UserAgent(config or UserAgentConfig(US), tokens(7))
        self.now_ms = 0
        self.seen: list[SipEvent] = []
        self.our_tag = ""
        self.contact = "sip:ann@192.0.2.1:5062"
        self._branch = 0

    def request(
        self,
        method: str,
        cseq: int = 1,
        *,
        body: bytes = b"",
        extra: str = "",
        branch: str = "",
        to_tag: str | None = None,
        source: Address = THEM,
        call_id: str = "call-1",
    ) -> list[Request | Response]:
        """Send one request; in a dialog once ``our_tag`` is known. Return what came back."""
        self._branch += 1
        branch = branch or f"z9hG4bKpeer{self._branch}"
        tag = self.our_tag if to_tag is None else to_tag
        to_value = f"<sip:100@192.0.2.2>{';tag=' + tag if tag else ''}"
        kind = "Content-Type: application/sdp\r\n" if body and "Content-Type" not in extra else ""
        head = (
            f"{method} sip:100@192.0.2.2 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 192.0.2.1:5062;branch={branch};rport\r\n"
            f'From: "Ann" <sip:ann@192.0.2.1>;tag=their-tag\r\nTo: {to_value}\r\n'
            f"Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n"
            f"Contact: <{self.contact}>\r\nMax-Forwards: 70\r\n{kind}{extra}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.agent.receive(head.encode() + body, source, self.now_ms)
        return self.take()

    def respond(
        self, request: Request, status: int, *, tag: str = "", extra: str = "", body: bytes = b""
    ) -> list[Request | Response]:
        """Answer a request of the agent. Return what came back."""
        lines = [f"SIP/2.0 {status} Whatever"]
        for name in ("Via", "From", "To", "Call-ID", "CSeq"):
            value = request.headers.get(name) or ""
            suffix = f";tag={tag}" if name == "To" and tag and ";tag=" not in value else ""
            lines.append(f"{name}: {value}{suffix}")
        kind = "Content-Type: application/sdp\r\n" if body else ""
        head = "\r\n".join(lines) + f"\r\n{kind}{extra}Content-Length: {len(body)}\r\n\r\n"
        self.agent.receive(head.encode() + body, THEM, self.now_ms)
        return self.take()

    def take(self) -> list[Request | Response]:
        """Read back what the agent sends."""
        self.seen += self.agent.events()
        return [_read(each.payload) for each in self.agent.datagrams_to_send()]

    def statuses(self, messages: list[Request | Response]) -> list[int | str]:
        """Return statuses of responses and methods of requests."""
        return [each.status if isinstance(each, Response) else each.method for each in messages]

    def wait(self, for_ms: int) -> list[tuple[int, int | str]]:
        """Let time pass; return when what was sent."""
        end_ms = self.now_ms + for_ms
        sent: list[tuple[int, int | str]] = []
        while (deadline := self.agent.next_deadline()) is not None and deadline.at_ms <= end_ms:
            self.now_ms = deadline.at_ms
            self.agent.handle_deadline(self.now_ms)
            sent += [(self.now_ms, name) for name in self.statuses(self.take())]
        self.now_ms = end_ms
        return sent

    def events(self, kind: type[Event]) -> list[Event]:
        """Return all events of one kind so far."""
        return [event for event in self.seen if isinstance(event, kind)]

    def offer(self, body: bytes = SDP, extra: str = "") -> str:
        """Send an INVITE and return the handle of the offered call."""
        self.request("INVITE", body=body, extra=extra, branch="z9hG4bKinvite")
        return self.events(CallOffered)[-1].handle

    def call(self, body: bytes = SDP, extra: str = "") -> str:
        """Have a call answered and confirmed; return its handle."""
        handle = self.offer(body, extra)
        self.agent.calls.answer(handle, SDP, self.now_ms)
        self.learn_tag(self.take())
        self.request("ACK", body=b"" if body else SDP)
        return handle

    def learn_tag(self, messages: list[Request | Response]) -> None:
        """Remember the agent's tag from its response."""
        self.our_tag = messages[-1].parsed.recipient.tag

    def assert_idle(self) -> None:
        """Nothing may be left."""
        self.wait(300_000)
        assert not any(self.agent.counts().values()), self.agent.counts()
        ends = [type(event).__name__ for event in self.seen]
        assert ends.count("CallEnded") == ends.count("CallReleased")


def _read(payload: bytes) -> Request | Response:
    """Read a message; a refusal that echoes broken fields counts by its status alone."""
    try:
        return parse_datagram(payload)
    except BadMessage:
        assert payload.startswith((b"SIP/2.0 400", b"SIP/2.0 505"))
        return Response(int(payload[8:11]), "", Headers())
