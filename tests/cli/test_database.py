"""``cordboard database``."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordboard.cli import database, keys
from cordboard.wiring.lock import DirectoryLock

RUNNER = CliRunner()


def test_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the copy holds works with the same data directory; nothing is copied under a server."""
    monkeypatch.setenv("CORDBOARD_DATA_DIR", str(tmp_path / "var"))
    to = f"sqlite:///{tmp_path}/copy.db"
    copy = ("copy", "--to", to)
    refused = RUNNER.invoke(database.app, copy)
    assert (refused.exit_code, "no data directory" in refused.output) == (1, True)
    assert RUNNER.invoke(keys.app, ["create", "laptop"]).exit_code == 0
    with DirectoryLock(tmp_path / "var"):
        refused = RUNNER.invoke(database.app, copy)
    assert (refused.exit_code, "in use" in refused.output) == (1, True)
    done = RUNNER.invoke(database.app, copy)
    assert done.exit_code == 0, done.output
    assert "1  api_keys" in done.output
    monkeypatch.setenv("CORDBOARD_DATABASE_URL", to)
    assert "laptop" in RUNNER.invoke(keys.app, ["list"]).output
    refused = RUNNER.invoke(database.app, copy)
    assert (refused.exit_code, "holds data" in refused.output) == (1, True)
