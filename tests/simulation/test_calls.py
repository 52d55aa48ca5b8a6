"""Whole calls from seeds: 500 in ``make check``, 10,000 in ``make torture``."""

from __future__ import annotations

import pytest

from tests.counts import count
from tests.simulation.world import simulate

CHUNKS = 20


@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeds(chunk: int) -> None:
    """Every call ends once, keeps all invariants, and is heard as its record says."""
    seeds = count(500, 10_000) // CHUNKS
    for seed in range(chunk * seeds, (chunk + 1) * seeds):
        simulate(seed)


def test_same_seed_same_call() -> None:
    """A seed replays: the same events, commands and times."""
    for seed in range(count(10, 200)):
        assert simulate(seed).trace == simulate(seed).trace
