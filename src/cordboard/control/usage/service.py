"""Rules of usage (reference section 11)."""

from __future__ import annotations

from typing import Final

from cordboard.control.errors import TooManyCalls
from cordboard.control.fields import Json
from cordboard.control.unit import Unit
from cordboard.storage.usage import minutes_of_month

# Older clients can read neither an absent limit nor the plan without one.
FIRST_VERSION_WITHOUT_LIMIT: Final = (0, 0, 21)
NO_LIMIT_MINUTES: Final = 2**31 - 1

Version = tuple[int, ...] | None


async def show(unit: Unit, version: Version) -> Json:
    """Return the minutes of this month (UTC), rounded up, and how many there may be.

    With ``limit_reached`` calls are neither placed nor taken until the month is over.
    """
    limit: int | None = unit.services.monthly_minutes_max or None
    used = await minutes(unit)
    reached = limit is not None and used >= limit
    plan = "plan_unlimited" if limit is None else "plan_developer"
    if limit is None and version is not None and version < FIRST_VERSION_WITHOUT_LIMIT:
        plan, limit = "plan_enterprise", NO_LIMIT_MINUTES
    return {
        "user_id": unit.organisation_id,
        "plan_type": plan,
        "monthly_usage_minutes": used,
        "monthly_usage_limit_minutes": limit,
        "limit_reached": reached,
    }


async def minutes(unit: Unit) -> int:
    """Return the minutes of the organisation's answered calls of this month, rounded up."""
    now = unit.services.clock.wall()
    return await minutes_of_month(unit.session, unit.organisation_id, now)


async def check_limit(unit: Unit) -> None:
    """Refuse one more call where the month's minutes are used up.

    Raises:
        TooManyCalls: they are.

    """
    limit = unit.services.monthly_minutes_max
    if limit and await minutes(unit) >= limit:
        raise TooManyCalls(
            f"The organisation's {limit} minutes of this month are used up "
            "(CORDBOARD_MONTHLY_MINUTES_MAX)"
        )
