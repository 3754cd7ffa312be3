"""The settings that a stage has when its file does not set them (pure). Source: "Proposed per-stage defaults" of the
requirements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bulkhead.model.naming import Stage

DEFAULT_PRODUCT: Final = "infra.product:PRODUCT"

# Sections without a default are here too, empty: each missing field of them is then named by itself.
_COMMON: Final[Mapping[str, Any]] = {
    "product": DEFAULT_PRODUCT,
    "timezone": "Asia/Tokyo",
    "region": {"primary": "ap-northeast-1", "d1": "apac", "r2": "apac"},
    "cloudflare": {},
    "aws": {"roleArn": None, "profile": None},
    "github": {
        "ownerId": None,
        "repositoryId": None,
        "defaultBranch": "main",
        "reviewers": {"teams": [], "users": []},
        "waitMinutes": 0,
        "requiredChecks": [],
    },
    "owns": {"zone": False, "cloudflareAccount": False, "awsAccount": False, "repository": False},
    "releaseModel": "git-flow",
    "governance": {"profile": "team"},
    "log": {"redact": True},
    "maintenance": {"enabled": False, "endTime": None},
    "featureFlags": {},
    "workers": {"cpuMs": 30_000, "logSampling": 1},
    "database": {"readReplication": "disabled", "optimizeTables": []},
    "stores": {"databases": {}, "namespaces": {}, "buckets": {}, "queues": {}},
    "cache": {
        "staticSeconds": 86_400,
        "apiSeconds": 3600,
        "rulesSeconds": 300,
        "sessionSeconds": 86_400,
        "profileSeconds": 3600,
        "experimentSeconds": 300,
        "defaultSeconds": 3600,
    },
    "backup": {
        "full": "daily",
        "interimHours": None,
        "retention": {"dailyDays": 7, "weeklyDays": 28, "monthlyDays": 366, "yearlyDays": None},
        "lock": {"dailyDays": 0, "weeklyDays": 0, "rollingDays": 0},
        "kv": [],
        "replicaRegion": None,
    },
    "dr": {"rpoMinutes": None, "rtoMinutes": None, "recoveryOrder": []},
    "jobs": {"architecture": "arm64"},
    "rollout": {"steps": [10, 50, 100], "bakeMinutes": 10, "watchMinutes": 0},
    "gates": {"maxMs": None},
    "access": {"public": False, "emails": [], "emailDomains": [], "sessionHours": 24},
    "budget": {"finance": [], "techLead": [], "stakeholders": []},
}

_DIFFERENT: Final[Mapping[Stage, Mapping[str, Any]]] = {
    Stage.DEVELOPMENT: {
        "log": {"level": "trace", "redact": False},
        "workers": {"traceSampling": 0},
        "backup": {"full": "none"},
        "rollout": {"strategy": "all-at-once"},
        "budget": {"monthlyUsd": 10},
    },
    Stage.STAGING: {
        "log": {"level": "debug"},
        "workers": {"traceSampling": 0.1},
        "rollout": {"strategy": "blue-green", "bakeMinutes": 2},
        "gates": {"maxMs": 2000},
        "budget": {"monthlyUsd": 20},
    },
    Stage.PRODUCTION: {
        "log": {"level": "info"},
        "workers": {"traceSampling": 0.05},
        "cache": {"staticSeconds": 31_536_000},
        "backup": {
            "interimHours": 6,
            "retention": {"yearlyDays": 1827},
            "lock": {"dailyDays": 7, "weeklyDays": 28, "rollingDays": 35},
            "replicaRegion": "ap-northeast-3",
        },
        "dr": {"rpoMinutes": 60, "rtoMinutes": 240},
        "rollout": {"strategy": "canary", "watchMinutes": 30},
        "access": {"public": True},
        "budget": {"monthlyUsd": 500},
    },
}


def over(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``values`` on top: sections are merged, everything else, lists included, is replaced."""
    merged = dict(base)
    for key, value in values.items():
        below = merged.get(key)
        merged[key] = over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


DEFAULTS: Final[Mapping[Stage, Mapping[str, Any]]] = {stage: over(_COMMON, _DIFFERENT[stage]) for stage in Stage}
