"""The whole machine: hold and resume, what belongs to nobody, what is left open."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.actions import ActionOutcome
from cordboard.call.agent import AgentOperator
from cordboard.call.commands import (
    PauseSpeaking,
    ResumeSpeaking,
    StartReply,
    StopSpeaking,
)
from cordboard.call.events import (
    ActionFinished,
    ActionSent,
    DigitPressed,
    DigitsSent,
    EndReason,
    EndRequested,
    Event,
    LegAnswered,
    LegEnded,
    LegEndedBy,
    LegHeld,
    LegOffered,
    LegResumed,
    OperatorInput,
    PlayoutFailed,
    PlayoutFinished,
    PlayoutPaused,
    PlayoutStarted,
    PlayoutStopped,
    ProviderFailed,
    ProviderKind,
    ProviderRecovered,
    ReplyActionAsked,
    ReplyClauseReady,
    ReplyExpected,
    ReplyFailed,
    ReplyFinished,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from cordboard.call.expectation import Expectation, ExpectationKind
from cordboard.call.floor import Floor
from cordboard.call.machine import Call
from tests.call.driver import END, Driver, calling, plan
from tests.call.test_agent_actions import book


def _sound(call: Driver) -> list[str]:
    kinds = (PauseSpeaking, ResumeSpeaking, StopSpeaking)
    return [type(command).__name__ for command in call.commands if isinstance(command, kinds)]


def test_hold_and_resume() -> None:
    """On hold the agent falls silent and keeps its sound; off hold it goes on. Repeats change
    nothing.
    """
    call = calling(greeting="Hello.")
    call.begin()
    call.receive(LegHeld("l1"), LegHeld("l1"))
    assert _sound(call) == ["PauseSpeaking"]
    call.wait(60_000)
    call.receive(LegResumed("l1"), LegResumed("l1"), LegAnswered("l1"))
    assert _sound(call) == ["PauseSpeaking", "ResumeSpeaking"]
    call.finish_all()
    assert call.lines == ["BOT: Hello."]


def test_words_before_the_hold_are_answered() -> None:
    """What was said just before the hold makes a turn, though its words come late; the answer waits
    for the resumption.
    """
    call = calling()
    call.receive(SpeechStarted(call.at_ms))
    call.wait(800)
    call.receive(LegHeld("l1"))
    call.wait(200)
    call.receive(WordsHeard("When are you open?", final=True))
    call.wait(2_000)
    assert call.lines == ["HUMAN: When are you open?"]
    assert call.call.floor is Floor.NOBODY
    call.reply("From nine.")
    call.receive(LegResumed("l1"))
    call.finish_all()
    call.turn("And on sundays then?")
    assert len(call.all(StartReply)) == 2


def test_an_overlap_that_ends_on_hold_does_not_end_the_hold() -> None:
    """Sound goes on only when no reason to hold it is left."""
    call = calling(greeting="Hello.")
    call.finish_all()
    call.turn("When are you open?")
    call.reply("From nine to five on all days.")
    call.begin()
    call.receive(SpeechStarted(call.at_ms), LegHeld("l1"))
    call.wait(5_000)
    assert _sound(call) == ["PauseSpeaking"]
    call.receive(LegResumed("l1"))
    assert _sound(call) == ["PauseSpeaking", "ResumeSpeaking"]


def test_barge_in_then_hold() -> None:
    """What is said after a barge-in on hold stays held until the resumption."""
    call = calling()
    call.turn("When are you open?")
    call.reply("From nine to five on all days.")
    call.begin()
    call.receive(SpeechStarted(call.at_ms), LegHeld("l1"))
    call.receive(WordsHeard("no on sundays I mean", final=True))
    assert _sound(call) == ["PauseSpeaking", "StopSpeaking", "PauseSpeaking"]


def test_content_free() -> None:
    """A content-free call keeps no word of either side in its facts."""
    secret = "sesame"
    call = Driver(
        plan=plan(greeting=f"Say {secret}.", actions=(book(),), content_free=True)
    ).answer()
    call.begin()
    call.speech(f"{secret} it is then friends")
    call.wait(2_000)
    call.finish_all()
    reply_id = call.last(StartReply).reply_id
    call.receive(ReplyExpected(reply_id, Expectation(ExpectationKind.CHOICE, (secret,))))
    arguments = f'{{"{secret}": "{secret}", "user_message": "{secret}"}}'
    call.receive(ReplyActionAsked(reply_id, secret, "{}"))
    call.reply(f"{secret}.", action=("book", arguments))
    call.finish_all()
    outcome = ActionOutcome(True, {secret: secret}, secret, "success", 200)
    call.outcome(outcome, "a2")
    call.begin()
    call.speech(secret)
    call.receive(DigitPressed("7"))
    call.receive(LegEnded("l1", LegEndedBy.FAR_END))
    facts = repr([fact for fact in call.commands if type(fact).__name__ == "KeepFact"])
    assert secret not in facts
    assert "'7'" not in facts
    assert "action_finished" in facts
    assert secret in call.call.transcript


def test_who_speaks() -> None:
    """The floor follows both sides."""
    call = calling(greeting="Hello.")
    call.begin()
    floors = [call.call.floor]
    call.receive(SpeechStarted(call.at_ms))
    floors.append(call.call.floor)
    call.finish()
    floors.append(call.call.floor)
    call.receive(SpeechStopped(call.at_ms))
    floors.append(call.call.floor)
    assert floors == [Floor.AGENT, Floor.BOTH, Floor.CALLER, Floor.NOBODY]


IDS = st.sampled_from(["u1", "u2", "u3", "u9", "r1", "r2", "r3", "a1", "a2"])
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(LegAnswered, st.just("l1")),
    st.builds(LegHeld, st.just("l1")),
    st.builds(LegResumed, st.just("l1")),
    st.builds(SpeechStarted, st.integers(-5, 60_000)),
    st.builds(SpeechStopped, st.integers(-5, 60_000)),
    st.builds(
        WordsHeard,
        st.sampled_from(["", "yes", "no that is wrong", "...", "goodbye"]),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(DigitPressed, st.sampled_from("19*#A")),
    st.builds(PlayoutStarted, IDS, st.integers(0, 9), st.sampled_from(["", "One moment."])),
    st.builds(PlayoutPaused, IDS, st.integers(-1, 99)),
    st.builds(PlayoutFinished, IDS, st.integers(0, 9)),
    st.builds(PlayoutStopped, IDS, st.integers(0, 99)),
    st.builds(PlayoutFailed, IDS, st.integers(0, 99), st.just("x")),
    st.builds(ReplyClauseReady, IDS, st.sampled_from(["", "Hello.", "Goodbye then."])),
    st.builds(
        ReplyActionAsked,
        IDS,
        st.sampled_from(["book", "end", "x"]),
        st.sampled_from(["{}", "[", '{"user_message": "Wait."}']),
    ),
    st.builds(ReplyExpected, IDS, st.builds(Expectation, st.sampled_from(ExpectationKind))),
    st.builds(ReplyFinished, IDS),
    st.builds(ReplyFailed, IDS, st.just("x")),
    st.builds(ActionSent, IDS),
    st.builds(
        ActionFinished,
        IDS,
        st.builds(
            ActionOutcome,
            st.booleans(),
            st.just({}),
            st.none() | st.just("Done."),
            st.sampled_from(["success", "timeout", "invalid_arguments"]),
            st.none(),
        ),
    ),
    st.builds(DigitsSent, IDS),
    st.builds(ProviderFailed, st.sampled_from(ProviderKind), st.just("x")),
    st.builds(ProviderRecovered, st.sampled_from(ProviderKind)),
    st.builds(OperatorInput, st.just("x"), st.just({})),
    st.builds(EndRequested, st.sampled_from([EndReason.DRAINED, EndReason.API_ENDED])),
)


@given(st.lists(st.tuples(EVENTS, st.integers(0, 4_000)), max_size=40), st.booleans())
def test_no_event_breaks_or_hangs_a_call(events: list[tuple[Event, int]], high: bool) -> None:
    """Whatever comes, in whatever order, nothing is raised, and the call ends within its longest
    time.
    """
    chosen = plan(greeting="Hello.", actions=(book(), END), sensitivity="high" if high else "low")
    call = Call("c1", chosen, AgentOperator())
    now_ms = 5_000
    call.receive(LegOffered("l1", "+1", "+2"), now_ms)
    call.receive(LegAnswered("l1"), now_ms)
    for event, after_ms in events:
        now_ms += after_ms
        call.handle_deadline(now_ms)
        if not (isinstance(event, LegAnswered) and call.ended):
            call.receive(event, now_ms)
    steps = 0
    while not call.ended:
        deadline = call.next_deadline()
        assert deadline is not None
        now_ms = max(now_ms, deadline.at_ms)
        call.handle_deadline(now_ms)
        steps += 1
        assert steps < 3_000
    assert now_ms < 5_000 + 40 * 4_000 + 600_000 + 60_000
