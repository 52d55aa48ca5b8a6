"""``cordboard run``: scripts that name no server, run as they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordboard.cli.app import app
from tests.contract.clients import VERSIONS
from tests.control.server import OWNER_KEY, Server, running
from tests.docs.page import blocks, pages
from tests.tidy.source import ROOT

GUIDE = pages()["docs/guides/unchanged-scripts.md"]
NOBODY = "http://127.0.0.1:9"

ASYNC = """
import asyncio, sys
from vocode.client import AsyncVocode
from vocode.core import ApiError

async def main():
    try:
        await AsyncVocode(token="theirs").prompts.list_prompts()
    except ApiError as error:
        print(error.status_code)
    await AsyncVocode(token=sys.argv[1]).prompts.list_prompts()
    print("listed")

asyncio.run(main())
"""
ELSEWHERE = """
import sitecustomize
from vocode.client import Vocode
from vocode.environment import VocodeEnvironment

assert sitecustomize.THEIRS
assert "startup" not in "".join(__import__("sys").path)
other = Vocode(token="mine", base_url="http://other.example")._client_wrapper
assert other.get_headers()["Authorization"] == "Bearer mine"
assert other.get_base_url() == "http://other.example"
print(VocodeEnvironment.PRODUCTION.value)
sys_exit = __import__("sys").exit
sys_exit(7)
"""
LISTING = """
from vocode.client import Vocode

Vocode(token="x").agents.list_agents(page=1)
print("listed")
"""
WAITING = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("ready", flush=True)
signal.pause()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run an API."""
    with running(tmp_path_factory.mktemp("api")) as started:
        yield started


def command(*arguments: str) -> list[str]:
    """Return the command line of ``cordboard run``."""
    return [sys.executable, "-m", "cordboard", "run", *arguments]


def ran(path: Path, text: str, *options: str, token: str = "") -> subprocess.CompletedProcess[str]:
    """Write a script, and run it."""
    path.write_text(text, encoding="utf-8")
    return subprocess.run(
        command(*options, "--", sys.executable, str(path), token),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_page(server: Server, tmp_path: Path) -> None:
    """The script of the guide, as printed, makes a prompt on this server."""
    (script,) = blocks(GUIDE, "python")
    options = ("--url", server.base_url, "--key", OWNER_KEY)
    done = ran(tmp_path / "reminder.py", script, *options)
    assert done.returncode == 0, done.stderr
    made = done.stdout.split()[-1]
    with server.client() as http:
        shown = http.get("/v1/prompts", params={"id": made}).json()
    assert shown["content"] == "You remind people of appointments."


def test_tokens(server: Server, tmp_path: Path) -> None:
    """Without ``--key`` the script's own token counts, here with the other kind of client."""
    url = ("--url", server.base_url)
    done = ran(tmp_path / "a.py", ASYNC, *url, token=OWNER_KEY)
    assert done.stdout.split() == ["401", "listed"], done.stderr


def test_the_script_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address, its ``sitecustomize``, its path and its exit status stay."""
    (tmp_path / "sitecustomize.py").write_text("THEIRS = True", encoding="utf-8")
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    monkeypatch.setenv("PYTHONPATH", path)
    done = ran(tmp_path / "b.py", ELSEWHERE, "--url", NOBODY, "--key", OWNER_KEY)
    assert (done.returncode, done.stdout.strip()) == (7, NOBODY), done.stderr


def test_signals(tmp_path: Path) -> None:
    """A signal reaches the script, which decides on the status."""
    script = tmp_path / "c.py"
    script.write_text(WAITING, encoding="utf-8")
    with subprocess.Popen(
        command("--", sys.executable, str(script)), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 5


def test_no_program() -> None:
    """A program that is not there is told apart from one that failed."""
    done = CliRunner().invoke(app, ["run", "--", "no-such-program"])
    assert (done.exit_code, "no-such-program" in done.output) == (127, True)


def test_older_clients(server: Server, tmp_path: Path) -> None:
    """Every release that the contract tests know is redirected, also in a child of the program."""
    (tmp_path / "d.py").write_text(LISTING, encoding="utf-8")
    pythons = [ROOT / "build" / "clients" / version / "bin" / "python" for version in VERSIONS]
    every = " && ".join(f"{python} {tmp_path}/d.py" for python in pythons)
    options = ("--url", server.base_url, "--key", OWNER_KEY)
    done = subprocess.run(
        command(*options, "--", "sh", "-c", every), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("listed") == len(VERSIONS)
