"""Where mistakes stop."""

from __future__ import annotations

import asyncio

import pytest

from cordboard.engine.guard import Guard, ProviderGuard
from cordboard.ports import ProviderError


def test_guard() -> None:
    """A mistake is reported and remembered until the next entry; cancellation passes."""
    reports: list[tuple[str, BaseException]] = []
    guard = Guard("here", lambda where, error: reports.append((where, error)))
    error = ValueError("mine")
    for wrong in (error, None):
        with guard:
            if wrong is not None:
                raise wrong
        assert guard.broken == (wrong is not None)
    assert reports == [("here", error)]
    with pytest.raises(asyncio.CancelledError), guard:
        raise asyncio.CancelledError
    assert len(reports) == 1


def test_provider_guard() -> None:
    """A provider's own failure passes as it is; anything else becomes one, reported."""
    reports: list[BaseException] = []
    guard = ProviderGuard("there", lambda where, error: reports.append(error))
    with pytest.raises(ProviderError, match="over_quota"), guard:
        raise ProviderError("over_quota")
    assert reports == []
    with pytest.raises(ProviderError, match="bad_answer"), guard:
        raise KeyError("mine")
    assert [type(error) for error in reports] == [KeyError]
    with pytest.raises(asyncio.CancelledError), guard:
        raise asyncio.CancelledError
