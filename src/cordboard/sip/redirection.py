"""Where a 3xx answer sends us (RFC 3261 8.1.3.4, 21.3)."""

from __future__ import annotations

from cordboard.sip.fields import BadField, parse_address, split_list
from cordboard.sip.message import Response

CONTACTS_MAX = 8


def contacts_of(response: Response) -> tuple[str, ...]:
    """Return the URIs of a redirection's Contact fields, by descending ``q``; else nothing.

    What is not readable is left out, and so is what comes after the first eight.
    """
    if not 300 <= response.status <= 399:
        return ()
    found: list[tuple[float, str]] = []
    parts = (part for field in response.headers.every("contact") for part in split_list(field))
    for part in parts:
        if len(found) >= CONTACTS_MAX:
            break
        try:
            address = parse_address(part, "Contact")
        except BadField:
            continue
        found.append((_wanted(address.parameters.get("q", "")), address.uri))
    # Stable: what is wanted equally stays in the order in which it was named.
    return tuple(uri for _, uri in sorted(found, key=lambda each: -each[0]))


def _wanted(text: str) -> float:
    """Return a ``q`` of 0 to 1; without one that can be read, 1 (RFC 3261 20.10 leaves it open)."""
    try:
        value = float(text)
    except ValueError:
        return 1.0
    return value if 0.0 <= value <= 1.0 else 1.0
