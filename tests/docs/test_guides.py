"""Examples in the guides do what the text around them says."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import httpx
from vocode.client import Vocode

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


def _requests(page: str, marker: str, answers: Mapping[str, object]) -> dict[str, Any]:
    """Run an example with the official client, answered from ``answers`` by path; return bodies."""
    (code,) = [block for block in blocks(page, "python") if marker in block]
    sent: dict[str, Any] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        sent[path] = json.loads(request.content)
        known = [content for start, content in answers.items() if path.startswith(start)]
        return httpx.Response(200 if known else 404, json=known[0] if known else None)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    offline = code.replace("from vocode.client import Vocode", "")
    names = {"Vocode": functools.partial(Vocode, httpx_client=http)}
    exec(compile(offline, "example", "exec"), names)  # noqa: S102  (our own page)
    return sent


def test_the_action_of_the_guide_is_sent() -> None:
    """The official client sends the guide's action as the API has it."""
    row = {"id": "a", "user_id": "u", "type": "action_external", "config": {}}
    config = {"name": "n", "description": "d", "url": "u", "input_schema": {}}
    switches = {"speak_on_send": True, "speak_on_receive": True, "signature_secret": "s"}
    answer = {**row, "config": {**config, **switches}}
    sent = _requests(GUIDE, "ExternalActionParams", {"/v1/actions/create": answer})
    (body,) = sent.values()
    assert body["type"] == "action_external"
    assert body["config"]["input_schema"]["properties"]["time"]["pattern"] == r"^\d{2}:\d0[ap]m$"


def test_the_ten_lines_of_the_readme_work() -> None:
    """The official client makes an agent and binds it to a number, in at most ten lines."""
    readme = pages()["README.md"]
    owned = {"id": "x", "user_id": "u"}
    voice = {**owned, "type": "voice_vocode", "voice_id": "joe"}
    agent = {**owned, "actions": [], "prompt": {**owned, "content": "c"}, "voice": voice}
    answers = {"/v1/agents/create": agent, "/v1/numbers/update": {**owned, "number": "1"}}
    sent = _requests(readme, "create_agent", answers)
    assert sent["/v1/numbers/update?phone_number=12025550100"] == {"inbound_agent": "x"}
    (code,) = blocks(readme, "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
