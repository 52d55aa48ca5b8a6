"""``cordboard flow``: for people who write flow apps."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from cordboard.rehearsal.rehearsal import Rehearsal
    from cordboard.rehearsal.script import Step
    from cordboard.wiring.rehearsal import Rehearsing

_SCHEMES: Final = ("http://", "https://", "ws://", "wss://")
_SPEAK_AT: Final = ("start", "end")
_VOICES: Final = ("tone", "embedded")
_INTERRUPTED: Final = 130

app = typer.Typer(help="Flow apps: try one that you write.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Flow apps: try one that you write."""


Url = Annotated[
    str, typer.Argument(help="The app's URL: http(s):// for a webhook, ws(s):// for a socket.")
]
Token = Annotated[
    str | None, typer.Option(help="What proves to the app who calls it.", envvar="FLOW_TOKEN")
]
Script = Annotated[
    Path | None, typer.Option(help="A script: one line a turn.", exists=True, dir_okay=False)
]
InFull = Annotated[bool, typer.Option(help="Let speech take its time in a script, too.")]
Language = Annotated[str, typer.Option(help="The language that is spoken at first.")]
Sender = Annotated[str, typer.Option("--from", help="Who calls.")]
Number = Annotated[str, typer.Option("--to", help="Which number is called.")]
SpeakAt = Annotated[str, typer.Option(help="When the app is told of a sentence: start or end.")]
Within = Annotated[float, typer.Option(help="Seconds an answer may take.", min=0.1, max=600)]
RealCall = Annotated[
    bool, typer.Option(help="Make a real call on this machine, with sound; needs --say.")
]
Voice = Annotated[
    str, typer.Option(help="With --call: how the app is heard, as tone or embedded (words).")
]
Record = Annotated[
    Path | None, typer.Option(help="With --call: write what the caller hears to this WAV.")
]


@app.command("try")
def try_app(
    url: Url,
    token: Token = None,
    say: Script = None,
    call: RealCall = False,
    voice: Voice = "tone",
    record: Record = None,
    real_time: InFull = False,
    language: Language = "en",
    sender: Sender = "+12025550199",
    number: Number = "+12025550110",
    assistant_speak_at: SpeakAt = "start",
    answer_within: Within = 10.0,
) -> None:
    """Talk to a flow app by text, without a phone; type /help for more.

    Every event (-->) and action (<--) is shown with the milliseconds since the start. The call is
    decided as a real one is; sound alone is left out. Exit code 1 if anything went wrong.
    """
    _check(url, assistant_speak_at, voice)
    from cordboard.wiring.rehearsal import Rehearsing

    wanted = Rehearsing(
        url=url,
        token=token,
        language=language,
        caller=sender,
        number=number,
        speaks_at_end=assistant_speak_at == "end",
        answer_within_ms=round(answer_within * 1_000),
        fast=say is not None and not real_time,
    )
    steps = None if say is None else _script(say)
    try:
        if call:
            trouble = _call(wanted, steps, voice, record)
        else:
            trouble = _rehearse(wanted, steps)
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None
    raise typer.Exit(1 if trouble else 0)


def _check(url: str, assistant_speak_at: str, voice: str) -> None:
    if not url.startswith(_SCHEMES):
        raise typer.BadParameter(f"a URL begins with one of {', '.join(_SCHEMES)}")
    if assistant_speak_at not in _SPEAK_AT:
        raise typer.BadParameter("--assistant-speak-at is start or end")
    if voice not in _VOICES:
        raise typer.BadParameter(f"--voice is {' or '.join(_VOICES)}")


def _rehearse(wanted: Rehearsing, steps: list[Step] | None) -> int:
    """Make the call by text; returns how many things went wrong."""
    from cordboard.wiring.rehearsal import rehearse

    if steps is None:
        _write("Type what the caller says; /help shows what else can be done.")
    return asyncio.run(rehearse(wanted, _write, _broke, steps, _listen))


def _call(wanted: Rehearsing, steps: list[Step] | None, voice: str, record: Path | None) -> int:
    """Make the call with sound; returns how many things went wrong."""
    from cordboard.cli.flow_call import Calling, NoCall, place_call
    from cordboard.control.errors import ControlError
    from cordboard.settings import SettingError

    if steps is None:
        raise typer.BadParameter("--call follows a script: --say FILE")
    calling = Calling(wanted=wanted, steps=steps, voice=voice, record=record)
    try:
        return asyncio.run(place_call(calling, _write))
    except ControlError as problem:
        raise typer.BadParameter(problem.detail) from None
    except (NoCall, SettingError) as problem:
        raise typer.BadParameter(str(problem)) from None


def _script(path: Path) -> list[Step]:
    from cordboard.rehearsal.script import BadLine, parse_script

    try:
        return parse_script(path.read_text(encoding="utf-8"))
    except (BadLine, UnicodeDecodeError) as problem:
        raise typer.BadParameter(f"{path}: {problem}") from None


def _listen(rehearsal: Rehearsal) -> None:
    """Hand in what is typed, from a thread that nobody waits for: it ends with the process."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        with suppress(RuntimeError):  # the call is over, and the loop with it
            for line in sys.stdin:
                loop.call_soon_threadsafe(rehearsal.typed, line)
            loop.call_soon_threadsafe(rehearsal.typed, None)

    threading.Thread(target=read, name="typing", daemon=True).start()


def _write(line: str) -> None:
    from cordboard.cli.call_lines import printable

    sys.stdout.write("\n".join(printable(part) for part in line.splitlines()) + "\n")
    sys.stdout.flush()


def _broke(where: str, error: BaseException) -> None:
    sys.stderr.write(f"flow try: {where}: {error!r}\n")
