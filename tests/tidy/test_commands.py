"""The commands everybody starts with: make, the scripts behind it, and what CI runs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.tidy.source import ROOT, project_files

SCRIPTS = [name for name in project_files() if name.endswith(".sh") or name == ".ci/run"]


def _run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # Without what an outer make hands down, which would change how this one prints.
    clean = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_make_lists_its_targets() -> None:
    """``make`` alone changes nothing and names the six targets, one line each."""
    listing = _run("make").stdout
    for target in ("demo", "run", "check", "test", "torture", "bench"):
        assert f"\n  make {target} " in f"\n{listing}"


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_sound(script: str) -> None:
    """Each script parses, stops at its first error and can be executed."""
    text = (ROOT / script).read_text(encoding="utf-8")
    shell = text.partition("\n")[0].rpartition("/")[2].split()[-1]
    assert shell in ("sh", "bash")
    assert "set -eu" in text
    assert os.access(ROOT / script, os.X_OK)
    assert _run(shell, "-n", script).returncode == 0


def test_ci_runs_what_developers_run() -> None:
    """CI calls ``make test`` and nothing else."""
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands == [
        "set -euo pipefail",
        'cd "$(dirname "$0")/.."',
        "exec make --no-print-directory test",
    ]


def test_larger_targets_hold_the_smaller() -> None:
    """What ``make check`` runs is run by ``make test``, and that by ``make torture``."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (test,) = [line for line in makefile.splitlines() if line.startswith("test:")]
    assert "check" in test.partition("##")[0].split()
    assert "CORDBOARD_TORTURE=1" in makefile
    assert "$(MAKE) --no-print-directory test" in makefile


def test_without_root_the_line_to_run_is_printed(tmp_path: Path) -> None:
    """Where programs are missing and nobody may install them, the exact line is told."""
    for program, body in {"id": "echo 1000", "apt-get": "exit 1"}.items():
        (tmp_path / program).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (tmp_path / program).chmod(0o755)
    result = _run("/bin/sh", "scripts/system_packages.sh", PATH=str(tmp_path), CI="true")
    assert result.returncode == 1
    assert "\n  apt-get update && apt-get install --yes" in result.stderr
    assert "sip-tester" in result.stderr


def test_an_unfit_python_is_refused(tmp_path: Path) -> None:
    """A Python that is too old or too new is not taken, and the message names the versions."""
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    fake.chmod(0o755)
    result = _run("scripts/make_venv.sh", str(tmp_path / "venv"), PYTHON=str(fake))
    assert result.returncode == 1
    assert "Python 3.11, 3.12 or 3.13" in result.stderr
    assert not (tmp_path / "venv").exists()
