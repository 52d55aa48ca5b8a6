"""For how long a server asks to be left alone: the header ``Retry-After`` (RFC 9110, 10.2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MOST_S = 3600.0


def retry_after_s(headers: Mapping[str, str] | None) -> float | None:
    """Return the seconds, at most an hour; None where nothing usable is said.

    A date counts from the answer's own ``Date``: no clock of ours is compared with theirs.
    """
    text = (headers or {}).get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MOST_S)
    until, now = _date(text), _date((headers or {}).get("Date", ""))
    if until is None or now is None:
        return None
    return min(max(0.0, (until - now).total_seconds()), MOST_S)


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
