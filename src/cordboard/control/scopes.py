"""Scopes: what a key may reach within its role.

A scope is a noun of the API and ``read`` or ``write``, such as ``calls:read``; ``write`` includes
``read``. It opens the operations of that noun, and nothing else: a call that is asked for with an
agent in it takes ``calls:write`` alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from cordboard.control.errors import Forbidden, Invalid, Place
from cordboard.control.unit import Scopes

NOUNS: Final = frozenset(
    {"account_connections", "actions", "agents", "calls", "deliveries", "flows", "keys", "metrics"}
    | {"numbers", "organizations", "prompt_templates", "prompts", "sip_trunks", "usage"}
    | {"vector_databases", "voices", "webhooks"}
)
READ: Final = "read"
WRITE: Final = "write"

CALLING: Final = "/v3/ai-flows/"
"""Where flows' calls are asked for; the path is prescribed, and what it does is to call."""

_NOUN: Final = re.compile(r"/(?:(?:x/)?v1/)?([a-z_]+)")


def noun_of(path: str) -> str:
    """Return what an operation is about, by its path."""
    if path.startswith(CALLING):
        return "calls"
    found = _NOUN.match(path)
    return found.group(1) if found else ""


def check_scope(scopes: Scopes, noun: str, verb: str) -> None:
    """Refuse what a key does not reach.

    Raises:
        Forbidden: its scopes do not include it.

    """
    if scopes is None or f"{noun}:{WRITE}" in scopes:
        return
    if verb != READ or f"{noun}:{READ}" not in scopes:
        raise Forbidden(f"This API key has no scope {noun}:{verb}")


def check_within(giver: Scopes, given: Scopes) -> None:
    """Refuse to give a key more than the giver has.

    Raises:
        Forbidden: a scope of ``given`` is none of the giver's.

    """
    if giver is None:
        return
    if given is None:
        raise Forbidden("An API key with scopes can only make keys with scopes")
    for scope in sorted(given):
        check_scope(giver, *scope.split(":"))


def parse_scopes(texts: Iterable[str] | None, place: Place) -> str | None:
    """Return scopes as they are stored, or None where there are none.

    Raises:
        Invalid: one of them names nothing.

    """
    given = sorted(set(texts or ()))
    for scope in given:
        noun, _, verb = scope.partition(":")
        if noun not in NOUNS or verb not in (READ, WRITE):
            raise Invalid.at(place, f"must be like calls:read or calls:write, of {_known()}")
    return " ".join(given) or None


def stored_scopes(text: str | None) -> Scopes:
    """Return scopes as they are checked."""
    return frozenset(text.split()) if text else None


def _known() -> str:
    return ", ".join(sorted(NOUNS))
