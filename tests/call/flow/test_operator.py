"""The app is told what happens, in order, and what it asks for is done."""

from __future__ import annotations

import pytest

from cordboard.call.actions import ActionOutcome
from cordboard.call.barge_in import BargeInRule, BargeInStrategy
from cordboard.call.commands import (
    AnswerLeg,
    ConfigureTranscriber,
    EndLeg,
    MixSound,
    PlaySound,
    PlayStored,
    PlayWaiting,
    RunAction,
    Speak,
    StopSpeaking,
)
from cordboard.call.events import (
    ActionFinished,
    AppAnswered,
    AppBack,
    AppFailed,
    AppGone,
    AppLost,
    DigitPressed,
    EndReason,
    LegAnswered,
    LegEnded,
    LegEndedBy,
    LegOffered,
    PlayoutFailed,
    PlayoutStarted,
    SpeechMade,
    SpeechStarted,
    SpeechStopped,
    TextSent,
    WordsHeard,
)
from cordboard.call.flow.actions import (
    FlowAudio,
    FlowBargeIn,
    FlowConfigureTranscription,
    FlowHangup,
    FlowMixAudio,
    FlowSendSms,
    FlowTransfer,
)
from cordboard.call.flow.plan import Waiting
from cordboard.call.sound import Sound
from tests.call.flow.driver import FlowDriver, flow, flowing, say

TONE = Sound(bytes(3_200), 8_000)
REFUSED = ActionOutcome(False, {}, None, "busy", None)


def test_one_turn() -> None:
    """A call begins, the app speaks and is told when that begins and ends, then what was said."""
    call = flowing()
    assert call.told == ["session_start"]
    call.app(say("Which day?"))
    call.play(1_180)
    call.speech("Monday")
    call.wait(2_000)
    assert call.told == [
        "session_start", "assistant_speak", "assistant_speech_ended", "user_speak"
    ]  # fmt: skip
    spoke, heard = call.events[1], call.events[3]
    assert spoke.content == {"text": "Which day?", "duration_ms": 1_180, "speech_started_at": 0}
    assert heard.content == {"text": "Monday", "barged_in": False}
    assert call.lines == ["BOT: Which day?", "HUMAN: Monday"]


@pytest.mark.parametrize("answers_each", [True, False])
def test_how_long_the_app_took(answers_each: bool) -> None:
    """Each answer of the app is on record, with what it answers and how long it took."""
    call = flowing(answers_each=answers_each)
    call.wait(250)
    act = call.app if answers_each else call.pushes
    act(say("Which day?"))
    call.play(1_000)
    call.speech("Monday")
    call.wait(2_000)
    sent = call.events[-1]
    call.wait(300)
    act(say("Thank you."))
    first, *_, last = call.facts("app_answered")
    assert (first.content["type"], first.content["after_ms"]) == ("session_start", 250)
    assert (last.content["type"], last.content["event_id"]) == ("user_speak", sent.event_id)
    assert last.content["acts"] is True
    assert 300 <= int(str(last.content["after_ms"])) <= 2_300


def test_end_told_once() -> None:
    """The end is told once, last, whoever hangs up; nothing that the app answers to it is done."""
    call = flowing()
    call.receive(LegEnded("l1", LegEndedBy.FAR_END))
    call.pushes(say("Too late."))
    call.wait(20_000)
    assert call.told.count("session_end") == 1
    assert call.told[-1] == "session_end"
    assert not call.events[-1].answerable
    assert not call.spoken
    assert call.end is not None


def test_cut_by_hanging_up() -> None:
    """A speech that the end of the call cuts off has ended, too, before the end is told."""
    call = flowing()
    call.app(say("A long announcement."))
    call.begin()
    call.receive(LegEnded("l1", LegEndedBy.FAR_END))
    assert call.told[-3:] == ["assistant_speak", "assistant_speech_ended", "session_end"]
    assert not any(event.answerable for event in call.events[-3:])


