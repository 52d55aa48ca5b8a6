"""Providers that keep failing are left alone, each for each organisation."""

from __future__ import annotations

from cordboard.engine.breaker import MOST_CIRCUITS, Breaker, Breakers
from cordboard.ports import ProviderError

DOWN = ProviderError("unavailable", retryable=True)
VENDOR = object()


class _Times:
    """A clock and the circuits under it."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.breakers = Breakers()

    def of(self, organisation_id: str = "org") -> Breaker:
        return self.breakers.of(organisation_id, lambda: self.now_ms)


def test_three_failures_open_it_for_ten_seconds() -> None:
    """The third failure within 30 s keeps everybody of the organisation away for 10 s; one is let
    through then, and no other while that one is under way.
    """
    times = _Times()
    breaker = times.of()
    for _ in range(2):
        breaker.failed(VENDOR, DOWN)
        times.now_ms += 5_000
        assert breaker.allows(VENDOR)
    breaker.failed(VENDOR, DOWN)
    times.now_ms += 9_999
    assert not breaker.allows(VENDOR)
    times.now_ms += 1
    assert breaker.allows(VENDOR)
    assert not times.of().allows(VENDOR)
    breaker.worked(VENDOR)
    assert times.of().allows(VENDOR)


def test_a_probe_that_fails_opens_it_again() -> None:
    """After a failed probe it takes another 10 s; one that never comes back is replaced."""
    times = _Times()
    breaker = times.of()
    for _ in range(3):
        breaker.failed(VENDOR, DOWN)
    times.now_ms += 10_000
    assert breaker.allows(VENDOR)
    breaker.failed(VENDOR, DOWN)
    times.now_ms += 9_999
    assert not breaker.allows(VENDOR)
    times.now_ms += 1
    assert breaker.allows(VENDOR)
    times.now_ms += 10_000
    assert breaker.allows(VENDOR)


def test_old_failures_and_those_before_a_success_do_not_count() -> None:
    """Three failures count only within 30 s, with no success between them."""
    times = _Times()
    breaker = times.of()
    for _ in range(5):
        breaker.failed(VENDOR, DOWN)
        times.now_ms += 15_001
        assert breaker.allows(VENDOR)
    for _ in range(5):
        breaker.failed(VENDOR, DOWN)
        breaker.worked(VENDOR)
        assert breaker.allows(VENDOR)


def test_a_provider_that_asks_for_time_gets_it() -> None:
    """Retry-After counts from the first failure on, at most a minute of it."""
    times = _Times()
    breaker = times.of()
    breaker.failed(VENDOR, ProviderError("over_quota", retryable=True, retry_after_s=2))
    times.now_ms += 1_999
    assert not breaker.allows(VENDOR)
    times.now_ms += 1
    assert breaker.allows(VENDOR)
    breaker.failed(VENDOR, ProviderError("over_quota", retryable=True, retry_after_s=9e9))
    times.now_ms += 60_000
    assert breaker.allows(VENDOR)


def test_organisations_do_not_share_it() -> None:
    """What one organisation's key or account runs into keeps no other one away."""
    times = _Times()
    for _ in range(3):
        times.of("one").failed(VENDOR, DOWN)
    assert not times.of("one").allows(VENDOR)
    assert times.of("two").allows(VENDOR)
    assert times.of("one").allows(object())


def test_a_bad_request_says_nothing_of_the_provider() -> None:
    """What we asked wrongly opens nothing."""
    breaker = _Times().of()
    for _ in range(9):
        breaker.failed(VENDOR, ProviderError("rejected"))
    assert breaker.allows(VENDOR)


def test_it_is_bounded() -> None:
    """However many organisations fail, the oldest is forgotten beyond 10,000."""
    times = _Times()
    for number in range(MOST_CIRCUITS + 3):
        for _ in range(3):
            times.of(str(number)).failed(VENDOR, DOWN)
    assert times.of("2").allows(VENDOR)
    assert not times.of("3").allows(VENDOR)
