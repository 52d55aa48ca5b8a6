"""User agents of other people's making are called: they ring, hear us, and are understood."""

from __future__ import annotations

import pytest

from tests.e2e.foreign_phone import WORDS, Rung
from tests.e2e.outbound.foreign_callees import call_all
from tests.e2e.server import GREETING

HEARD_LEVEL = 300.0
"""A root mean square that speech has and a silent line has not."""


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rung]:
    """Both calls, made once."""
    return call_all(tmp_path_factory.mktemp("callees"))


@pytest.mark.parametrize("program", ["baresip", "sipua"])
def test_foreign_callee_talks_with_us(called: dict[str, Rung], program: str) -> None:
    """The callee hears the greeting, is understood, and its hanging up ends the call."""
    call = called[program]
    assert call.record is not None
    record = call.record
    assert (record["stage"], record["stage_outcome"]) == ("picked_up", "human_disconnected"), record
    assert GREETING in call.heard, call.said
    assert call.level > HEARD_LEVEL
    assert f"HUMAN: {WORDS}" in record["transcript"]
