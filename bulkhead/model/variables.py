"""The variables that tell every Worker about its stage (pure): the values of product.STAGE_VARIABLES (ENV-7)."""

from __future__ import annotations

import json
from typing import Any

from bulkhead.model.naming import Label
from bulkhead.model.settings import StageSettings


def stage_variables(label: Label, settings: StageSettings, service: str, release: str) -> list[dict[str, Any]]:
    """Return the bindings, in Cloudflare's shape, that tell the Worker ``service`` its stage, name and release."""
    objects = {
        "CACHE_TTLS": settings.cache.model_dump(mode="json", by_alias=True),
        "FEATURE_FLAGS": dict(settings.feature_flags),
    }
    texts = {
        "ENVIRONMENT": label.environment,
        "LOG_LEVEL": settings.log.level,
        "LOG_REDACT": _word(settings.log.redact),
        "MAINTENANCE_END_TIME": settings.maintenance.end_time or "",
        "MAINTENANCE_MODE": _word(settings.maintenance.enabled),
        "NODE_ENV": label.stage.value,
        "RELEASE": release,
        "SERVICE_NAME": service,
        "STAGE": label.stage.value,
        "TZ": settings.timezone,
    }
    return [
        *({"type": "json", "name": name, "json": json.dumps(value, sort_keys=True)} for name, value in objects.items()),
        *({"type": "plain_text", "name": name, "text": text} for name, text in texts.items()),
    ]


def _word(flag: bool) -> str:
    return "true" if flag else "false"
