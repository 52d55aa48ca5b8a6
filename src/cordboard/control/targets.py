"""Judging the addresses that tenants want us to reach."""

from __future__ import annotations

from cordboard.control.errors import Invalid, Place
from cordboard.control.unit import Unit
from cordboard.egress import TargetRefused, warnings_for


def check_target(unit: Unit, url: str, place: Place) -> None:
    """Judge a URL when it is stored; what is doubtful about it goes into the answer's header.

    Raises:
        Invalid: policy refuses it; the text names the setting that would allow it.

    """
    try:
        unit.services.check_target(url)
    except TargetRefused as refused:
        hint = f" (the operator may allow it with {refused.setting})" if refused.setting else ""
        raise Invalid.at(place, f"{refused.reason}{hint}", "target_refused") from None
    unit.notices.extend(f"{place[-1]}: {warning}" for warning in warnings_for(url))
