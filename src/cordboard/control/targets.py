"""Judging the addresses that tenants want us to reach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cordboard.control.errors import Invalid, Place
from cordboard.control.unit import Unit
from cordboard.egress import TargetRefused, warnings_for


def check_target(unit: Unit, url: str, place: Place) -> None:
    """Judge a URL when it is stored; what is doubtful about it goes into the answer's header.

    Raises:
        Invalid: policy refuses it; the text names the setting that would allow it.

    """
    with _refusals_at(place):
        unit.services.check_target(url)
    unit.notices.extend(f"{place[-1]}: {warning}" for warning in warnings_for(url))


def check_sip_target(unit: Unit, uri: str, by_operator: bool, place: Place) -> None:
    """Judge a SIP URI when it is stored. Raises ``Invalid``."""
    with _refusals_at(place):
        unit.services.check_sip_target(uri, by_operator)


@contextmanager
def _refusals_at(place: Place) -> Iterator[None]:
    try:
        yield
    except TargetRefused as refused:
        hint = f" (the operator may allow it with {refused.setting})" if refused.setting else ""
        raise Invalid.at(place, f"{refused.reason}{hint}", "target_refused") from None
