"""Rules of webhooks. They are stored here; sending events to them is delivery's business."""

from __future__ import annotations

from typing import Final

from cordboard.control.errors import Place
from cordboard.control.fields import Json
from cordboard.control.resources import Resource
from cordboard.control.targets import check_target
from cordboard.control.unit import Unit
from cordboard.control.webhooks.queries import COLUMNS
from cordboard.control.webhooks.schemas import WebhookFields
from cordboard.storage.tables import Webhook


def _rework(unit: Unit, fields: Json, place: Place) -> Json:
    check_target(unit, fields["url"], (*place, "url"))
    return fields


WEBHOOKS: Final = Resource(
    noun="webhook",
    table=Webhook,
    models={"webhook": WebhookFields},
    columns=COLUMNS,
    rework=_rework,
)
