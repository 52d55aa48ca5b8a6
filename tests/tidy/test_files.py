"""What no committed file may hold: registry hosts, this machine's paths, addresses in locks."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.source import ROOT, project_files

# Put together from pieces, so that this file obeys the rule that it holds.
_HOSTS = [
    *("pypi." + "org", "python" + "hosted.org", "npmjs." + "org", "yarnpkg." + "com"),
    *("deb." + "debian.org", "archive." + "ubuntu.com", "security." + "debian.org"),
    *("proxy." + "golang.org", "crates." + "io/api", "ghcr." + "io", "docker." + "io"),
]
_HOST = re.compile("|".join(map(re.escape, _HOSTS)), re.IGNORECASE)
_MACHINE_PATH = re.compile(
    r"(?<![\w.])/(?:root|work/(?:main|shared|\.library)|home/\w+|Users/\w+)/"
)
_LOCK_ADDRESS = re.compile(r"://|^\s*-|--(?:index|extra|find|trusted)|[\w-]+\.(?:org|com|net|io)\b")


def _texts() -> list[tuple[str, str]]:
    found = []
    for name in project_files():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content[:4096]:
            found.append((name, content.decode("utf-8", errors="replace")))
    return found


def _matches(pattern: re.Pattern[str], text: str) -> list[str]:
    return [line.strip()[:120] for line in text.splitlines() if pattern.search(line)]


def test_no_registry_hosts() -> None:
    """Packages are named, never the place they come from: the user's client knows it."""
    found = [f"{name}: {line}" for name, text in _texts() for line in _matches(_HOST, text)]
    assert not found, "name the package, not the registry's host:\n" + "\n".join(found)


def test_no_paths_of_one_machine() -> None:
    """No file depends on where one developer keeps the project."""
    found = [f"{name}: {line}" for name, text in _texts() for line in _matches(_MACHINE_PATH, text)]
    assert not found, "use a path relative to the project's root:\n" + "\n".join(found)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_are_pinned_without_addresses(lock: str) -> None:
    """Each requirement is one version with hashes, and no line names an index."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    body = [line for line in text.splitlines() if not line.lstrip().startswith(("#", "--hash="))]
    assert not [line for line in body if _LOCK_ADDRESS.search(line)]
    assert not [line for line in text.splitlines() if "://" in line]
    pinned = re.findall(
        r"^([\w.-]+)==[\w.]+(?: ; [^\\]+)? \\\n +--hash=sha256:\w{64}", text, re.MULTILINE
    )
    assert len(pinned) == len([line for line in body if line.strip()])
    assert len(pinned) > 40


def test_locks_agree() -> None:
    """Developers and users run the same versions: the small lock is part of the large one."""
    small, large = (
        set(re.findall(r"^\S+==.*", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert small <= large


def _wanted(*extras: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for extra in extras for line in optional[extra])]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("requirements.lock", ("offline", "demo")),
        ("requirements-dev.lock", ("offline", "demo", "dev")),
    ],
)
def test_locks_hold_what_the_project_asks_for(lock: str, extras: tuple[str, ...]) -> None:
    """Every dependency is in the lock, in a version that the project takes."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    pins = re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    for wanted in _wanted(*extras):
        name = canonicalize_name(wanted.name)
        versions = [version for pinned, version in pins if canonicalize_name(pinned) == name]
        assert any(version in wanted.specifier for version in versions), f"{wanted}: run make lock"


def test_patterns_can_fail() -> None:
    """The patterns find what they are for."""
    assert _HOST.search("https://files.python" + "hosted.org/packages")
    assert _MACHINE_PATH.search("cd /" + "root/project")
    assert _LOCK_ADDRESS.search("--extra-index-url somewhere")
