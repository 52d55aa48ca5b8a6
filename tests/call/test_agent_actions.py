"""Actions on a call: when each leaves, what follows its outcome, what withdraws it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.call.actions import ActionKind, ActionOutcome, ActionPlan, SpeakBefore
from cordboard.call.commands import EndLeg, Expect, RunAction, SendDigits, StartReply
from cordboard.call.events import (
    ActionFinished,
    DigitsSent,
    EndReason,
    EndRequested,
    LegEnded,
    LegEndedBy,
    LegHeld,
    PlayoutFailed,
    ReplyActionAsked,
    ReplyClauseReady,
    ReplyExpected,
    ReplyFinished,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from cordboard.call.expectation import Expectation, ExpectationKind
from tests.call.driver import END, Driver, calling
from tests.counts import count

SUCCESS = ActionOutcome(True, {"ok": 1}, "Booked for nine.", "success", 200)
SILENT_SUCCESS = ActionOutcome(True, {"ok": 1}, None, "success", 200)
ERROR = ActionOutcome(False, {"info": "server"}, None, "server_error", 500)
TIMEOUT = ActionOutcome(False, {"info": "late"}, None, "timeout", None)
INVALID = ActionOutcome(False, {"info": "values"}, None, "invalid_arguments", None)
OUTCOMES = {
    "message": SUCCESS,
    "success": SILENT_SUCCESS,
    "error": ERROR,
    "timeout": TIMEOUT,
    "invalid": INVALID,
}


def book(*, on_send: bool = True, on_receive: bool = True) -> ActionPlan:
    """An external action."""
    return ActionPlan(
        action_id="1",
        kind=ActionKind.EXTERNAL,
        function_name="book",
        speak_before=SpeakBefore.ALWAYS if on_send else SpeakBefore.NEVER,
        speak_on_receive=on_receive,
    )


MESSAGE = '{"day": "monday", "user_message": "One second."}'


def asked(*actions: ActionPlan, name: str = "book", arguments: str = MESSAGE) -> Driver:
    """A call on which the model has just asked for an action."""
    call = calling(actions=actions)
    call.turn("Book me a table on monday.")
    call.reply(action=(name, arguments))
    return call


def results(call: Driver) -> list[object]:
    """The outcomes that the model has been told of, in the last reply's conversation."""
    return [message.content for message in call.messages if message.role == "action"]


@pytest.mark.parametrize("kind", OUTCOMES)
@pytest.mark.parametrize("on_receive", [True, False])
@pytest.mark.parametrize("on_send", [True, False])
def test_what_is_said(on_send: bool, on_receive: bool, kind: str) -> None:
    """Before: the message with ``speak_on_send`` alone. After: the ``agent_message`` verbatim or a
    reply with ``speak_on_receive`` alone; values that did not fit are always asked for again.
    """
    call = asked(book(on_send=on_send, on_receive=on_receive))
    assert call.spoken == (["One second."] if on_send else [])
    if on_send:
        assert call.actions_run == []
        call.begin()
    assert call.actions_run == ["book"]
    assert call.last(RunAction).call.arguments["day"] == "monday"
    call.outcome(OUTCOMES[kind])
    call.finish_all()
    replied = len(call.all(StartReply)) == 2
    assert replied is (kind == "invalid" or (on_receive and kind != "message"))
    after = call.spoken[1 if on_send else 0 :]
    assert after == (["Booked for nine."] if on_receive and kind == "message" else [])
    finished = [line for line in call.lines if line.startswith("BOT_ACTION_FINISH")]
    assert len(finished) == 1
    if replied:
        assert len(results(call)) == 1


def test_overlap_before_the_first_sound_withdraws() -> None:
    """Until the message sounds nothing has left: words of the caller withdraw the action, and the
    model is told so.
    """
    call = asked(book())
    call.speech("no wait make that tuesday")
    call.wait(2_000)
    assert call.actions_run == []
    (result,) = results(call)
    assert isinstance(result, dict)
    assert result["success"] is False


def test_first_sound_during_an_undecided_overlap_sends_nothing() -> None:
    """While it is not decided who goes on, nothing leaves; a cough then lets it leave."""
    for words, run in (("no wait make that tuesday", []), ("", ["book"])):
        call = asked(book())
        call.receive(SpeechStarted(call.at_ms))
        call.begin()
        assert call.actions_run == []
        call.wait(300)
        call.receive(SpeechStopped(call.at_ms))
        if words:
            call.receive(WordsHeard(words, final=True))
        call.wait(1_000)
        assert call.actions_run == run


