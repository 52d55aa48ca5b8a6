"""Which IP addresses a tenant's target may have: the public ones, and what the operator opened.

The lists follow the IANA special-purpose address registries (RFC 6890 and its updates). They are
written out here because the standard library's answer differs between Python versions.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


# Refused whatever the operator opened: where clouds keep credentials, what is no unicast
# address at all, and IPv6 forms that carry an IPv4 address past a filter.
_NEVER: Final = _networks(
    "0.0.0.0/8",
    "169.254.0.0/16",  # link-local: metadata of most clouds
    "100.100.100.200/32",  # metadata of Alibaba
    "168.63.129.16/32",  # wire server of Azure
    "192.0.0.0/24",  # protocol assignments; metadata of Oracle
    "192.88.99.0/24",  # 6to4 relays
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",  # unspecified and IPv4-compatible; loopback is taken out below
    "::ffff:0:0/96",  # IPv4-mapped
    "::ffff:0:0:0/96",  # IPv4-translated
    "64:ff9b::/96",  # NAT64
    "64:ff9b:1::/48",  # NAT64, local use
    "100::/64",
    "2001::/32",  # Teredo
    "2002::/16",  # 6to4
    "5f00::/16",
    "fd00:ec2::/32",  # metadata of Amazon
    "fd20:ce::/32",  # metadata of Google
    "fd00:42::42/128",  # metadata of Scaleway
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
)
_LOOPBACK6: Final = IPv6Address("::1")
_SHARED: Final = IPv4Network("100.64.0.0/10")  # carrier-grade NAT, RFC 6598
_NOT_PUBLIC4: Final = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
)
_PUBLIC6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC6: Final = _networks("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
ANYWHERE: Final = _networks("0.0.0.0/0", "::/0", "100.64.0.0/10")
"""Opens whatever can be opened: for targets that the operator has given himself."""

_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)  # upper half of the interface id, RFC 5214


def permitted(address: Address, open_networks: Iterable[Network]) -> bool:
    """Tell whether a connection to ``address`` may be made.

    ``open_networks`` are the operator's exceptions for private ranges. Carrier-grade NAT is opened
    only by a network inside it: somebody who opens everything private does not mean it.
    """
    if _never(address):
        return False
    if _public(address):
        return True
    return any(_opens(network, address) for network in open_networks)


def never_permitted(address: Address) -> bool:
    """Tell whether nobody may open this address: cloud metadata and the like."""
    return _never(address)


def permitted_text(text: str, open_networks: Iterable[Network]) -> bool:
    """Tell the same of an address in text form; what is no plain address is not permitted."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    return permitted(address, open_networks)


def sound_permitted(host: str, peer: str, open_networks: Iterable[Network]) -> bool:
    """Tell whether ``peer``, who signals for a call, may have its sound sent to ``host``.

    What is public or opened may be named by anybody, an address inside only by a peer that is
    inside itself, this machine only by this machine. A peer's own address is its business.
    """
    if host == peer:
        return True
    try:
        address, source = ip_address(host), ip_address(peer)
    except ValueError:
        return False
    if permitted(address, open_networks):
        return True
    if _never(address) or _public(source):
        return False
    return source.is_loopback or not address.is_loopback


def _never(address: Address) -> bool:
    if address == _LOOPBACK6:
        return False
    if any(address in network for network in _NEVER):
        return True
    return address.version == 6 and (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP


def _public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC4)
    return address in _PUBLIC6 and not any(address in network for network in _NOT_PUBLIC6)


def _opens(network: Network, address: Address) -> bool:
    if address not in network:
        return False
    if isinstance(address, IPv4Address) and address in _SHARED:
        return isinstance(network, IPv4Network) and network.subnet_of(_SHARED)
    return True
