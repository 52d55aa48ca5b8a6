"""Rules of SIP trunks."""

from __future__ import annotations

from typing import Final

from cordboard.control.errors import Conflict, Invalid, Place, Problem, collecting, raise_any
from cordboard.control.fields import Json, dumped, given, validated
from cordboard.control.masking import seal
from cordboard.control.requests import PageQuery
from cordboard.control.rows import find, page_of
from cordboard.control.sip_trunks.queries import (
    COLUMNS,
    numbers_count,
    trunk_by_name,
    user_is_taken,
)
from cordboard.control.sip_trunks.schemas import SECRETS, TrunkFields, TrunkName
from cordboard.control.targets import check_sip_target
from cordboard.control.unit import Unit
from cordboard.storage.tables import SipTrunk
from cordboard.storage.trunk_rows import BY_OPERATOR

NOUN: Final = "SIP trunk"
PLACE: Final[Place] = ("body",)


class SipTrunks:
    """Trunks; passwords are kept encrypted and shown masked."""

    async def get(self, unit: Unit, row_id: str) -> Json:
        """Return one."""
        return show(await find(unit, SipTrunk, row_id, NOUN))

    async def list(self, unit: Unit, page: PageQuery) -> Json:
        """Return a page."""
        rows, total = await page_of(unit, SipTrunk, page, COLUMNS)
        return page.envelope([show(row) for row in rows], total)

    async def create(self, unit: Unit, body: Json) -> Json:
        """Make one."""
        row = SipTrunk(
            id=unit.services.randomness.uuid(),
            organisation_id=unit.organisation_id,
            created_at=unit.services.clock.wall(),
            name="",
            fields={},
            secrets={},
        )
        await _set(unit, row, body, body)
        unit.session.add(row)
        unit.afterwards.append(unit.services.trunks_changed)
        return show(row)

    async def update(self, unit: Unit, row_id: str, body: Json) -> Json:
        """Change what the body gives."""
        row = await find(unit, SipTrunk, row_id, NOUN)
        new = given(body)
        await _set(unit, row, {"name": row.name, **row.fields, **new}, new)
        unit.afterwards.append(unit.services.trunks_changed)
        return show(row)

    async def delete(self, unit: Unit, row_id: str) -> Json:
        """Take one away; a trunk that numbers are reached through stays."""
        row = await find(unit, SipTrunk, row_id, NOUN)
        if count := await numbers_count(unit, row.id):
            raise Conflict(f"{count} numbers are reached through this trunk")
        await unit.session.delete(row)
        unit.afterwards.append(unit.services.trunks_changed)
        return show(row)


SIP_TRUNKS: Final = SipTrunks()


async def _set(unit: Unit, row: SipTrunk, value: Json, new: Json) -> None:
    problems: list[Problem] = []
    with collecting(problems):
        name = validated(TrunkName, value, PLACE).name
        other = await trunk_by_name(unit, name)
        if other is not None and other.id != row.id:
            raise Invalid.at((*PLACE, "name"), "There is a trunk of this name already")
        row.name = name
    with collecting(problems):
        fields = validated(TrunkFields, value, PLACE)
        _check(fields)
        # A digest user names its trunk to the whole server: it cannot lead to two of them.
        if fields.user and await user_is_taken(unit, fields.user, row.id):
            raise Invalid.at((*PLACE, "user"), "This user name is taken, choose another one")
        by_operator = _by_operator(unit, row, fields, new)
        if fields.target:
            check_sip_target(unit, fields.target, by_operator, (*PLACE, "target"))
        seal(unit, row, {**dumped(fields), BY_OPERATOR: by_operator}, SECRETS, PLACE)
    raise_any(problems)


def _by_operator(unit: Unit, row: SipTrunk, fields: TrunkFields, new: Json) -> bool:
    """Tell whether where the trunk leads is an operator's word, who may send it inside.

    It stays his as long as others leave it as it is.
    """
    before = bool(row.fields.get(BY_OPERATOR))
    if unit.role == "operator":
        return before or "target" in new or "networks" in new
    kept = (fields.target, fields.networks) == (
        row.fields.get("target"),
        row.fields.get("networks"),
    )
    return before and kept


def _check(fields: TrunkFields) -> None:
    if not (fields.networks or fields.user or fields.target):
        raise Invalid.at(
            (*PLACE, "networks"), "A trunk needs networks or a user to be called from, or a target"
        )
    if (fields.user is None) != (fields.password is None):
        raise Invalid.at((*PLACE, "password"), "user and password must be set together")
    if (fields.register_user is None) != (fields.register_password is None):
        raise Invalid.at(
            (*PLACE, "register_password"), "register_user and register_password belong together"
        )
    if fields.register_at_peer and not (fields.target and fields.register_user):
        raise Invalid.at((*PLACE, "register"), "To register takes a target and a register_user")


def show(row: SipTrunk) -> Json:
    """Return a trunk as the API shows it."""
    return {
        "id": row.id,
        "user_id": row.organisation_id,
        "name": row.name,
        **row.fields,
        "created_at": row.created_at.isoformat(),
    }
