"""Runs a line of ECMAScript over many texts, to compare with what receivers do."""

from __future__ import annotations

import json
import shutil
import subprocess

_SCRIPT = """
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answer = (text) => { try { return WORK(text); } catch { return null; } };
process.stdout.write(JSON.stringify(texts.map(answer)));
"""


def run_node(work: str, texts: list[str]) -> list[str | None]:
    """Apply the function expression ``work`` to each text; None where it throws."""
    node = shutil.which("node")
    assert node, "node is missing: install the package nodejs, as `make test` does"
    script = _SCRIPT.replace("WORK", f"({work})")
    sent = json.dumps(texts).encode()
    done = subprocess.run([node, "-e", script], input=sent, capture_output=True, check=True)
    answers: list[str | None] = json.loads(done.stdout)
    return answers


def restringify(texts: list[str]) -> list[str | None]:
    """Parse and serialise each text as ECMAScript does."""
    return run_node("(text) => JSON.stringify(JSON.parse(text))", texts)