def test_nothing_withdraws_what_has_left() -> None:
    """After the first sound the caller's words are kept; the result is spoken, then they are
    answered.
    """
    call = asked(book())
    call.begin()
    call.speech("no wait make that tuesday")
    call.wait(2_000)
    assert len(call.all(StartReply)) == 1
    call.outcome(SUCCESS)
    call.finish_all()
    assert call.spoken == ["One second.", "Booked for nine."]
    assert call.actions_run == ["book"]
    assert len(results(call)) == 1
    assert call.messages[-1].text == "no wait make that tuesday"


def test_message_that_cannot_be_spoken_sends_all_the_same() -> None:
    """A synthesizer's failure does not undo what the caller asked for."""
    call = asked(book())
    call.receive(PlayoutFailed(call.queue.pop(0), 0, "unavailable"))
    assert call.actions_run == ["book"]


def test_result_that_cannot_be_spoken_is_in_the_context() -> None:
    """The model knows the result even if its message had no sound."""
    call = asked(book(on_send=False))
    call.outcome(SUCCESS)
    call.receive(PlayoutFailed(call.queue.pop(0), 0, "unavailable"))
    call.finish_all()
    call.turn("Hello? Is it booked?")
    assert len(results(call)) == 1


def test_agent_message_awaits_anything() -> None:
    """After a result the agent waits for what it waits for at first, in the call's language."""
    opening = Expectation(ExpectationKind.CHOICE, choices=("a table",))
    call = calling(actions=(book(on_send=False),), opening=opening)
    reply_id = call.turn("A table.")
    call.receive(ReplyExpected(reply_id, Expectation(ExpectationKind.DATE)))
    call.reply(action=("book", "{}"))
    call.outcome(SUCCESS)
    assert call.last(Expect).expectation == opening


def test_late_and_double_outcomes_are_ignored() -> None:
    """An outcome counts once; of an action nobody knows, never."""
    call = asked(book(on_send=False))
    call.outcome(SUCCESS)
    call.receive(ActionFinished("a1", ERROR), ActionFinished("a77", ERROR))
    call.finish_all()
    call.turn("Thanks a lot, that was all.")
    assert len(results(call)) == 1


def test_an_action_without_outcome_is_given_up() -> None:
    """Half a minute after it began an action counts as failed, and the call goes on."""
    call = asked(book(on_send=False))
    call.wait(30_000)
    assert len(results(call)) == 1
    assert "timeout" in str(call.facts("action_finished")[0].content)
    call.receive(ActionFinished("a1", SUCCESS))
    assert len(call.facts("action_finished")) == 1


@pytest.mark.parametrize("bad", [("book", "[1]"), ("book", "{"), ("no_such", "{}")])
def test_one_repair_then_an_apology(bad: tuple[str, str]) -> None:
    """What cannot be run leads to one more reply; the second time to a spoken apology."""
    call = calling(actions=(book(),))
    call.turn("A table please.")
    call.reply(action=bad)
    assert len(call.all(StartReply)) == 2
    call.reply(action=bad)
    assert len(call.all(StartReply)) == 2
    assert call.spoken == ["sorry_trouble"]
    assert call.actions_run == []


def test_repairs_after_validation() -> None:
    """Values refused by their schema are asked for once; then an apology, and nothing leaves."""
    call = asked(book(on_send=False, on_receive=False), arguments='{"day": 3}')
    call.receive(ActionFinished("a1", INVALID))
    assert len(call.all(StartReply)) == 2
    call.reply(action=("book", '{"day": 4}'))
    call.receive(ActionFinished("a2", INVALID))
    assert len(call.all(StartReply)) == 2
    assert call.spoken == ["sorry_trouble"]


def test_a_model_is_told_of_a_function_that_does_not_exist() -> None:
    """The next reply's messages hold the call and that there is no such function, under a name
    that vendors take.
    """
    call = calling(actions=(book(),))
    call.turn("A table please.")
    call.reply(action=("no such!", "{}"))
    asked_for, told = call.all(StartReply)[-1].messages[-2:]
    assert (asked_for.role, asked_for.function_name) == ("action_call", "no_such_")
    assert told.role == "action"
    assert "no function of this name" in str(told.content)


def test_a_model_gone_mad_is_held_back() -> None:
    """However many actions a model asks for in one turn, five run and one apology is spoken."""
    call = calling(actions=(book(on_send=False, on_receive=False),))
    reply_id = call.turn("A table please.")
    for _ in range(500):
        call.receive(ReplyActionAsked(reply_id, "book", "{}"))
        call.receive(ReplyActionAsked(reply_id, "no_such", "{}"))
    call.receive(ReplyFinished(reply_id))
    for number in range(1, 20):
        call.receive(ActionFinished(f"a{number}", SILENT_SUCCESS))
    assert 1 <= len(call.actions_run) <= 5
    assert call.spoken == ["sorry_trouble"]
    assert len(call.facts("action_refused")) < 10


