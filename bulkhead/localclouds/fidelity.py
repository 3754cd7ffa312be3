"""How true the local clouds are to the real ones, as far as somebody can check it: which rules of a type have a source,
and which vendor's own description or client it was held against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bulkhead.localclouds.providers import registry
from bulkhead.localclouds.sources import aws, cloudflare, github
from bulkhead.localclouds.sources.places import Sources
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import row_of
from bulkhead.resources.kind import Rehearsed

LEAST: Final = 74
"""The per cent of all rules that have a source. It may be raised; a test fails when it is less."""
SOURCES: Final[Sources] = {**aws.SOURCES, **cloudflare.SOURCES, **github.SOURCES}


@dataclass(frozen=True, slots=True)
class Witness:
    """A vendor's description or client that types were held against. ``test`` does it, for ``types``; ``says`` what
    that is."""

    name: str
    says: str
    test: str
    types: frozenset[str]


def _of(package: str, kind: Rehearsed | None = None) -> frozenset[str]:
    return frozenset(type_ for type_ in registry.TABLES[package] if kind in {None, treatment_of(type_)})


def treatment_of(type_: str) -> Rehearsed:
    """Return how a rehearsal treats a resource type."""
    row = row_of(type_)
    return row.rehearsed if row else Rehearsed.NO


_PLUGIN: Final = frozenset(
    {
        t.ACCOUNT_TOKEN,
        t.D1_DATABASE,
        t.QUEUE,
        t.QUEUE_CONSUMER,
        t.R2_BUCKET,
        t.R2_BUCKET_CORS,
        t.R2_BUCKET_LIFECYCLE,
        t.R2_BUCKET_LOCK,
        t.R2_MANAGED_DOMAIN,
        t.WORKER,
        t.WORKER_VERSION,
        t.WORKERS_CRON_TRIGGER,
        t.WORKERS_CUSTOM_DOMAIN,
        t.WORKERS_DEPLOYMENT,
        t.WORKERS_KV_NAMESPACE,
        t.WORKERS_ROUTE,
        t.ZERO_TRUST_ACCESS_APPLICATION,
        t.ZERO_TRUST_ACCESS_POLICY,
        t.ZERO_TRUST_ACCESS_SERVICE_TOKEN,
    }
)
WITNESSES: Final = (
    Witness(
        "SDK",
        "the input types of Pulumi's SDK",
        "tests/localclouds/providers/test_schema.py",
        frozenset().union(*map(_of, registry.TABLES)),
    ),
    Witness(
        "botocore",
        "AWS's own descriptions of its services: botocore refuses a request that they do not allow",
        "tests/localclouds/aws/test_handlers.py",
        _of("aws", Rehearsed.EMULATED),
    ),
    Witness(
        "plugin",
        "the source of Cloudflare's plugin: what it sends, and how it reads an answer",
        "tests/localclouds/cloudflare/api/test_plugin.py",
        _PLUGIN,
    ),
    Witness(
        "real plugin",
        "Pulumi's own plugins: a rehearsal in which they make the resources, once a week",
        ".github/workflows/fresh.yml",
        # The program declares none of these three.
        _PLUGIN - {t.R2_BUCKET_CORS, t.R2_BUCKET_LOCK, t.WORKERS_ROUTE} | _of("github"),
    ),
    Witness(
        "wrangler",
        "Cloudflare's own command line",
        "tests/localclouds/cloudflare/test_wrangler_d1.py",
        frozenset({t.D1_DATABASE}),
    ),
    Witness(
        "wrangler",
        "Cloudflare's own command line",
        "tests/localclouds/cloudflare/test_wrangler_workers.py",
        frozenset({t.WORKER, t.WORKER_VERSION, t.WORKERS_CRON_TRIGGER, t.WORKERS_DEPLOYMENT}),
    ),
    Witness(
        "OpenAPI",
        "GitHub's description of its API: whatever the local GitHub is asked and answers has to fit it",
        "tests/localclouds/github/test_app.py",
        _of("github"),
    ),
    Witness(
        "octokit",
        "GitHub's own client for JavaScript",
        "tests/localclouds/github/test_clients.py",
        frozenset(
            {
                t.GITHUB_REPOSITORY_ENVIRONMENT,
                t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY,
                t.GITHUB_ACTIONS_ENVIRONMENT_SECRET,
                t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE,
                t.GITHUB_REPOSITORY_RULESET,
            }
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What is known of one type's truth. ``unsourced`` are the names of rules that nobody can check; ``checked_with``
    the names of witnesses."""

    type: str
    treatment: str
    rules: int
    unsourced: tuple[str, ...]
    checked_with: tuple[str, ...]

    @property
    def sourced(self) -> int:
        return self.rules - len(self.unsourced)


def fidelity_of(type_: str) -> Fidelity:
    """Return what is known of a type that is rehearsed. Raises NotRehearsed."""
    rules = registry.rules_of(type_).names
    known = {rule for found in SOURCES.get(type_, {}).values() for rule in found}
    return Fidelity(
        str(type_),  # without the facts of its row
        treatment_of(type_),
        len(rules),
        tuple(rule for rule in rules if rule not in known),
        tuple(witness.name for witness in WITNESSES if type_ in witness.types),
    )


def fidelity() -> tuple[Fidelity, ...]:
    """Return what is known of each type, sorted."""
    return tuple(map(fidelity_of, sorted(type_ for table in registry.TABLES.values() for type_ in table)))


def share(lines: Iterable[Fidelity]) -> float:
    """Return the per cent of the rules that have a source, rounded down to one decimal place."""
    lines = tuple(lines)
    rules = sum(line.rules for line in lines)
    return sum(line.sourced for line in lines) * 1000 // rules / 10 if rules else 0.0
