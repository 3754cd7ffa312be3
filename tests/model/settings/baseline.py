"""A compliant stage to break one thing in, and the two ways a stage's configuration reaches the check."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bulkhead.model.bindings import Secret
from bulkhead.model.faults import Fault
from bulkhead.model.product import Product, StageSecret, Worker
from bulkhead.model.settings.check import check, from_engine
from bulkhead.model.settings.files import Finding, check_files
from bulkhead.model.settings.reader import ENCRYPTED

CIPHERTEXT: Final = {"secure": "v1:3LGOrGnTSRc/0McK:vc36X0jIPbZFzZdnuX8Hg+fINlpqhkI="}
PLAIN: Final = "a-secret-value-nobody-may-see"
GONE: Final = object()

PRODUCT: Final = Product(
    name="harbor",
    workers=(
        Worker(name="web", bundle="web.js", host="@", bindings=(Secret("SESSION_KEY", "sessionKey"),)),
        Worker(name="api", bundle="api.js", host="api"),
    ),
    secrets=(
        StageSecret("sessionKey"),
        StageSecret("slackWebhook", pipeline=True),
    ),
)
_DIGIT: Final = {"development": "1", "staging": "2", "production": "3"}


def baseline(stack: str) -> dict[str, Any]:
    """Return the configuration of ``stack`` as a file has it, with nothing to say against it."""
    stage = "development" if stack.startswith("pr-") else stack
    digit = _DIGIT.get(stage, "4")
    people = ["somebody@acme-hotels.com"]
    return {
        "bulkhead:stage": stage,
        "bulkhead:owner": "platform",
        "bulkhead:costCenter": "rnd",
        "bulkhead:cloudflare": {
            "accountId": f"a{digit}" * 16,
            "zoneId": f"b{digit}" * 16,
            "hostname": f"{stack}.acme-hotels.com" if stack == stage else f"{stack}.development.acme-hotels.com",
        },
        "bulkhead:aws": {"accountId": digit * 12, "roleArn": f"arn:aws:iam::{digit * 12}:role/bulkhead-{stack}"},
        "bulkhead:github": {"owner": "acme-hotels", "repository": "harbor", "ownerId": 4321, "repositoryId": 8765},
        "bulkhead:owns": {
            "zone": stack == stage,
            "cloudflareAccount": stack == stage,
            "awsAccount": stack == stage,
            "repository": stack == "production",
        },
        "bulkhead:backup": {"interimHours": 1} if stack == "production" else {},
        "bulkhead:access": {} if stack == "production" else {"emailDomains": ["acme-hotels.com"]},
        "bulkhead:budget": {"finance": people, "techLead": people, "stakeholders": people},
        **{f"secrets:{name}": CIPHERTEXT for name in ("cloudflareApiToken", "sessionKey")},
    }


def changed(stack: str, place: str, value: Any) -> dict[str, Any]:
    """Return the baseline with ``value`` at ``place`` (``bulkhead:aws.accountId``), or without it when it is GONE."""
    config = copy.deepcopy(baseline(stack))
    key, *steps = place.split(".")
    target, last = config, key
    for step in steps:
        target = target.setdefault(last, {})
        last = step
    if value is GONE:
        del target[last]
    else:
        target[last] = value
    return config


def write(folder: Path, stack: str, config: Mapping[str, Any]) -> Path:
    """Write a stage file. JSON is YAML with every text quoted, so nothing in it is ambiguous."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}\n" for key, value in config.items()]
    path = folder / f"Pulumi.{stack}.yaml"
    path.write_text("config:\n" + "".join(lines), encoding="utf-8")
    return path


def by_file(folder: Path, stack: str, config: Mapping[str, Any]) -> list[Finding]:
    """Check ``config`` as a file."""
    return check_files([write(folder, stack, config)], PRODUCT)


def as_read(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``config`` as the reader returns it from a file, without the time that parsing YAML takes."""
    return {key: _read(value) for key, value in config.items()}


def by_values(stack: str, config: Mapping[str, Any]) -> list[Fault]:
    """Check ``config`` as what was read from a file."""
    return list(check(stack, as_read(config), _secret(config), PRODUCT)[1])


def as_engine(config: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return ``config`` as the engine hands it to a program: decrypted text, and the keys that were not plain."""
    plain = {key: PLAIN if value == CIPHERTEXT else value for key, value in config.items()}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in plain.items()}
    return texts, _secret(config)


def by_engine(stack: str, config: Mapping[str, Any]) -> list[Fault]:
    """Check ``config`` as a program does."""
    texts, secret = as_engine(config)
    return list(check(stack, from_engine(texts), secret, PRODUCT)[1])


def _secret(config: Mapping[str, Any]) -> list[str]:
    return [key for key, value in config.items() if '"secure"' in json.dumps(value)]


def _read(value: Any) -> Any:
    if value == CIPHERTEXT:
        return ENCRYPTED
    return {name: _read(below) for name, below in value.items()} if isinstance(value, dict) else value
