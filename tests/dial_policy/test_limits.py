"""How many and how often a tenant may dial."""

from __future__ import annotations

from cordboard.dial_policy import DialGauge, DialLimits


def code(gauge: DialGauge, number: str, now_ms: int) -> str | None:
    """Ask for a dial and return the code of the refusal."""
    refusal = gauge.admit(number, now_ms)
    return refusal.code if refusal else None


def test_only_so_many_at_once() -> None:
    """Concurrent calls are limited, and an ended one makes room."""
    gauge = DialGauge(DialLimits(concurrent_count=2))
    assert code(gauge, "+1", 0) is None
    assert code(gauge, "+2", 2_000) is None
    assert code(gauge, "+3", 4_000) == "concurrent_limit"
    gauge.ended(5_000, 1_000)
    assert code(gauge, "+3", 6_000) is None


def test_only_so_many_in_a_second() -> None:
    """The rate is counted over a sliding second."""
    gauge = DialGauge(DialLimits(per_second_count=2))
    assert [code(gauge, f"+{n}", n) for n in range(3)] == [None, None, "rate_limit"]
    assert code(gauge, "+9", 1_000) is None
    assert code(gauge, "+8", 1_000) == "rate_limit"


def test_only_so_often_to_one_destination() -> None:
    """One number may be dialled three times in an hour, others stay free."""
    gauge = DialGauge(DialLimits())
    for n in range(3):
        assert code(gauge, "+1", n * 2_000) is None
    assert code(gauge, "+1", 60_000) == "destination_limit"
    assert code(gauge, "+2", 60_000) is None
    assert code(gauge, "+1", 3_600_000) is None


def test_minutes_of_a_day_run_out() -> None:
    """Minutes talked in the last day count, older ones do not."""
    gauge = DialGauge(DialLimits(per_day_minutes=1))
    assert code(gauge, "+1", 0) is None
    gauge.ended(60_000, 60_000)
    assert code(gauge, "+2", 70_000) == "minutes_limit"
    assert code(gauge, "+2", 60_000 + 86_400_000) is None


def test_memory_is_returned() -> None:
    """After an hour of silence nothing of the past is kept but one new entry."""
    gauge = DialGauge(DialLimits(concurrent_count=10_000))
    for n in range(3_000):
        gauge.admit(f"+{n}", n * 1_000)
    gauge.admit("+1", 10_000_000)
    assert len(gauge._attempts) == len(gauge._of_number) == 1


def test_waiting_helps_against_the_rate() -> None:
    """``wait_ms`` is how long until the next dial may be made, to the millisecond."""
    gauge = DialGauge(DialLimits(per_second_count=2))
    assert gauge.wait_ms(0) == 0
    for at_ms in (0, 400):
        assert code(gauge, f"+{at_ms}", at_ms) is None
    assert [gauge.wait_ms(at_ms) for at_ms in (400, 999, 1_000)] == [600, 1, 0]
    assert code(gauge, "+3", 999) == "rate_limit"
    assert code(gauge, "+3", 1_000) is None


def test_what_is_on_record_counts() -> None:
    """Dials and minutes of the time before are counted, and forgotten, as any other."""
    gauge = DialGauge(DialLimits(per_destination_hour_count=2, per_day_minutes=1))
    gauge.remember([(-3_000_000, "+1"), (-2_000_000, "+1")], [(-80_000_000, 59_000)])
    assert code(gauge, "+1", 0) == "destination_limit"
    assert code(gauge, "+1", 600_000) is None
    gauge.ended(601_000, 1_000)
    assert code(gauge, "+2", 700_000) == "minutes_limit"
    assert code(gauge, "+2", 7_000_000) is None


def test_a_further_number_takes_no_second_place() -> None:
    """A call that is redirected counts once among those at a time, twice among the dials."""
    gauge = DialGauge(DialLimits(concurrent_count=1, per_second_count=5))
    assert gauge.admit("+1", 0) is None
    assert gauge.admit("+2", 0, further=True) is None
    assert gauge.running_count == 1
