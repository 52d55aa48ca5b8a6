"""``python -m tests.simulation SEED [SEED …]``: run single seeds, or ``FIRST-LAST``."""

from __future__ import annotations

import sys

from tests.simulation.world import simulate


def main() -> None:
    """Run the seeds named on the command line."""
    for argument in sys.argv[1:]:
        first, _, last = argument.partition("-")
        for seed in range(int(first), int(last or first) + 1):
            outcome = simulate(seed)
            reason, trace = outcome.ending.reason.value, outcome.trace[:16]
            sys.stdout.write(f"seed {seed}: {reason}, {outcome.steps} steps, trace {trace}\n")


if __name__ == "__main__":
    main()
