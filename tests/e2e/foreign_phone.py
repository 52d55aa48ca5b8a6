"""``baresip``, a softphone of other people's making, rings a server on a host of its own.

It takes no loopback address, so server and phone run in a network namespace that has another
address on its loopback device. ``ring`` starts this module there; what the module prints, one
JSON object, is how the calls went.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.e2e.server import NUMBER, Json, Server, furnish
from tests.e2e.sounds import read_wav, spoken, understood, write_wav

HOST = "10.9.0.1"
WORDS = "blue sky today"
MODULES = (
    "/usr/lib/baresip/modules",
    "/usr/lib64/baresip/modules",
    "/usr/local/lib/baresip/modules",
)
NEEDED = {"baresip": "baresip-core", "unshare": "util-linux", "ip": "iproute2"}
MOST_S = 25.0


@dataclass(frozen=True, slots=True)
class Ringing:
    """One call: the only encoding offered, and the rate of the phone's sound."""

    codec: str
    rate_hz: int = 8_000


@dataclass(frozen=True, slots=True)
class Rung:
    """How a call went, by both sides. ``heard`` is what the phone heard, ``level`` its energy."""

    heard: str
    level: float
    said: list[str]
    record: Json | None


CASES = {
    "PCMU": Ringing("PCMU"),
    "PCMA": Ringing("PCMA"),
    "G722": Ringing("G722/16000/1", 16_000),
}


def ring(directory: Path) -> dict[str, Rung]:
    """Make the calls of ``CASES``; fails, naming what is missing, where that is impossible."""
    return alone("tests.e2e.foreign_phone", directory, MOST_S * (len(CASES) + 2))


def alone(module: str, directory: Path, wait_s: float) -> dict[str, Rung]:
    """Run a module on a host of its own; returns the calls that it prints."""
    lacking = [package for name, package in NEEDED.items() if not _where(name)]
    assert not lacking, f"install the packages {', '.join(lacking)}"
    _modules()
    unshared = ["unshare", "--net", *(() if os.geteuid() == 0 else ("--map-root-user",))]
    commands = (
        "ip link set lo up",
        f"ip address add {HOST}/24 dev lo",
        f'exec "$0" -m {module} "$1"',
    )
    run = subprocess.run(
        [*unshared, "sh", "-c", " && ".join(commands), sys.executable, str(directory)],
        capture_output=True,
        text=True,
        timeout=wait_s,
        env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
    )
    missing = "this needs a network namespace (unshare --net) with an address on its lo device"
    assert run.returncode == 0, f"{missing}:\n{run.stderr[-3_000:]}"
    return {name: Rung(**fields) for name, fields in json.loads(run.stdout).items()}


def _where(program: str) -> str | None:
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def _modules() -> str:
    for place in MODULES:
        if (Path(place) / "g722.so").exists():
            return place
    raise AssertionError("baresip's modules (g711, g722, aufile, sndfile) are missing")


def _ring_all(directory: Path) -> dict[str, Rung]:
    server = Server(directory / "server", {"sip_host": HOST, "rtp_host": HOST})
    server.start()
    try:
        furnish(server, {"networks": [HOST]})
        return {name: _ring(server, directory / name, case) for name, case in CASES.items()}
    finally:
        server.stop()


def _ring(server: Server, place: Path, case: Ringing) -> Rung:
    configure(place, f"<sip:phone@{HOST}>;regint=0;audio_codecs={case.codec}")
    write_wav(place / "words.wav", spoken(WORDS, case.rate_hz, 1_800, 2_500), case.rate_hz)
    before = len(server.calls())
    said = _dial(place, f"sip:{NUMBER}@{server.host}:{server.sip_port}")
    calls = asyncio.run(server.ended_calls("", before))
    sound = next(iter((place / "heard").glob("*-dec.wav")), None)
    pcm, rate_hz = (b"", 8_000) if sound is None else read_wav(sound)
    return Rung(
        heard=understood(pcm, rate_hz),
        level=level(pcm),
        said=said,
        record=calls[0] if len(calls) > before else None,
    )


def configure(place: Path, account: str) -> None:
    """Write a phone's settings: it says ``words.wav`` and keeps what it hears in ``heard``."""
    (place / "heard").mkdir(parents=True)
    names = ("g711", "g722", "aufile", "aubridge", "sndfile")
    lines = [
        "poll_method epoll",
        f"sip_listen {HOST}:5066",
        f"audio_source aufile,{place}/words.wav",
        "audio_player aubridge,nobody",
        "audio_alert aubridge,nobody",
        f"snd_path {place}/heard",
        f"module_path {_modules()}",
        *(f"module {name}.so" for name in names),
        "module_app account.so",
        "module_app menu.so",
    ]
    (place / "config").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (place / "accounts").write_text(account + "\n", encoding="utf-8")
    (place / "contacts").touch()


def _dial(place: Path, target: str) -> list[str]:
    """Ring until the call is over or refused; return what the phone said about it."""
    said: list[str] = []
    # Its file of sound ends the call when it ends, and -t the program if nothing else does.
    with subprocess.Popen(
        ["baresip", "-f", str(place), "-e", f"/dial {target}", "-t", str(int(MOST_S) - 5)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as phone:
        assert phone.stdout is not None
        for line in phone.stdout:
            if not line.lstrip("\r").startswith(("[", "/")):
                said.append(line.strip())
            if "terminated (" in line or "session closed" in line:
                break
        phone.terminate()
    return said


def level(pcm: bytes) -> float:
    """Return the root mean square of 16 bit samples."""
    samples = memoryview(pcm).cast("h")
    return float((sum(value * value for value in samples) / max(1, len(samples))) ** 0.5)


if __name__ == "__main__":
    calls = _ring_all(Path(sys.argv[1]))
    sys.stdout.write(json.dumps({name: asdict(call) for name, call in calls.items()}))
