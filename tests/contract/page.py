"""The page ``docs/compatibility.md``, made of what the releases of the client report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from tests.contract.snippets import SNIPPETS
from tests.contract.steps import STEPS

Reports = Mapping[str, Mapping[str, Any]]

METHODS: Final = {step["name"]: str(step["method"]) for step in STEPS}
REFUSED: Final = {step["name"] for step in STEPS if "refused" in step}
NONE: Final = "–"
INTRODUCTION: Final = """\
# What works with which client

Written by `make docs` from what five releases of the official Python client `vocode-api` did
against this server, with its plain and its asynchronous class; `make test` tries all of it again.
The Node client's requests are tried byte by byte (`tests/contract/test_node.py`).

In the columns: **yes**: it works; **–**: that release has no such thing; a number: the status that
the server answers for now; **its own fault**: that release fails on what every server answers
(0.0.20 reads a recording as JSON). The server is told the release by its `X-Fern-SDK-Version`
header and answers older ones in the forms they can read: a voice they do not know is shown as an
Azure one, a call or number over SIP as one of Vonage.
"""
NO_METHOD: Final = {
    "GET /metrics": "no method has it; for Prometheus, `tests/control/test_measures.py`",
}
"""Operations of the schema that no release has a method for."""

FIELDS_SENT: Final = """\
**kept**: the answer shows what was sent; **masked**: a secret, of which the answer shows the end;
**taken**: it has its effect, and that release's answer has no field for it.
"""
FIELDS_SHOWN: Final = """\
**yes**: every answer held the field (it may be null).
"""
PAGES_INTRODUCTION: Final = """\
Every snippet of the four pages that this server was built after, in each form that they print:
"""
PAGES: Final = (
    ("External Actions", "Python", "below", "tests/contract/test_snippets.py"),
    ("", "JSON Schema, as printed", "", "tests/control/test_seeds.py"),
    (
        "",
        "request, signature check, response",
        "[External actions](guides/external-actions.md)",
        "tests/docs/test_guides.py",
    ),
    ("Using actions", "Python", "below", "tests/contract/test_snippets.py"),
    ("", "TypeScript, as bytes", "", "tests/contract/test_node.py"),
    ("", "cURL, as bytes", "", "tests/control/test_seeds.py"),
    ("Create Call", "Python", "below", "tests/contract/test_snippets.py"),
    ("", "cURL, as bytes", "", "tests/control/test_seeds.py"),
    ("", "the answer's fields", "above", "tests/control/test_openapi.py"),
    (
        "Action Types (AI Flow)",
        "HTTP, WebSocket, the three patterns, word for word",
        "[AI Flow](ai-flow.md)",
        "tests/e2e/flows/test_seed_page.py",
    ),
)
"""Each page with its forms, where they stand in the documentation, and what runs them."""

SNIPPETS_INTRODUCTION: Final = """\
Each is the present-day form of a snippet of the hosted service's pages: Python for client 0.0.48,
run as it stands by `tests/contract/test_snippets.py`. `vocode_client` is
`Vocode(token="<API KEY>", base_url="<your server>")`, the client's classes come from `vocode`.
"""


def render(reports: Reports) -> str:
    """Return the page."""
    versions = list(reports)
    parts = [
        INTRODUCTION,
        "## Operations\n",
        table(["operation", "method"], versions, _operations(reports)),
        "## Fields that are sent\n",
        FIELDS_SENT,
        table(["request", "field"], versions, _sent(reports)),
        "## Fields that are answered\n",
        FIELDS_SHOWN,
        table(["object", "field"], versions, _shown(reports)),
        "## The snippets of the pages\n",
        PAGES_INTRODUCTION,
        table(["page", "form", "where", "run by"], [], _pages()),
        SNIPPETS_INTRODUCTION,
        *(f"### {title}\n\n```python\n{code.strip()}\n```\n" for title, code in SNIPPETS.items()),
    ]
    return "\n".join(parts)


def table(names: Sequence[str], versions: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    head = [*names, *versions]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def path_of(method: str) -> str:
    """Return the operation that a method of the client stands for."""
    resource, name = method.split(".")
    if name == "get_recording":
        return "GET /v1/calls/recording"
    verb, _, _rest = name.partition("_")
    if name.endswith("steering_pool"):
        return f"POST /v1/{resource}/{name}"
    if verb == "get":
        return f"GET /v1/{resource}"
    return f"{'GET' if verb == 'list' else 'POST'} /v1/{resource}/{verb}"


def _operations(reports: Reports) -> list[list[str]]:
    rows = []
    for method in dict.fromkeys(METHODS.values()):
        cells = [_worked(report, method) for report in reports.values()]
        rows.append([f"`{path_of(method)}`", f"`{method}`", *cells])
    nowhere = [NONE] * len(reports)
    rows += [[f"`{operation}`", why, *nowhere] for operation, why in NO_METHOD.items()]
    return sorted(rows, key=lambda row: row[0].split("/", 1)[1])


def _pages() -> list[list[str]]:
    return [[page, form, where, f"`{test}`"] for page, form, where, test in PAGES]


def _worked(report: Mapping[str, Any], method: str) -> str:
    found = [
        outcome
        for steps in report["modes"].values()
        for name, outcome in steps.items()
        if METHODS[name] == method and name not in REFUSED and outcome["outcome"] != "absent"
    ]
    if not found:
        return NONE
    bad = {str(item["status"] or "its own fault") for item in found if "error" in item}
    return ", ".join(sorted(bad)) or "yes"


def _rows(
    reports: Reports, cell_of: Callable[[Any], dict[tuple[str, str], str]]
) -> list[list[str]]:
    columns = [cell_of(report) for report in reports.values()]
    keys = dict.fromkeys(key for column in reversed(columns) for key in column)
    ordered = sorted(keys, key=lambda key: key[0])
    return [
        [f"`{first}`", f"`{second}`", *(column.get((first, second), NONE) for column in columns)]
        for first, second in ordered
    ]


def _sent(reports: Reports) -> list[list[str]]:
    def cells(report: Mapping[str, Any]) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for name, outcome in report["modes"]["sync"].items():
            kind, _, doing = name.partition(": ")
            verb = doing.split(",")[0].split(" ")[0]
            if verb in ("create", "update", "link") and doing == verb:
                for field, fate in outcome.get("fates", {}).items():
                    shown = "kept" if fate in ("kept", "masked") else "taken"
                    found[f"{kind} {verb}", field] = "masked" if fate == "masked" else shown
        return found

    return _rows(reports, cells)


def _shown(reports: Reports) -> list[list[str]]:
    def cells(report: Mapping[str, Any]) -> dict[tuple[str, str], str]:
        return {
            (model, field): "yes" if held else "absent"
            for model, fields in report["models"].items()
            for field, held in fields.items()
        }

    return _rows(reports, cells)
