"""Who may call us: trunks, by source network or digest, asked before any state exists."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cordboard.sip.config import Allow, Drop, Refuse, Verdict
from cordboard.sip.datagram import Address
from cordboard.sip.digest import STRONG, DigestServer, DigestVerdict
from cordboard.sip.message import Request
from cordboard.sip.token_bucket import SourceBuckets

TRUNK_REQUESTS = 2_000
TRUNK_WINDOW_MS = 2_000
"""A known trunk may send so much; strangers with a password get the bucket's own, small rate."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Trunk:
    """What signalling must know of a trunk; ``networks`` may be empty where a user is set."""

    trunk_id: str
    organisation_id: str
    networks: tuple[Network, ...] = ()
    user: str | None = None
    password: str | None = None
    digest_algorithms: tuple[str, ...] = STRONG


class TrunkGate:
    """The hooks of the user agent: which sources are answered at all, and which trunk a request is
    of.

    ``replace`` takes the current trunks; until then, and for sources of no trunk, nothing is
    answered.
    """

    def __init__(self, digest: DigestServer) -> None:
        self._digest = digest
        self._strangers = SourceBuckets()
        self._known = SourceBuckets(TRUNK_REQUESTS, TRUNK_WINDOW_MS)
        self._trunks: tuple[Trunk, ...] = ()
        self._by_user: dict[str, Trunk] = {}

    def replace(self, trunks: Sequence[Trunk]) -> None:
        """Take the trunks that count from now on."""
        self._trunks = tuple(trunks)
        self._by_user = {trunk.user: trunk for trunk in trunks if trunk.user}

    def accepts_source(self, source: Address, now_ms: int) -> bool:
        """Tell whether a source is answered at all: it is a trunk's, and within its rate."""
        if self._of_network(source):
            return self._known.take(source[0], now_ms)
        return bool(self._by_user) and self._strangers.take(source[0], now_ms)

    def is_peer(self, source: Address, peer: Address) -> bool:
        """Tell whether ``source`` may speak in a dialog of ``peer``: a host of the same trunk."""
        if source[0] == peer[0]:
            return True
        ours = {trunk.trunk_id for trunk in self._of_network(source)}
        return any(trunk.trunk_id in ours for trunk in self._of_network(peer))

    def authorise(self, request: Request, now_ms: int) -> Verdict:
        """Judge a request outside a dialog."""
        found = self._of_network(request.source)
        if found:
            trunk = found[0] if len(found) == 1 else self._asked_for(found, request)
            return Allow(trunk.trunk_id)
        if not self._by_user:
            return Drop()
        authorization = request.headers.every("authorization")
        algorithms = self._algorithms(request)
        verdict, user = self._digest.check(
            authorization, request.method, self._password, now_ms, algorithms=algorithms
        )
        if verdict is DigestVerdict.ACCEPTED:
            trunk = self._by_user[user]
            if set(algorithms) <= set(trunk.digest_algorithms):
                return Allow(trunk.trunk_id)
            verdict = DigestVerdict.WRONG
        if verdict is DigestVerdict.WRONG:
            return Refuse(403, "Forbidden")
        stale = verdict is DigestVerdict.STALE
        return Refuse(
            401, "Unauthorized", self._digest.challenge(now_ms, algorithms=algorithms, stale=stale)
        )

    def _algorithms(self, request: Request) -> tuple[str, ...]:
        """Return what the trunk of the user in From knows; for strangers the strong one."""
        user = request.parsed.sender.uri.partition(":")[2].partition("@")[0]
        trunk = self._by_user.get(user)
        return STRONG if trunk is None else trunk.digest_algorithms

    def _password(self, user: str) -> str | None:
        trunk = self._by_user.get(user)
        return None if trunk is None else trunk.password

    def _of_network(self, source: Address) -> list[Trunk]:
        try:
            address = ipaddress.ip_address(source[0])
        except ValueError:
            return []
        return [
            trunk
            for trunk in self._trunks
            if any(
                address in network
                for network in trunk.networks
                if network.version == address.version
            )
        ]

    @staticmethod
    def _asked_for(found: list[Trunk], request: Request) -> Trunk:
        """Of several trunks behind one source, the one whose user the request names, else the
        first.
        """
        sender = request.parsed.sender.uri.partition(":")[2]
        named = (trunk for trunk in found if trunk.user and sender.startswith(f"{trunk.user}@"))
        return next(named, found[0])
