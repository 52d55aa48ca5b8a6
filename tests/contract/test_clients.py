"""Every method of the official client, in five of its releases, works against the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.contract.clients import VERSIONS, WHOLE
from tests.contract.steps import STEPS

pytestmark = pytest.mark.xdist_group("contract")

Reports = dict[str, dict[str, Any]]

BY_NAME: Final = {step["name"]: step for step in STEPS}
# Faults of the client itself: what it does with any answer.
OWN_FAULTS: Final = {("0.0.20", "call: recording"): "reads the sound as JSON"}
# A SIP trunk is given where the protocol has a carrier's account; templates have a resource.
READ_OTHERWISE: Final = {
    ("number: link", "telephony_account_connection"),
    ("number: buy from a trunk", "telephony_account_connection"),
    ("number: buy", "telephony_provider"),
    ("number: buy", "area_code"),
    ("prompt: create with a template", "prompt_template"),
}


def outcomes(reports: Reports) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Return version, mode, step and outcome of everything that was tried."""
    for version, report in reports.items():
        for mode, steps in report["modes"].items():
            for name, outcome in steps.items():
                if outcome["outcome"] != "absent":
                    yield version, mode, name, outcome


def test_all_steps_are_answered(reports: Reports) -> None:
    """Whatever a release can say is answered, in both modes, so that the release can read it."""
    for version, mode, name, outcome in outcomes(reports):
        step = BY_NAME[name]
        wanted = step.get("refused")
        place = f"{version} {mode} {name}: {outcome}"
        if (version, name) in OWN_FAULTS:
            assert outcome["status"] is None, place
        elif wanted:
            assert outcome["outcome"] == "refused", place
            assert outcome["status"] == wanted, place
        else:
            assert outcome["outcome"] == "answered", place


def test_refusals_name_the_field(reports: Reports) -> None:
    """Bad input arrives as the release's own error for it, with the place of the problem."""
    seen = 0
    for version, mode, name, outcome in outcomes(reports):
        loc = BY_NAME[name].get("loc")
        if loc is not None:
            assert outcome["error"] == "UnprocessableEntityError", (version, mode, name)
            assert outcome["loc"] == loc, (version, mode, name)
            seen += 1
    assert seen >= 2 * 2 * len(VERSIONS)


def test_what_is_sent_is_kept(reports: Reports) -> None:
    """Every field that a request sets is in its answer, as it was sent, or masked if secret."""
    for version, mode, name, outcome in outcomes(reports):
        for field, fate in outcome.get("fates", {}).items():
            if (name, field) not in READ_OTHERWISE:
                assert fate in ("kept", "masked", "unseen"), f"{version} {mode} {name} {field}"
                assert version != VERSIONS[-1] or fate != "unseen", f"{mode} {name} {field}"


def test_answers_hold_every_field(reports: Reports) -> None:
    """What a release declares of an answer is there in every answer."""
    for version, report in reports.items():
        for model, fields in report["models"].items():
            absent = [field for field, held in fields.items() if not held]
            assert absent == [], f"{version} {model}"


@pytest.mark.parametrize("version", [version for version in WHOLE if version in VERSIONS])
def test_every_method_and_parameter(reports: Reports, version: str) -> None:
    """No method of the newest releases goes untried, nor any of their parameters."""
    report = reports[version]
    for method, parameters in report["methods"].items():
        given: set[str] = set()
        for mode, steps in report["modes"].items():
            tried = {
                name: outcome
                for name, outcome in steps.items()
                if BY_NAME[name]["method"] == method and outcome["outcome"] != "absent"
            }
            assert tried, f"{method} was not tried, {mode}"
            for name, outcome in tried.items():
                given |= set(BY_NAME[name]["with"]) - set(outcome["lost"])
        assert set(parameters) - {"request"} <= given, method


def test_nothing_is_missing_in_the_newest(reports: Reports) -> None:
    """The newest release can say everything that is tried, and the one before all but a voice."""
    newest = reports[VERSIONS[-1]]["modes"]["sync"]
    assert [name for name, found in newest.items() if found["outcome"] == "absent"] == []
