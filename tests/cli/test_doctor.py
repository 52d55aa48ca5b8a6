"""``cordboard doctor``: what it says about a directory and ports, and by which exit code."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cordboard.cli.app import app
from cordboard.wiring.lock import DirectoryLock

RUNNER = CliRunner()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return a directory that holds data, as the command line makes it."""
    directory = tmp_path / "var"
    made = RUNNER.invoke(app, ["keys", "list", "--data-dir", str(directory)])
    assert made.exit_code == 0, made.output
    return directory


def look(
    data_dir: Path, http_port: int = 0, transcriber: str = "tone", roles: str = "api,engine"
) -> Result:
    """Run the doctor on free ports, with speech that is always there."""
    return RUNNER.invoke(
        app,
        [
            "doctor", "--profile", "development", "--data-dir", str(data_dir), "--sip-port", "0",
            "--http-port", str(http_port), "--transcriber", transcriber, "--synthesizer", "tone",
            "--roles", roles,
        ],
    )  # fmt: skip


def test_all_is_well(data_dir: Path) -> None:
    """Free ports, a directory and its key: exit code 0."""
    result = look(data_dir)
    assert result.exit_code == 0, result.output
    assert "problem" not in result.output


def test_a_fresh_directory_is_left_without_a_key(tmp_path: Path) -> None:
    """Before the first start nothing is made that the first start makes."""
    directory = tmp_path / "fresh"
    assert look(directory).exit_code == 0
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("spoil", ["missing", "short", "readable"])
def test_a_key_that_would_stop_the_start_is_a_problem(data_dir: Path, spoil: str) -> None:
    """What ``serve`` refuses, the doctor names; it makes no new key."""
    key = data_dir / "master.key"
    match spoil:
        case "missing":
            key.unlink()
        case "short":
            key.write_text("abc")
        case _:
            key.chmod(0o644)
    result = look(data_dir)
    assert result.exit_code == 1, result.output
    assert "master" in result.output
    assert key.exists() == (spoil != "missing")


def test_a_port_in_use(data_dir: Path) -> None:
    """A taken port is a problem, unless a server runs on this directory: then it is its own."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = int(other.getsockname()[1])
        assert look(data_dir, port).exit_code == 1
        with DirectoryLock(data_dir):
            result = look(data_dir, port)
    assert result.exit_code == 0, result.output
    assert "a server runs here" in result.output


def test_only_work(data_dir: Path) -> None:
    """A process that only does durable work needs neither ports nor providers."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = look(data_dir, int(other.getsockname()[1]), roles="work", transcriber="nosuch")
    assert result.exit_code == 0, result.output


def test_a_provider_that_does_not_exist(data_dir: Path) -> None:
    """A name that is nobody's is a problem that says which names there are."""
    result = look(data_dir, transcriber="nosuch")
    assert result.exit_code == 1, result.output
    assert "there is no transcriber named 'nosuch'; there are: " in result.output
