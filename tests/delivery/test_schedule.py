"""When a delivery is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.delivery.schedule import WAITS, judge

EXPECTED_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)


def test_the_waits() -> None:
    """After the first failure: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h; then none."""
    waits = [judge(500, {}, number, 0.5).wait for number in range(1, len(WAITS) + 2)]
    assert waits == [*(timedelta(seconds=each) for each in EXPECTED_S), None]


@given(number=st.integers(1, len(WAITS)), chance=st.floats(0, 1, exclude_max=True))
def test_spread(number: int, chance: float) -> None:
    """A wait is at most a fifth off, so that receivers are not met by everybody at once."""
    wait = judge(None, {}, number, chance).wait
    assert wait is not None
    assert 0.8 <= wait / WAITS[number - 1] <= 1.2


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_success(status: int) -> None:
    """Any 2xx is a delivery."""
    assert judge(status, {}, 1, 0.5).delivered


@pytest.mark.parametrize("status", [None, 199, 301, 302, 400, 401, 404, 408, 429, 500, 503, 599])
def test_failure(status: int | None) -> None:
    """Anything else is tried again, redirects too."""
    verdict = judge(status, {}, 1, 0.5)
    assert (verdict.delivered, verdict.gone, verdict.wait) == (False, False, WAITS[0])


def test_gone() -> None:
    """410 means: nothing more."""
    assert judge(410, {"retry-after": "1"}, 1, 0.5).gone


@pytest.mark.parametrize(
    ("asked", "wait_s"), [("0", 300), ("400", 400), ("601", 600), ("1000000000", 600), ("Mon", 300)]
)
def test_retry_after(asked: str, wait_s: int) -> None:
    """Retry-After counts between the schedule's wait and twice that."""
    wait = judge(503, {"retry-after": asked}, 2, 0.5).wait
    assert wait == timedelta(seconds=wait_s)
