"""The Worker that answers during maintenance: what it is told, and its upload.

The program does not declare it. It is uploaded whenever maintenance begins, with that maintenance's own words, so that
an older program, or a stack that is locked, cannot stand in the way; and it goes when maintenance is over.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from bulkhead.model.naming import Kind
from bulkhead.model.observability import observability
from bulkhead.model.product import HEALTH, MAINTENANCE_WORKER, Product
from bulkhead.model.settings import StageSettings
from bulkhead.operations.maintenance.parts import Stage
from jobs.local_time import shown

PASS_HEADER: Final = "X-Maintenance-Pass"  # noqa: S105 - the name of a header
DOOR: Final = "/__maintenance"
"""Where a person types the pass."""
SIGN: Final = "x-maintenance"
"""The header that is in every answer of the Worker's own."""
_SOURCE: Final = Path(__file__).with_name("worker.js")
_MODULE: Final = "worker.js"
_DATE: Final = "2026-07-01"


def worker_of(settings: StageSettings, product: Product) -> str:
    """Return the name of the stage's Worker for maintenance."""
    return settings.label(product.name).name(Kind.WORKER, MAINTENANCE_WORKER)


def upload(stage: Stage, until: datetime, message: str, pass_: str) -> None:
    """Upload the Worker, over what was there of an earlier maintenance, for whoever knows the pass."""
    metadata = {
        "main_module": _MODULE,
        "compatibility_date": _DATE,
        "bindings": [
            {"type": "plain_text", "name": name, "text": text}
            for name, text in _told(stage.settings, until, message, pass_).items()
        ],
        "tags": stage.settings.label(stage.product.name).worker_tags(),
        "observability": observability(stage.settings),
    }
    files: Any = [
        ("metadata", (None, json.dumps(metadata).encode(), "application/json")),
        (_MODULE, (_MODULE, _SOURCE.read_bytes(), "application/javascript+module")),
    ]
    stage.api.put(f"{stage.account}/workers/scripts/{stage.worker}", files=files)


def remove(stage: Stage) -> None:
    """Delete the Worker, if there is one: nothing leads to it any more."""
    script = f"{stage.account}/workers/scripts/{stage.worker}"
    if stage.api.get(f"{script}/settings") is not None:
        stage.api.delete(script)


def _told(settings: StageSettings, until: datetime, message: str, pass_: str) -> dict[str, str]:
    return {
        "ENVIRONMENT": settings.environment,
        "HEALTH": HEALTH,
        "MESSAGE": message,
        "PASS_SHA256": hashlib.sha256(pass_.encode()).hexdigest(),
        "UNTIL": until.astimezone(ZoneInfo(settings.timezone)).isoformat(timespec="seconds"),
        "UNTIL_TEXT": shown(until, settings.timezone),
    }
