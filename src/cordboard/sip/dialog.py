"""Dialogs: who talks to whom, over which route, with which numbers (RFC 3261 section 12)."""

from __future__ import annotations

from dataclasses import dataclass

from cordboard.sip.datagram import Address
from cordboard.sip.fields import BadField, clean, parse_addresses, parse_uri, split_list
from cordboard.sip.message import Headers, Request, Response

CSEQ_BLOCK_COUNT = 100

DialogId = tuple[str, str, str]
"""Call-ID, local tag, remote tag."""

DialogRecord = dict[str, str | int | list[str]]
"""The persisted form: JSON types only."""


@dataclass(slots=True)
class Dialog:
    """One dialog.

    ``local_cseq`` is the last number used; numbers up to ``reserved_cseq`` may be used without
    storing the dialog again. ``peer`` is where the other end's messages come from.
    """

    call_id: str
    local_tag: str
    remote_tag: str
    local_address: str
    remote_address: str
    remote_target: str
    peer: Address
    route_set: tuple[str, ...] = ()
    local_cseq: int = 0
    reserved_cseq: int = CSEQ_BLOCK_COUNT
    remote_cseq: int | None = None

    @property
    def id(self) -> DialogId:
        """What a request inside the dialog is matched by."""
        return self.call_id, self.local_tag, self.remote_tag

    def next_cseq(self) -> bool:
        """Take the next local number; True if a new block began, to be stored before sending."""
        self.local_cseq += 1
        if self.local_cseq <= self.reserved_cseq:
            return False
        self.reserved_cseq += CSEQ_BLOCK_COUNT
        return True

    def accepts_cseq(self, number: int) -> bool:
        """Take the number of a new request of the peer; False if it is not higher."""
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def refresh_target(self, message: Request | Response) -> bool:
        """Take over the Contact of a target refresh (RFC 3261 12.2.1.2); True if it changed."""
        contacts = message.contacts()
        if not contacts or contacts[0].uri == self.remote_target:
            return False
        self.remote_target = contacts[0].uri
        return True

    def next_hop(self) -> Address:
        """Return where requests go: always the peer's host.

        The port of route or Contact counts only if it names that host; else the request goes back
        to where the peer's messages come from, which is right behind NAT and never a third party.
        """
        hop = self.route_set[0] if self.route_set else f"<{self.remote_target}>"
        try:
            uri = parse_uri(parse_addresses([hop], "Route")[0].uri)
        except BadField:
            return self.peer
        if uri.host.strip("[]").lower() != self.peer[0].lower():
            return self.peer
        return self.peer[0], uri.port or 5060

    def request_headers(self, method: str, cseq: int | None = None) -> tuple[str, Headers]:
        """Return Request-URI and headers of a request in this dialog (RFC 3261 12.2.1.1).

        Via and Contact are the user agent's. The number is the last one taken unless given.
        """
        uri = self.remote_target
        routes = list(self.route_set)
        if routes and ";lr" not in routes[0].lower():
            uri = parse_addresses([routes[0]], "Route")[0].uri
            routes = [*routes[1:], f"<{self.remote_target}>"]
        headers = Headers()
        for route in routes:
            headers.add("Route", route)
        headers.add("From", _tagged(self.local_address, self.local_tag))
        headers.add("To", _tagged(self.remote_address, self.remote_tag))
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{self.local_cseq if cseq is None else cseq} {method}")
        headers.add("Max-Forwards", "70")
        return uri, headers

    def to_dict(self) -> DialogRecord:
        """Return what a BYE after a restart needs; its number will be above all reserved ones.

        The text can be stored anywhere: what is no UTF-8 or a control character is replaced.
        """
        return {
            **{name: clean(str(getattr(self, name))) for name in _TEXTS},
            "peer_host": self.peer[0],
            "peer_port": self.peer[1],
            "route_set": [clean(route) for route in self.route_set],
            "reserved_cseq": self.reserved_cseq,
            "remote_cseq": -1 if self.remote_cseq is None else self.remote_cseq,
        }

    @classmethod
    def from_dict(cls, record: DialogRecord) -> Dialog:
        """Restore a dialog. Raises ``BadField`` if the record is not one of ``to_dict``."""
        try:
            route_set = record["route_set"]
            reserved = int(str(record["reserved_cseq"]))
            remote_cseq = int(str(record["remote_cseq"]))
            if not isinstance(route_set, list):
                raise BadField("dialog record: route_set")
            return cls(
                **{name: str(record[name]) for name in _TEXTS},
                peer=(str(record["peer_host"]), int(str(record["peer_port"]))),
                route_set=tuple(route_set),
                local_cseq=reserved,
                reserved_cseq=reserved + CSEQ_BLOCK_COUNT,
                remote_cseq=None if remote_cseq < 0 else remote_cseq,
            )
        except (KeyError, ValueError) as error:
            raise BadField(f"dialog record: {error}") from error


_TEXTS = (
    "call_id", "local_tag", "remote_tag", "local_address", "remote_address", "remote_target"
)  # fmt: skip


def dialog_of_request(request: Request, local_tag: str, first_cseq: int) -> Dialog:
    """Return the dialog that an INVITE asks for, seen from us, the callee."""
    parsed = request.parsed
    contacts = request.contacts()
    return Dialog(
        call_id=parsed.call_id,
        local_tag=local_tag,
        remote_tag=parsed.sender.tag,
        local_address=request.headers.get("to") or "",
        remote_address=_untagged(request.headers.get("from") or ""),
        remote_target=contacts[0].uri if contacts else parsed.sender.uri,
        peer=request.source,
        route_set=_routes(request.headers),
        local_cseq=first_cseq - 1,
        reserved_cseq=first_cseq - 1 + CSEQ_BLOCK_COUNT,
        remote_cseq=parsed.cseq,
    )


def dialog_of_answer(invite: Request, response: Response, peer: Address) -> Dialog:
    """Return the dialog that one 2xx (one fork) to our INVITE makes, seen from us, the caller."""
    contacts = response.contacts()
    parsed = response.parsed
    number = int((invite.headers.get("cseq") or "1").split()[0])
    return Dialog(
        call_id=parsed.call_id,
        local_tag=parsed.sender.tag,
        remote_tag=parsed.recipient.tag,
        local_address=_untagged(invite.headers.get("from") or ""),
        remote_address=invite.headers.get("to") or "",
        remote_target=contacts[0].uri if contacts else invite.uri,
        peer=peer,
        route_set=tuple(reversed(_routes(response.headers))),
        local_cseq=number,
    )


def _routes(headers: Headers) -> tuple[str, ...]:
    return tuple(part for value in headers.every("record-route") for part in split_list(value))


def _tagged(address: str, tag: str) -> str:
    return f"{address};tag={tag}" if tag else address


def _untagged(address: str) -> str:
    """Take the tag off a From or To value, leaving all else as it came."""
    head, bracket, tail = address.rpartition(">")
    kept = [part for part in tail.split(";") if part.partition("=")[0].strip().lower() != "tag"]
    return head + bracket + ";".join(kept).rstrip()
