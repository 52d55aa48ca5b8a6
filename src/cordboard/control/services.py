"""What the API is handed when it is put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cordboard.control.errors import BadRequest
from cordboard.control.totals import Totals
from cordboard.dial_policy import DialRules
from cordboard.ports import Clock, Randomness
from cordboard.storage.database import Database
from cordboard.storage.plans import PlanOptions
from cordboard.storage.vault import Vault


class CallCommands(Protocol):
    """How the API reaches a running call."""

    async def end_call(self, call_id: str) -> bool:
        """Ask the owner of the call to end it; False when nobody runs it."""
        ...


class Sound(Protocol):
    """A recording to be read from; ``tag`` is another one for each."""

    @property
    def size_bytes(self) -> int:
        """How long it is."""
        ...

    @property
    def tag(self) -> str:
        """What tells it from others."""
        ...

    def read(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes from ``start`` on. Blocks; raises ``OSError``."""
        ...


class Recordings(Protocol):
    """How the API reads recordings."""

    async def open_mp3(self, call_id: str) -> Sound | None:
        """Return the recording as MP3, or None when there is none."""
        ...


class ConfigProblem(Protocol):
    """Something wrong with an action's config; ``place`` leads to it from the config."""

    @property
    def place(self) -> Sequence[str | int]:
        """Return the keys that lead to the problem."""
        ...

    @property
    def message(self) -> str:
        """Return what is wrong."""
        ...


ExternalActionCheck = Callable[
    [Mapping[str, object]], tuple[Sequence[ConfigProblem], Sequence[str]]
]


def _plainly(content_free: bool) -> PlanOptions:
    return PlanOptions(content_free=content_free)


def _nobody() -> None:
    pass


def _nothing_counted() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class BoughtNumber:
    """A number that an account has bought; ``number`` has its ``+``."""

    number: str
    carrier_sid: str


class NumberMarket(Protocol):
    """How the API buys numbers at carriers."""

    async def buy(
        self, organisation_id: str, connection_id: str, purchase_id: str, area_code: str
    ) -> BoughtNumber:
        """Buy a number that bears ``purchase_id`` at the carrier; at most once for each of them.

        Raises:
            PurchaseUnknown: the carrier may have sold one all the same; it is looked after.
            ControlError: nothing was bought, and why.

        """
        ...


class _NoMarket:
    async def buy(
        self, organisation_id: str, connection_id: str, purchase_id: str, area_code: str
    ) -> BoughtNumber:
        raise BadRequest("telephony_account_connection: no carrier is reached from here")


async def _nobody_waits() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlServices:
    """Everything the API needs from outside.

    ``key_secret`` is what keys are hashed with: ``MasterKey.derive("api-keys")``.
    ``check_target`` raises ``egress.TargetRefused``; so does ``check_sip_target``, which is told
    besides whether an operator gave the target.
    ``check_external_action`` returns problems and warnings of an external action's config.
    ``plan_options`` (content-free or not) are for calls that are asked for here; ``call_wanted``
    tells engines that one was; ``numbers_changed`` tells that accounts are to be asked something of
    numbers, which ``number_market`` buys; ``trunks_changed`` returns when those of this process go
    by the trunks there are now. ``monthly_minutes_max`` is what each organisation may
    telephone, 0 for any
    amount; ``metrics`` returns the body of ``GET /metrics``. ``ready`` returns None, or why the
    server should get no requests now.
    """

    database: Database
    vault: Vault = field(repr=False)
    clock: Clock
    randomness: Randomness
    key_secret: bytes = field(repr=False)
    check_target: Callable[[str], None]
    check_sip_target: Callable[[str, bool], None]
    check_external_action: ExternalActionCheck
    call_commands: CallCommands
    recordings: Recordings
    ready: Callable[[], Awaitable[str | None]]
    home_country: str = "US"
    dial_rules: DialRules = field(default_factory=DialRules)
    plan_options: Callable[[bool], PlanOptions] = _plainly
    call_wanted: Callable[[], None] = _nobody
    trunks_changed: Callable[[], Awaitable[None]] = _nobody_waits
    numbers_changed: Callable[[], None] = _nobody
    number_market: NumberMarket = field(default_factory=_NoMarket)
    body_max_bytes: int = 500_000
    monthly_minutes_max: int = 0
    metrics: Callable[[], str] = _nothing_counted
    totals: Totals = field(default_factory=Totals)