def test_nothing_before_the_beginning() -> None:
    """Of a call that was never answered the app learns nothing, and what it wants before is not
    done.
    """
    call = FlowDriver(flow(answers_each=False))
    call.receive(LegOffered("l1", "+1", "+2"))
    call.pushes(say("Too early."), FlowHangup())
    call.receive(LegEnded("l1", LegEndedBy.FAR_END, "cancelled"))
    assert not call.told
    assert not call.spoken


def test_gone_before_the_beginning() -> None:
    """An app that is gone while the phone rings leaves its caller with the goodbye."""
    call = FlowDriver(flow(answer_delay_ms=2_000))
    call.receive(LegOffered("l1", "+1", "+2"), AppGone("unreachable"))
    call.wait(2_000)
    assert call.all(AnswerLeg)
    call.receive(LegAnswered("l1"))
    assert call.all(PlayStored)
    call.finish_all()
    assert call.all(EndLeg)
    assert not call.told


def test_answer_delay() -> None:
    """The call is answered after the flow's delay, and not at all where the caller gives up."""
    call = FlowDriver(flow(answer_delay_ms=3_000))
    call.receive(LegOffered("l1", "+1", "+2"))
    call.wait(2_999)
    assert not call.all(AnswerLeg)
    call.wait(1)
    assert call.all(AnswerLeg)


def test_speech_started_where_free() -> None:
    """The beginning of the caller's voice is told where the app may be told at any time, once a
    turn.
    """
    for answers_each, expected in ((True, 0), (False, 1)):
        call = flowing(answers_each=answers_each)
        for _ in range(2):
            call.receive(SpeechStarted(call.at_ms))
            call.wait(200)
            call.receive(SpeechStopped(call.at_ms))
            call.wait(100)
        call.receive(WordsHeard("yes", final=True))
        call.wait(2_000)
        assert call.told.count("user_speech_started") == expected
        call.speech("and no")
        call.wait(2_000)
        assert call.told.count("user_speech_started") == 2 * expected


def test_hangup_alone_cuts() -> None:
    """A hang-up by itself acts at once: what is playing is not heard to its end."""
    call = flowing()
    call.app(say("A long farewell."))
    call.begin()
    call.pushes(FlowHangup())
    assert call.all(EndLeg)
    assert call.told[-2:] == ["assistant_speech_ended", "session_end"]


def test_hangup_after_speech() -> None:
    """In one answer, what ends the call waits for the speeches before it."""
    call = flowing()
    call.app(say("Goodbye."), say("And thanks."), FlowHangup())
    call.play()
    assert not call.all(EndLeg)
    call.play()
    assert call.all(EndLeg)
    assert call.lines == ["BOT: Goodbye.", "BOT: And thanks."]


def test_hangup_to_assistant_speak() -> None:
    """Answered to ``assistant_speak``, a hang-up waits until that speech has ended."""
    call = flowing()
    call.app(say("The whole sentence is heard."))
    utterance_id = call.begin()
    call.receive(SpeechMade(utterance_id, 900))
    call.app(FlowHangup(), to="assistant_speak")
    assert not call.all(EndLeg)
    call.finish()
    assert call.all(EndLeg)


def test_speak_told_at_end() -> None:
    """Where the flow wants it, ``assistant_speak`` is told when the speech has ended."""
    call = flowing(speaks_at_end=True)
    call.app(say("Hello."))
    call.begin()
    assert "assistant_speak" not in call.told
    call.wait(800)
    call.finish()
    assert call.told[-2:] == ["assistant_speak", "assistant_speech_ended"]
    assert call.events[-2].content["duration_ms"] == 800


def test_audio() -> None:
    """Sound is played like a speech; its beginning is not told, its end is, also of no sound."""
    call = flowing()
    call.app(FlowAudio(sound=TONE), FlowAudio(sound=None))
    assert [play.sound.duration_ms for play in call.all(PlaySound)] == [200, 0]
    call.finish_all()
    assert call.told == ["session_start", "assistant_speech_ended", "assistant_speech_ended"]


def test_unspeakable_ends() -> None:
    """A speech that could not be made ends all the same: an app may be waiting for it."""
    call = flowing()
    call.app(say("No voice for this."), FlowHangup())
    call.receive(PlayoutFailed("u1", 0, "timeout"))
    assert "assistant_speech_ended" in call.told
    assert "assistant_speak" not in call.told
    call.queue.pop(0)
    call.finish_all()
    assert call.all(EndLeg)


