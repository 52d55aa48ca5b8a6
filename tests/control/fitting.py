"""Every answer that a test of the API gets is held to the server's own description."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from cordboard.control.openapi.document import document

_JSON = "application/json"


def check(answer: httpx.Response) -> None:
    """Fail where an operation of the document answers in a form that the document has not."""
    path = _path_of(answer.request.url.path.rstrip("/"))
    operation = document()["paths"].get(path, {}).get(answer.request.method.lower())
    if operation is None or not answer.headers.get("content-type", "").startswith(_JSON):
        return
    status = str(answer.status_code)
    known = operation["responses"].get(status)
    if known is None:
        # Any request can come too late, or find something broken.
        assert status in ("405", "408", "500"), f"{path}: answers {status}"
        return
    answer.read()
    method = answer.request.method.lower()
    problems = [
        f"{'.'.join(map(str, problem.instance_path))}: {problem.message}"
        for problem in _validator(path, method, status).iter_errors(answer.json())
    ]
    assert not problems, (path, problems)


@cache
def _validator(path: str, method: str, status: str) -> jsonschema_rs.Draft202012Validator:
    described = document()
    content = described["paths"][path][method]["responses"][status]["content"]
    schema = {**content[_JSON]["schema"], "components": described["components"]}
    return jsonschema_rs.Draft202012Validator(_closed(schema))


def _closed(schema: Any) -> Any:
    """Return a schema whose objects have no field that it does not name."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


@cache
def _path_of(path: str) -> str:
    if path in document()["paths"]:
        return path
    for known in document()["paths"]:
        if "{" in known and re.fullmatch(re.sub(r"{\w+}", "[^/]+", known), path):
            return str(known)
    return path
