"""``cordboard flow try``: a call to an app by text, followed by its exit code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordboard.cli.app import app
from tests.examples.running import TOKEN, running

WIDE = {"COLUMNS": "300"}
BAKERY = """\
? hours, or bread
When are you open?
? seven in the morning
/dtmf 2
? rye
/timeout
? still there
Thank you, bye
? see you soon
"""
PARCEL = """\
/dtmf 98#
/wait 0.5
? not known
/hangup
"""


@pytest.fixture(scope="module")
def bakery() -> Iterator[str]:
    """The URL of an app over HTTP."""
    with running("examples/bakery_webhook.py") as port:
        yield f"http://127.0.0.1:{port}/voice"


def _try(*arguments: str, typed: str | None = None) -> tuple[int, str]:
    # Wide enough that no message is wrapped.
    result = CliRunner().invoke(app, ["flow", "try", *arguments], input=typed, env=WIDE)
    return result.exit_code, result.output


def _script(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "script.txt"
    path.write_text(text)
    return ["--say", str(path)]


def test_a_script_over_http(bakery: str, tmp_path: Path) -> None:
    """A script is followed to its end; each line has its milliseconds, exit code 0."""
    exit_code, output = _try(bakery, "--token", TOKEN, *_script(tmp_path, BAKERY))
    assert exit_code == 0, output
    lines = output.splitlines()
    assert all(re.match(r" *\d+ (-->|<--|>>>|\.\.\.) ", line) for line in lines), output
    told = [line.split()[2] for line in lines if " --> " in line]
    assert [told[0], told[-1]] == ["session_start", "session_end"]
    assert told.count("assistant_speak") == told.count("assistant_speech_ended") == 5
    assert {"user_speak", "dtmf_received", "user_input_timeout"} <= set(told)
    assert [line.split()[2] for line in lines if " <-- " in line].count("hangup") == 1


def test_a_script_over_a_socket(tmp_path: Path) -> None:
    """The same over WebSocket, with an app that acts of its own accord."""
    with running("examples/parcel_socket.py") as port:
        url = f"ws://127.0.0.1:{port}/parcels"
        exit_code, output = _try(url, "--token", TOKEN, *_script(tmp_path, PARCEL))
    assert exit_code == 0, output
    assert output.count("<-- speak") == 3
    assert '"caller_hung_up"' in output


def test_typed_lines(bakery: str) -> None:
    """Without a script it follows what is typed; the end of the input hangs up."""
    exit_code, output = _try(bakery, "--token", TOKEN, "--from", "+12025550177", typed="/help\n")
    assert exit_code == 0, output
    assert "/dtmf KEYS" in output
    assert '"from": "+12025550177"' in output
    assert '"caller_hung_up"' in output


@pytest.mark.parametrize(
    ("token", "script", "trouble"),
    [(TOKEN, "? no such words\n", "not heard"), ("wrong", "hello\n", "status 401")],
)
def test_trouble(bakery: str, tmp_path: Path, token: str, script: str, trouble: str) -> None:
    """A check that fails, or an app that refuses, is shown and makes the exit code 1."""
    exit_code, output = _try(bakery, "--token", token, *_script(tmp_path, script))
    assert exit_code == 1, output
    assert any("!!!" in line and trouble in line for line in output.splitlines()), output


def test_nobody_there(tmp_path: Path) -> None:
    """Where nothing listens, the call takes its fallback, as a real one would: exit code 1."""
    exit_code, output = _try("http://127.0.0.1:1/", *_script(tmp_path, "hello\n"))
    assert exit_code == 1
    assert '"provider_failed"' in output


@pytest.mark.parametrize(
    "arguments",
    [
        ["ftp://127.0.0.1/"],
        ["http://127.0.0.1/", "--assistant-speak-at", "middle"],
        ["http://127.0.0.1/", "--say", "no such file"],
    ],
)
def test_mistyped(arguments: list[str]) -> None:
    """What cannot be tried is refused as a parameter: exit code 2."""
    assert _try(*arguments)[0] == 2


def test_a_bad_script(tmp_path: Path) -> None:
    """A script that cannot be followed is refused by its line before anything is called."""
    exit_code, output = _try("http://127.0.0.1:1/", *_script(tmp_path, "hi\n/nonsense\n"))
    assert exit_code == 2
    assert "line 2" in output
