"""When the caller's turn is over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.endpointing import PAUSE_WAIT_MAX_MS, Endpointing, SpeakingRate
from cordboard.call.expectation import ANYTHING, Expectation, ExpectationKind
from cordboard.call.plan import TurnPlan

YES_NO = Expectation(ExpectationKind.YES_NO)
SPELLED = Expectation(ExpectationKind.SPELLED)
FOUR_DIGITS = Expectation(ExpectationKind.DIGITS, format="4")
SENSITIVITIES = ("sensitive", "auto", "relaxed")


def _policy(sensitivity: str = "auto", speed: float = 1.0) -> Endpointing:
    return Endpointing(TurnPlan(endpointing_sensitivity=sensitivity, conversation_speed=speed))


@pytest.mark.parametrize(
    ("text", "expectation", "sensitive_ms", "auto_ms", "relaxed_ms", "reason"),
    [
        ("yes please", YES_NO, 200, 300, 400, "whole_answer"),
        ("1 2 3 4", FOUR_DIGITS, 200, 300, 400, "whole_answer"),
        ("1 2", FOUR_DIGITS, 1_400, 1_400, 1_400, "patient_answer"),
        ("b as in", SPELLED, 1_400, 1_400, 1_400, "patient_answer"),
        ("I want a table.", ANYTHING, 300, 500, 500, "finished"),
        ("Do you?", ANYTHING, 300, 500, 500, "finished"),
        ("I want a table", ANYTHING, 400, 700, 1_000, "silence"),
        ("I want a table and", ANYTHING, 700, 1_000, 1_400, "unfinished"),
        ("ich komme mit", ANYTHING, 700, 1_000, 1_400, "unfinished"),
    ],
)
def test_waits(
    text: str,
    expectation: Expectation,
    sensitive_ms: int,
    auto_ms: int,
    relaxed_ms: int,
    reason: str,
) -> None:
    """How finished the words sound and what was asked for decide, on the scale of the setting."""
    wanted = zip(SENSITIVITIES, (sensitive_ms, auto_ms, relaxed_ms), strict=True)
    for sensitivity, wait_ms in wanted:
        end = _policy(sensitivity).judge(text, expectation, ends_turn=False)
        assert (end.wait_ms, end.reason) == (wait_ms, reason), sensitivity


def test_transcriber_knows() -> None:
    """The transcriber's own end signal ends the turn at once."""
    end = _policy().judge("and then", SPELLED, ends_turn=True)
    assert (end.wait_ms, end.reason) == (0, "transcriber")


def test_unknown_setting_is_auto() -> None:
    """A setting we do not know behaves like ``auto``."""
    assert _policy("no such").judge("a b", ANYTHING, ends_turn=False).wait_ms == 700


def test_missing_full_stop_counts_once_stops_are_known() -> None:
    """Where the transcriber sets full stops, words without one sound unfinished."""
    policy = _policy()
    policy.judge("Good evening.", ANYTHING, ends_turn=False)
    assert policy.judge("a table", ANYTHING, ends_turn=False).reason == "unpunctuated"


def test_own_pauses_are_waited_for() -> None:
    """A caller who pauses long within turns is given longer, up to two seconds."""
    policy = _policy()
    for _ in range(20):
        policy.went_on_after(1_200)
    assert 1_400 <= policy.judge("a table", ANYTHING, ends_turn=False).wait_ms <= 1_450
    assert policy.judge("yes", YES_NO, ends_turn=False).wait_ms == 300
    for _ in range(20):
        policy.went_on_after(2_000)
    assert policy.judge("a table", ANYTHING, ends_turn=False).wait_ms == PAUSE_WAIT_MAX_MS


@pytest.mark.parametrize("pause_ms", [-5, 0, 99, 2_001, 60_000])
def test_pauses_that_are_none(pause_ms: int) -> None:
    """Gaps between words, and silences that were turns, teach nothing."""
    policy = _policy()
    policy.went_on_after(pause_ms)
    assert policy.judge("a table", ANYTHING, ends_turn=False).wait_ms == 700


@given(
    text=st.text(max_size=30),
    kind=st.sampled_from(ExpectationKind),
    sensitivity=st.sampled_from(SENSITIVITIES),
    speeds=st.tuples(st.floats(0.01, 10), st.floats(0.01, 10)).map(sorted),
    pauses=st.lists(st.integers(-10, 5_000), max_size=5),
)
def test_bounded_and_shorter_for_fast_speech(
    text: str, kind: ExpectationKind, sensitivity: str, speeds: list[float], pauses: list[int]
) -> None:
    """No wait is longer than two seconds, and a higher speed never waits longer."""
    waits = []
    for speed in speeds:
        policy = _policy(sensitivity, speed)
        for pause_ms in pauses:
            policy.went_on_after(pause_ms)
        waits.append(policy.judge(text, Expectation(kind), ends_turn=False).wait_ms)
    assert 0 <= waits[1] <= waits[0] <= PAUSE_WAIT_MAX_MS


@pytest.mark.parametrize(("speed", "wait_ms"), [(0.5, 1_000), (1.0, 500), (2.0, 250)])
def test_speed_scales(speed: float, wait_ms: int) -> None:
    """Speed 2 halves the waits, 0.5 doubles them."""
    end = _policy(speed=speed).judge("A table.", ANYTHING, ends_turn=False)
    assert end.wait_ms == wait_ms


def test_rate_adapts() -> None:
    """The coefficient follows the caller: fast speech raises it, slow speech lowers it; long
    utterances count more.
    """
    fast, slow, long = SpeakingRate(1.0), SpeakingRate(1.0), SpeakingRate(1.0)
    fast.heard(5, 1_000)
    slow.heard(5, 6_000)
    long.heard(50, 10_000)
    assert slow.coefficient < 1.0 < fast.coefficient < long.coefficient
    exact = SpeakingRate(1.0)
    exact.heard(5, 1_000)
    assert exact.coefficient == pytest.approx((150 * 0.9 + 300 * 0.1) / 150)


@given(st.lists(st.tuples(st.integers(-1, 500), st.integers(-1, 60_000))))
def test_rate_is_bounded(heard: list[tuple[int, int]]) -> None:
    """Whatever is heard, the coefficient stays between 0.4 and 2.5."""
    rate = SpeakingRate(1.0)
    for words, speech_ms in heard:
        rate.heard(words, speech_ms)
    assert 0.4 <= rate.coefficient <= 2.5