def test_barge_in_by_characters() -> None:
    """Words of so many characters cut the speech off; the app learns its end, then the words."""
    call = flowing()
    call.app(say("A very long announcement."), say("And more."))
    call.begin()
    call.receive(SpeechStarted(call.at_ms), WordsHeard("st", final=False))
    assert not call.all(StopSpeaking)
    call.receive(WordsHeard("stop", final=False))
    assert call.all(StopSpeaking)
    call.receive(SpeechStopped(call.at_ms), WordsHeard("stop", final=True))
    call.wait(2_000)
    assert call.told[-2:] == ["assistant_speech_ended", "user_speak"]
    assert call.events[-1].content == {"text": "stop", "barged_in": True}


def test_too_few_characters_resume() -> None:
    """Fewer characters let the speech go on; the words are told, as no interruption."""
    call = flowing(rule=BargeInRule(minimum_characters=10))
    call.app(say("A very long announcement."))
    call.begin()
    call.speech("yes")
    call.wait(3_000)
    assert not call.all(StopSpeaking)
    assert call.events[-1].content == {"text": "yes", "barged_in": False}


@pytest.mark.parametrize("strategy", [BargeInStrategy.NONE, BargeInStrategy.MANUAL])
def test_never_interrupted(strategy: BargeInStrategy) -> None:
    """Without automatic interruption the speech goes on, and the app still learns the words."""
    call = flowing()
    call.app(say("Important.", rule=BargeInRule(strategy=strategy)))
    call.begin()
    call.speech("stop at once please")
    call.wait(2_500)
    assert not call.all(StopSpeaking)
    assert call.events[-1].content == {"text": "stop at once please", "barged_in": False}
    call.app(FlowBargeIn(), say("Yes?"))
    assert call.all(StopSpeaking)


def test_immediate() -> None:
    """Any voice cuts the speech off at once, but not before the rule allows it."""
    rule = BargeInRule(strategy=BargeInStrategy.IMMEDIATE, allow_after_ms=500)
    call = flowing()
    call.app(say("Guarded at first.", rule=rule))
    call.begin()
    call.receive(SpeechStarted(call.at_ms))
    call.wait(499)
    assert not call.all(StopSpeaking)
    call.wait(1)
    assert call.all(StopSpeaking)


def test_cut_is_told_once() -> None:
    """Words are an interruption if anything heard was cut off before them, and the next ones are
    not once something else has been heard.
    """
    call = flowing(answers_each=False, rule=BargeInRule(strategy=BargeInStrategy.IMMEDIATE))
    call.pushes(say("Long."))
    call.begin()
    call.receive(SpeechStarted(call.at_ms))
    call.pushes(say("Never heard."))
    call.receive(WordsHeard("stop", final=True), SpeechStopped(call.at_ms))
    call.wait(2_000)
    assert call.events[-1].content == {"text": "stop", "barged_in": True}
    call.pushes(say("Fine."))
    call.finish_all()
    call.speech("thanks")
    call.wait(2_000)
    assert call.events[-1].content["barged_in"] is False


def test_legacy_events() -> None:
    """A flow may want the old event before the words, and the old name beside the new one."""
    call = flowing(sends_barge_in=True, sends_transcript=True)
    call.app(say("Long."))
    call.begin()
    call.speech("stop it")
    call.wait(2_000)
    assert call.told[-2:] == ["user_barge_in", "user_speak"]
    assert call.events[-1].content["transcript"] == "stop it"


def test_digits_one_by_one() -> None:
    """Each key is told by itself and leaves the speech alone; letters are left out."""
    call = flowing()
    call.app(say("Menu."))
    call.begin()
    call.receive(DigitPressed("1"), DigitPressed("A"), DigitPressed("#"))
    assert [event.content for event in call.events if event.kind == "dtmf_received"] == [
        {"digit": "1"}, {"digit": "#"}
    ]  # fmt: skip
    assert not call.all(StopSpeaking)
    call.wait(5_000)
    assert "user_speak" not in call.told


