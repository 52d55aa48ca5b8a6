"""What holds for every test: how many cases hypothesis tries, and how it reports."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.counts import count

# No deadline for one example: on a shared machine it would measure the neighbours.
settings.register_profile(
    "house",
    deadline=None,
    max_examples=count(60, 2000),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")
