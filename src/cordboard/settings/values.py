"""How the text of a setting becomes a value: one parser for each kind.

Each takes the text and returns the value, or raises ``ValueError`` whose text goes behind the
setting's name: "must be …".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from ``low`` to ``high``, both included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def one_of(choices: Sequence[str]) -> Callable[[str], str]:
    """Return a parser that accepts one of ``choices``, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text.lower()

    return parse


def some_of(choices: Sequence[str]) -> Callable[[str], frozenset[str]]:
    """Return a parser of a comma-separated, non-empty list of ``choices``."""

    def parse(text: str) -> frozenset[str]:
        found = frozenset(_items(text.lower()))
        if not found or not found <= set(choices):
            raise ValueError(f"must be a comma-separated list of {', '.join(choices)}")
        return found

    return parse


def switch(text: str) -> bool:
    """Parse ``on`` or ``off``; ``true``, ``yes``, ``1`` and their opposites do as well."""
    lowered = text.lower()
    if lowered in ("on", "true", "yes", "1"):
        return True
    if lowered in ("off", "false", "no", "0"):
        return False
    raise ValueError("must be on or off")


def string(text: str) -> str:
    """Accept any printable text that is not empty."""
    if not text or not text.isprintable():
        raise ValueError("must be printable text")
    return text


def optional(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Return ``parse`` extended by: an empty text means that nothing is set."""
    return lambda text: parse(text) if text else None


def secret(text: str) -> str:
    """Parse a key; one that is shorter than 16 characters would be guessed, so it is refused."""
    if len(text) < 16 or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be at least 16 printable ASCII characters without blanks")
    return text


def path(text: str) -> Path:
    """Parse a path in the file system; ``~`` stands for the home directory."""
    return Path(string(text)).expanduser()


def host(text: str) -> str:
    """Parse an IP address or a host name to listen on or to tell others."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    if not re.fullmatch(r"(?!-)[A-Za-z0-9.-]{1,253}", text) or re.fullmatch(r"[0-9.]+", text):
        raise ValueError("must be an IP address or a host name")
    return text


def url(text: str) -> str:
    """Parse the ``http`` or ``https`` address others reach the server at; no slash at the end."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  (reading it is what checks it)
    except ValueError:
        raise ValueError("must be an http or https URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ValueError("must be an http or https URL")
    return text.rstrip("/")


def networks(text: str) -> tuple[Network, ...]:
    """Parse a comma-separated list of networks such as ``10.0.0.0/8, ::1/128``; may be empty."""
    try:
        return tuple(ipaddress.ip_network(item) for item in _items(text))
    except ValueError:
        raise ValueError("must be a comma-separated list of networks (CIDR)") from None


def country(text: str) -> str:
    """Parse a two-letter country code (ISO 3166-1)."""
    if not re.fullmatch(r"[A-Za-z]{2}", text):
        raise ValueError("must be a two-letter country code")
    return text.upper()


def countries(text: str) -> frozenset[str]:
    """Parse a comma-separated list of country codes; may be empty."""
    return frozenset(country(item) for item in _items(text))


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
