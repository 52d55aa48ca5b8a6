"""The page of compatibility says what the clients met today."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.clients import ROOT, VERSIONS
from tests.contract.page import PAGES, path_of, render

pytestmark = pytest.mark.xdist_group("contract")


def first_cells(page: str) -> list[str]:
    """Return what a page says without its columns of versions."""
    return [line.split(" | ")[0] if line.startswith("|") else line for line in page.splitlines()]


def test_the_page_is_up_to_date(reports: dict[str, dict[str, Any]]) -> None:
    """``docs/compatibility.md`` is what the clients' reports render to; ``make docs`` writes it."""
    written = (ROOT / "docs" / "compatibility.md").read_text()
    rendered = render(reports)
    if all(version in VERSIONS for version in ("0.0.41", "0.0.46")):
        assert rendered == written, "make docs"
    else:  # some releases do not run on this Python
        assert set(first_cells(rendered)) <= set(first_cells(written)), "make docs"


def test_every_operation_is_there(reports: dict[str, dict[str, Any]]) -> None:
    """All 43 operations of the schema have a row, also the one that no client has a method for."""
    paths = json.loads((ROOT / "tests" / "control" / "vocode_api.json").read_text())["paths"]
    wanted = {f"`{method.upper()} {path}`" for path, item in paths.items() for method in item}
    rows = {cell.removeprefix("| ") for cell in first_cells(render(reports))}
    assert len(wanted) == 43
    assert wanted <= rows


def test_what_runs_the_pages_exists() -> None:
    """Each form of each page names a file of tests that is there."""
    assert {page for page, *_ in PAGES if page} >= {"External Actions", "Using actions"}
    for *_, test in PAGES:
        assert (ROOT / test).is_file(), test


def test_paths() -> None:
    """A method's operation is told from its name."""
    assert path_of("agents.get_agent") == "GET /v1/agents"
    assert path_of("numbers.buy_number") == "POST /v1/numbers/buy"
    assert path_of("vector_databases.list_vector_databases") == "GET /v1/vector_databases/list"
    pool = "account_connections.add_to_steering_pool"
    assert path_of(pool) == "POST /v1/account_connections/add_to_steering_pool"
