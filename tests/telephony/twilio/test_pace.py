"""The estimate of what was heard: never beyond what was sent, mended by every mark."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cordboard.telephony.twilio.pace import FIRST_LAG_MS, LAG_MS_MAX, Pace


def test_it_runs_in_real_time_from_the_first_sound() -> None:
    """Sound is heard a lag after it was sent, 8 bytes a millisecond, to its end and no further."""
    pace = Pace(lag_ms=40)
    pace.sent(1_600, 1_000)
    assert [pace.heard(at) for at in (1_000, 1_040, 1_140, 1_240, 9_000)] == [0, 0, 800, 1600, 1600]
    assert pace.end_ms() == 1_240


def test_sound_that_follows_in_time_is_unbroken() -> None:
    """What arrives while something plays begins at its end, without another lag."""
    pace = Pace(lag_ms=0)
    pace.sent(800, 0)
    pace.sent(800, 50)
    assert pace.heard(150) == 1_200
    pace.sent(800, 1_000)
    assert pace.heard(1_050) == 1_600 + 400


def test_sound_that_comes_too_late_to_follow_on_has_a_gap_before_it() -> None:
    """What is sent just before the end of the rest is heard no sooner than a lag later."""
    pace = Pace(lag_ms=100)
    pace.sent(800, 0)
    pace.sent(800, 190)
    assert [pace.heard(at) for at in (195, 200, 280, 290, 340)] == [760, 800, 800, 800, 1_200]
    pace.reached(800, 240)
    assert pace.heard(290) == 800
    assert pace.end_ms() == 390


def test_a_late_mark_sets_the_count_back() -> None:
    """A far end that plays later than thought is believed, and the lag learned from it."""
    pace = Pace(lag_ms=0)
    pace.sent(8_000, 0)
    pace.reached(4_000, 700)
    assert pace.heard(700) == 4_000
    assert pace.heard(800) == 4_800
    assert pace.lag_ms == 200


def test_an_early_mark_sets_it_forward() -> None:
    """What is proven to have been played counts at once."""
    pace = Pace(lag_ms=500)
    pace.sent(1_600, 0)
    pace.reached(1_600, 250)
    assert pace.heard(250) == 1_600


def test_dropping() -> None:
    """What was not heard is taken back; the next sound begins anew."""
    pace = Pace(lag_ms=0)
    pace.sent(1_600, 0)
    assert pace.dropped(100) == 800
    assert pace.sent_bytes == 800
    pace.sent(80, 500)
    assert pace.heard(510) == 880


@given(
    st.lists(
        st.tuples(st.sampled_from(["send", "mark", "drop"]), st.integers(0, 3_000)), max_size=40
    )
)
def test_bounds(steps: list[tuple[str, int]]) -> None:
    """Whatever marks say: heard lies between nothing and what was sent, and grows by itself."""
    pace, now_ms, marked = Pace(), 10_000, 0
    for kind, amount in steps:
        now_ms += amount
        if kind == "send":
            pace.sent(amount, now_ms)
        elif kind == "mark":
            marked = min(pace.sent_bytes, marked + amount)
            pace.reached(marked, now_ms)
        else:
            pace.dropped(now_ms)
            marked = min(marked, pace.sent_bytes)
        first = pace.heard(now_ms)
        assert 0 <= first <= pace.heard(now_ms + 100) <= pace.sent_bytes
        assert 0 <= pace.lag_ms <= LAG_MS_MAX
    assert Pace().lag_ms == FIRST_LAG_MS
