"""``cordboard softphone``: what it takes as a destination and refuses before it rings."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordboard.cli.app import app


def _run(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    script = tmp_path / "script.txt"
    script.write_text("hangup\n")
    result = CliRunner().invoke(
        app, ["softphone", "--script", str(script), "--speech", "tone", *arguments]
    )
    return result.exit_code, " ".join(result.output.split())


def test_a_host_name_is_resolved(tmp_path: Path) -> None:
    """The INVITE reaches a host given by name; the far end's refusal is told, exit code 1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        far.settimeout(20)
        asked: list[bytes] = []

        def refuse() -> None:
            request, address = far.recvfrom(65_535)
            asked.append(request)
            kept = (b"Via", b"From", b"Call-ID", b"CSeq")
            lines = request.split(b"\r\n\r\n")[0].split(b"\r\n")
            fields = [line for line in lines[1:] if line.startswith(kept)]
            fields += [line + b";tag=far" for line in lines[1:] if line.startswith(b"To:")]
            head = [b"SIP/2.0 486 Busy Here", *fields, b"Content-Length: 0", b"", b""]
            far.sendto(b"\r\n".join(head), address)

        answering = threading.Thread(target=refuse)
        answering.start()
        exit_code, _ = _run(tmp_path, "--to", f"sip:100@localhost:{far.getsockname()[1]}")
        answering.join(20)
    assert exit_code == 1
    assert asked[0].startswith(b"INVITE sip:100@127.0.0.1")


@pytest.mark.parametrize(
    "to", ["sip:100", "sip:100@", "sip:100@a b", "sip:100@127.0.0.1:70000", "sip:100@a..b"]
)
def test_no_destination(tmp_path: Path, to: str) -> None:
    """What names no host that has an address is refused as a parameter, exit code 2."""
    exit_code, output = _run(tmp_path, "--to", to)
    assert exit_code == 2, output
