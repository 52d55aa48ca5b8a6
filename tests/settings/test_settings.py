"""The list of settings, and everything that is read from it."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.settings import SETTINGS, SettingError, Settings, unknown_variables


def test_names_others_rely_on() -> None:
    """The variables, options and defaults that the issue names stay as they are."""
    known = {setting.variable: (setting.option, setting.default) for setting in SETTINGS}
    assert known["CORDBOARD_HTTP_PORT"] == ("--http-port", "8000")
    assert known["CORDBOARD_SIP_PORT"] == ("--sip-port", "5060")
    assert known["CORDBOARD_DATA_DIR"] == ("--data-dir", "var")
    assert {"CORDBOARD_DATABASE_URL", "CORDBOARD_BOOTSTRAP_KEY"} <= known.keys()
    assert {"CORDBOARD_MASTER_KEY", "CORDBOARD_PUBLIC_URL"} <= known.keys()


def test_defaults_need_nothing() -> None:
    """An empty environment is the production profile, with every private target closed."""
    settings = Settings.from_environment({})
    assert settings.profile == "production"
    assert settings.roles == {"api", "engine", "work"}
    assert settings.data_dir == Path("var")
    assert settings.open_networks == ()
    assert settings.dial_countries == frozenset()


def test_development_opens_loopback_and_home() -> None:
    """The development profile opens loopback and the home country, unless told otherwise."""
    settings = Settings.from_environment(
        {"CORDBOARD_PROFILE": "development", "CORDBOARD_HOME_COUNTRY": "de"}
    )
    assert ipaddress.ip_network("127.0.0.0/8") in settings.open_networks
    assert settings.dial_countries == {"DE"}
    closed = Settings.from_environment(
        {"CORDBOARD_PROFILE": "development", "CORDBOARD_OPEN_NETWORKS": ""}
    )
    assert closed.open_networks == ()


def test_a_default_may_follow_another_setting() -> None:
    """The database lies in the data directory, wherever that is put."""
    settings = Settings.from_environment({"CORDBOARD_DATA_DIR": "/srv/board"})
    assert settings.database_url == "sqlite+aiosqlite:////srv/board/cordboard.db"
    assert Settings.from_environment({"CORDBOARD_HTTP_PORT": "81"}).public_url.endswith(":81")


def test_braces_in_a_given_value_are_kept() -> None:
    """Only defaults are templates; what an operator writes is taken as it stands."""
    settings = Settings.from_environment({"CORDBOARD_DATA_DIR": "/srv/{odd}"})
    assert settings.data_dir == Path("/srv/{odd}")


def test_options_win_over_the_environment() -> None:
    """What stands on the command line beats the environment; None stands for not given."""
    environment = {"CORDBOARD_HTTP_PORT": "1", "CORDBOARD_SIP_PORT": "2"}
    settings = Settings.from_environment(environment, {"http_port": 9, "sip_port": None})
    assert (settings.http_port, settings.sip_port) == (9, 2)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("http_port", "65536"),
        ("http_port", "８０"),
        ("http_port", ""),
        ("roles", "api,cook"),
        ("roles", ","),
        ("profile", "test"),
        ("public_url", "ftp://example.test"),
        ("public_url", "http://example.test:port"),
        ("public_url", "http://[::1"),
        ("open_networks", "10.0.0.1/8"),
        ("home_country", "USA"),
        ("rtp_port_max", "1024"),
        ("recording", "maybe"),
        ("sip_host", "300.1.1.1"),
        ("sip_host", "a b"),
        ("data_dir", ""),
        ("log_level", "loud"),
    ],
)
def test_a_bad_value_is_named(name: str, text: str) -> None:
    """One clear error names the variable and the option."""
    with pytest.raises(SettingError, match=rf"CORDBOARD_{name.upper()} \(--"):
        Settings.from_environment({f"CORDBOARD_{name.upper()}": text})


def test_secrets_show_nowhere() -> None:
    """A secret is neither in the repr nor in the error about it."""
    settings = Settings.from_environment({"CORDBOARD_MASTER_KEY": "correct-horse-battery"})
    assert "correct-horse" not in repr(settings)
    with pytest.raises(SettingError) as caught:
        Settings.from_environment({"CORDBOARD_BOOTSTRAP_KEY": "tooshort"})
    assert "tooshort" not in str(caught.value)


def test_an_unknown_override_is_an_error() -> None:
    """An override that names no setting is refused, not ignored."""
    with pytest.raises(SettingError, match="no setting named 'http_prot'"):
        Settings.from_environment({}, {"http_prot": 1})


def test_misspelt_variables_are_found() -> None:
    """A variable with our prefix that names no setting is reported to ``doctor``."""
    found = unknown_variables({"CORDBOARD_HTP_PORT": "1", "CORDBOARD_TORTURE": "1", "PATH": ""})
    assert found == ["CORDBOARD_HTP_PORT"]


@given(st.sampled_from(SETTINGS), st.text(max_size=40))
def test_any_text_is_read_or_refused(setting: object, text: str) -> None:
    """Nothing but SettingError escapes, whatever the environment holds."""
    name = str(getattr(setting, "variable", ""))
    try:
        Settings.from_environment({name: text})
    except SettingError as error:
        assert name in str(error) or "RTP_PORT" in str(error)  # noqa: PT017
