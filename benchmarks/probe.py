"""What the operating system knows of a process tree and of a core."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_CALIBRATION = (
    "import os,sys,time;os.sched_setaffinity(0,{int(sys.argv[1])});t=time.process_time();"
    "sum(i*i for i in range(2_000_000));print(round(1000*(time.process_time()-t)))"
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One look: CPU seconds of the tree, its run delay, resident KiB, and the core's busy time."""

    at: float
    cpu_s: float
    waited_s: float
    resident_kib: int
    core_busy_s: float


def probe(pid: int, core: int) -> Probe:
    """Look at a process with its children, and at the core it is pinned to."""
    cpu_s = waited_s = 0.0
    resident_kib = 0
    for member in _tree(pid):
        home = Path(f"/proc/{member}")
        fields = (home / "stat").read_text(errors="replace").rpartition(")")[2].split()
        cpu_s += (int(fields[11]) + int(fields[12])) * _TICK_S
        for thread in (home / "task").iterdir():
            waited_s += int((thread / "schedstat").read_text().split()[1]) / 1e9
        for line in (home / "status").read_text(errors="replace").splitlines():
            if line.startswith("VmRSS:"):
                resident_kib += int(line.split()[1])
    return Probe(time.perf_counter(), cpu_s, waited_s, resident_kib, _core_busy_s(core))


def _tree(pid: int) -> list[int]:
    members = [pid]
    for member in members:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            members += map(int, children.read_text().split())
    return members


def _core_busy_s(core: int) -> float:
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            times = [int(field) for field in fields]
            return (sum(times[:8]) - times[3] - times[4]) * _TICK_S
    return 0.0


def calibration(core: int) -> list[str]:
    """Return the arguments of a Python that prints the CPU milliseconds of a fixed loop."""
    return ["-c", _CALIBRATION, str(core)]
