"""Examples in the guides do what the text around them says."""

from __future__ import annotations

import json
from typing import Any

from cordboard.delivery.signing import SignatureFormat, new_secret, serialise, vocode_signature
from cordboard.egress import EgressAnswer
from cordboard.ids import Randomness
from cordboard.providers.external_action.outcome import outcome_of_answer
from tests.docs.page import blocks, pages

GUIDE = pages()["docs/guides/external-actions.md"]


def _verifier() -> Any:
    (code,) = [block for block in blocks(GUIDE, "python") if "def is_genuine" in block]
    names: dict[str, Any] = {}
    exec(compile(code, "external-actions.md", "exec"), names)  # noqa: S102  (our own page)
    return names["is_genuine"]


def test_the_verifier_of_the_guide_verifies() -> None:
    """The receiver's code accepts what we sign, in both forms, and nothing else."""
    is_genuine = _verifier()
    request, _ = (json.loads(block) for block in blocks(GUIDE, "json"))
    secret = new_secret(Randomness.seeded(1).random_bytes)
    forms: tuple[SignatureFormat, ...] = ("python", "compact")
    for form in forms:
        body = serialise(request, form)
        signature = vocode_signature(secret, body)
        assert is_genuine(secret, signature, body)
        assert not is_genuine(secret, signature, body + b" ")
        assert not is_genuine(new_secret(Randomness.seeded(2).random_bytes), signature, body)


def test_the_answer_of_the_guide_is_a_success() -> None:
    """The answer that the guide shows is taken, with its result and its message."""
    _, answer = blocks(GUIDE, "json")
    outcome = outcome_of_answer(EgressAnswer(200, {}, answer.encode()))
    assert outcome.result == {"table": 7}
    assert outcome.agent_message == "You have table seven at half past seven."


def test_the_action_of_the_guide_is_one() -> None:
    """The official client's types take the action that the guide creates."""
    (code,) = [block for block in blocks(GUIDE, "python") if "ExternalActionParams" in block]
    sent: list[Any] = []

    class Recorder:
        """Stands for the client, and keeps what would be sent."""

        def __init__(self, **_: object) -> None:
            self.actions = self

        def create_action(self, request: Any) -> None:
            sent.append(request)

    replaced = code.replace("from vocode.client import Vocode", "")
    exec(compile(replaced, "external-actions.md", "exec"), {"Vocode": Recorder})  # noqa: S102
    assert sent[0].type == "action_external"
    assert sent[0].config.input_schema["required"] == ["guests", "time"]
