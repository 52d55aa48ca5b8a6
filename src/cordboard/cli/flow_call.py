"""``cordboard flow try --call``: a whole call on this machine, from a softphone to the app.

A server is started beside it, with a data directory of its own that is thrown away. The caller
speaks the tone code, text as sound that is understood exactly; so does the server, or it speaks
with the embedded voice, for people to listen to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cordboard.cli.installation import key_making, opened
from cordboard.cli.softphone import wave_file
from cordboard.clock import SystemClock
from cordboard.control.flows.service import FLOWS
from cordboard.control.keys.service import organisation_in
from cordboard.control.numbers.service import link
from cordboard.control.sip_trunks.service import SIP_TRUNKS
from cordboard.control.unit import Unit
from cordboard.engine.clock import MediaClock
from cordboard.ids import Randomness
from cordboard.media.codec import Codec
from cordboard.rehearsal import script as steps
from cordboard.rehearsal.lines import Mark
from cordboard.rehearsal.record import RecordLines, unheard
from cordboard.settings import Settings
from cordboard.softphone.caller import Caller, Report, Speech
from cordboard.softphone.phone import Dialling
from cordboard.softphone.script import Script, Step, Verb
from cordboard.storage.database import Database
from cordboard.storage.flow_tail import FlowTail
from cordboard.wiring.rehearsal import Rehearsing
from cordboard.wiring.server import report, running, set_aside_start
from cordboard.wiring.speech import caller_speech

_POLL_S: Final = 0.1
_RECORD_WAIT_S: Final = 15.0
_LOOPBACK: Final = "127.0.0.1"
_TONE: Final = "tone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """What is called and how: ``voice`` is the server's synthesizer, ``record`` where what the
    caller heard is written to.
    """

    wanted: Rehearsing
    steps: Sequence[steps.Step]
    voice: str = "tone"
    record: Path | None = None


class NoCall(ValueError):
    """A step that a call on one machine cannot make; the text says which."""


def softphone_script(wanted: Sequence[steps.Step]) -> Script:
    """Return what the softphone does: after each thing that is said the app has its turn.

    Raises ``NoCall``.
    """
    made = [Step(Verb.TURN)]
    for step in wanted:
        match step:
            case steps.Say(text=text):
                made += [Step(Verb.SAY, text), Step(Verb.TURN)]
            case steps.Press(digits=digits):
                made += [Step(Verb.PRESS, digits), Step(Verb.TURN)]
            case steps.Wait(seconds=seconds):
                made.append(Step(Verb.WAIT, ms=round(seconds * 1_000)))
            case steps.StaySilent():
                made.append(Step(Verb.TURN))
            case steps.HangUp():
                break
            case steps.TargetAnswers():
                raise NoCall("nobody can be rung on one machine: no /answer, no /busy")
            case steps.Check() | steps.Help():
                pass  # the record tells what was heard
    return Script((*made, Step(Verb.HANGUP)))


async def place_call(calling: Calling, write: Callable[[str], None]) -> int:
    """Start a server, ring it, follow the script; returns how many things went wrong.

    Raises ``ControlError`` for an app that no flow can have, ``SettingError`` where the voice is
    not installed.
    """
    wanted, script = calling.wanted, softphone_script(calling.steps)
    with TemporaryDirectory(prefix="cordboard-flow-") as directory:
        settings = _settings(Path(directory), calling.voice)
        organisation_id, flow_id = await _furnished(settings, wanted)
        shown = RecordLines()
        async with running(settings) as server:
            set_aside_start()
            database = Database(settings.database_url)
            tail = FlowTail(organisation_id, flow_id, datetime.now(UTC))
            try:
                async with asyncio.TaskGroup() as group:
                    telling = group.create_task(_tell(database, tail, shown, write))
                    ringing = group.create_task(_ring(wanted, script, server.sip_port))
                    phone_codec, heard = await ringing
                    await asyncio.wait([telling], timeout=_RECORD_WAIT_S)
                    telling.cancel()
            finally:
                await database.close()
        if calling.record is not None and phone_codec is not None:
            calling.record.write_bytes(wave_file(phone_codec, bytes(heard.far_sound)))
        missing = unheard(calling.steps, shown.passages)
        failures = [*heard.failures, *(f"not heard: {words}" for words in missing)]
        for failure in failures:
            write(f"{Mark.TROUBLE.value} {failure}")
        return shown.trouble_count + len(failures)


def _settings(directory: Path, voice: str) -> Settings:
    """Return settings that nothing of this machine's own installation touches."""
    given = {
        "profile": "development",
        "data_dir": directory,
        "http_port": 0,
        "sip_port": 0,
        "transcriber": _TONE,
        "synthesizer": voice,
        "open_networks": "0.0.0.0/0,::/0",
    }
    return Settings.from_environment({}, given)


async def _furnished(settings: Settings, wanted: Rehearsing) -> tuple[str, str]:
    """Make a trunk, a flow and a number; returns the organization's id and the flow's."""
    async with opened(settings) as services, services.database.write() as session:
        organisation = await organisation_in(session, key_making(services))
        unit = Unit(session, organisation.id, "operator", services)
        flow = await FLOWS.create(
            unit,
            {
                "name": "tried",
                "url": wanted.url,
                "token": wanted.token,
                "language": wanted.language,
                "answer_within_ms": wanted.answer_within_ms,
                "assistant_speak_at": "end" if wanted.speaks_at_end else "start",
            },
        )
        trunk = await SIP_TRUNKS.create(
            unit, {"name": "loopback", "networks": [f"{_LOOPBACK}/32"], "dial_prefixes": []}
        )
        number = {"phone_number": wanted.number, "telephony_account_connection": trunk["id"]}
        await link(unit, {**number, "inbound_flow": flow["id"]}, None)
        return organisation.id, str(flow["id"])


async def _ring(wanted: Rehearsing, script: Script, sip_port: int) -> tuple[Codec | None, Report]:
    clock = SystemClock()
    media_clock = MediaClock(clock, report)
    dialling = Dialling(
        number=wanted.number,
        destination=(_LOOPBACK, sip_port),
        sender=wanted.caller,
        host=_LOOPBACK,
    )
    async with AsyncExitStack() as stack:
        voice, ears = await caller_speech(_TONE, stack)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        stack.callback(group.create_task(media_clock.run()).cancel)
        speech = Speech(voice, ears, language=wanted.language)
        randomness = Randomness.system()
        caller = Caller(
            script, speech, dialling, clock, media_clock, randomness, lambda _line: None
        )
        heard = await caller.run()
        return caller.codec, heard


async def _tell(
    database: Database, tail: FlowTail, shown: RecordLines, write: Callable[[str], None]
) -> None:
    """Write what gets on record, until the call is over."""
    while not shown.ended:
        async with database.read() as rows:
            facts = await tail.step(rows, datetime.now(UTC))
        for fact in facts:
            for text in shown.lines(fact.kind, fact.at_ms or 0, fact.content):
                write(text)
        await asyncio.sleep(_POLL_S)
