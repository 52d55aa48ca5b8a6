"""Why a request to a tenant's target came to nothing: one small tree, rooted in EgressError."""

from __future__ import annotations


class EgressError(Exception):
    """A request to a tenant's target failed; the text never holds an address that was found."""

    code = "egress_failed"


class TargetRefused(EgressError):
    """The target may not be reached by policy; trying again changes nothing.

    ``field`` names what the tenant gave (``url``), ``reason`` says what is wrong with it, and
    ``setting`` is the variable by which the operator may allow it, or None where nobody may.
    """

    code = "ssrf_blocked"

    def __init__(self, field: str, reason: str, setting: str | None = None) -> None:
        """Keep the three facts apart, so that each face can tell them in its own way."""
        hint = f" (the operator may allow it with {setting})" if setting else ""
        super().__init__(f"{field}: {reason}{hint}")
        self.field = field
        self.reason = reason
        self.setting = setting


class Unreachable(EgressError):
    """No connection came about: unknown name, nobody there, or TLS that could not be verified."""

    code = "unreachable"


class TimedOut(EgressError):
    """The whole exchange was not finished by its deadline, however busily the answer dripped."""

    code = "timed_out"


class TooLarge(EgressError):
    """The answer of a success is larger, once decoded, than the caller wants to hold."""

    code = "too_large"


class BadAnswer(EgressError):
    """The request went out, but what came back is no complete and usable HTTP answer."""

    code = "bad_answer"
