"""Environments of the client's releases, and running the driver in them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tests.contract.prepared import prepare
from tests.contract.steps import STEPS
from tests.control.server import Server

ROOT: Final = Path(__file__).parents[2]
WHOLE: Final = ("0.0.46", "0.0.48")
# No release of pydantic that these work with has a wheel for Python 3.13.
_PYDANTIC_24: Final = ("0.0.41", "0.0.46")
VERSIONS: Final = tuple(
    version
    for version in ("0.0.20", "0.0.30", "0.0.41", "0.0.46", "0.0.48")
    if sys.version_info < (3, 13) or version not in _PYDANTIC_24
)
TIMEOUT_S: Final = 120


def run_driver(version: str, work: dict[str, Any]) -> dict[str, Any]:
    """Give ``work`` to the driver in the environment of ``version`` and return its report."""
    directory = ROOT / "build" / "clients" / version
    assert (directory / "ready").exists(), f"scripts/install_clients.sh has not made {directory}"
    driver = Path(__file__).with_name("driver.py")
    done = subprocess.run(
        [directory / "bin" / "python", "-I", "-W", "ignore", driver],
        input=json.dumps(work),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


def all_reports(
    server: Server, versions: Sequence[str] = VERSIONS, kinds: Sequence[str] = ("sync", "async")
) -> dict[str, dict[str, Any]]:
    """Return what these releases, used in these ways, report of ``server``, by their version."""
    work = []
    for index in range(len(versions)):
        modes = {kind: prepare(server, 2 * index + odd) for odd, kind in enumerate(kinds)}
        work.append({"base_url": server.base_url, "modes": modes, "steps": STEPS})
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(versions, pool.map(run_driver, versions, work), strict=True))
