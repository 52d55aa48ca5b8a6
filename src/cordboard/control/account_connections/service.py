"""Rules of account connections."""

from __future__ import annotations

from typing import Final

from cordboard.control.account_connections.queries import COLUMNS
from cordboard.control.account_connections.schemas import MODELS, SECRETS, infer
from cordboard.control.resources import Resource
from cordboard.storage.tables import AccountConnection

ACCOUNT_CONNECTIONS: Final = Resource(
    noun="account connection",
    table=AccountConnection,
    models=MODELS,
    columns=COLUMNS,
    infer=infer,
    secrets=SECRETS,
)
