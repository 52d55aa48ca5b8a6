"""Connections to targets that tenants chose: judged by one policy, made by one gate."""

from __future__ import annotations

from cordboard.egress.errors import (
    BadAnswer,
    EgressError,
    TargetRefused,
    TimedOut,
    TooLarge,
    Unreachable,
)
from cordboard.egress.gate import (
    BODY_BYTES_MAX,
    Egress,
    EgressAnswer,
    NameResolver,
    SystemResolver,
)
from cordboard.egress.targets import EgressPolicy, check_url, warnings_for

__all__ = [
    "BODY_BYTES_MAX",
    "BadAnswer",
    "Egress",
    "EgressAnswer",
    "EgressError",
    "EgressPolicy",
    "NameResolver",
    "SystemResolver",
    "TargetRefused",
    "TimedOut",
    "TooLarge",
    "Unreachable",
    "check_url",
    "warnings_for",
]
