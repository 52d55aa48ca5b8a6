"""What the operator's settings mean to plans and to the dial policy."""

from __future__ import annotations

from cordboard.dial_policy import DialRules
from cordboard.settings import Settings
from cordboard.storage.plans import PlanOptions


def dial_rules(settings: Settings) -> DialRules:
    """Return what may be dialled."""
    return DialRules(countries=settings.dial_countries, home_country=settings.home_country)


def plan_options(settings: Settings, *, content_free: bool = False) -> PlanOptions:
    """Return what is added to every plan."""
    return PlanOptions(
        record=settings.recording,
        bridge_phrases=settings.bridge_phrases,
        longest_call_ms=settings.call_max_minutes * 60_000,
        content_free=content_free,
    )
