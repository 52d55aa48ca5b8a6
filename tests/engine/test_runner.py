"""Whole calls over loopback, in virtual time, with tone code both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cordboard.call.commands import (
    AnswerLeg,
    CloseCall,
    Command,
    EndLeg,
    KeepFact,
    Message,
    Speak,
    StartReply,
    StartSpeaking,
)
from cordboard.call.events import (
    EndReason,
    Event,
    LegAnswered,
    LegEnded,
    LegEndedBy,
    LegOffered,
    PlayoutFinished,
    PlayoutStarted,
    ReplyClauseReady,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from cordboard.call.expectation import ANYTHING
from cordboard.clock import run_virtual
from cordboard.telephony.loopback import FarEnd
from tests.engine.rig import Rig, ScriptedBrain, tone, words_in


def echoing(event: Event, brain: ScriptedBrain) -> list[Command]:
    """Greet, say back the first final words, hang up."""
    match event:
        case LegOffered(leg_id=leg_id):
            return [Speak("u1", "Hello, who is calling?", "en", prepare=True), AnswerLeg(leg_id)]
        case LegAnswered():
            return [KeepFact("answered"), StartSpeaking("u1")]
        case WordsHeard(text=text, final=True) if text:
            brain.transcript = f"HUMAN: {text}"
            return [
                KeepFact("turn"),
                StartReply("r1", (Message("caller", text),), ANYTHING),
            ]
        case ReplyClauseReady(text=text):
            return [Speak(f"u{len(brain.events)}", text, "en")]
        case PlayoutFinished(utterance_id=utterance_id) if utterance_id != "u1":
            if len(brain.of(PlayoutFinished)) == 3:
                return [EndLeg("leg1")]
        case LegEnded(by=by):
            brain.ended = True
            mine = by is LegEndedBy.LOCAL
            reason = EndReason.AGENT_ENDED if mine else EndReason.CALLER_HUNG_UP
            return [CloseCall(reason)]
    return []


def answer_greeting(text: str) -> Callable[[FarEnd], None]:
    """Have the far end speak two seconds after the answer."""

    def prepare(far: FarEnd) -> None:
        far.play(far.codec.silence_frame * 200 + tone(text, far.codec))

    return prepare


def test_call_both_ways() -> None:
    """The far end hears greeting and answer, every word once; the agent hears the caller."""

    async def main() -> None:
        rig = Rig()
        brain = ScriptedBrain(echoing)
        ending, far = await rig.call(brain, answer_greeting("Lee speaking"))
        assert words_in(far.heard) == [
            *("Hello,", "who", "is", "calling?"),
            *("You", "said,", "Lee", "speaking"),
        ]
        assert ending.reason is EndReason.AGENT_ENDED
        assert ending.transcript == rig.store.transcripts["c1"] == "HUMAN: Lee speaking"
        assert rig.store.endings == {"c1": [ending]}
        assert rig.reports == []
        assert far.ended_by is LegEndedBy.LOCAL
        assert len(asyncio.all_tasks()) == 1
        facts = rig.store.facts["c1"]
        assert [fact.sequence for fact in facts] == list(range(1, len(facts) + 1))
        assert (
            rig.store.kinds()
            == ["answered", "first_sound", "turn", "first_text"] + ["first_sound"] * 2
        )

    run_virtual(main())


def test_times_on_the_timeline() -> None:
    """Speech is placed where it lies in the sound, playout where the far end hears it."""

    async def main() -> None:
        brain = ScriptedBrain(echoing)
        await Rig().call(brain, answer_greeting("Lee speaking"))
        (started,) = brain.of(SpeechStarted)
        (stopped,) = brain.of(SpeechStopped)
        sound_ms = len(tone("Lee speaking")) // 8
        assert abs(started.at_ms - 4000) <= 40
        assert abs(stopped.at_ms - (4000 + sound_ms - 20)) <= 40
        assert brain.of(PlayoutStarted)[0].at_ms == 0

    run_virtual(main())
