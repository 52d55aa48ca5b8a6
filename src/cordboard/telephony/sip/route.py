"""Where a call that we place goes, and what takes it back after a crash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cordboard.sip.datagram import Address
from cordboard.sip.digest import Credentials
from cordboard.sip.fields import BadField
from cordboard.sip.uac import Invitation, InvitationNames, quoted
from cordboard.telephony.sip.hops import Follow, Hop, follow_nobody

RING_LIMIT_MAX_MS = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a call goes and as whom.

    ``permit`` is asked right before each INVITE is made and returns the user part to dial, or
    raises ``DialForbidden`` or ``DialLater``. ``host`` is what Request-URI and To name, ``others``
    are the target's further addresses, ``follow`` judges redirections, ``dead`` is told of an
    address that does not work, ``over`` how long the call was talked on, 0 where nobody answered.
    ``digits`` are sent after the answer, with ``,`` and ``w`` as pauses. ``refers`` tells that the
    peer may be asked to make a transfer by itself. ``sender_name`` stands beside ``sender``;
    ``asserted`` is the user part of P-Asserted-Identity (RFC 3325 9.1), where there is to be one.
    ``shown_as_wished`` is False where the trunk does not let us show the number that was asked for.
    """

    destination: Address
    host: str
    sender: str
    sender_host: str
    permit: Callable[[], str]
    names: InvitationNames
    credentials: Credentials | None = None
    ring_limit_ms: int = 60_000
    digits: str = ""
    number: str = ""
    others: tuple[Address, ...] = ()
    follow: Follow = follow_nobody
    dead: Callable[[Address], None] = lambda address: None
    over: Callable[[int], None] = lambda talk_ms: None
    refers: bool = False
    sender_name: str = ""
    asserted: str = ""
    shown_as_wished: bool = True

    @property
    def first(self) -> Hop:
        """Where the call is tried first."""
        return Hop(
            destination=self.destination,
            host=self.host,
            permit=self.permit,
            number=self.number,
            others=self.others,
        )

    def invitation(
        self, number: str, sdp: bytes = b"", hop: Hop | None = None, attempt: int = 0
    ) -> Invitation:
        """Return the INVITE to ``number``."""
        hop = hop or self.first
        return Invitation(
            target=f"sip:{number}@{hop.host}",
            sender=f"sip:{self.sender}@{self.sender_host}",
            destination=hop.destination,
            sdp=sdp,
            display_name=self.sender_name,
            headers=self._identity,
            credentials=self.credentials,
            ring_limit_ms=min(self.ring_limit_ms, RING_LIMIT_MAX_MS),
            names=self.names,
            holds_ack=True,
            attempt=attempt,
        )

    @property
    def _identity(self) -> tuple[tuple[str, str], ...]:
        if not self.asserted:
            return ()
        name = f"{quoted(self.sender_name)} " if self.sender_name else ""
        value = f"{name}<sip:{self.asserted}@{self.sender_host}>"
        return (("P-Asserted-Identity", value),)

    def record(self, number: str, hop: Hop | None = None, attempt: int = 0) -> dict[str, object]:
        """Return what gives the call up after a crash; ``lost_invitation`` reads it."""
        invitation = self.invitation(number, b"", hop, attempt)
        return {
            "invitation": {
                "target": invitation.target,
                "sender": invitation.sender,
                "host": invitation.destination[0],
                "port": invitation.destination[1],
                "attempt": attempt,
                "call_id": self.names.call_id,
                "local_tag": self.names.local_tag,
                "branch": self.names.branch,
                "has_credentials": self.credentials is not None,
            }
        }


def lost_invitation(record: Mapping[str, object]) -> tuple[Invitation, bool] | None:
    """Read ``Route.record``: the invitation, and whether it may have been sent with credentials.

    None where the record is a dialog's. Raises ``BadField`` where it is neither.
    """
    kept = record.get("invitation")
    if kept is None:
        return None
    try:
        assert isinstance(kept, Mapping)
        texts = {name: str(kept[name]) for name in ("call_id", "local_tag", "branch")}
        return (
            Invitation(
                target=str(kept["target"]),
                sender=str(kept["sender"]),
                destination=(str(kept["host"]), int(str(kept["port"]))),
                sdp=b"",
                names=InvitationNames(**texts),
                attempt=int(str(kept.get("attempt", 0))),
            ),
            bool(kept["has_credentials"]),
        )
    except (AssertionError, KeyError, ValueError) as error:
        raise BadField(f"invitation record: {error}") from error
