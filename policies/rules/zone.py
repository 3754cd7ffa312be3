"""Rules about how a zone treats its visitors, and how long machines get past its login."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from bulkhead.resources import types as t
from bulkhead.resources.durations import seconds
from bulkhead.resources.observed import ObservedResource
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, Violation

# Values with which a zone takes less care of its visitors, and what that means (Cloudflare API, "Zone Settings").
_WEAK: Final[Mapping[str, tuple[tuple[str, ...], str, str]]] = {
    "always_use_https": (("off",), "on", "lets visitors stay on plain HTTP"),
    "min_tls_version": (("1.0", "1.1"), "1.2", "lets visitors in with a TLS that is broken"),
    "security_level": (("essentially_off", "off"), "medium", "challenges no visitor, however they behave"),
    "ssl": (("off", "flexible"), "strict", "talks to an origin in plain text"),
    "tls_1_3": (("off",), "on", "refuses TLS 1.3"),
}
_LONGEST: Final = timedelta(days=365)  # Cloudflare's own default, 8760h


def _zone(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    setting = resource["settingId"]
    weak, wanted, means = _WEAK.get(setting, ((), "", "")) if isinstance(setting, str) else ((), "", "")
    value = resource["value"]
    if isinstance(value, str) and value in weak:
        yield Violation(
            f"sets {setting} to {value}, which {means}",
            "Whoever sits between a visitor and the stage reads or changes what they say",
            f'value="{wanted}"',
        )


def _lasting(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    duration = resource["duration"]
    life = seconds(duration)
    if duration == "forever" or (life is not None and life > _LONGEST.total_seconds()):
        yield Violation(
            f"is valid for {duration}",
            "A leaked service token opens the stage's Access for as long as nobody notices the leak",
            'duration="8760h" at most, and a new token before that',
        )


RULES: Final[tuple[AnyRule, ...]] = (
    Rule("zone-setting-weak", ("SEC-8",), "A zone takes care of its visitors", (t.ZONE_SETTING,), _zone),
    Rule(
        "access-token-lasting",
        ("SEC-7", "STG-8"),
        "A leaked service token ends by itself",
        (t.ZERO_TRUST_ACCESS_SERVICE_TOKEN,),
        _lasting,
    ),
)
