"""The tree obeys the house rules, and each rule is able to fail."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterator
from typing import TypedDict, cast

import pytest

from tests.tidy import borders, lifetimes, limits, words
from tests.tidy.source import ROOT, Offence, Rule, Source, sources

# One worker process reads the tree for all of these.
pytestmark = pytest.mark.xdist_group("tree")

RULES: tuple[Rule, ...] = (*limits.RULES, *borders.RULES, *lifetimes.RULES, *words.RULES)


class ListedException(TypedDict):
    """One entry of ``exceptions.toml``."""

    rule: str
    where: str
    measured: int
    since: datetime.date
    reason: str


def _listed() -> list[ListedException]:
    listed = tomllib.loads((ROOT / "tests/tidy/exceptions.toml").read_text(encoding="utf-8"))
    entries = cast("list[ListedException]", listed.get("exception", []))
    assert len(entries) <= listed["count_max"], "the list of exceptions may only shrink"
    return entries


def _offences(rule: Rule) -> Iterator[Offence]:
    for source in sources():
        yield from rule(source)


def _name(rule: Rule) -> str:
    return str(getattr(rule, "__name__", rule))


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_the_tree_obeys(rule: Rule) -> None:
    """No file breaks the rule, but for what the list of exceptions holds."""
    allowed = {
        entry["where"]: entry["measured"] for entry in _listed() if entry["rule"] == _name(rule)
    }
    breaches = [
        offence for offence in _offences(rule) if offence.measured > allowed.get(offence.where, -1)
    ]
    assert not breaches, f"{rule.__doc__}\n" + "\n".join(map(str, breaches))


def test_exceptions_only_shrink() -> None:
    """Every listed exception is still needed, at exactly what it measures, with date and reason."""
    named = {entry["rule"] for entry in _listed()}
    found = {
        (offence.rule, offence.where): offence.measured
        for rule in RULES
        if _name(rule) in named
        for offence in _offences(rule)
    }
    for entry in _listed():
        measured = found.get((entry["rule"], entry["where"]))
        assert measured is not None, f"{entry['where']} obeys {entry['rule']} now: remove its entry"
        assert measured >= entry["measured"], f"{entry['where']}: lower the entry to {measured}"
        assert entry["since"] <= datetime.datetime.now(datetime.UTC).date()
        assert entry["reason"]


def test_no_import_cycle() -> None:
    """No module imports itself by way of others, counting every import."""
    assert borders.cycles(sources()) == []


def _class_of(count: int, item: str) -> str:
    body = "".join(f"    {item.format(index)}\n" for index in range(count))
    return f'class Long:\n    """Long."""\n{body}'


CALL = "src/cordboard/call/x.py"
ENGINE = "src/cordboard/engine/x.py"
TEST = "tests/test_x.py"

BAD = [
    (limits.file_lines, CALL, "x = 1\n" * 401),
    (limits.file_lines, TEST, "x = 1\n" * 601),
    (limits.function_lines, CALL, "def f():\n" + "    x = 1\n" * 50),
    (limits.class_lines, CALL, _class_of(251, "x_{} = 1")),
    (limits.public_methods, CALL, _class_of(16, "def m_{}(self): ...")),
    (limits.attributes, CALL, _class_of(11, "def _m{0}(self): self.a{0} = 1")),
    (
        limits.constructor_parameters,
        CALL,
        "class A:\n    def __init__(self, a, b, c, d, *, e, f, g, h, i): ...",
    ),
    (borders.layers, CALL, "from cordboard.media import codec"),
    (borders.layers, ENGINE, "def f():\n    import cordboard.storage.database"),
    (borders.layers, "src/cordboard/control/x.py", "from cordboard.engine import runner"),
    (borders.layers, ENGINE, "if TYPE_CHECKING:\n    from cordboard.telephony import sip"),
    (borders.forbidden, "src/cordboard/providers/x.py", "from cordboard.call import machine"),
    (
        borders.siblings,
        "src/cordboard/telephony/sip/leg.py",
        "from cordboard.telephony.loopback import Leg",
    ),
    (borders.settings_readers, ENGINE, "from cordboard.settings import Settings"),
    (borders.purity, CALL, "import asyncio"),
    (borders.purity, CALL, "def f():\n    from time import monotonic"),
    (borders.purity, CALL, "import numpy"),
    (borders.purity, "src/cordboard/media/x.py", "import scipy"),
    (borders.purity, "src/cordboard/sip/x.py", "from uuid import uuid4"),
    (borders.purity, "src/cordboard/sip/x.py", "now = datetime.now(UTC)"),
    (borders.purity, "src/cordboard/media/x.py", "noise = numpy.random.default_rng()"),
    (borders.injected, ENGINE, "import random"),
    (borders.injected, ENGINE, "from uuid import uuid4\nx = uuid4()"),
    (borders.injected, ENGINE, "now = time.monotonic()"),
    (borders.injected, "src/cordboard/storage/x.py", "at = datetime.now(UTC)"),
    (lifetimes.tasks, ENGINE, "asyncio.create_task(f())"),
    (lifetimes.tasks, ENGINE, "asyncio.get_running_loop().create_task(f())"),
    (lifetimes.tasks, ENGINE, "self._loop.create_task(f())"),
    (lifetimes.tasks, ENGINE, "asyncio.ensure_future(f())"),
    (lifetimes.queues, ENGINE, "events = asyncio.Queue()"),
    (lifetimes.broad_handlers, ENGINE, "try:\n    f()\nexcept Exception:\n    pass"),
    (lifetimes.broad_handlers, ENGINE, "try:\n    f()\nexcept (OSError, BaseException):\n    pass"),
    (lifetimes.broad_handlers, ENGINE, "try:\n    f()\nexcept:\n    pass"),
    (lifetimes.cancellation, ENGINE, "try:\n    f()\nexcept asyncio.CancelledError:\n    pass"),
    (lifetimes.cancellation, ENGINE, "with suppress(asyncio.CancelledError):\n    f()"),
    (words.vendors, ENGINE, "# as Twilio does it"),
    (words.vendors, "src/cordboard/telephony/sip/leg.py", "vonage = 1"),
    (words.names, "src/cordboard/engine/utils.py", "x = 1"),
    (words.names, ENGINE, "class Manager: ..."),
    (words.docstrings, ENGINE, '"""Module."""\ndef f(): ...'),
    (words.docstrings, ENGINE, "x = 1"),
    (words.docstrings, ENGINE, '"""Module."""\nclass A:\n    """A."""\n    def f(self): ...'),
    (words.test_docstrings, TEST, "def test_x() -> None: ..."),
    (words.skipped_tests, TEST, "@pytest.mark.skip\ndef test_x() -> None: ..."),
    (words.skipped_tests, TEST, "@pytest.mark.xfail(reason='x')\ndef test_x() -> None: ..."),
    (words.skipped_tests, TEST, "def test_x() -> None:\n    pytest.skip('later')"),
]

GOOD = [
    (limits.function_lines, CALL, 'def f():\n    """' + "Long.\n" * 60 + '"""\n    return 1'),
    (borders.layers, ENGINE, "from cordboard.call.machine import Call"),
    (borders.purity, "src/cordboard/sip/x.py", "from urllib.parse import unquote"),
    (borders.purity, ENGINE, "import asyncio"),
    (borders.injected, ENGINE, "from uuid import UUID\nx = UUID(int=1)"),
    (borders.injected, "src/cordboard/clock.py", "now = time.monotonic()"),
    (lifetimes.tasks, ENGINE, "self._group.create_task(f())"),
    (lifetimes.queues, ENGINE, "events = asyncio.Queue(maxsize=10)"),
    (lifetimes.broad_handlers, ENGINE, "try:\n    f()\nexcept BaseException:\n    raise"),
    (lifetimes.cancellation, ENGINE, "try:\n    f()\nexcept asyncio.CancelledError:\n    raise"),
    (words.vendors, "src/cordboard/telephony/twilio/leg.py", "twilio = 1"),
    (words.docstrings, ENGINE, '"""Module."""\ndef _f(): ...'),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_a_rule_can_fail(rule: Rule, path: str, text: str) -> None:
    """Each rule finds its breach in a snippet that breaks it, and says what to do instead."""
    offences = list(rule(Source.parse(path, text)))
    assert offences
    assert all(len(offence.message) > 20 and offence.rule == _name(rule) for offence in offences)


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_a_rule_can_pass(rule: Rule, path: str, text: str) -> None:
    """No rule fires at what is allowed and looks alike."""
    assert list(rule(Source.parse(path, text))) == []


def test_every_rule_is_shown_to_fail() -> None:
    """A rule without a snippet that breaks it would be a wish."""
    assert {_name(rule) for rule, _, _ in BAD} == {_name(rule) for rule in RULES}


def test_a_cycle_is_found() -> None:
    """Three modules in a ring are reported, also when one import is for type checking only."""
    ring = [
        Source.parse("src/cordboard/a.py", "from cordboard import b"),
        Source.parse("src/cordboard/b.py", "if TYPE_CHECKING:\n    from cordboard.c import X"),
        Source.parse("src/cordboard/c.py", "def f():\n    import cordboard.a"),
        Source.parse("src/cordboard/d.py", "import cordboard.a"),
    ]
    assert borders.cycles(ring) == [["cordboard.a", "cordboard.b", "cordboard.c"]]
