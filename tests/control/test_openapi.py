"""Our OpenAPI document holds all that the Vocode API's holds; and what it adds is listed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from cordboard.control.openapi.document import document
from tests.control import fitting
from tests.control.additions import PAGE, page
from tests.control.official import Vocode
from tests.control.openapi_cover import Cover
from tests.control.server import Server

THEIRS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vocode_api.json").read_text(encoding="utf-8")
)
OPERATIONS = [(path, method) for path, item in THEIRS["paths"].items() for method in item]


def _body(operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else content["schema"]


def _answer(operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json")
    return None if content is None else content["schema"]


def test_43_operations() -> None:
    """There are as many as the reference counts."""
    assert len(OPERATIONS) == 43


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_covers(path: str, method: str) -> None:
    """Each operation is there, with every parameter, every field of body and answer, every type and
    every word of every enumeration.
    """
    ours = document()
    theirs = THEIRS["paths"][path][method]
    mine = ours["paths"][path][method]
    cover = Cover(THEIRS, ours)
    gaps: list[str] = []
    known = {each["name"]: each for each in mine.get("parameters", [])}
    for wanted in theirs.get("parameters", []):
        found = known.get(wanted["name"])
        assert found is not None, f"{wanted['name']} is missing"
        assert found["required"] == wanted.get("required", False)
        gaps += cover.gaps(wanted["schema"], found["schema"], wanted["name"])
    for part in (_body, _answer):
        shape = part(theirs)
        if shape:
            found = part(mine)
            assert found is not None, part.__name__
            cover = Cover(THEIRS, ours, answers=part is _answer)
            gaps += cover.gaps(shape, found, part.__name__)
    assert not gaps, "\n".join(dict.fromkeys(gaps))


def test_named_as_the_clients_methods() -> None:
    """Each operation has the name of the official client's method for it."""
    client = Vocode(token="k", base_url="http://127.0.0.1:9")
    for path, method in OPERATIONS:
        name = document()["paths"][path][method]["operationId"]
        if path != "/metrics":
            resource = getattr(client, path.split("/")[2])
            assert hasattr(resource, name), name


def test_a_gap_is_found() -> None:
    """The comparison itself sees a missing field, a narrower type and a missing word."""
    theirs = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string", "enum": ["x", "y"]}},
    }
    ours = {
        "type": "object",
        "properties": {"b": {"type": "string", "enum": ["x"]}},
    }
    gaps = list(Cover({}, {}).gaps(theirs, ours, "it"))
    assert gaps == ["it.a: is missing", "it.b: lacks ['y']"]
    assert list(Cover({}, {}).gaps({"type": "string"}, {"type": "integer"}, "it"))


def test_what_is_required_is_compared() -> None:
    """More may be required of an answer, and less of what is sent; the other way round is a gap."""
    fields = {"a": {"type": "string"}}
    strict = {"type": "object", "properties": fields, "required": ["a"]}
    lenient = {"type": "object", "properties": fields}
    assert list(Cover({}, {}).gaps(strict, lenient, "it")) == []
    assert list(Cover({}, {}).gaps(lenient, strict, "it")) == ["it.a: is required"]
    assert list(Cover({}, {}, answers=True).gaps(lenient, strict, "it")) == []
    found = list(Cover({}, {}, answers=True).gaps(strict, lenient, "it"))
    assert found == ["it.a: may be missing"]


def _parameters(operation: dict[str, Any]) -> set[tuple[str, str, bool]]:
    given = operation.get("parameters", [])
    return {(each["name"], each["in"], each["required"]) for each in given}


def test_holds_all_that_is_served(server: Server) -> None:
    """The document has every route of the server and no other, each with the route's parameters."""
    ours = document()["paths"]
    served = server.app.openapi()["paths"]
    routes = {(path, method) for path, item in served.items() for method in item}
    assert {(path, method) for path, item in ours.items() for method in item} == routes
    for path, method in routes:
        told = _parameters(served[path][method])
        # Which client asks is not told: its own header is read where an old one needs it.
        told -= {("x-fern-language", "header", False)}
        assert _parameters(ours[path][method]) == told, path


def test_names_are_unique() -> None:
    """No two operations have the same name: programs that generate from the document need that."""
    operations = [each for item in document()["paths"].values() for each in item.values()]
    names = [each["operationId"] for each in operations]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere() -> None:
    """Each schema that is referred to exists, and each that exists is referred to."""
    text = json.dumps(document())
    named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert named == set(document()["components"]["schemas"])


def test_served(http: httpx.Client) -> None:
    """The server hands the document out as it is."""
    assert http.get("/openapi.json").json() == document()


def test_additions_are_listed() -> None:
    """The page of what we add is what the code adds."""
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.control.additions"


def test_a_misfit_is_found(http: httpx.Client) -> None:
    """An answer that the document has not is told by the check that every test's client makes."""
    request = http.build_request("GET", "/x/v1/sip_trunks/list")
    fitting.check(httpx.Response(429, json={"detail": "x"}, request=request))
    for status, body in ((200, {"items": []}), (422, {"detail": "x"}), (418, {})):
        with pytest.raises(AssertionError, match="sip_trunks/list"):
            fitting.check(httpx.Response(status, json=body, request=request))
