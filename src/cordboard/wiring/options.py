"""What the operator's settings mean to plans, to the dial policy and to the egress gate."""

from __future__ import annotations

from cordboard.dial_policy import DialLimits, DialRules
from cordboard.egress import EgressPolicy
from cordboard.settings import Settings
from cordboard.storage.plans import PlanOptions


def dial_rules(settings: Settings) -> DialRules:
    """Return what may be dialled."""
    return DialRules(countries=settings.dial_countries, home_country=settings.home_country)


def egress_policy(settings: Settings) -> EgressPolicy:
    """Return where tenants' targets may be."""
    return EgressPolicy(
        open_networks=settings.open_networks, allow_http=settings.allow_http_targets
    )


def dial_limits(settings: Settings) -> DialLimits:
    """Return how much may be dialled."""
    return DialLimits(
        concurrent_count=settings.calls_out_max_count,
        per_second_count=settings.calls_out_per_second_max_count,
        per_destination_hour_count=settings.calls_out_per_destination_max_count,
        per_day_minutes=settings.calls_out_day_max_minutes,
    )


def plan_options(settings: Settings, *, content_free: bool = False) -> PlanOptions:
    """Return what is added to every plan."""
    return PlanOptions(
        record=settings.recording,
        bridge_phrases=settings.bridge_phrases,
        longest_call_ms=settings.call_max_minutes * 60_000,
        actions_max_count=settings.call_actions_max_count,
        content_free=content_free,
    )
