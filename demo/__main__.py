"""``make demo``: from nothing to a finished telephone call, checked by what it left behind."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from demo.conversation import Conversation

with warnings.catch_warnings():
    # The official client still speaks pydantic 1's words.
    warnings.simplefilter("ignore")
    from demo.setup import Assistant, create

HERE = Path(__file__).parent
ROOM = Path(".demo")
KEY = "demo-owner-key-0123456789"
WANTED = {"length": "30m", "time": "09:30am"}
READY_WAIT_S = 40.0
CALL_WAIT_S = 120.0
CLOSING_WAIT_S = 15.0


class DemoFailed(Exception):
    """Something was not as it should be; the text says what."""


def free_port(kind: socket.SocketKind) -> int:
    """Return a port that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(*command: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process within the block; it is ended kindly, then not so kindly."""
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as child:
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()


def wait_ready(base_url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server takes calls."""
    until = time.monotonic() + READY_WAIT_S
    while time.monotonic() < until:
        if server.poll() is not None:
            raise DemoFailed(f"the server ended by itself; see {ROOM / 'server.log'}")
        try:
            if httpx.get(f"{base_url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)  # noqa: TID251
    raise DemoFailed(f"the server is not ready; see {ROOM / 'server.log'}")


def ring(assistant: Assistant, sip_port: int, conversation: Conversation) -> dict[str, object]:
    """Have the scripted caller ring; returns what it heard."""
    command = [
        sys.executable, "-m", "cordboard", "softphone", "--json",
        "--to", f"sip:{assistant.number}@127.0.0.1:{sip_port}",
        "--script", str(HERE / "caller.script"), "--voice", "en-us", "--rate", "130",
        "--record", str(ROOM / "heard-by-the-caller.wav"),
    ]  # fmt: skip
    with (ROOM / "softphone.log").open("wb") as log:
        phone = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        try:
            conversation.follow(until=lambda: phone.poll() is not None, wait_s=CALL_WAIT_S)
            output, _ = phone.communicate(timeout=10)
        finally:
            phone.kill()
    lines = output.decode().strip().splitlines()
    (ROOM / "softphone.txt").write_bytes(output)
    if phone.returncode != 0:
        raise DemoFailed("the caller did not hear what it should:\n  " + "\n  ".join(lines[-6:]))
    heard: dict[str, object] = json.loads(lines[-1])
    return heard


def check_booking() -> None:
    """The booking API got one signed request with the right values."""
    log = ROOM / "bookings.jsonl"
    requests = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    if [request["payload"] for request in requests] != [WANTED]:
        raise DemoFailed(f"the booking API should have got {WANTED}, it got {requests}")
    if not requests[0]["verified"]:
        raise DemoFailed("the signature of the booking request is wrong")


def keep_call(http: httpx.Client, call_id: str, data_dir: Path) -> None:
    """Wait for the call's end, then put its record, recording and page where they can be found."""
    until = time.monotonic() + CLOSING_WAIT_S
    while (call := http.get("/v1/calls", params={"id": call_id}).json())["status"] != "ended":
        if time.monotonic() > until:
            raise DemoFailed(f"the call is {call['status']}, not ended")
        time.sleep(0.1)  # noqa: TID251
    (ROOM / "call.json").write_text(json.dumps(call, indent=2))
    recording = http.get("/v1/calls/recording", params={"id": call_id}, timeout=60)
    recording.raise_for_status()
    (ROOM / "recording.mp3").write_bytes(recording.content)
    page = [
        sys.executable, "-m", "cordboard", "calls", "page", call_id,
        "--data-dir", str(data_dir), "--output", str(ROOM / "call.html"),
    ]  # fmt: skip
    subprocess.run(page, check=True, stdout=subprocess.DEVNULL)


def run(keep: bool) -> None:
    """Make the call. Raises ``DemoFailed``."""
    shutil.rmtree(ROOM, ignore_errors=True)
    ROOM.mkdir()
    http_port, sip_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    booking_port, data_dir = free_port(socket.SOCK_STREAM), ROOM / "data"
    base_url = f"http://127.0.0.1:{http_port}"
    serve = (
        sys.executable, "-m", "cordboard", "serve", "--profile", "development",
        "--http-port", str(http_port), "--sip-port", str(sip_port),
        "--data-dir", str(data_dir), "--bootstrap-key", KEY,
    )  # fmt: skip
    secret = ROOM / "signature-secret"
    booking = (
        sys.executable,
        "-m",
        "demo.booking",
        str(booking_port),
        str(secret),
        str(ROOM / "bookings.jsonl"),
    )
    with (
        process(*serve, log=ROOM / "server.log") as server,
        process(*booking, log=ROOM / "booking.log"),
        httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {KEY}"}) as http,
    ):
        say(f"Starting a server on {base_url}, SIP on 127.0.0.1:{sip_port} ...")
        wait_ready(base_url, server)
        assistant = create(base_url, KEY, f"http://127.0.0.1:{booking_port}/book")
        secret.write_text(assistant.signature_secret)
        time.sleep(1.2)  # noqa: TID251  (the server looks for new trunks once a second)
        say(f"Ringing {assistant.number} ...\n")
        conversation = Conversation(http, say)
        ring(assistant, sip_port, conversation)
        check_booking()
        keep_call(http, conversation.call_id, data_dir)
        say(
            "\nThe booking API got a signed request:  "
            + (ROOM / "bookings.jsonl").read_text().strip()
        )
        for name, what in (
            ("call.html", "the call page: open it in a browser"),
            ("recording.mp3", "the recording, caller left, agent right"),
            ("call.json", "the call as the API returns it"),
        ):
            say(f"{ROOM / name!s:24} {what}")
        if keep:
            linger(assistant, base_url, sip_port)


def linger(assistant: Assistant, base_url: str, sip_port: int) -> None:
    """Leave the server up until interrupted."""
    say(f"\nThe server stays up: {base_url}, key {KEY}")
    say(
        "Ring it with any softphone on this machine (UDP): "
        f"sip:{assistant.number}@127.0.0.1:{sip_port}"
    )
    say("Ctrl-C ends it.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        say("")


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the demonstration; exit code 0 only if everything was right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the server up afterwards")
    arguments = parser.parse_args()
    try:
        run(arguments.keep)
    except (DemoFailed, httpx.HTTPError, subprocess.CalledProcessError) as problem:
        say(f"\nThe demo FAILED: {problem}")
        sys.exit(1)
    say("\nThe demo is done: the call was made, booked, heard and recorded.")


if __name__ == "__main__":
    main()
