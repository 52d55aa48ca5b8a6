"""``cordboard flow try --call``: a real call on one machine."""

from __future__ import annotations

import wave
from pathlib import Path

from typer.testing import CliRunner

from cordboard.cli.app import app
from tests.examples.running import TOKEN, running


def test_a_real_call(tmp_path: Path) -> None:
    """A softphone rings a server of its own, over SIP and RTP; the app is told, is heard, and what
    it did not say is trouble.
    """
    script = tmp_path / "script.txt"
    script.write_text("? our hours\nbye\n? see you soon\n? see you never\n")
    with running("examples/bakery_webhook.py") as port:
        arguments = [f"http://127.0.0.1:{port}/voice", "--token", TOKEN, "--call"]
        arguments += ["--say", str(script), "--record", str(tmp_path / "heard.wav")]
        result = CliRunner().invoke(app, ["flow", "try", *arguments])
    assert result.exit_code == 1, result.output
    troubles = [line for line in result.output.splitlines() if "!!!" in line]
    assert troubles == ["!!! not heard: see you never"]
    with wave.open(str(tmp_path / "heard.wav")) as heard:
        assert heard.getnframes() > heard.getframerate()
    told = [line.split()[2] for line in result.output.splitlines() if " --> " in line]
    cycle = ["assistant_speak", "assistant_speech_ended"]
    assert told == ["session_start", *cycle, "user_speak", *cycle, "session_end"], result.output
    assert '"ms_after_caller"' in result.output