def test_input_timeout() -> None:
    """Silence after a speech is told once, counted from its end."""
    call = flowing()
    call.app(say("Which day?", input_timeout_ms=5_000))
    call.play()
    call.wait(4_999)
    assert "user_input_timeout" not in call.told
    call.wait(1)
    assert call.told[-1] == "user_input_timeout"
    call.app()
    call.wait(60_000)
    assert call.told.count("user_input_timeout") == 1


def test_input_timer_rules() -> None:
    """A sound leaves the wish standing, a key starts it anew, a speech without one takes it back,
    and "nothing to do" after words arms it again.
    """
    call = flowing()
    call.app(say("Leave a message.", input_timeout_ms=5_000), FlowAudio(sound=TONE))
    call.finish_all()
    call.wait(4_000)
    call.receive(DigitPressed("1"))
    call.app()
    call.wait(4_000)
    call.speech("my message")
    call.wait(2_000)
    assert call.told[-1] == "user_speak"
    call.wait(1_000)
    call.app(to="user_speak")
    call.wait(4_999)
    assert "user_input_timeout" not in call.told
    call.wait(1)
    assert call.told[-1] == "user_input_timeout"
    call.app(say("Again?", input_timeout_ms=5_000), say("Thanks."))
    call.finish_all()
    call.wait(20_000)
    assert call.told.count("user_input_timeout") == 1


def test_noise_does_not_silence_timer() -> None:
    """Sound without words only starts the silence anew."""
    call = flowing()
    call.app(say("Which day?", input_timeout_ms=5_000))
    call.play()
    call.wait(4_000)
    call.receive(SpeechStarted(call.at_ms))
    call.wait(300)
    call.receive(SpeechStopped(call.at_ms))
    call.wait(5_100)
    assert call.told[-1] == "user_input_timeout"


def test_transfer_comes_back() -> None:
    """A transfer with a time limit that fails begins the session again; the app goes on."""
    call = flowing()
    call.app(say("One moment."), FlowTransfer(number="+4930555777", timeout_s=20))
    call.play()
    run = call.last(RunAction)
    assert run.plan.config == {"phone_number": "+4930555777", "rings_s": 20}
    call.receive(ActionFinished(run.call.action_call_id, REFUSED))
    assert call.told[-1] == "session_start"
    call.app(say("Nobody is there."))
    assert call.spoken[-1] == "Nobody is there."


def test_transfer_without_limit_ends() -> None:
    """A transfer without a time limit that fails ends the call."""
    call = flowing()
    call.app(FlowTransfer(number="+4930555777"))
    call.receive(ActionFinished(call.last(RunAction).call.action_call_id, REFUSED))
    assert call.all(EndLeg)
    assert call.told[-1] == "session_end"


def test_aside_actions() -> None:
    """What makes no sound of its own is done at once, in its place."""
    call = flowing()
    call.app(
        say("Hello."),
        FlowConfigureTranscription(languages=("de-DE",), turn_silence_ms=250),
        FlowMixAudio(sound=TONE, volume=0.2),
        FlowSendSms("+4917000001", "Your code"),
    )
    assert call.last(ConfigureTranscriber).languages == ("de-DE",)
    assert call.last(MixSound).volume == 0.2
    call.receive(TextSent(call.texts[0].request_id, "no_gateway"))
    assert call.events[-1].kind == "sms_failed"
    assert call.events[-1].content == {"phone_number": "+4917000001", "error": "no_gateway"}


def test_fixed_silence_ends_turns() -> None:
    """The silence that ends a turn is what the app has set, until it sets another."""
    call = flowing()
    call.app(say("Spell it.", turn_silence_ms=1_500))
    call.finish_all()
    call.speech("A B C", final_ms=0)
    call.wait(1_499)
    assert "user_speak" not in call.told
    call.wait(1)
    assert call.told[-1] == "user_speak"


