"""What is asked about deliveries."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from cordboard.control.fields import Fields

State = Literal["waiting", "delivered", "failed"]


class Replay(Fields):
    """Which deliveries to send once more: one by ``id``, or those that arose in a range.

    Of a range only the failed ones are meant, unless ``state`` says otherwise.
    """

    id: UUID | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    webhook: UUID | None = None
    state: Literal["delivered", "failed"] = "failed"
