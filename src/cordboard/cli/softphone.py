"""``cordboard softphone``: ring a number and follow a script."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cordboard.call.plan import VoicePlan
from cordboard.clock import SystemClock
from cordboard.engine.clock import MediaClock
from cordboard.ids import Randomness
from cordboard.media.codec import Codec, Encoding, new_decoder
from cordboard.media.wave import write as write_wave
from cordboard.softphone.caller import Caller, Report, Speech
from cordboard.softphone.phone import Dialling
from cordboard.softphone.script import BadScript, Script, parse_script
from cordboard.wiring.speech import caller_speech

_URI = re.compile(
    r"(?:sip:)?(?P<number>[^@]{1,64})@(?P<host>[0-9A-Za-z._-]{1,253}|\[[0-9a-fA-F:]+\])(?::(?P<port>[0-9]{1,5}))?"
)
_SENDER = re.compile(r"[0-9A-Za-z+*#._-]{1,64}")
_SPEECH = ("embedded", "tone")
_RESOLVE_WAIT_S = 5.0
_CODECS = {"pcmu": "PCMU/8000", "pcma": "PCMA/8000", "g722": "G722/8000"}


def softphone(
    to: Annotated[str, typer.Option(help="Whom to ring: sip:NUMBER@HOST:PORT")],
    script: Annotated[Path, typer.Option(help="What to do, one step a line.", exists=True)],
    sender: Annotated[str, typer.Option("--from", help="The caller's number.")] = "+12025550199",
    speech: Annotated[str, typer.Option(help="embedded (spoken words) or tone.")] = "embedded",
    voice: Annotated[str, typer.Option(help="A voice of the embedded synthesizer.")] = "",
    rate: Annotated[int, typer.Option(help="Words a minute of the embedded voice.")] = 150,
    codec: Annotated[
        str, typer.Option(help="pcmu, pcma, g722, or several by comma.")
    ] = "g722,pcmu",
    host: Annotated[str, typer.Option(help="Our own address.")] = "127.0.0.1",
    record: Annotated[Path | None, typer.Option(help="Write what was heard to this WAV.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
) -> None:
    """Ring a number, follow a script, tell what was heard; exit code 1 if it went otherwise."""
    dialling = _dialling(to, sender, codec, host)
    steps = _script(script)
    if speech not in _SPEECH:
        raise typer.BadParameter(f"speech is {' or '.join(_SPEECH)}")
    plan = VoicePlan(voice=voice, settings={"rate_wpm": rate})
    report, phone_codec = asyncio.run(_run(steps, dialling, speech, plan))
    if record is not None and phone_codec is not None:
        record.write_bytes(wave_file(phone_codec, bytes(report.far_sound)))
    if as_json:
        shown = {
            "heard": report.heard,
            "failures": report.failures,
            "loud_ms": report.loud_ms,
            "how_it_ended": report.how_it_ended,
        }
        sys.stdout.write(json.dumps(shown) + "\n")
    raise typer.Exit(1 if report.failures else 0)


async def _run(
    script: Script, dialling: Dialling, speech: str, voice: VoicePlan
) -> tuple[Report, Codec | None]:
    dialling = await _resolved(dialling)
    clock, randomness = SystemClock(), Randomness.system()
    media_clock = MediaClock(clock, _broke)
    async with AsyncExitStack() as stack:
        synthesizer, transcriber = await caller_speech(speech, stack)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        ticking = group.create_task(media_clock.run())
        stack.callback(ticking.cancel)
        caller = Caller(
            script,
            Speech(synthesizer, transcriber, voice),
            dialling,
            clock,
            media_clock,
            randomness,
            _tell,
        )
        report = await caller.run()
        return report, caller.codec


async def _resolved(dialling: Dialling) -> Dialling:
    """Turn the host's name into an address of our own address's family."""
    host, port = dialling.destination
    family = socket.AF_INET6 if ":" in dialling.host else socket.AF_INET
    try:
        async with asyncio.timeout(_RESOLVE_WAIT_S):
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, family=family, type=socket.SOCK_DGRAM
            )
    except (OSError, UnicodeError, TimeoutError):
        raise typer.BadParameter(f"{host} has no address that we can reach") from None
    return replace(dialling, destination=(str(found[0][4][0]), port))


def wave_file(codec: Codec, sound: bytes) -> bytes:
    """Return what a phone has heard as a WAV file."""
    pcm = new_decoder(codec).to_pcm(sound)
    return write_wave(Codec(Encoding.L16, codec.rate_hz), 1, pcm)


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _broke(where: str, error: BaseException) -> None:
    sys.stderr.write(f"softphone: {where}: {error!r}\n")


def _script(path: Path) -> Script:
    try:
        return parse_script(path.read_text())
    except (BadScript, UnicodeDecodeError) as problem:
        raise typer.BadParameter(str(problem)) from None


def _dialling(to: str, sender: str, codec: str, host: str) -> Dialling:
    found = _URI.fullmatch(to.strip())
    if found is None or int(found["port"] or 5060) > 65_535:
        raise typer.BadParameter("sip:NUMBER@HOST:PORT")
    if not _SENDER.fullmatch(sender):
        raise typer.BadParameter("the caller's number is digits, letters or + * # . _ -")
    names = [name.strip().lower() for name in codec.split(",")]
    if not names or any(name not in _CODECS for name in names):
        raise typer.BadParameter(f"codecs are {', '.join(_CODECS)}")
    return Dialling(
        number=found["number"],
        destination=(found["host"].strip("[]"), int(found["port"] or 5060)),
        sender=sender,
        host=host,
        preference=[_CODECS[name] for name in names],
    )
