"""One call's working parts, and which of them carries out which command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cordboard.call.actions import ActionKind
from cordboard.call.commands import (
    AnswerLeg,
    CancelReply,
    CloseCall,
    Command,
    ConfigureTranscriber,
    DialLeg,
    EndLeg,
    Expect,
    KeepFact,
    MixSound,
    PauseSpeaking,
    PlaySound,
    PlayStored,
    PlayWaiting,
    RefuseLeg,
    ResumeSpeaking,
    RunAction,
    SendDigits,
    SendText,
    Speak,
    StartReply,
    StartSpeaking,
    StopSpeaking,
    TellApp,
)
from cordboard.call.events import (
    EndReason,
    EndRequested,
    Event,
    LegAnswered,
    LegEnded,
    LegEndedBy,
    LegRinging,
)
from cordboard.engine.crew import gather_crew
from cordboard.engine.facts import FactLog
from cordboard.engine.guard import Guard, Report
from cordboard.engine.outlet import Outlet
from cordboard.engine.parts import CallParts
from cordboard.engine.recording import Recorder
from cordboard.engine.warming import warm_up
from cordboard.engine.work import Work
from cordboard.ports import DialFailed, Direction, LegFailed, OutgoingLeg

CREATE_S = 5.0
UNAVAILABLE = 503
ANSWER_S = 60.0
DIAL_S = 700.0
"""A leg ends its ringing by itself, after ten minutes at most; this only bounds a leg that does
not.
"""

RELEASE_S = 1.0


LegCommand = AnswerLeg | DialLeg | RefuseLeg | EndLeg | SendDigits | CloseCall
VoiceCommand = (
    Speak
    | PlayStored
    | PlaySound
    | MixSound
    | PlayWaiting
    | StartSpeaking
    | PauseSpeaking
    | ResumeSpeaking
    | StopSpeaking
)


class Station:
    """Everything one call has in its hands. Commands are carried out at once; what takes time is a
    task.
    """

    def __init__(
        self,
        parts: CallParts,
        work: Work,
        report: Report,
        post: Callable[[Event], None],
        broke: Callable[[str], None],
    ) -> None:
        self._parts = parts
        self._work = work
        self._report = report
        self._post = post
        self._released = False
        self._releasing = asyncio.Lock()
        self._created = asyncio.Event()
        self._crew = gather_crew(parts, work, report, post, broke)
        self._end_judging = parts.engine.media_clock.add_after(self._crew.line.judge)

    @property
    def facts(self) -> FactLog:
        """The call's timeline."""
        return self._crew.facts

    @property
    def recorder(self) -> Recorder:
        """The tap on both directions."""
        return self._crew.recorder

    def open(self) -> None:
        """Connect the leg; write the row and open the transcriber while it rings."""
        self._parts.leg.start(self._crew.line)
        self._work.start("creating the row", self._create())
        self._work.start("transcribing", self._crew.transcribing.run())
        self._crew.app.open()
        self._work.start("warming up", warm_up(self._parts, self._report))

    def carry_out(self, command: Command) -> None:
        """Do what the call asks for."""
        match command:
            case KeepFact(kind=kind, content=content):
                self.facts.keep(kind, content)
            case StartReply():
                self._crew.replying.start(command)
            case CancelReply(reply_id=reply_id):
                self._crew.replying.cancel(reply_id)
            case RunAction(plan=plan) if plan.kind is ActionKind.TRANSFER_CALL:
                self._work.start("transferring", self._crew.transferring.run(command))
            case RunAction():
                self._crew.acting.run(command)
            case Expect(expectation=expectation):
                self._crew.transcribing.expect(expectation)
            case ConfigureTranscriber():
                self._crew.transcribing.configure(command)
            case TellApp():
                self._crew.app.tell(command)
            case SendText():
                self._crew.app.send_text(command)
            case AnswerLeg() | DialLeg() | RefuseLeg() | EndLeg() | SendDigits() | CloseCall():
                self._carry_out_on_leg(command)
            case _:
                self._carry_out_by_voice(command)

    async def release_leg(self) -> None:
        """End the leg if that has not been done; a release under way is waited for, not
        repeated.
        """
        async with self._releasing:
            if self._released or self._crew.line.has_ended:
                return
            async with asyncio.timeout(RELEASE_S):
                await self._parts.leg.end()
            self._released = True

    def close(self) -> None:
        """Let go of the media clock and the shared voice activity."""
        self._end_judging()
        self._crew.app.close()
        self._crew.line.close()
        self._crew.listening.close()

    @property
    def _outlet(self) -> Outlet:
        outlet = self._crew.outlet
        assert outlet is not None, "only a flow has sound looped"
        return outlet

    def _carry_out_by_voice(self, command: VoiceCommand) -> None:
        speaking = self._crew.speaking
        match command:
            case Speak():
                speaking.speak(command)
            case PlayStored():
                speaking.play_stored(command)
            case StartSpeaking(utterance_id=utterance_id):
                speaking.start(utterance_id)
            case PauseSpeaking():
                speaking.pause()
            case ResumeSpeaking():
                speaking.resume()
            case StopSpeaking():
                speaking.stop()
            case PlaySound():
                speaking.play_sound(command)
            case MixSound(sound=sound, volume=volume):
                self._outlet.mix(sound, volume)
            case PlayWaiting(on=on):
                self._outlet.wait(on=on)

    def _carry_out_on_leg(self, command: LegCommand) -> None:
        match command:
            case AnswerLeg():
                self._work.start("answering", self._answer())
            case DialLeg():
                self._work.start("dialling", self._dial())
            case RefuseLeg(status=status):
                self._work.start("refusing", self._refuse(status))
            case EndLeg():
                self._crew.line.close()
                self._work.start("ending the leg", self.release_leg())
            case SendDigits(request_id=request_id, digits=digits):
                self._parts.leg.send_digits(request_id, digits)
            case CloseCall():
                raise AssertionError("the runner closes the call")

    async def _create(self) -> None:
        """Write the row; without it the call is not answered."""
        parts = self._parts
        try:
            async with asyncio.timeout(CREATE_S):
                await parts.engine.store.create_call(parts.call)
        except TimeoutError:
            if parts.call.direction is Direction.INBOUND:
                # The caller's side may try again, here or elsewhere.
                await self._refuse(UNAVAILABLE)
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
        await self._answered()

    async def _dial(self) -> None:
        """Call the far end, once the row is there."""
        leg, leg_id = self._parts.leg, self._parts.call.leg_id
        assert isinstance(leg, OutgoingLeg), "this leg cannot dial"
        try:
            async with asyncio.timeout(CREATE_S):
                await self._created.wait()
            async with asyncio.timeout(DIAL_S):
                await leg.dial(lambda early: self._post(LegRinging(leg_id, early)))
        except DialFailed as failure:
            self._post(LegEnded(leg_id, failure.by, str(failure), failure.reason))
            return
        except TimeoutError:
            self._post(EndRequested(EndReason.CARRIER_FAILED, "not dialled in time"))
            return
        await self._answered()

    async def _answered(self) -> None:
        """Let sound flow: the far end has it, or we have."""
        parts = self._parts
        leg_id = parts.call.leg_id
        if self._crew.line.has_ended or self._released:
            return
        self._crew.line.open()
        self._post(LegAnswered(leg_id))
        self._work.start("marking the answer", self._mark_answered())
        plan = parts.call.plan
        if parts.engine.recordings is not None and plan.record and not plan.content_free:
            await self.recorder.open(
                parts.engine.recordings, parts.call.call_id, parts.call.organisation_id
            )

    async def _mark_answered(self) -> None:
        """Tell the store; the call goes on without it."""
        engine = self._parts.engine
        with Guard("marking the answer", self._report):
            await engine.store.answered(self._parts.call.call_id, engine.clock.wall())

    async def _refuse(self, status: int) -> None:
        async with self._releasing:
            async with asyncio.timeout(RELEASE_S):
                await self._parts.leg.refuse(status)
            self._released = True
