"""Words: vendors stay in their folders, names say what a thing is, everything is described."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.tidy.source import Offence, Source

VENDORS = (
    *("twilio", "vonage", "nexmo", "telnyx", "plivo", "signalwire", "sipgate"),
    *("deepgram", "assemblyai", "gladia", "speechmatics", "whisper", "pocketsphinx"),
    *("eleven_labs", "elevenlabs", "cartesia", "playht", "play_ht", "rime", "espeak", "piper"),
    *("openai", "anthropic", "groq", "mistral", "ollama", "gemini"),
    *("silero", "webrtcvad", "sherpa", "pinecone"),
)
# In any case as a word of its own, or as a part of a CamelCase name.
_VENDOR = re.compile(
    rf"(?<![A-Za-z])(?i:{'|'.join(VENDORS)})|(?:{'|'.join(map(str.capitalize, VENDORS))})"
)

# Names of fields and kinds that the API prescribes; its rows and schemas must bear them.
_API_NAMES = re.compile(
    r"openai_(account_connection(_id)?|model_name_override)|deepgram_keywords|account_connection_(openai|twilio|vonage)"
    r"|voice_(azure|cartesia|eleven_labs|play_ht|rime)|vector_database_pinecone"
)
_API_LAYERS = ("control", "storage")

# The API's own enumerations are translated here and nowhere else; wiring registers by name.
_MAY_NAME_VENDORS = re.compile(
    r"src/cordboard/(settings/__init__|flowapp/actions|flow_apps/voices|wiring(/\w+)?|control/(\w+/)*(schemas|compatibility)\w*)\.py"
)

BANNED_NAMES = frozenset(
    {
        *("manager", "helper", "helpers", "util", "utils", "base", "session", "context", "data"),
        *("common", "misc", "core_utils", "stuff", "handler"),
    }
)


def vendors(source: Source) -> Iterator[Offence]:
    """A carrier's or vendor's name stands only in its own folder or module."""
    if not source.in_package or _MAY_NAME_VENDORS.fullmatch(source.path):
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        plain = _API_NAMES.sub("", line) if source.layer in _API_LAYERS else line
        for found in _VENDOR.findall(plain):
            if not _is_home(source.path, found.lower()):
                advice = f"{found!r} outside its folder: name the kind of thing, or move it there"
                yield Offence("vendors", source.path, number, advice)


def _is_home(path: str, vendor: str) -> bool:
    parts = PurePosixPath(path).with_suffix("").parts
    return any(vendor in part for part in parts) and parts[2] in ("telephony", "providers")


def names(source: Source) -> Iterator[Offence]:
    """Modules and classes are nouns that say what they are."""
    if not source.in_package:
        return
    advice = "says nothing: name what it holds (docs/glossary.md has the words)"
    for part in PurePosixPath(source.path).with_suffix("").parts[2:]:
        if part in BANNED_NAMES:
            yield source.offence("names", None, f"module {part!r} {advice}")
    for name, node in source.definitions:
        if node.name.strip("_").lower() in BANNED_NAMES and isinstance(node, ast.ClassDef):
            yield source.offence("names", node, f"class {name!r} {advice}", name)


def docstrings(source: Source) -> Iterator[Offence]:
    """Every public thing of the package says what a caller must know."""
    if not source.in_package:
        return
    if ast.get_docstring(source.tree) is None and source.tree.body:
        yield source.offence("docstrings", None, "the module says nothing about itself")
    functions = {name for name, node in source.definitions if not isinstance(node, ast.ClassDef)}
    for name, node in source.definitions:
        if _is_private(name, functions) or _is_exempt(node) or ast.get_docstring(node):
            continue
        advice = "no docstring: say in one sentence what its caller must know"
        yield source.offence("docstrings", node, advice, name)


def _is_private(name: str, functions: set[str]) -> bool:
    parts = name.split(".")
    inside = any(".".join(parts[:count]) in functions for count in range(1, len(parts)))
    return inside or any(part.startswith("_") for part in parts)


def _is_exempt(node: ast.AST) -> bool:
    marks = {ast.unparse(mark) for mark in getattr(node, "decorator_list", [])}
    return any(mark.endswith(("overload", "override", ".setter", ".deleter")) for mark in marks)


def test_docstrings(source: Source) -> Iterator[Offence]:
    """Every test states the rule it holds in one sentence."""
    if not source.path.startswith("tests/"):
        return
    for name, node in source.definitions:
        if node.name.startswith("test_") and PurePosixPath(source.path).name.startswith("test_"):
            first = (ast.get_docstring(node) or "").partition("\n")[0]
            if not first:
                yield source.offence("test_docstrings", node, "state the rule in a docstring", name)


def skipped_tests(source: Source) -> Iterator[Offence]:
    """No test is skipped or expected to fail."""
    words = ("skip", "skipif", "xfail", "importorskip", "skipTest", "skipUnless")
    for node in source.nodes:
        if not isinstance(node, ast.Attribute) or node.attr not in words:
            continue
        if ast.unparse(node).startswith(("pytest.", "unittest.", "self.skipTest")):
            advice = "mend it or delete it: a test that does not run proves nothing"
            yield source.offence("skipped_tests", node, f"{node.attr}: {advice}")


RULES = (vendors, names, docstrings, test_docstrings, skipped_tests)
