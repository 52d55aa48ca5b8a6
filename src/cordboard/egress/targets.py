"""What a target's URL must look like, judged without asking the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from yarl import URL

from cordboard.egress.addresses import Network, never_permitted, permitted, permitted_text
from cordboard.egress.errors import TargetRefused

OPEN_NETWORKS_SETTING: Final = "CORDBOARD_OPEN_NETWORKS"
ALLOW_HTTP_SETTING: Final = "CORDBOARD_ALLOW_HTTP_TARGETS"

_URL_CHARS_MAX: Final = 2048
_PLAIN: Final = frozenset({"http", "ws"})
_SCHEMES: Final = frozenset({"http", "https", "ws", "wss"})
_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_NUMBER_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_AUTHORITY_END: Final = re.compile(r"[/?#]")
_PLAIN_IPV4: Final = re.compile(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}")
_METADATA_NAMES: Final = ("metadata.google.internal", "metadata.goog", "instance-data")
_LOOPBACKS: Final = ("127.0.0.1", "::1")

# Below 1024 only the web's own ports; above it, not those of services that could take an HTTP
# request for commands, or that have no login of their own.
_LOW_PORTS: Final = frozenset({80, 443})
_CLOSED_PORTS: Final = frozenset(
    {1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3659, 4045, 4190, 4222, 5060, 5061}
    | {5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9200, 9300, 10080}
    | {10250, 11211, 27017}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPolicy:
    """What the operator allows of tenants' targets.

    ``open_networks`` are private ranges that may be reached, ``allow_http`` lets targets be plain
    ``http`` or ``ws``, and ``ports`` replaces the built-in rule by an exact list.
    """

    open_networks: tuple[Network, ...] = ()
    allow_http: bool = True
    ports: frozenset[int] | None = None

    def allows_port(self, port: int) -> bool:
        """Tell whether targets may have ``port``."""
        if self.ports is not None:
            return port in self.ports
        return port in _LOW_PORTS or (1024 <= port <= 65535 and port not in _CLOSED_PORTS)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed; ``url`` is the one parsed form that is judged and connected to."""

    url: URL
    host: str
    port: int


def check_url(url: str, policy: EgressPolicy, field: str = "url") -> None:
    """Judge a target as far as its text tells, for use when it is created or changed.

    A name is judged when something is sent, since what it stands for may change.

    Raises:
        TargetRefused: the URL may not be used; ``field`` is named in it.

    """
    parse_target(url, policy, field)


def warnings_for(url: str) -> tuple[str, ...]:
    """Return what a tenant should be told of a target that is allowed all the same."""
    if url[:5].lower() == "http:" or url[:3].lower() == "ws:":
        return ("the target is not encrypted: anybody on the way can read and change it",)
    return ()


def parse_target(url: str, policy: EgressPolicy, field: str = "url") -> Target:
    """Parse and judge a URL.

    Raises:
        TargetRefused: it may not be used.

    """
    parsed = _parse(url, field)
    if parsed.scheme not in _SCHEMES:
        raise TargetRefused(field, "must start with https:// or http://")
    if parsed.scheme in _PLAIN and not policy.allow_http:
        raise TargetRefused(field, "must be encrypted (https)", ALLOW_HTTP_SETTING)
    if not parsed.raw_host or not parsed.absolute:
        raise TargetRefused(field, "has no host")
    port = parsed.port
    if port is None or not policy.allows_port(port):
        raise TargetRefused(field, "has a port that targets may not have")
    if "[" in _AUTHORITY_END.split(url.partition("//")[2], 1)[0] and ":" not in parsed.raw_host:
        raise TargetRefused(field, "its host is not valid")
    with _refusals_of(field):
        _check_host(parsed.raw_host.lower(), policy, field)
    return Target(parsed, parsed.raw_host.lower(), port)


def check_host(host: str, policy: EgressPolicy, field: str) -> None:
    """Judge the host of what is no URL, such as a SIP URI's; IPv6 addresses without brackets.

    Raises:
        TargetRefused: it may not be used.

    """
    with _refusals_of(field):
        _check_host(host.lower(), policy, field)


def check_answers(answers: list[str], policy: EgressPolicy, field: str = "url") -> None:
    """Judge all addresses a name resolved to: one bad one refuses the name.

    Raises:
        TargetRefused: at least one is not permitted; which one is not told.

    """
    if not all(permitted_text(answer, policy.open_networks) for answer in answers):
        raise TargetRefused(
            field, "its host resolves to an address that is not public", OPEN_NETWORKS_SETTING
        )


def _parse(url: str, field: str) -> URL:
    if not url or len(url) > _URL_CHARS_MAX:
        raise TargetRefused(field, f"must be a URL of at most {_URL_CHARS_MAX} characters")
    # Parsers disagree on what these characters mean, which is how filters are passed.
    if "\\" in url or any(ord(char) <= 0x20 or 0x7F <= ord(char) <= 0xA0 for char in url):
        raise TargetRefused(field, "holds blanks, control characters or backslashes")
    try:
        return URL(url)
    except (ValueError, UnicodeError):
        raise TargetRefused(field, "is not a valid URL") from None


@contextmanager
def _refusals_of(field: str) -> Iterator[None]:
    try:
        yield
    except ValueError:
        raise TargetRefused(field, "its host is not valid") from None


def _check_host(host: str, policy: EgressPolicy, field: str) -> None:
    if ":" in host:
        if "%" in host:
            raise TargetRefused(field, "its host has a zone, which only this machine could know")
        _check_literal(str(IPv6Address(host)), policy, field)
        return
    name = host.removesuffix(".")
    if _NUMBER_LABEL.fullmatch(name.rpartition(".")[2]):
        # WHATWG URL: a host whose last label is a number is an IPv4 address, however spelled.
        if not _PLAIN_IPV4.fullmatch(host):
            raise TargetRefused(field, "an IPv4 address must be four plain decimal numbers")
        _check_literal(host, policy, field)
        return
    if not _NAME.fullmatch(name):
        raise TargetRefused(field, "its host is not a valid name")
    if name in _METADATA_NAMES:
        raise TargetRefused(field, "its host is a cloud's metadata service")
    local = name == "localhost" or name.endswith(".localhost")
    if local and not any(permitted_text(text, policy.open_networks) for text in _LOOPBACKS):
        raise TargetRefused(field, "its host is this machine", OPEN_NETWORKS_SETTING)


def _check_literal(text: str, policy: EgressPolicy, field: str) -> None:
    address = ip_address(text)
    if never_permitted(address):
        raise TargetRefused(field, "its address may never be reached")
    if not permitted(address, policy.open_networks):
        raise TargetRefused(field, "its address is not public", OPEN_NETWORKS_SETTING)
