"""``python -m tests.simulation [flows] SEED [SEED …]``: run single seeds, or ``FIRST-LAST``."""

from __future__ import annotations

import sys

from tests.simulation import flows, world


def main() -> None:
    """Run the seeds named on the command line, of agents' calls or of flows'."""
    arguments = sys.argv[1:]
    simulate = world.simulate
    if arguments[:1] == ["flows"]:
        arguments.pop(0)
        simulate = flows.simulate
    for argument in arguments:
        first, _, last = argument.partition("-")
        for seed in range(int(first), int(last or first) + 1):
            outcome = simulate(seed)
            reason, trace = outcome.ending.reason.value, outcome.trace[:16]
            sys.stdout.write(f"seed {seed}: {reason}, {outcome.steps} steps, trace {trace}\n")


if __name__ == "__main__":
    main()
