"""``python -m tests.simulation [flows|mutants] SEED [SEED …]``: run single seeds, or
``FIRST-LAST``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from tests.simulation import flow_mutants, flows, world
from tests.simulation.world import Outcome

WORLDS: Mapping[str, Callable[[int], Outcome]] = {
    "": world.simulate,
    "flows": flows.simulate,
    "mutants": lambda seed: flow_mutants.simulate(seed)[0],
}


def main() -> None:
    """Run the seeds named on the command line: calls of agents, of flows, or of flows whose apps
    send mutated actions.
    """
    arguments = sys.argv[1:]
    simulate = WORLDS[""]
    if arguments and arguments[0] in WORLDS:
        simulate = WORLDS[arguments.pop(0)]
    for argument in arguments:
        first, _, last = argument.partition("-")
        for seed in range(int(first), int(last or first) + 1):
            outcome = simulate(seed)
            reason, trace = outcome.ending.reason.value, outcome.trace[:16]
            sys.stdout.write(f"seed {seed}: {reason}, {outcome.steps} steps, trace {trace}\n")


if __name__ == "__main__":
    main()
