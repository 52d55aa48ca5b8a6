"""A softphone of other people's making (baresip) rings, hears, and is understood."""

from __future__ import annotations

import pytest

from tests.e2e.foreign_phone import WORDS, Rung, ring
from tests.e2e.server import GREETING

HEARD_LEVEL = 300.0
"""A root mean square that speech has and a silent line has not."""


@pytest.fixture(scope="module")
def rung(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rung]:
    """All the calls, made once."""
    return ring(tmp_path_factory.mktemp("baresip"))


@pytest.mark.parametrize("case", ["PCMU", "PCMA", "G722"])
def test_foreign_phone_is_greeted_and_understood(rung: dict[str, Rung], case: str) -> None:
    """In each of our encodings the phone hears the greeting and is understood."""
    call = rung[case]
    assert GREETING in call.heard, call.said
    assert call.level > HEARD_LEVEL
    assert call.record is not None
    assert call.record["stage_outcome"] == "human_disconnected"
    assert f"HUMAN: {WORDS}" in call.record["transcript"]
