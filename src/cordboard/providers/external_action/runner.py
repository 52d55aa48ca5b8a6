"""Runs external actions: validates, signs, sends through the gate, and always has an outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cordboard.call.actions import ActionCall, ActionOutcome, ActionPlan
from cordboard.delivery.signing import (
    SIGNATURE_HEADER,
    NotSerialisable,
    SecretInvalid,
    serialise,
    standard_webhook_headers,
    vocode_signature,
)
from cordboard.egress import Egress, EgressError
from cordboard.providers.external_action.config import ExternalActionConfig
from cordboard.providers.external_action.outcome import (
    failure,
    outcome_of_answer,
    outcome_of_error,
)
from cordboard.providers.external_action.schema import (
    Problem,
    SchemaInvalid,
    compile_schema,
    validate_arguments,
)

TOTAL_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class MessageStamp:
    """What the timestamped signature names: an id without a dot, and the time in Unix seconds."""

    message_id: str
    timestamp: int


def build_request(
    config: ExternalActionConfig,
    call_id: str,
    arguments: Mapping[str, object],
    stamp: MessageStamp | None = None,
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of the request, signed; with ``stamp`` in both ways we sign.

    Raises:
        NotSerialisable: the arguments have no JSON form.
        SecretInvalid: the action's secret is no key.

    """
    content = {"payload": arguments, "call_id": call_id}
    body = serialise(content, config.signature_format)
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        SIGNATURE_HEADER: vocode_signature(config.signature_secret, body),
    }
    if stamp is not None:
        headers |= standard_webhook_headers(
            config.signature_secret, stamp.message_id, stamp.timestamp, body
        )
    return body, headers


async def run(
    egress: Egress,
    config: ExternalActionConfig,
    call_id: str,
    arguments: Mapping[str, object],
    *,
    stamp: MessageStamp | None = None,
    sent: Callable[[], None] = lambda: None,
    total_ms: int = TOTAL_MS,
) -> ActionOutcome:
    """Send one request and judge its answer; raises nothing but cancellation.

    Arguments are not validated here. ``sent`` is called when the request is about to leave; from
    then on it may have been carried out, whatever the outcome.
    """
    try:
        body, headers = build_request(config, call_id, arguments, stamp)
    except NotSerialisable:
        return failure("invalid_arguments")
    except SecretInvalid:
        return failure("refused")
    try:
        egress.check(config.url)
        sent()
        answer = await egress.post_json(config.url, body, headers, total_ms=total_ms)
    except EgressError as error:
        return outcome_of_error(error)
    return outcome_of_answer(answer)


class ExternalActions:
    """The engine's runner of external actions.

    ``open_secret`` turns what a plan holds as ``signature_secret`` into the secret itself, and
    raises SecretInvalid if it cannot; ``unix_seconds`` is the wall clock.
    """

    def __init__(
        self,
        egress: Egress,
        unix_seconds: Callable[[], int],
        open_secret: Callable[[ActionPlan], str],
    ) -> None:
        """Take the gate and what the signatures need."""
        self._egress = egress
        self._unix_seconds = unix_seconds
        self._open_secret = open_secret

    async def run(
        self, call_id: str, call: ActionCall, plan: ActionPlan, sent: Callable[[], None]
    ) -> ActionOutcome:
        """Run one action to its outcome; what the schema refuses is never sent."""
        if self._problems(plan, call.arguments):
            return failure("invalid_arguments")
        try:
            config = ExternalActionConfig.from_plan(plan, self._open_secret(plan))
        except SecretInvalid:
            return failure("refused")
        stamp = MessageStamp(call.action_call_id.replace(".", "-"), self._unix_seconds())
        return await run(self._egress, config, call_id, call.arguments, stamp=stamp, sent=sent)

    def problems(self, plan: ActionPlan, arguments: Mapping[str, object]) -> Sequence[str]:
        """Return what is wrong with the arguments, one sentence each; empty when nothing is."""
        return [_sentence(problem) for problem in self._problems(plan, arguments)]

    def _problems(self, plan: ActionPlan, arguments: Mapping[str, object]) -> list[Problem]:
        schema = plan.config.get("input_schema", plan.parameters)
        if not isinstance(schema, Mapping):
            return [Problem((), "the action has no schema")]
        try:
            compiled = compile_schema(schema)
        except SchemaInvalid as error:
            return [Problem((), f"the action's schema is not valid: {error}")]
        return validate_arguments(compiled, arguments)


def _sentence(problem: Problem) -> str:
    path = ".".join(map(str, problem.path))
    return f"{path}: {problem.message}" if path else problem.message
