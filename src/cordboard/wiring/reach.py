"""Where SIP trunks may lead: to public addresses, and where the operator opened the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from cordboard.egress import (
    ANYWHERE,
    EgressPolicy,
    TargetRefused,
    check_host,
    permitted_text,
    sound_permitted,
)
from cordboard.sip.datagram import Address
from cordboard.sip.fields import BadField, parse_uri
from cordboard.storage.tables import SipTrunk
from cordboard.storage.trunk_rows import BY_OPERATOR

LOW_PORTS: Final = 1024
"""Below it are services that a datagram may mean something to; trunks lead to none of them."""


@dataclass(frozen=True, slots=True)
class TrunkReach:
    """The egress policy for SIP. A trunk whose way an operator has given may lead inside, too; to
    cloud metadata none does.
    """

    open_networks: tuple[IPv4Network | IPv6Network, ...]

    def check(self, target: str, by_operator: bool) -> None:
        """Judge a target as far as its text tells. Raises ``TargetRefused``."""
        try:
            uri = parse_uri(target)
        except BadField as bad:
            raise TargetRefused("target", str(bad)) from None
        if uri.port is not None and not by_operator and uri.port < LOW_PORTS:
            raise TargetRefused("target", f"has a port below {LOW_PORTS}")
        policy = EgressPolicy(open_networks=self._opened(by_operator))
        check_host(uri.host.strip("[]"), policy, "target")

    def of(self, trunk: SipTrunk) -> Callable[[Address], bool]:
        """Return who judges the addresses that a trunk's target or a redirection stands for."""
        return self.judge(bool(trunk.fields.get(BY_OPERATOR)))

    def judge(self, by_operator: bool) -> Callable[[Address], bool]:
        """Return who judges addresses."""
        opened = self._opened(by_operator)

        def permits(address: Address) -> bool:
            host, port = address
            return permitted_text(host, opened) and (by_operator or port >= LOW_PORTS)

        return permits

    def sound(self, host: str, peer: str) -> bool:
        """Tell whether a peer may have its sound sent to ``host``."""
        return sound_permitted(host, peer, self.open_networks)

    def _opened(self, by_operator: bool) -> tuple[IPv4Network | IPv6Network, ...]:
        return ANYWHERE if by_operator else self.open_networks
