"""Secrets in resources: encrypted in the database, masked in answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cordboard.control.errors import Invalid, Place
from cordboard.control.fields import Json
from cordboard.control.unit import Unit
from cordboard.storage.secrets import secret_place
from cordboard.storage.tables import ResourceRow, SipTrunk
from cordboard.storage.vault import is_masked, mask

Path = tuple[str, ...]


def seal(
    unit: Unit, row: ResourceRow | SipTrunk, fields: Json, paths: Sequence[Path], place: Place
) -> None:
    """Store ``fields`` in ``row`` with the secrets at ``paths`` encrypted and masked.

    A mask that is written back leaves the secret as it is.

    Raises:
        Invalid: a mask was given where there is no such secret.

    """
    shown = fields
    secrets: Json = {}
    for path in paths:
        text = value_at(shown, path)
        name = ".".join(path)
        if text is None:
            continue
        if is_masked(text):
            if name not in row.secrets or text != value_at(row.fields, path):
                raise Invalid.at((*place, *path), "is the mask of a secret, not a secret")
            secrets[name] = row.secrets[name]
            continue
        secrets[name] = unit.services.vault.seal(text, secret_place(row, path))
        shown = with_value(shown, path, mask(text))
    row.fields = shown
    row.secrets = secrets


def value_at(fields: Json, path: Path) -> str | None:
    """Return the text at ``path``, or None."""
    value: Any = fields
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def with_value(fields: Json, path: Path, value: str) -> Json:
    """Return ``fields`` with another value at ``path``; what was given stays as it is."""
    first, *rest = path
    if rest:
        return {**fields, first: with_value(fields[first], tuple(rest), value)}
    return {**fields, first: value}
