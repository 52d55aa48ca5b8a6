"""Resources that refer to no other: prompts, voices, actions and the like.

They differ in their schemas and in what is checked and kept secret, and in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cordboard.control.errors import Invalid, Place
from cordboard.control.fields import Fields, Json, as_uuid, dumped, given, mapping, validated
from cordboard.control.masking import Path, seal
from cordboard.control.requests import PageQuery
from cordboard.control.rows import Columns, find, page_of
from cordboard.control.unit import Unit
from cordboard.storage.agent_rows import api_resource
from cordboard.storage.tables import ResourceRow

R = TypeVar("R", bound=ResourceRow)

Rework = Callable[[Unit, Json, Place], Json]
CarryOver = Callable[[Json, Json], Json]
Show = Callable[[Unit, R], Json]


def _as_it_is(_unit: Unit, fields: Json, _place: Place) -> Json:
    return fields


def _nothing_to_keep(_old: Json, new: Json) -> Json:
    return new


def _plainly(_unit: Unit, row: ResourceRow) -> Json:
    return api_resource(row)


@dataclass(frozen=True, kw_only=True)
class Resource(Generic[R]):
    """One noun's rules.

    ``models`` are its schemas by ``type``; a noun without types has one, under its own name.
    ``infer`` guesses the type of input that lost it. ``secrets`` are the paths of secrets by type.
    ``keep_empty`` are fields whose empty object is a value. ``rework`` checks and completes fields
    that fit the schema, ``carry_over`` adds to an update what it need not repeat.
    """

    noun: str
    table: type[R]
    models: Mapping[str, type[Fields]]
    columns: Columns
    infer: Callable[[Json], str | None] = field(default=lambda _value: None)
    secrets: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    keep_empty: frozenset[str] = frozenset()
    rework: Rework = _as_it_is
    carry_over: CarryOver = _nothing_to_keep
    show: Show[R] = _plainly

    async def get(self, unit: Unit, row_id: str) -> Json:
        """Return one, whole."""
        return self.show(unit, await find(unit, self.table, row_id, self.noun))

    async def list(self, unit: Unit, page: PageQuery) -> Json:
        """Return a page of them."""
        rows, total = await page_of(unit, self.table, page, self.columns)
        return page.envelope([self.show(unit, row) for row in rows], total)

    async def create(self, unit: Unit, body: Json) -> Json:
        """Make one and return it."""
        return self.show(unit, self.add(unit, body, ("body",)))

    async def update(self, unit: Unit, row_id: str, body: Json) -> Json:
        """Change what the body gives and return the whole."""
        row = await find(unit, self.table, row_id, self.noun)
        await self.amend(unit, row, body, ("body",))
        return self.show(unit, row)

    def add(self, unit: Unit, value: object, place: Place) -> R:
        """Make a row from input at ``place``, which may be inline in something else's."""
        new = mapping(value, place)
        kind = self.kind_of(new, None, place)
        fields = dumped(validated(self.models[kind], new, place))
        row = self.table(
            id=unit.services.randomness.uuid(),
            organisation_id=unit.organisation_id,
            created_at=unit.services.clock.wall(),
            type=kind,
            fields={},
            secrets={},
        )
        fields = self.rework(unit, fields, place)
        seal(unit, row, fields, self.secrets.get(kind, ()), place)
        unit.session.add(row)
        return row

    def change(self, unit: Unit, row: R, value: object, place: Place) -> None:
        """Change a row by input at ``place``; of another type, everything required is required."""
        new = given(mapping(value, place), self.keep_empty)
        kind = self.kind_of(new, row.type, place)
        old = row.fields if kind == row.type else {}
        merged = {**old, **self.carry_over(old, new)}
        fields = dumped(validated(self.models[kind], merged, place))
        fields = self.rework(unit, fields, place)
        if kind == row.type and fields == row.fields:
            unit.notices.append("nothing was changed")
            return
        if kind != row.type:
            row.type, row.secrets = kind, {}
        seal(unit, row, fields, self.secrets.get(kind, ()), place)

    async def amend(self, unit: Unit, row: R, value: object, place: Place) -> None:
        """Change a row as :meth:`change` does, having looked up what the input names."""
        self.change(unit, row, value, place)

    async def resolve(self, unit: Unit, value: object, place: Place) -> R:
        """Return the row that an id names, or one made from an inline object."""
        if isinstance(value, str):
            if as_uuid(value) is None:
                raise Invalid.at(place, "Input should be an id (UUID) or an object", "uuid_parsing")
            return await find(unit, self.table, value, self.noun, ".".join(map(str, place)))
        row = self.add(unit, value, place)
        await unit.session.flush()  # it has to be there before somebody refers to it
        return row

    def kind_of(self, value: Json, current: str | None, place: Place) -> str:
        """Return the type that input has, was meant to have, or keeps."""
        if len(self.models) == 1 and self.noun in self.models:
            return self.noun
        kind = value.get("type")
        if kind in (None, {}):
            kind = self.infer(value) or current
        if not isinstance(kind, str) or kind not in self.models:
            known = ", ".join(self.models)
            message = (
                f"Field required: one of {known}" if kind is None else f"must be one of {known}"
            )
            raise Invalid.at((*place, "type"), message, "union_tag_invalid")
        return kind
