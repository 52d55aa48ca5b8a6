"""The working parts of one call, built and connected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cordboard.call.events import Event
from cordboard.engine.acting import Acting
from cordboard.engine.facts import FactLog
from cordboard.engine.guard import Report
from cordboard.engine.line import Line, LineParts
from cordboard.engine.listening import Listening, ListeningParts
from cordboard.engine.outlet import Outlet
from cordboard.engine.parts import CallParts
from cordboard.engine.recording import Recorder
from cordboard.engine.replying import Replying, ReplyingParts
from cordboard.engine.speaking import Speaking, SpeakingParts
from cordboard.engine.telling import Telling
from cordboard.engine.timeline import Timeline
from cordboard.engine.transcribing import Transcribing, TranscribingParts
from cordboard.engine.transferring import Transferring
from cordboard.engine.work import Work


@dataclass(frozen=True, slots=True)
class Crew:
    """Who does what on one call."""

    facts: FactLog
    recorder: Recorder
    transcribing: Transcribing
    listening: Listening
    speaking: Speaking
    replying: Replying
    acting: Acting
    transferring: Transferring
    line: Line
    outlet: Outlet | None
    app: Telling


def gather_crew(
    parts: CallParts,
    work: Work,
    report: Report,
    post: Callable[[Event], None],
    broke: Callable[[str], None],
) -> Crew:
    """Build everything for one call; nothing has started yet."""
    engine, call, leg = parts.engine, parts.call, parts.leg
    timeline = Timeline(engine.clock)
    facts = FactLog(call, engine.store, engine.clock, timeline)
    recorder = Recorder(leg, facts, report)
    # Only a flow can have sound looped under its speech; all others hand theirs to the leg at once.
    outlet = None if call.plan.flow is None else Outlet(leg)
    transcribing = Transcribing(_transcribing_parts(parts, facts, report, post))
    speaking = Speaking(_speaking_parts(parts, timeline, facts, work, report, post, outlet))
    listening = Listening(
        ListeningParts(
            leg=leg,
            timeline=timeline,
            transcribing=transcribing,
            voice_activity=None if engine.energy_alone(call.plan) else engine.voice_activity,
            post=post,
            tones=bool(call.plan.on_no_human) and not call.plan.carrier_detects_human,
        )
    )
    replying = Replying(_replying_parts(parts, facts, work, report, post))
    line = Line(
        LineParts(
            leg_id=call.leg_id,
            timeline=timeline,
            listening=listening,
            transcribing=transcribing,
            speaking=speaking,
            recorder=recorder,
            report=report,
            post=post,
            broke=broke,
            outlet=outlet,
        )
    )
    acts = (
        Acting(call.call_id, engine.action_runner, work, post),
        Transferring(parts, line, facts, post),
    )
    app = Telling(parts, timeline, work, post)
    return Crew(
        facts, recorder, transcribing, listening, speaking, replying, *acts, line, outlet, app
    )


def _replying_parts(
    parts: CallParts,
    facts: FactLog,
    work: Work,
    report: Report,
    post: Callable[[Event], None],
) -> ReplyingParts:
    engine, call = parts.engine, parts.call
    return ReplyingParts(
        call_id=call.call_id,
        plan=call.plan,
        models=engine.language_models.candidates(call.plan.language_model.provider),
        clock=engine.clock,
        facts=facts,
        work=work,
        report=report,
        breaker=engine.breakers.of(call.organisation_id, engine.clock.now_ms),
        post=post,
    )


def _transcribing_parts(
    parts: CallParts, facts: FactLog, report: Report, post: Callable[[Event], None]
) -> TranscribingParts:
    plan = parts.call.plan
    return TranscribingParts(
        leg=parts.leg,
        by_name=parts.engine.transcribers.named,
        transcribers=parts.engine.transcribers.candidates(plan.transcriber.provider),
        plan=plan.transcriber,
        language=plan.language,
        facts=facts,
        report=report,
        breaker=parts.engine.breakers.of(parts.call.organisation_id, parts.engine.clock.now_ms),
        post=post,
    )


def _speaking_parts(
    parts: CallParts,
    timeline: Timeline,
    facts: FactLog,
    work: Work,
    report: Report,
    post: Callable[[Event], None],
    outlet: Outlet | None,
) -> SpeakingParts:
    engine, plan = parts.engine, parts.call.plan
    return SpeakingParts(
        leg=parts.leg,
        mouth=parts.leg if outlet is None else outlet,
        synthesizers=engine.synthesizers.candidates(plan.voice.provider),
        of_voice=lambda voice: engine.synthesizers.named(voice.provider),
        voice=plan.voice,
        phrases=engine.phrases,
        timeline=timeline,
        clock=engine.clock,
        facts=facts,
        work=work,
        report=report,
        breaker=engine.breakers.of(parts.call.organisation_id, engine.clock.now_ms),
        post=post,
    )
