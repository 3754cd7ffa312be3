"""What each role of a stage may do, and which resource needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.iam import Grant
from bulkhead.model.naming import Kind, Label
from bulkhead.model.product import Product
from bulkhead.model.roles import Role, environment_of, is_reviewed, refs_of, subjects
from bulkhead.model.settings import StageSettings
from bulkhead.model.tasks import jobs_of, read_tasks
from bulkhead.resources.permissions import Reach
from identities.cloudflare import Need, needs
from identities.permissions import grants

_PURPOSES = {
    Role.DEPLOY: "brings the stage up",
    Role.PREVIEW: "says what a pull request would change",
    Role.OPERATIONS: "backs up, restores and watches",
    Role.ROLLBACK: "deploys a version that is there already",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """One role in words. ``cloudflare`` are (permission, what it reaches, what needs it, the calls that need it),
    ``aws`` (statement, actions, reason); every text is for people."""

    role: str
    purpose: str
    environment: str
    refs: tuple[str, ...]
    approved: str
    subjects: tuple[str, ...]
    cloudflare: tuple[tuple[str, str, str, tuple[str, ...]], ...]
    aws: tuple[tuple[str, str, str], ...]

    def as_json(self) -> dict[str, Any]:
        json = asdict(self)
        names = ("permission", "of", "because", "calls")
        json["cloudflare"] = [dict(zip(names, each, strict=True)) for each in self.cloudflare]
        json["aws"] = [dict(zip(("statement", "may", "because"), each, strict=True)) for each in self.aws]
        return json


def explain(role: Role, product: Product, settings: StageSettings, calls: Mapping[Need, tuple[str, ...]]) -> Explained:
    """Return what a role of the stage may do and why. ``calls`` are those that need each of its permissions."""
    label = settings.label(product.name)
    people = settings.github.reviewers
    asked = is_reviewed(role, label) and (people.teams or people.users)
    return Explained(
        role=role.value,
        purpose=_PURPOSES[role],
        environment=environment_of(role, label),
        refs=tuple(f"{ref.kind} {ref.pattern}" for ref in refs_of(role, label, settings)),
        approved="the reviewers in the settings" if asked else "nobody",
        subjects=subjects(role, label, settings),
        cloudflare=tuple(
            (need.permission.name, _reach(need, product, label, settings), need.reason, calls[need])
            for need in needs(role, product)
        ),
        aws=tuple(
            (grant.sid, _may(grant), _because(grant))
            for grant in grants(role, aws_scope_of(label, settings), product, jobs_of(settings, read_tasks()))
        ),
    )


def _reach(need: Need, product: Product, label: Label, settings: StageSettings) -> str:
    match need.permission.reach:
        case Reach.ACCOUNT:
            return f"the whole account {settings.cloudflare.account_id}"
        case Reach.ZONE:
            return f"zone {settings.cloudflare.zone_id}"
        case Reach.USER:
            return "the person whose token it is"
        case Reach.BUCKET:
            return "buckets " + ", ".join(label.name(Kind.R2, bucket.name) for bucket in product.buckets)


def _may(grant: Grant) -> str:
    actions = ", ".join(sorted(grant.actions))
    if grant.denies:
        return f"never anything but {actions}" if grant.all_but else f"never {actions}"
    return actions


def _because(grant: Grant) -> str:
    types = ", ".join(type_.rpartition(":")[2] for type_ in grant.types)
    return f"{grant.reason} ({types})" if types else grant.reason
