"""One call's working parts, and which of them carries out which command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cordboard.call.commands import (
    AnswerLeg,
    CancelReply,
    CloseCall,
    Command,
    EndLeg,
    Expect,
    KeepFact,
    PauseSpeaking,
    PlayStored,
    RefuseLeg,
    ResumeSpeaking,
    RunAction,
    SendDigits,
    Speak,
    StartReply,
    StartSpeaking,
    StopSpeaking,
)
from cordboard.call.events import (
    EndReason,
    EndRequested,
    Event,
    LegAnswered,
    LegEnded,
    LegEndedBy,
)
from cordboard.engine.acting import Acting
from cordboard.engine.facts import FactLog
from cordboard.engine.guard import Report
from cordboard.engine.line import Line, LineParts
from cordboard.engine.listening import Listening, ListeningParts
from cordboard.engine.parts import CallParts
from cordboard.engine.recording import Recorder
from cordboard.engine.replying import Replying, ReplyingParts
from cordboard.engine.speaking import Speaking, SpeakingParts
from cordboard.engine.timeline import Timeline
from cordboard.engine.transcribing import Transcribing, TranscribingParts
from cordboard.engine.work import Work
from cordboard.ports import LegFailed

CREATE_S = 5.0
ANSWER_S = 60.0
RELEASE_S = 1.0


class Station:
    """Everything one call has in its hands. Commands are carried out at once; what takes time is a task."""

    def __init__(
        self,
        parts: CallParts,
        work: Work,
        report: Report,
        post: Callable[[Event], None],
        broke: Callable[[str], None],
    ) -> None:
        engine, call = parts.engine, parts.call
        timeline = Timeline(engine.clock)
        self.facts = FactLog(call, engine.store, engine.clock, timeline)
        self.recorder = Recorder(parts.leg, self.facts, report)
        self._parts = parts
        self._work = work
        self._post = post
        self._released = False
        self._created = asyncio.Event()
        self._acting = Acting(call.call_id, engine.action_runner, work, post)
        self._transcribing = Transcribing(self._transcribing_parts(report))
        self._speaking = Speaking(self._speaking_parts(timeline))
        self._replying = Replying(
            ReplyingParts(
                call_id=call.call_id,
                plan=call.plan,
                models=engine.language_models.candidates(call.plan.language_model.provider),
                clock=engine.clock,
                facts=self.facts,
                work=work,
                post=post,
            )
        )
        self._listening = Listening(
            ListeningParts(
                leg=parts.leg,
                timeline=timeline,
                transcribing=self._transcribing,
                voice_activity=(
                    None if engine.energy_alone(call.plan) else engine.voice_activity
                ),
                post=post,
            )
        )
        self._line = Line(
            LineParts(
                leg_id=call.leg_id,
                timeline=timeline,
                listening=self._listening,
                transcribing=self._transcribing,
                speaking=self._speaking,
                recorder=self.recorder,
                report=report,
                post=post,
                broke=broke,
            )
        )
        self._end_judging = engine.media_clock.add_after(self._line.judge)

    def open(self) -> None:
        """Connect the leg; write the row and open the transcriber while it rings."""
        self._parts.leg.start(self._line)
        self._work.start("creating the row", self._create())
        self._work.start("transcribing", self._transcribing.run())

    def carry_out(self, command: Command) -> None:
        """Do what the call asks for."""
        match command:
            case KeepFact(kind=kind, content=content):
                self.facts.keep(kind, content)
            case Speak():
                self._speaking.speak(command)
            case PlayStored():
                self._speaking.play_stored(command)
            case StartSpeaking(utterance_id=utterance_id):
                self._speaking.start(utterance_id)
            case PauseSpeaking():
                self._speaking.pause()
            case ResumeSpeaking():
                self._speaking.resume()
            case StopSpeaking():
                self._speaking.stop()
            case StartReply():
                self._replying.start(command)
            case CancelReply(reply_id=reply_id):
                self._replying.cancel(reply_id)
            case RunAction():
                self._acting.run(command)
            case Expect(expectation=expectation):
                self._transcribing.expect(expectation)
            case _:
                self._carry_out_on_leg(command)

    async def release_leg(self) -> None:
        """End the leg if that has not been done; never twice once the request has left."""
        if self._released or self._line.has_ended:
            return
        async with asyncio.timeout(RELEASE_S):
            await self._parts.leg.end()
        self._released = True

    def close(self) -> None:
        """Let go of the media clock and the shared voice activity."""
        self._end_judging()
        self._line.close()
        self._listening.close()

    def _carry_out_on_leg(self, command: Command) -> None:
        match command:
            case AnswerLeg():
                self._work.start("answering", self._answer())
            case RefuseLeg(status=status):
                self._work.start("refusing", self._refuse(status))
            case EndLeg():
                self._line.close()
                self._work.start("ending the leg", self.release_leg())
            case SendDigits(request_id=request_id, digits=digits):
                self._parts.leg.send_digits(request_id, digits)
            case _:
                assert isinstance(command, CloseCall), command

    async def _create(self) -> None:
        """Write the row; without it the call is not answered."""
        parts = self._parts
        try:
            async with asyncio.timeout(CREATE_S):
                await parts.engine.store.create_call(parts.call)
        except TimeoutError:
            self._post(EndRequested(EndReason.INTERNAL_ERROR, "the store does not answer"))
            return
        self._created.set()

    async def _answer(self) -> None:
        parts = self._parts
        leg_id = parts.call.leg_id
        try:
            async with asyncio.timeout(CREATE_S):
                await self._created.wait()
            async with asyncio.timeout(ANSWER_S):
                await parts.leg.answer()
        except LegFailed as failure:
            self._post(LegEnded(leg_id, LegEndedBy.FAILURE, str(failure)))
            return
        except TimeoutError:
            self._post(EndRequested(EndReason.CARRIER_FAILED, "not answered in time"))
            return
        if self._line.has_ended or self._released:
            return
        self._line.open()
        self._post(LegAnswered(leg_id))
        at = parts.engine.clock.wall()
        self._work.start(
            "marking the answer", parts.engine.store.answered(parts.call.call_id, at)
        )
        plan = parts.call.plan
        if parts.engine.recordings is not None and plan.record and not plan.content_free:
            await self.recorder.open(
                parts.engine.recordings, parts.call.call_id, parts.call.organisation_id
            )

    async def _refuse(self, status: int) -> None:
        async with asyncio.timeout(RELEASE_S):
            await self._parts.leg.refuse(status)
        self._released = True

    def _transcribing_parts(self, report: Report) -> TranscribingParts:
        engine, plan = self._parts.engine, self._parts.call.plan
        return TranscribingParts(
            leg=self._parts.leg,
            transcribers=engine.transcribers.candidates(plan.transcriber.provider),
            plan=plan.transcriber,
            language=plan.language,
            facts=self.facts,
            report=report,
            post=self._post,
        )

    def _speaking_parts(self, timeline: Timeline) -> SpeakingParts:
        engine, plan = self._parts.engine, self._parts.call.plan
        return SpeakingParts(
            leg=self._parts.leg,
            synthesizers=engine.synthesizers.candidates(plan.voice.provider),
            voice=plan.voice,
            phrases=engine.phrases,
            timeline=timeline,
            clock=engine.clock,
            facts=self.facts,
            work=self._work,
            post=self._post,
        )