def test_waiting_sound() -> None:
    """While the app keeps the caller waiting they hear something within 3 s; not once it acts."""
    call = flowing()
    call.wait(2_900)
    assert call.all(PlayWaiting)
    assert call.last(PlayWaiting).on
    call.app(say("Here I am."))
    assert not call.last(PlayWaiting).on
    phrase = flowing(waiting=Waiting.PHRASE)
    phrase.wait(2_900)
    assert phrase.all(PlayStored)
    nothing = flowing(waiting=Waiting.NOTHING)
    nothing.wait(9_000)
    assert not nothing.all(PlayWaiting)
    assert not nothing.all(PlayStored)


def test_silent_app_on_free_exchange() -> None:
    """An app that may be silent is waited for no longer than its time; then it is quiet."""
    call = flowing(answers_each=False)
    call.wait(5_000)
    assert call.last(PlayWaiting).on
    call.wait(8_000)
    assert not call.last(PlayWaiting).on


def test_waiting_goes_on_aside() -> None:
    """What the caller does not hear leaves them waiting for the app as before."""
    call = flowing(answers_each=False)
    call.pushes(FlowConfigureTranscription(languages=("de-DE",)))
    call.wait(2_900)
    assert call.last(PlayWaiting).on


def test_failures_end_the_part() -> None:
    """Three events in a row without an answer end the app's part with a goodbye; one answer between
    begins the count anew.
    """
    call = flowing()
    call.app()
    for digit in "12":
        call.receive(DigitPressed(digit))
        call.fails()
    call.receive(DigitPressed("3"))
    call.app()
    for digit in "456":
        assert not call.all(PlayStored)
        call.receive(DigitPressed(digit))
        call.fails()
    assert call.all(PlayStored)
    call.finish_all()
    assert call.all(EndLeg)
    call.receive(LegEnded("l1", LegEndedBy.LOCAL))
    assert call.end is not None
    assert call.end.reason is EndReason.PROVIDER_FAILED
    assert call.end.detail == "flow_app"


def test_no_start_no_call() -> None:
    """An app that cannot be told of the call is given up at once; its own words are said."""
    call = flowing(fallback_text="Please call again later.")
    call.fails("refused")
    assert call.spoken == ["Please call again later."]


def test_fallback_transfer() -> None:
    """Where the app is gone the caller is handed over; where that fails, too, goodbye is said."""
    call = flowing(fallback_number="+4930555999")
    call.receive(AppGone("unreachable"))
    run = call.last(RunAction)
    assert run.plan.config["phone_number"] == "+4930555999"
    call.receive(ActionFinished(run.call.action_call_id, REFUSED))
    assert call.all(PlayStored)
    call.finish_all()
    assert call.all(EndLeg)


def test_lost_connection_is_bridged() -> None:
    """While the connection is made again the caller hears that somebody is at work."""
    call = flowing(answers_each=False)
    call.pushes(say("Hello."))
    call.finish_all()
    call.wait(5_000)
    call.receive(AppLost())
    call.wait(3_000)
    assert call.last(PlayWaiting).on
    call.receive(AppBack())
    assert not call.last(PlayWaiting).on


def test_late_failure_is_harmless() -> None:
    """A failure of an event that was answered, or is long over, changes nothing."""
    call = flowing()
    call.app(say("Hello."))
    call.receive(AppFailed("e99", "timeout"))
    call.play()
    assert call.told[-1] == "assistant_speech_ended"
    assert not call.all(EndLeg)


def test_default_voice_kept() -> None:
    """A speech without a voice of its own is spoken in the flow's, whatever came before."""
    call = flowing()
    call.app(say("Hallo.", language="de-DE"), say("Hello."))
    assert [speak.language for speak in call.all(Speak)] == ["de-DE", "en"]


def test_hangup_to_the_first_of_two() -> None:
    """A hang-up answered to the beginning of one speech waits for it, also where the next one has
    begun by our count before its end is known.
    """
    call = flowing()
    call.app(say("One."), say("Two."))
    call.receive(SpeechMade("u1", 500), SpeechMade("u2", 500))
    call.begin()
    first = call.events[-1].event_id
    call.receive(PlayoutStarted("u2", 500))
    call.receive(AppAnswered(first, (FlowHangup(),)))
    assert not call.all(StopSpeaking)
    call.finish()
    call.finish()
    assert call.all(EndLeg)