def test_end_after_the_last_sample() -> None:
    """The call is ended only when the goodbye has been heard to its end."""
    call = asked(END, name="end", arguments="{}")
    assert call.all(EndLeg) != []
    call = calling(actions=(END,))
    call.turn("That is all, thank you.")
    call.reply("Goodbye.", "Have a nice day.", action=("end", "{}"))
    call.finish()
    call.begin()
    call.wait(3_000)
    assert call.all(EndLeg) == []
    call.finish()
    assert call.all(EndLeg) == [EndLeg("l1")]
    call.receive(LegEnded("l1", LegEndedBy.LOCAL))
    assert call.end is not None
    assert call.end.reason is EndReason.AGENT_ENDED


def test_end_waits_for_words_after_it() -> None:
    """A goodbye that the model says after asking for the end is heard too."""
    call = calling(actions=(END,))
    reply_id = call.turn("That is all, thank you.")
    call.receive(ReplyActionAsked(reply_id, "end", "{}"))
    assert call.all(EndLeg) == []
    call.receive(ReplyClauseReady(reply_id, "Goodbye."), ReplyFinished(reply_id))
    assert call.all(EndLeg) == []
    call.finish_all()
    assert len(call.all(EndLeg)) == 1


def test_interruption_withdraws_the_end() -> None:
    """Whoever speaks over the goodbye keeps the call."""
    call = calling(actions=(END,))
    call.turn("That is all, thank you.")
    call.reply("Goodbye.", action=("end", "{}"))
    call.begin()
    call.speech("oh wait one more thing")
    call.wait(2_000)
    assert call.all(EndLeg) == []
    assert "BOT_ACTION_FINISH: Did not end call because user interrupted" in call.lines
    assert call.messages[-1].text == "oh wait one more thing"


def test_last_moment_interruption_withdraws_the_end() -> None:
    """So does one that begins before the last sample, though the goodbye was then heard whole."""
    call = calling(actions=(END,))
    call.turn("That is all, thank you.")
    call.reply("Goodbye.", action=("end", "{}"))
    call.begin()
    call.receive(SpeechStarted(call.at_ms))
    call.finish()
    assert call.all(EndLeg) == []
    call.wait(300)
    call.receive(SpeechStopped(call.at_ms), WordsHeard("oh wait one more thing", final=True))
    call.wait(2_000)
    assert call.all(EndLeg) == []
    assert len(call.all(StartReply)) == 2


@pytest.mark.parametrize(
    ("said", "ends"), [("Well, good-bye  then!", True), ("See you soon.", False)]
)
def test_phrase_trigger(said: str, ends: bool) -> None:
    """A phrase in what the model said triggers its action once all of it was heard."""
    plan = ActionPlan(
        action_id="1",
        kind=ActionKind.END_CONVERSATION,
        function_name="end",
        phrases=("Good bye, then",),
    )
    call = calling(actions=(plan,), greeting="Good bye then is not scanned here.")
    call.finish_all()
    assert call.all(EndLeg) == []
    call.turn("That is all, thank you.")
    call.reply(said)
    assert call.all(EndLeg) == []
    call.finish_all()
    assert (call.all(EndLeg) != []) is ends


def test_phrase_actions_are_no_functions() -> None:
    """An action with phrases cannot be asked for by name."""
    plan = ActionPlan(
        action_id="1", kind=ActionKind.END_CONVERSATION, function_name="end", phrases=("bye",)
    )
    call = asked(plan, name="end", arguments="{}")
    assert call.all(EndLeg) == []
    assert len(call.facts("action_refused")) == 1


@pytest.mark.parametrize("failure", [None, "unsupported"])
def test_dtmf(failure: str | None) -> None:
    """Keys are played after what was said; the model learns of it, and nothing is said of it."""
    press = ActionPlan(action_id="1", kind=ActionKind.DTMF, function_name="press")
    call = calling(actions=(press,))
    call.turn("For sales press one.")
    call.reply("Let me see.", action=("press", '{"buttons": "1#"}'))
    assert call.all(SendDigits) == []
    call.finish_all()
    assert call.all(SendDigits) == [SendDigits("a1", "1#")]
    call.receive(DigitsSent("a1", failure))
    call.turn("You have reached sales here.")
    (result,) = results(call)
    assert isinstance(result, dict)
    assert result["success"] is (failure is None)
    assert call.spoken == ["Let me see."]


