"""``make demo`` as a newcomer runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_demo(tmp_path: Path) -> None:
    """From an empty directory to a finished call: exit code 0, and the record is where it says."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    server_log = tmp_path / ".demo" / "server.log"
    assert done.returncode == 0, done.stdout + done.stderr + server_log.read_text()
    room = tmp_path / ".demo"
    call = json.loads((room / "call.json").read_text())
    assert call["status"] == "ended"
    assert call["stage_outcome"] == "bot_disconnected"
    assert call["recording_available"] is True
    assert "BOT_ACTION_FINISH" in call["transcript"]
    assert (room / "recording.mp3").stat().st_size > 50_000
    page = (room / "call.html").read_text()
    assert "09:30am" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "ms after the caller stopped" in done.stdout
