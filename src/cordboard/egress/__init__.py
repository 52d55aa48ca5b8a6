"""Connections to targets that tenants chose: judged by one policy, made by one gate."""

from __future__ import annotations

from cordboard.egress.addresses import ANYWHERE, permitted_text, sound_permitted
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
from cordboard.egress.targets import (
    OPEN_NETWORKS_SETTING,
    EgressPolicy,
    check_host,
    check_url,
    warnings_for,
)
from cordboard.egress.web_socket import EgressSocket

__all__ = [
    "ANYWHERE",
    "BODY_BYTES_MAX",
    "OPEN_NETWORKS_SETTING",
    "BadAnswer",
    "Egress",
    "EgressAnswer",
    "EgressError",
    "EgressPolicy",
    "EgressSocket",
    "NameResolver",
    "SystemResolver",
    "TargetRefused",
    "TimedOut",
    "TooLarge",
    "Unreachable",
    "check_host",
    "check_url",
    "permitted_text",
    "sound_permitted",
    "warnings_for",
]
