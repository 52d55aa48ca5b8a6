"""How long a server asks to be left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.providers.retry_after import MOST_S, retry_after_s

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "99999999999999"}, MOST_S),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:47 GMT", "Date": DATE}, 10),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:07 GMT", "Date": DATE}, 0),
        ({"Retry-After": DATE}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "1.5"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_what_is_asked(headers: dict[str, str] | None, seconds: float | None) -> None:
    """Seconds or a date after the answer's own; anything else says nothing."""
    assert retry_after_s(headers) == seconds


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_escapes(asked: str, date: str) -> None:
    """Whatever a server writes, it is a bounded number or nothing."""
    seconds = retry_after_s({"Retry-After": asked, "Date": date})
    assert seconds is None or 0 <= seconds <= MOST_S
