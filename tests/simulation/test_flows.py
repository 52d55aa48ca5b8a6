"""Whole calls of flows from seeds, by an app that is slow, wrong, silent, failing or gone."""

from __future__ import annotations

import pytest

from tests.counts import count
from tests.simulation.flows import simulate

CHUNKS = 4


@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeds(chunk: int) -> None:
    """Whatever the app does, its call ends once and keeps what the protocol promises."""
    seeds = count(160, 4_000) // CHUNKS
    for seed in range(chunk * seeds, (chunk + 1) * seeds):
        simulate(seed)


def test_replayed() -> None:
    """A seed is one call: run again it takes the same steps."""
    assert simulate(7).trace == simulate(7).trace
