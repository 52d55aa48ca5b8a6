"""The commands that work on the database of a data directory."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cordboard.cli import flows, keys, numbers, organisations, templates, trunks
from cordboard.storage.keys import well_formed

RUNNER = CliRunner()
APPS = {
    "keys": keys.app,
    "trunks": trunks.app,
    "numbers": numbers.app,
    "organizations": organisations.app,
    "templates": templates.app,
    "flows": flows.app,
}


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the commands at an empty data directory."""
    directory = tmp_path / "var"
    monkeypatch.setenv("CORDBOARD_DATA_DIR", str(directory))
    return directory


def run(app: str, *arguments: str) -> Result:
    """Run one command."""
    return RUNNER.invoke(APPS[app], list(arguments))


def done(app: str, *arguments: str) -> str:
    """Run a command that must work and return what it printed."""
    result = run(app, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_keys() -> None:
    """A key is printed once, listed without its text, and revoked by its id."""
    owner = done("keys", "create", "boss", "--role", "owner")
    key = done("keys", "create", "laptop")
    assert well_formed(key)
    listed = done("keys", "list")
    assert key not in listed
    assert owner not in listed
    row = next(line for line in listed.splitlines() if "laptop" in line)
    assert "developer" in row
    assert key[:11] in row
    assert "Revoked" in done("keys", "revoke", row.split()[0])
    assert run("keys", "create", "--role", "king").exit_code == 1
    assert "No such" in run("keys", "revoke", "nothing").output


def test_templates(tmp_path: Path) -> None:
    """A template is made from a file, listed, shown whole, changed and deleted."""
    text = tmp_path / "text"
    text.write_text("Call ${name}.\n" + "a" * 600 + "\x1b[2J\n", encoding="utf-8")
    made = done("templates", "add", "Dentist", "--content", str(text), "--require", "name")
    assert f"{made}  Dentist  name" in done("templates", "list")
    assert done("templates", "show", made) == "Call ${name}.\n" + "a" * 600 + " [2J"
    done("templates", "update", made, "--require", "day", "--require", "name")
    assert "day,name" in done("templates", "list")
    assert "Call" in done("templates", "show", made)
    refused = run("templates", "update", made, "--require", "a b")
    assert (refused.exit_code, "required_context_keys.0" in refused.output) == (1, True)
    assert run("templates", "add", "x", "--content", str(tmp_path / "none")).exit_code == 2
    done("templates", "delete", made)
    assert "Dentist" not in done("templates", "list")


def test_organizations(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is made with its owner's key and quotas; every command works on the one that is named."""
    row_id, key = done("organizations", "create", "Beta", "--calls", "3").splitlines()
    assert well_formed(key)
    done("organizations", "update", "Beta", "--calls", "none", "--calls-per-day", "7")
    listed = done("organizations", "list").splitlines()
    assert listed[2].split() == [row_id, "Beta", "7"]
    scoped = ("--scope", "calls:read", "--scope", "numbers:write", "--role", "viewer")
    done("keys", "create", "ci", *scoped, "--organization", "Beta")
    assert "calls:read numbers:write" in done("keys", "list", "--organization", row_id)
    assert "calls:read" not in done("keys", "list")
    monkeypatch.setenv("CORDBOARD_ORGANIZATION", "Beta")
    assert key[:11] in done("keys", "list")
    assert "No organization" in run("keys", "list", "--organization", "Gamma").output
    assert "scope: must be like" in run("keys", "create", "--scope", "calls").output
    done("organizations", "create", "Beta")
    assert "2 have it" in run("keys", "list", "--organization", "Beta").output


def test_trunks_and_numbers() -> None:
    """A trunk is added and a number put on it, by name or by id, with a default agent."""
    trunk = done("trunks", "add", "pbx", "--network", "10.0.0.0/8", "--network", "::1")
    assert done("trunks", "list").count("10.0.0.0/8,::1/128") == 1
    said = done("numbers", "add", "+1 202 555 0199", "--trunk", "pbx")
    assert said.startswith("12025550199 is answered by agent ")
    agent = said.split()[-1]
    assert done("numbers", "add", "100", "--trunk", trunk, "--agent", agent).endswith(agent)
    assert done("numbers", "add", "front-desk", "--trunk", trunk, "--agent", agent)
    listed = done("numbers", "list")
    assert all(number in listed for number in ("12025550199", "100", "front-desk"))


def test_refusals_are_told() -> None:
    """What is wrong is told by the option's name, and the status is 1."""
    assert "networks.0: " in run("trunks", "add", "x", "--network", "nonsense").output
    assert "networks: A trunk needs" in run("trunks", "add", "x").output
    assert "password: " in run("trunks", "add", "x", "--user", "u").output
    assert run("trunks", "add", "x", "--user", "u", "--password", "secret-words").exit_code == 0
    assert "secret-words" not in done("trunks", "list")
    assert "no trunk named" in run("numbers", "add", "100", "--trunk", "y").output
    assert "no agent named" in run("numbers", "add", "1", "--trunk", "x", "--agent", "z").output
    assert done("numbers", "add", "100", "--trunk", "x")
    assert "linked already" in run("numbers", "add", "100", "--trunk", "x").output


def test_flows() -> None:
    """A flow is added, shown with its token masked, put on a number by name, and kept for it."""
    done("trunks", "add", "pbx", "--network", "10.0.0.0/8")
    flow = done("flows", "add", "desk", "wss://app.example/x", "--token", "secret-words")
    assert "websocket" in done("flows", "list")
    shown = done("flows", "show", "desk")
    assert flow in shown
    assert "secret-words" not in shown
    said = done("numbers", "add", "100", "--trunk", "pbx", "--flow", "desk")
    assert said == f"100 is answered by flow {flow}"
    assert flow in done("numbers", "list")
    assert "1 numbers lead to this flow" in run("flows", "delete", flow).output
    assert "no `target`" in run("flows", "call", "desk", "+12025550155").output
    done("trunks", "add", "out", "--target", "sip:192.0.2.1", "--allow-any")
    assert done("flows", "add", "calls", "https://app.example/y")
    assert done("numbers", "add", "102", "--trunk", "out", "--flow", "calls")
    said = done("flows", "call", "calls", "+12025550155")
    assert said.startswith("12025550155 is called: cordboard calls show ")
    assert "no flow named" in run("numbers", "add", "101", "--trunk", "pbx", "--flow", "x").output
    assert "url: " in run("flows", "add", "bad", "ftp://app.example").output
    assert done("flows", "add", "other", "https://app.example/x")
    assert done("flows", "delete", "other") == "Deleted flow other"


def test_a_lost_master_key_is_told(data_dir: Path) -> None:
    """With data but without its master key nothing is done."""
    done("keys", "create")
    (data_dir / "master.key").unlink()
    result = run("keys", "list")
    assert result.exit_code == 1
    assert "master key" in result.output


def test_apps_on_this_machine() -> None:
    """The command line stores an address that only some servers reach, and says so; one that none
    may reach it refuses.
    """
    told = run("flows", "add", "local", "http://127.0.0.1:9000/")
    assert told.exit_code == 0, told.output
    assert "CORDBOARD_OPEN_NETWORKS" in told.output
    refused = run("flows", "add", "cloud", "http://169.254.169.254/")
    assert refused.exit_code == 1
    assert "url: its address may never be reached" in refused.output
