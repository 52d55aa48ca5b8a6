"""What the documentation says is true of the tree."""

from __future__ import annotations

import re

import pytest

from cordboard.settings import FOREIGN, SETTINGS, reference_page
from tests.docs.page import anchors, blocks, links, pages
from tests.tidy.source import ROOT, sources

# One worker process reads the tree for all of these.
pytestmark = pytest.mark.xdist_group("tree")

PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_links_resolve(name: str) -> None:
    """Every link into the project leads to a file, and to a heading of it."""
    for target in links(PAGES[name]):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / name).parent / file if file else ROOT / name
        assert path.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), f"{target}: no heading"


@pytest.mark.parametrize("name", PAGES)
def test_python_blocks_compile(name: str) -> None:
    """Every Python example is Python."""
    for block in blocks(PAGES[name], "python", "py"):
        compile(block, name, "exec")


@pytest.mark.parametrize("name", PAGES)
def test_make_targets_exist(name: str) -> None:
    """Every ``make`` command that a page shows is a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE))
    shown = re.findall(r"^make ([a-z][\w-]*)", "\n".join(blocks(PAGES[name], "sh")), re.MULTILINE)
    inline = re.findall(r"`make ([a-z][\w-]*)[^`]*`", PAGES[name])
    assert set(shown) | set(inline) <= targets


def test_the_makefile_lists_its_targets() -> None:
    """The six targets that everybody relies on are there and described."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert {"demo", "run", "check", "test", "torture", "bench"} <= described
    assert ".DEFAULT_GOAL := help" in makefile


def test_settings_page_is_current() -> None:
    """The settings page is what ``make docs`` writes."""
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    assert page == reference_page(), "run: make docs"


def test_every_setting_is_documented() -> None:
    """Each setting has its variable, its option and a help text on the page."""
    page = PAGES["docs/reference/settings.md"]
    for setting in SETTINGS:
        assert f"## `{setting.variable}`" in page
        assert f"`{setting.option}`" in page
        assert len(setting.help) > 10
        assert setting.help.endswith(".")


def test_only_known_settings_are_mentioned() -> None:
    """No page and no message of the server speaks of a setting that does not exist."""
    known = {setting.variable for setting in SETTINGS} | FOREIGN
    texts = {source.path: source.text for source in sources() if source.in_package}
    for name, text in {**PAGES, **texts}.items():
        assert set(re.findall(r"CORDBOARD_[A-Z][A-Z_]+", text)) <= known, name


def test_decisions_have_four_parts() -> None:
    """Each decision says context, decision, consequences and alternatives, and is listed."""
    listed = set(links(PAGES["docs/decisions/README.md"]))
    for name, text in PAGES.items():
        if not re.fullmatch(r"docs/decisions/\d{4}-.*\.md", name):
            continue
        parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences", "Alternatives"], name
        assert name.rpartition("/")[2] in listed, (
            f"{name} is not listed in docs/decisions/README.md"
        )
        assert len(text.splitlines()) <= 60, f"{name}: a decision is one page"


def test_the_architecture_names_every_part() -> None:
    """Each package and module right below ``src/cordboard/`` has its place in ARCHITECTURE.md."""
    page = PAGES["ARCHITECTURE.md"]
    parts = {source.path.split("/")[2] for source in sources() if source.in_package}
    named = {part if part.endswith(".py") else f"{part}/" for part in parts if part[0] != "_"}
    missing = {name for name in named if f"`{name}" not in page}
    assert not missing, f"ARCHITECTURE.md does not say what these are for: {sorted(missing)}"


def test_the_licence_is_whole() -> None:
    """The licence is the full text of Apache-2.0."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
