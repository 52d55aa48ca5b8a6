"""As whom a call of ours is shown: our number, another of ours, or whom the carrier lets us name.

A number that is not the organisation's own is shown only where the trunk says so: to show one that
is not ours to show is misuse, and carriers drop such calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.outbound_calls import WantedCall
from cordboard.storage.phone_numbers import stored_user_part
from cordboard.storage.tables import Number

OWN: Final = "own"
ASSERTED: Final = "asserted"
NAME_CHARS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class SeenAs:
    """``number`` and ``name`` stand in From; ``asserted`` in P-Asserted-Identity, where there is
    one. ``as_wished`` is False where another number was wished for than is shown.
    """

    number: str
    name: str = ""
    asserted: str = ""
    as_wished: bool = True


def seen_as(wanted: WantedCall, allowed: str, *, shows_own: bool) -> SeenAs:
    """Return how a call is shown. ``allowed`` is the trunk's ``caller_id``; ``shows_own`` tells
    that the number wished for is one of the organisation's.
    """
    ours, wish, name = wanted.from_number, wanted.caller_number, wanted.caller_name
    if wish is None or wish == ours:
        return SeenAs(ours, name)
    if shows_own:
        return SeenAs(wish, name)
    if allowed == OWN:
        return SeenAs(ours, name, as_wished=False)
    if allowed == ASSERTED:
        return SeenAs(ours, name, wish)
    return SeenAs(wish, name)


def readable_name(text: str) -> str:
    """Return a name as it can stand in a header: one line, not too long."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:NAME_CHARS_MAX]


def shown_caller(text: str | None, home_country: str) -> str | None:
    """Return a number that is to be shown in its stored form, or None where it is none."""
    try:
        return None if text is None else stored_user_part(text, home_country)
    except ValueError:
        return None


async def is_ours(session: AsyncSession, organisation_id: str, number: str) -> bool:
    """Tell whether a number is the organisation's, and in use."""
    wanted = select(Number.id).where(
        Number.organisation_id == organisation_id,
        Number.number == number,
        Number.active.is_(True),
    )
    return (await session.scalars(wanted.limit(1))).first() is not None
