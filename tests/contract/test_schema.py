"""Schemathesis against our own document: no 5xx, no answer that the document does not allow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis import Case, Response
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation.stateful import run_state_machine_as_test

from cordboard.control.openapi.document import document
from tests.contract.prepared import prepare
from tests.control.server import Server, running
from tests.counts import count

pytestmark = [pytest.mark.xdist_group("contract"), pytest.mark.timeout(count(120, 3600))]

# Left out: input is read leniently on purpose (texts as numbers, unknown fields), and what fits the
# document may be refused for what it says (an address that policy forbids, an id of nothing).
# Requests without a key are soon answered by 429, as guessing is.
OTHERWISE: Final = ("negative_data_rejection", "positive_data_acceptance", "ignored_auth")

# A stream lasts for minutes; and who may revoke any key soon has none left.
NOT_TRIED: Final = ("/x/v1/flows/{flow_id}/events", "/x/v1/keys/revoke")

SETTINGS: Final = settings(
    max_examples=30,
    stateful_step_count=10,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

load_all_checks()
CHECKED: Final[list[Any]] = [check for check in CHECKS.get_all() if check.__name__ not in OTHERWISE]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Return a server of its own: after wrong keys it takes no new ones from this address."""
    with running(tmp_path) as started:
        yield started


def test_schemathesis(server: Server) -> None:
    """Random requests, and such as use what came before, are answered as the document says."""
    key = prepare(server, 90)["key"]
    schema = schemathesis.openapi.from_dict(document()).exclude(path=list(NOT_TRIED))
    schema.config.update(base_url=server.base_url)
    tried = 0
    failures: list[Exception] = []

    class Machine(schema.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            return {"headers": {"Authorization": f"Bearer {key}"}, "timeout": 30}

        def validate_response(self, response: Response, case: Case[Any], **_more: Any) -> None:
            nonlocal tried
            tried += 1
            try:
                case.validate_response(response, checks=CHECKED)
            except Exception as error:
                failures.append(error)
                raise

    # The server remembers what the search has done, so a search may find that what it repeats goes
    # otherwise, and gives up; then another one begins.
    while tried < count(200, 20_000):
        with suppress(FlakyStrategyDefinition):
            run_state_machine_as_test(Machine, settings=SETTINGS)
        assert not failures, failures[0]
