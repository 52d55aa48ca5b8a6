"""Facts read as a conversation."""

from __future__ import annotations

from cordboard.callpage.measure import quantile, timings
from cordboard.callpage.sound import read
from cordboard.callpage.talk import stage_lengths, stage_names
from cordboard.callpage.turns import (
    ActionRun,
    CallerWords,
    Note,
    Stages,
    Utterance,
    conversation,
)
from tests.callpage.sample import ANSWER, QUESTION, Timeline, facts, recording


def test_exchanges_follow_the_callers_turns() -> None:
    """Each turn of the caller begins an exchange; what follows it belongs to it, in order."""
    exchanges = conversation(facts())
    assert [each.caller.text if each.caller else None for each in exchanges] == [
        None,
        "I would like to book a meeting for tomorrow",
        "Half past nine please",
        "No thank you goodbye",
    ]
    kinds = [[type(item) for item in each.items] for each in exchanges]
    assert kinds == [
        [Utterance],
        [Utterance, Note],
        [Utterance, ActionRun, Utterance],
        [Utterance, ActionRun],
    ]


def test_stages_of_a_turn() -> None:
    """Every stage is on the timeline, and their lengths add up to the response delay."""
    stages = conversation(facts())[1].stages
    assert (stages.stopped_ms, stages.playout_ms) == (QUESTION[1], ANSWER[0])
    assert stage_lengths(stages) == [420, 220, 200, 0]
    assert stages.delay_ms == 840
    last = conversation(facts())[3].stages
    assert stage_lengths(last) == [260, None, 240, 0]


def test_an_apps_answer_is_a_stage() -> None:
    """In a flow's call the app answers where a model writes; that it does nothing is no answer."""
    line = Timeline()
    line.turn("t1", QUESTION, "Monday", 420, "words")
    asked_ms = QUESTION[1] + 420
    line.add(asked_ms + 50, "app_answered", type="user_speak", after_ms=50, acts=False)
    line.add(asked_ms + 60, "app_answered", type="dtmf_received", after_ms=5, acts=True)
    line.add(asked_ms + 200, "app_answered", type="user_speak", after_ms=200, acts=True)
    line.said("u1", ANSWER, "Thank you.")
    exchanges = conversation(line.facts)
    assert stage_lengths(exchanges[1].stages) == [420, 200, 220, 0]
    assert dict(stage_names(exchanges))["s2"] == "app's answer"
    assert dict(stage_names(conversation(facts())))["s2"] == "first text"


def test_no_stage_is_negative() -> None:
    """Notes that come a tick after the frame they led to still add up to the response delay."""
    stages = Stages(1000, 1475, 1475, 1480, 1460)
    assert stage_lengths(stages) == [460, 0, 0, 0]
    assert stage_lengths(Stages(1000, 900, None, 1300, 1300)) == [0, None, 300, 0]


def test_what_was_not_heard() -> None:
    """An utterance keeps what was meant apart from what was heard."""
    utterance = conversation(facts())[1].items[0]
    assert isinstance(utterance, Utterance)
    assert utterance.heard == "Gladly. At what time would you like to meet,"
    assert utterance.whole is False
    assert (utterance.start_ms, utterance.end_ms) == ANSWER


def test_an_action_from_start_to_answer() -> None:
    """The facts of one action call make one run."""
    run = conversation(facts())[2].items[1]
    assert isinstance(run, ActionRun)
    assert (run.name, run.started_ms, run.sent_ms, run.finished_ms) == (
        "meeting_assistant",
        11500,
        11510,
        13980,
    )
    assert run.success
    assert run.agent_message == "You are booked for nine thirty."


def test_words_outside_a_turn_are_kept() -> None:
    """A backchannel that never made a turn is shown; a turn told twice is shown once."""
    line = Timeline()
    line.turn("t1", (100, 500), "hello", 100, "x")
    line.add(700, "caller_turn", turn_id="t1", text="hello")
    line.add(900, "caller_turn", reason="backchannel", text="mm-hm")
    (_, exchange) = conversation(line.facts)
    (words,) = exchange.items
    assert isinstance(words, CallerWords)
    assert words.text == "mm-hm"


def test_the_recording_is_held_against_the_timeline() -> None:
    """Exact sound agrees with the facts; late sound is off by as much as it is late."""
    exchanges = conversation(facts())
    for late_ms, off in ((0, 0), (14, 0), (34, 7)):
        timed = timings(exchanges, read(recording(late_ms)))
        measured = [each for one in timed for each in (one.playout, one.delay, one.stopped)]
        assert sum(each.is_off for each in measured) == off
        assert timed[1].playout.difference_ms == late_ms
    assert all(one.delay.heard_ms is None for one in timings(exchanges, None))


def test_quantiles() -> None:
    """A quantile is one of the values; of none it is none."""
    assert quantile([], 0.5) is None
    assert [quantile([3, 1, 2], part) for part in (0, 0.5, 0.95, 1)] == [1, 2, 3, 3]
