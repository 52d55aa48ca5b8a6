"""Every setting of the server, in one list.

The fields of :class:`Settings` are the list: name, default, help, parser and secrecy stand
together, and the environment reader, the command line, ``cordboard doctor`` and
``docs/reference/settings.md`` all derive from it. A setting ``http_port`` is the variable
``CORDBOARD_HTTP_PORT`` and the option ``--http-port``.

What belongs to one call (voice, prompt, policies) is never a setting; it is in the call's plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from cordboard.settings.values import (
    Network,
    countries,
    country,
    host,
    integer,
    networks,
    one_of,
    optional,
    path,
    secret,
    some_of,
    string,
    switch,
    url,
)

Profile: TypeAlias = Literal["production", "development"]
Role: TypeAlias = Literal["api", "engine", "work"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]

PREFIX: Final = "CORDBOARD_"

FOREIGN: Final = frozenset(
    {"CORDBOARD_TORTURE", "CORDBOARD_RUN_URL", "CORDBOARD_RUN_KEY", "CORDBOARD_ORGANIZATION"}
)
"""Variables with our prefix that are no settings of the server: the tests' counts, what
``cordboard run`` tells the program that it runs, and whose rows the command line works on."""


class SettingError(ValueError):
    """A setting has a value that cannot be used; the message names variable and option."""


def _setting(
    default: str,
    parse: Callable[[str], object],
    help: str,
    *,
    development: str | None = None,
    secret: bool = False,
) -> Any:
    """Describe one setting; ``{other}`` in a default stands for an earlier setting's text."""
    facts = {"default": default, "parse": parse, "help": help, "development": development}
    return dataclasses.field(metadata={**facts, "secret": secret}, repr=not secret)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process; read once, by ``wiring``, and never changed afterwards."""

    profile: Profile = _setting(
        "production",
        one_of(get_args(Profile)),
        "`development` opens loopback targets and lets the home country be dialled; "
        "`production` refuses both until they are opened by name.",
    )
    roles: frozenset[Role] = _setting(
        "api,engine,work",
        some_of(get_args(Role)),
        "What this process does: serve the API, run calls, do durable work (events to webhooks). "
        "The first two cannot run apart yet; `work` alone may run many times on one database.",
    )
    http_host: str = _setting(
        "0.0.0.0",  # noqa: S104  (a telephony server is there to be reached)
        host,
        "Address the HTTP port listens on.",
        development="127.0.0.1",
    )
    http_port: int = _setting("8000", integer(0, 65535), "HTTP port; 0 takes a free one.")
    public_url: str = _setting(
        "http://127.0.0.1:{http_port}",
        url,
        "Address at which others reach the HTTP port, as written into links and callbacks.",
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "", networks, "Reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` count."
    )
    data_dir: Path = _setting(
        "var", path, "Directory of the database, the recordings and the master key."
    )
    database_url: str = _setting(
        "sqlite+aiosqlite:///{data_dir}/cordboard.db",
        string,
        "Address of the database: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME.",
        secret=True,
    )
    bootstrap_key: str | None = _setting(
        "",
        optional(secret),
        "API key that is accepted from the first start on, for scripted installations.",
        secret=True,
    )
    master_key: str | None = _setting(
        "",
        optional(secret),
        "Key that encrypts stored credentials, base64 of at least 32 random bytes; without it, the "
        "file `master.key` in the data directory is used, and made when the directory is empty.",
        secret=True,
    )
    sip_host: str = _setting(
        "0.0.0.0",  # noqa: S104
        host,
        "Address the SIP port listens on.",
        development="127.0.0.1",
    )
    sip_port: int = _setting("5060", integer(0, 65535), "SIP port (UDP); 0 takes a free one.")
    public_sip_address: str | None = _setting(
        "",
        optional(host),
        "Address that peers are told for SIP; without it, the one the peer is reached from.",
    )
    rtp_host: str = _setting(
        "0.0.0.0",  # noqa: S104
        host,
        "Address the sockets for sound listen on.",
        development="127.0.0.1",
    )
    public_rtp_address: str | None = _setting(
        "",
        optional(host),
        "Address that peers are told for sound; without it, the one the peer is reached from.",
    )
    rtp_port_min: int = _setting(
        "20000", integer(1024, 65534), "First port for sound; two are used for each leg."
    )
    rtp_port_max: int = _setting("29999", integer(1025, 65535), "Last port for sound.")
    call_max_minutes: int = _setting(
        "60", integer(1, 1440), "A call is ended after this many minutes."
    )
    context_wait_ms: int = _setting(
        "3000",
        integer(100, 5000),
        "How long a caller may ring while an agent's `context_endpoint` is asked; then the call "
        "goes on without.",
    )
    call_actions_max_count: int = _setting(
        "10",
        integer(1, 1000),
        "Actions that an agent may begin on one call, ending it not counted; more are refused.",
    )
    calls_max_count: int = _setting(
        "100", integer(1, 10000), "Concurrent calls; one more is answered with 503 and Retry-After."
    )
    monthly_minutes_max: int = _setting(
        "0",
        integer(0, 100_000_000),
        "Minutes that each organisation may telephone in a month (UTC) before `calls/create` and "
        "calls that come in are refused; 0 for any number.",
    )
    drain_seconds: int = _setting(
        "600",
        integer(0, 86400),
        "After SIGTERM, running calls may finish for this many seconds; then they are ended.",
        development="5",
    )
    calls_out_max_count: int = _setting(
        "10", integer(1, 10000), "Calls one organisation may have placed at a time; others wait."
    )
    calls_out_per_number_max_count: int = _setting(
        "10", integer(1, 10000), "Calls placed at a time from one number; others wait."
    )
    calls_out_per_second_max_count: int = _setting(
        "1",
        integer(1, 1000),
        "Numbers of the public network one organisation may dial in a second; others wait.",
    )
    calls_out_per_destination_max_count: int = _setting(
        "3",
        integer(1, 100_000),
        "How often one organisation may dial the same number of the public network in an hour.",
        development="60",
    )
    calls_out_day_max_minutes: int | None = _setting(
        "",
        optional(integer(1, 10_000_000)),
        "Minutes one organisation may talk on calls it placed, within 24 hours; no limit without.",
    )
    home_country: str = _setting(
        "US", country, "Country whose national number format is understood without a prefix."
    )
    dial_countries: frozenset[str] = _setting(
        "",
        countries,
        "Countries that may be dialled, as codes such as `US,DE`.",
        development="{home_country}",
    )
    open_networks: tuple[Network, ...] = _setting(
        "",
        networks,
        "Private networks that webhooks, actions and flows may reach; cloud metadata addresses "
        "stay refused always.",
        development="127.0.0.0/8,::1/128",
    )
    allow_http_targets: bool = _setting(
        "on", switch, "Whether webhooks, actions and flows may be plain `http` (with a warning)."
    )
    recording: bool = _setting("on", switch, "Whether calls are recorded, where the agent allows.")
    bridge_phrases: bool = _setting(
        "on", switch, "Whether a stored phrase is spoken when an answer is long in coming."
    )
    transcriber: str = _setting(
        "auto", string, "Provider of transcription; `auto` takes the best one installed."
    )
    language_model: str = _setting(
        "auto", string, "Provider of language; `auto` takes the best one configured."
    )
    synthesizer: str = _setting(
        "auto", string, "Provider of voice; `auto` takes the best one installed."
    )
    openai_base_url: str | None = _setting(
        "",
        optional(url),
        "Any server of OpenAI-compatible chat completions (Ollama, vLLM, llama.cpp, a cloud), such "
        "as `http://127.0.0.1:11434/v1`.",
    )
    openai_api_key: str | None = _setting(
        "", optional(string), "Its key; a server of your own may need none.", secret=True
    )
    openai_model: str = _setting(
        "gpt-4.1-mini", string, "The model that answers where an agent names none."
    )
    openai_account_base_url: str = _setting(
        "https://api.openai.com/v1",
        url,
        "The only address that gets the key of an organisation's own account of language.",
    )
    twilio_base_url: str = _setting(
        "https://api.twilio.com", url, "Address of Twilio's REST API, for accounts that are linked."
    )
    twilio_numbers: bool = _setting(
        "on",
        switch,
        "Whether a number of a Twilio account that is linked is led here by Twilio's REST API, and "
        "let go when it is given up.",
    )
    twilio_machine_detection: bool = _setting(
        "on",
        switch,
        "Whether Twilio tells machines from humans (it charges for that) on calls that hang up on "
        "machines; otherwise we do it.",
    )
    deepgram_api_key: str | None = _setting(
        "", optional(string), "Key of the Deepgram transcriber; setting it chooses it.", secret=True
    )
    deepgram_base_url: str = _setting(
        "https://api.deepgram.com", url, "Address of the Deepgram transcriber."
    )
    deepgram_model: str = _setting("nova-3", string, "Its model where a plan names none.")
    elevenlabs_api_key: str | None = _setting(
        "", optional(string), "Key of the ElevenLabs voices; setting it chooses them.", secret=True
    )
    elevenlabs_base_url: str = _setting(
        "https://api.elevenlabs.io", url, "Address of the ElevenLabs voices."
    )
    elevenlabs_account_base_url: str = _setting(
        "https://api.elevenlabs.io", url, "The only address that gets a voice's own key."
    )
    elevenlabs_voice: str = _setting(
        "21m00Tcm4TlvDq8ikWAM", string, "The voice that speaks where an agent names none of theirs."
    )
    elevenlabs_model: str = _setting("eleven_flash_v2_5", string, "The model of its voices.")
    speech_workers: int = _setting(
        "1", integer(0, 64), "Count of processes that run the embedded transcriber."
    )
    log_level: LogLevel = _setting(
        "info", one_of(get_args(LogLevel)), "Least severity that is logged."
    )

    def __post_init__(self) -> None:
        """Check what one setting alone cannot tell."""
        if self.rtp_port_max <= self.rtp_port_min:
            raise SettingError(
                "CORDBOARD_RTP_PORT_MAX (--rtp-port-max) must be above CORDBOARD_RTP_PORT_MIN"
            )

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str], overrides: Mapping[str, object] | None = None
    ) -> Settings:
        """Read all settings; ``overrides`` (attribute name to value, None for unset) win.

        Raises:
            SettingError: a value cannot be used, or an override names no setting.

        """
        given = {name: value for name, value in (overrides or {}).items() if value is not None}
        for name in given:
            if name not in _BY_NAME:
                raise SettingError(f"there is no setting named {name!r}")
        texts: dict[str, str] = {}
        values: dict[str, object] = {}
        for setting in SETTINGS:
            text = given.get(setting.name, environment.get(setting.variable))
            default = setting.default_for(texts.get("profile", "production"), texts)
            texts[setting.name] = default if text is None else str(text).strip()
            values[setting.name] = setting.read(texts[setting.name])
        return cls(**cast("dict[str, Any]", values))


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """One entry of the list: what the command line, ``doctor`` and the docs show of it."""

    name: str
    default: str
    help: str
    parse: Callable[[str], object]
    development: str | None
    secret: bool

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()

    @property
    def option(self) -> str:
        """The option of ``cordboard serve``."""
        return "--" + self.name.replace("_", "-")

    def default_for(self, profile: str, earlier: Mapping[str, str]) -> str:
        """Return the default's text under ``profile``, with earlier settings filled in."""
        chosen = self.default
        if profile == "development" and self.development is not None:
            chosen = self.development
        return chosen.format_map(earlier)

    def read(self, text: str) -> object:
        """Parse ``text``.

        Raises:
            SettingError: it cannot be used; a secret's text is not repeated.

        """
        try:
            return self.parse(text)
        except ValueError as error:
            shown = "the given value" if self.secret else repr(text)
            raise SettingError(
                f"{self.variable} ({self.option}) {error}, not {shown[:200]}"
            ) from None


SETTINGS: Final[tuple[Setting, ...]] = tuple(
    Setting(name=field.name, **field.metadata) for field in dataclasses.fields(Settings)
)
_BY_NAME: Final = {setting.name: setting for setting in SETTINGS}


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return variables that bear our prefix but name no setting: most likely misspelt."""
    known = {setting.variable for setting in SETTINGS} | FOREIGN
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def reference_page() -> str:
    """Return ``docs/reference/settings.md``, made from the list."""
    lines = [
        "# Settings",
        "",
        "Made from `src/cordboard/settings/` by `make docs`; a test compares the two. Every",
        "setting is an environment variable and an option of `cordboard serve`; the option wins.",
        "`{name}` in a default stands for another setting's value.",
        "",
    ]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "not set"
        if setting.development is not None:
            default += f"; in the development profile `{setting.development}`"
        lines += [f"## `{setting.variable}`", "", f"`{setting.option}`. {setting.help}", ""]
        lines += [f"Default: {default}." + (" Secret." if setting.secret else ""), ""]
    return "\n".join(lines).rstrip() + "\n"