def test_what_we_cannot_do_is_said() -> None:
    """An action we do not have yet is refused aloud, and the model is told."""
    hold = ActionPlan(action_id="1", kind=ActionKind.SET_HOLD, function_name="hold")
    call = asked(hold, name="hold", arguments="{}")
    assert call.spoken == ["sorry_trouble"]
    assert "'success'" not in call.lines[-1]
    assert '"success": false' in call.lines[-1]


TRANSFER = ActionPlan(
    action_id="1",
    kind=ActionKind.TRANSFER_CALL,
    function_name="transfer",
    config={"phone_number": "12025550155"},
    speak_before=SpeakBefore.ALWAYS,
)


def test_a_transfer_waits_for_its_message() -> None:
    """The caller is told first, to the end; then the target is dialled, and has a minute to
    answer.
    """
    call = asked(TRANSFER, name="transfer", arguments='{"user_message": "I put you through."}')
    assert (call.spoken, call.all(RunAction)) == (["I put you through."], [])
    call.finish_all()
    (run,) = call.all(RunAction)
    assert run.plan.config["phone_number"] == "12025550155"
    call.wait(60_000)
    assert not call.facts("transfer_failed")


@pytest.mark.parametrize("kind", ["busy", "no_answer", "rejected", "refused", "unreachable"])
def test_a_transfer_that_fails(kind: str) -> None:
    """The agent learns why and goes on talking with the caller."""
    call = asked(TRANSFER, name="transfer", arguments="{}")
    call.outcome(ActionOutcome(False, {"info": kind}, None, kind, None))
    assert len(call.all(StartReply)) == 2
    (result,) = results(call)
    assert isinstance(result, dict)
    assert result["success"] is False
    assert call.lines[-1] == f"BOT_ACTION_FINISH: Did not transfer call: {kind}"
    call.reply("They are busy, shall I take a message?")
    assert call.spoken[-1] == "They are busy, shall I take a message?"


def test_a_transfer_that_succeeds() -> None:
    """The agent says nothing more."""
    call = asked(TRANSFER, name="transfer", arguments="{}")
    call.receive(LegHeld("leg1"))
    call.outcome(ActionOutcome(True, {"info": "transferred"}, None, "success", None))
    call.wait(200_000)
    assert (len(call.all(StartReply)), call.spoken) == (1, [])
    assert call.lines[-1] == "BOT_ACTION_FINISH: Successfully transferred call"
    call.receive(EndRequested(EndReason.TRANSFERRED))
    assert call.all(EndLeg)


STEPS = ("begin", "finish", "outcome", "cough", "words", "few words", "wait", "reply")


@settings(max_examples=count(100, 1_000), deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=14), st.booleans(), st.booleans(), st.booleans())
def test_sent_once_and_told_once(
    steps: list[str], on_send: bool, on_receive: bool, high: bool
) -> None:
    """Whatever interleaves: an action is sent at most once and its result is in the context exactly
    once.
    """
    action = book(on_send=on_send, on_receive=on_receive)
    call = calling(actions=(action,), sensitivity="high" if high else "low")
    call.turn("Book me a table on monday.")
    call.reply("Very well.", action=("book", MESSAGE))
    for step in steps:
        if step == "begin" and any(each not in call.started for each in call.queue):
            call.begin()
        elif step == "finish" and call.queue:
            call.finish()
        elif step == "outcome" and call.actions_run:
            call.outcome(SUCCESS)
        elif step == "cough":
            call.receive(SpeechStarted(call.at_ms))
            call.wait(200)
            call.receive(SpeechStopped(call.at_ms))
        elif step in ("words", "few words"):
            call.speech("no make that tuesday please" if step == "words" else "okay")
        elif step == "wait":
            call.wait(1_500)
        elif step == "reply":
            call.reply("Something else.")
    for _ in range(3):
        call.wait(3_000)
        call.finish_all()
        if call.actions_run:
            call.outcome(SUCCESS)
    call.speech("And now, what is the state of it?")
    call.wait(3_000)
    assert len(call.actions_run) <= 1
    assert len(results(call)) == 1
    assert len(call.facts("action_finished")) == 1


def test_waiting() -> None:
    """An agent on hold says nothing, as often as it takes, and answers who speaks at last."""
    wait = ActionPlan(action_id="", kind=ActionKind.WAIT, function_name="action_wait")
    call = calling(actions=(wait,))
    spoken = list(call.spoken)
    for _ in range(20):
        call.turn("You are number seven in the queue.")
        call.reply(action=("action_wait", "{}"))
        call.wait(25_000)
    assert call.spoken == spoken
    call.turn("Hello, this is Ann.")
    call.reply("Hello Ann.")
    assert call.spoken[-1] == "Hello Ann."
    assert call.end is None
