"""``python -m benchmarks.streams``: media streams, each contestant up the ladder, as a table."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.figures import headed
from benchmarks.machine import go_first, machine
from benchmarks.speech import make_speech
from benchmarks.streams.contestants import BARE, FLOWS, OURS, PEERS, contestant
from benchmarks.streams.ladder import Ground, Rung, climb
from cordboard.call.plan import VoicePlan

SAYS = "Could you please tell me what your opening hours are today?"
"""A whole question also by its melody: one of the peers judges by that whether a turn is over."""

SAID_BY = VoicePlan(voice="en-us+f3", settings={"rate_wpm": 175})

HEAD = (
    "| server | calls | own share p50 / p95 ms | overlap → clear p50 / p95 ms "
    "| start → transcriber p95 ms | frames late | CPU-s per call-minute | core | RSS idle MB "
    "| KB per call | turns (bad) | others on the core | generator late mean / p99 ms "
    "| calibration ms |"
)


TURN_HEAD = (
    "| server | calls | end of speech → asked p50 / p95 ms | answer → first sound p50 / p95 ms |"
)


def turn_row(rung: Rung) -> str:
    """Return a line of the table of turns: who is asked is the model, or a flow's app."""
    return (
        f"| {rung.name} | {rung.calls} | {rung.asking_p50:.0f} / {rung.asking_p95:.0f} "
        f"| {rung.answering_p50:.0f} / {rung.answering_p95:.0f} |"
    )


def row(rung: Rung) -> str:
    """Return a line of the table."""
    first_ms, last_ms = rung.calibration_ms
    return (
        f"| {rung.name} | {rung.calls} | {rung.own_p50:.0f} / {rung.own_p95:.0f} "
        f"| {rung.clear_p50:.0f} / {rung.clear_p95:.0f} | {rung.ready_p95:.0f} "
        f"| {rung.late_share:.3%} | {rung.cpu_s_per_call_minute:.3f} | {rung.core_share:.0%} "
        f"| {rung.idle_kib / 1024:.0f} | {rung.call_kib:.0f} | {rung.turns} ({rung.bad}) "
        f"| {rung.others_share:.0%} "
        f"| {rung.generator_late_ms:.1f} / {rung.generator_p99_ms:.1f} | {first_ms} / {last_ms} |"
    )


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--calls", default="1,8,50", help="our ladder and the bare agent's")
    parser.add_argument("--flow-calls", default="1,50", help="the ladders of flows")
    parser.add_argument("--peer-calls", default="1,8", help="the peers' ladders")
    parser.add_argument("--seconds", type=float, default=30, help="measured time of each rung")
    parser.add_argument("--peers", action="store_true", help="measure the peers, too")
    parser.add_argument("--only", default="", help="names of contestants, separated by commas")
    parser.add_argument(
        "--first", action="store_true", help="go before other work of the machine (needs root)"
    )
    parser.add_argument("--profile", type=Path, help="write what py-spy sees here")
    parser.add_argument("--out", type=Path, default=Path("build/streams.md"))
    return parser.parse_args(words)


def _ladder(name: str, given: argparse.Namespace) -> list[int]:
    rungs = given.flow_calls if name in FLOWS else given.calls
    return [int(calls) for calls in (given.peer_calls if name in PEERS else rungs).split(",")]


def main(words: Sequence[str]) -> None:
    """Run the ladders, rung by rung, so that contestants meet the same machine."""
    given = _arguments(words)
    if given.first:
        go_first()
    everybody = [OURS, BARE, *FLOWS, *(PEERS if given.peers else ())]
    names = given.only.split(",") if given.only else everybody
    ladders = {name: _ladder(name, given) for name in names}
    lines = [machine(), "", headed(HEAD)]
    sys.stdout.write("\n".join(lines) + "\n")
    rungs = []
    given.out.parent.mkdir(parents=True, exist_ok=True)
    log_path = given.out.with_suffix(".log")
    with tempfile.TemporaryDirectory() as name, log_path.open("w", encoding="utf-8") as log:
        ground = Ground(Path(name), log, given.first, given.profile)
        make_speech(ground.place, SAYS, SAID_BY)
        for calls in sorted({calls for ladder in ladders.values() for calls in ladder}):
            for name in [name for name in names if calls in ladders[name]]:
                rung = climb(contestant(name), calls, given.seconds, ground)
                rungs.append(rung)
                if rung.broke:
                    ladders[name] = []
                lines.append(row(rung))
                sys.stdout.write(lines[-1] + "\n")
                sys.stdout.flush()
                given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    turns = ["", headed(TURN_HEAD), *map(turn_row, rungs)]
    sys.stdout.write("\n".join(turns) + "\n")
    given.out.write_text("\n".join([*lines, *turns]) + "\n", encoding="utf-8")
    figures = json.dumps([asdict(rung) for rung in rungs], indent=1)
    given.out.with_suffix(".json").write_text(figures, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
