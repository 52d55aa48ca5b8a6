"""Who may ask: keys from the Authorization header, roles, and a limit on guessing."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Request

from cordboard.control.errors import Forbidden, TooManyAttempts, Unauthorised
from cordboard.control.keys.queries import access_by_hash, touch_key
from cordboard.control.organisations.quotas import RequestRates
from cordboard.control.scopes import READ, WRITE, check_scope, noun_of, stored_scopes
from cordboard.control.services import ControlServices
from cordboard.control.unit import Caller
from cordboard.storage.keys import OWNER_ROLES, WRITER_ROLES, key_hash
from cordboard.storage.tables import ApiKey, Organisation

FAILURES_MAX: Final = 20
WINDOW_MS: Final = 60_000
ADDRESSES_MAX: Final = 10_000
TOUCH_EVERY: Final = timedelta(seconds=60)

_BEARER: Final = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_VERSION: Final = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})")


class FailedAttempts:
    """Counts failed attempts by address: more than 20 in a minute close the door for a while.

    A key that worked from the same address before still opens it, so that nobody who shares the
    address with others is locked out by them. At most 10,000 addresses are remembered, the ones
    seen longest ago are forgotten first.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, deque[int]] = OrderedDict()
        self._proven: OrderedDict[tuple[str, str], None] = OrderedDict()

    def check(self, address: str, hashed: str | None, now_ms: int) -> None:
        """Raise ``TooManyAttempts`` when this attempt may not even be looked at."""
        times = self._failures.get(address)
        if not times or (hashed and (address, hashed) in self._proven):
            return
        while times and now_ms - times[0] >= WINDOW_MS:
            times.popleft()
        if len(times) >= FAILURES_MAX:
            raise TooManyAttempts(max(1, (WINDOW_MS - (now_ms - times[0]) + 999) // 1000))

    def failed(self, address: str, now_ms: int) -> None:
        """Remember a failed attempt."""
        times = self._failures.setdefault(address, deque(maxlen=FAILURES_MAX))
        times.append(now_ms)
        self._failures.move_to_end(address)
        if len(self._failures) > ADDRESSES_MAX:
            self._failures.popitem(last=False)

    def succeeded(self, address: str, hashed: str) -> None:
        """Remember that a key worked from an address."""
        self._proven[address, hashed] = None
        self._proven.move_to_end((address, hashed))
        if len(self._proven) > ADDRESSES_MAX:
            self._proven.popitem(last=False)


def bearer_key(header: str | None) -> str | None:
    """Return the key of an Authorization header, or None where it holds none."""
    found = _BEARER.fullmatch(header.strip()) if header else None
    return found.group(1) if found else None


def client_version(header: str | None) -> tuple[int, ...] | None:
    """Return the version of the official client, or None where it is not told."""
    found = _VERSION.match(header) if header else None
    return tuple(int(part) for part in found.groups()) if found else None


async def reader(request: Request) -> Caller:
    """Return who asks; any key that is in force, and has the scope to read, will do.

    Raises:
        Unauthorised: there is no such key.
        TooManyAttempts: the address has tried too many.
        QuotaUsedUp: the organisation has sent too many requests.
        Forbidden: the key's scopes lead elsewhere.

    """
    services: ControlServices = request.app.state.services
    attempts: FailedAttempts = request.app.state.attempts
    address = request.client.host if request.client else ""
    key = bearer_key(request.headers.get("authorization"))
    hashed = key_hash(services.key_secret, key) if key else None
    attempts.check(address, hashed, services.clock.now_ms())
    found = await _access(services, hashed)
    if found is None or hashed is None:
        attempts.failed(address, services.clock.now_ms())
        raise Unauthorised
    attempts.succeeded(address, hashed)
    row, organisation = found
    rates: RequestRates = request.app.state.rates
    most = organisation.requests_per_minute_max_count
    rates.count(organisation.id, most, services.clock.now_ms())
    return _caller(services, row, request)


def _caller(services: ControlServices, row: ApiKey, request: Request) -> Caller:
    version = client_version(request.headers.get("x-fern-sdk-version"))
    noun = noun_of(request.scope["path"])
    scopes = stored_scopes(row.scopes)
    check_scope(scopes, noun, READ)
    return Caller(services, row.organisation_id, row.id, row.role, version, scopes, noun)


async def _access(
    services: ControlServices, hashed: str | None
) -> tuple[ApiKey, Organisation] | None:
    # A missing key is looked up like any other, so that time does not tell them apart.
    async with services.database.read() as session:
        found = await access_by_hash(session, hashed or "")
    if found is None:
        return None
    row = found[0]
    now = services.clock.wall()
    if row.last_used_at is None or now - row.last_used_at >= TOUCH_EVERY:
        async with services.database.write() as session:
            await touch_key(session, row.id, now)
    return found


async def writer(caller: Annotated[Caller, Depends(reader)]) -> Caller:
    """Return who asks, if the key may change things."""
    if caller.role not in WRITER_ROLES:
        raise Forbidden("This API key may only read")
    check_scope(caller.scopes, caller.noun, WRITE)
    return caller


async def owner(caller: Annotated[Caller, Depends(reader)]) -> Caller:
    """Return who asks, if the key may manage keys.

    A key with scopes may not, unless it has ``keys:write``: it could make itself one without.
    """
    if caller.role not in OWNER_ROLES:
        raise Forbidden("Only an owner's API key may do this")
    check_scope(caller.scopes, caller.noun, WRITE)
    return caller


async def operator(caller: Annotated[Caller, Depends(reader)]) -> Caller:
    """Return who asks, if the key may manage organisations."""
    if caller.role != "operator":
        raise Forbidden("Only an operator's API key may do this")
    check_scope(caller.scopes, caller.noun, WRITE)
    return caller


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
Owner = Annotated[Caller, Depends(owner)]
Operator = Annotated[Caller, Depends(operator)]
