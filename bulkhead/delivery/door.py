"""What lets a deployment through the login of a stage that is not public (STG-8), and through its maintenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bulkhead.clients.visits import ServiceToken
from bulkhead.model.access import KEY_ID, KEY_SECRET
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import StageSettings
from bulkhead.operations.maintenance.site import PASS_HEADER

PASS: Final = "BULKHEAD_MAINTENANCE_PASS"  # noqa: S105 - the name of a variable


def key_of(settings: StageSettings, environ: Mapping[str, str]) -> ServiceToken | None:
    """Return the service token of a closed stage, by the names that its GitHub environment hands it on with; None for a
    public one. Raises Refused where it is missing: every probe would be answered by the login."""
    if settings.access.public:
        return None
    missing = [name for name in (KEY_ID, KEY_SECRET) if not environ.get(name)]
    if missing:
        message = f"is not set, and {settings.environment} is closed: its login would answer every probe"
        shown = f"pulumi -C identities -s {settings.environment} stack output access --show-secrets"
        raise Refused("The stage was not asked.", [Fault(name, message, f"export it; {shown}") for name in missing])
    return ServiceToken(environ[KEY_ID], environ[KEY_SECRET])


def pass_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the header that lets a deployment through a maintenance, none where nobody has given it the pass."""
    pass_ = environ.get(PASS)
    return {PASS_HEADER: pass_} if pass_ else {}
