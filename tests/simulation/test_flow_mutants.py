"""Mutated actions, 10,000 in ``make torture``, read as an app's are and done by a whole call."""

from __future__ import annotations

import pytest

from tests.counts import count
from tests.simulation.flow_mutants import simulate

CHUNKS = 4


@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_mutants(chunk: int) -> None:
    """Nothing that an app sends breaks or holds up its call; of each sound that cannot be played
    the end is told once.
    """
    wanted = count(200, 10_000) // CHUNKS
    sent = 0
    seed = chunk * 100_000
    while sent < wanted:
        sent += simulate(seed)[1]
        seed += 1
