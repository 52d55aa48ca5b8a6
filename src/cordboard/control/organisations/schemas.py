"""What a request about organisations holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cordboard.control.fields import Fields

Limit = Annotated[int, Field(ge=0, le=2**31 - 1)] | None


class Quotas(Fields):
    """What an organisation may use; null is no limit."""

    calls_max_count: Limit = None
    calls_per_day_max_count: Limit = None
    requests_per_minute_max_count: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class OrganisationParams(Fields):
    """An organisation."""

    name: str = Field(min_length=1, max_length=200)
    quotas: Quotas = Quotas()
