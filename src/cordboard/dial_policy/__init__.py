"""The one decision whether a number may be dialled."""

from __future__ import annotations

from cordboard.dial_policy.decision import (
    ORDINARY_CLASSES,
    Allowed,
    DialRequest,
    DialRules,
    NumberClass,
    Refused,
    TrunkDialing,
    decide,
)
from cordboard.dial_policy.limits import CONCURRENT, RATE, DialGauge, DialLimits
from cordboard.dial_policy.spelling import NumberMalformed, normalise_number

__all__ = [
    "CONCURRENT",
    "ORDINARY_CLASSES",
    "RATE",
    "Allowed",
    "DialGauge",
    "DialLimits",
    "DialRequest",
    "DialRules",
    "NumberClass",
    "NumberMalformed",
    "Refused",
    "TrunkDialing",
    "decide",
    "normalise_number",
]
