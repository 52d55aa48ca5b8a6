"""``python -m benchmarks``: the ladder, as a table."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.bench import Bench, Rung, bench
from benchmarks.figures import headed
from benchmarks.machine import go_first, machine
from benchmarks.speech import AGENT, CALLER, make_speech

DRAIN_S = 40.0
"""So long after the last call SIP keeps its transactions (64 x T1 of RFC 3261), and a bit."""

_HEAD = (
    "| calls | own share p50 / p95 ms | 200 OK → greeting p95 ms | overlap → silence p50 / p95 ms "
    "| frames > 20 ms late (worst) | gaps > 40 ms at the caller | CPU-s per call-minute | core | "
    "RSS idle MB | KB per call | turns (bad) | others on the core | "
    "generator late mean / p99 ms | calibration ms |"
)


def row(rung: Rung) -> str:
    """Return a line of the table."""
    first_ms, last_ms = rung.calibration_ms
    return (
        f"| {rung.calls} | {rung.own_p50:.0f} / {rung.own_p95:.0f} | {rung.greeting_p95:.0f} "
        f"| {rung.overlap_p50:.0f} / {rung.overlap_p95:.0f} "
        f"| {rung.late_share:.3%} ({rung.worst_late_ms}) | {rung.gaps_share:.3%} "
        f"| {rung.cpu_s_per_call_minute:.3f} | {rung.core_share:.0%} "
        f"| {rung.idle_kib / 1024:.0f} | {rung.call_kib:.0f} | {rung.turns} ({rung.bad_turns}) "
        f"| {rung.others_share:.0%} "
        f"| {rung.generator_late_ms:.1f} / {rung.generator_p99_ms:.1f} | {first_ms} / {last_ms} |"
    )


def _churned(under_test: Bench, calls: int) -> str:
    sizes = []
    for _ in range(2):
        under_test.churn(calls)
        time.sleep(DRAIN_S)  # noqa: TID251  (there is no loop here)
        sizes.append(under_test.look().resident_kib)
    kept = (sizes[1] - sizes[0]) / calls
    return f"kept of an ended call: {kept:.1f} KB (the second {calls} of 2 x {calls} short calls)"


def main(arguments: Sequence[str]) -> None:
    """Run the ladder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--calls", default="1,10,50,100", help="the ladder")
    parser.add_argument("--seconds", type=float, default=40, help="measured time of each rung")
    parser.add_argument("--churn", type=int, default=300, help="short calls, for what is kept")
    parser.add_argument(
        "--first", action="store_true", help="go before other work of the machine (needs root)"
    )
    parser.add_argument("--json", type=Path, help="write all figures here, too")
    given = parser.parse_args(arguments)
    if given.first:
        go_first()
    sys.stdout.write(f"{machine()}\n\n{headed(_HEAD)}\n")
    rungs = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        make_speech(place)
        with (place / "server.log").open("w+") as log:
            for calls in map(int, given.calls.split(",")):
                data_dir = place / f"{calls}"
                with bench(data_dir, place / CALLER, place / AGENT, log, given.first) as under_test:
                    under_test.churn(1)
                    rungs.append(under_test.rung(calls, given.seconds))
                    sys.stdout.write(row(rungs[-1]) + "\n")
                    sys.stdout.flush()
            if given.churn:
                with bench(
                    place / "churn", place / CALLER, place / AGENT, log, given.first
                ) as under_test:
                    sys.stdout.write(f"\n{_churned(under_test, given.churn)}\n")
            log.seek(0)
            sys.stderr.write(log.read())
    if given.json:
        given.json.write_text(json.dumps([asdict(rung) for rung in rungs], indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
