"""What stages share by their settings, and what is left between them then (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.naming import EPHEMERAL_STACK
from bulkhead.model.settings import StageSettings


@dataclass(frozen=True, slots=True)
class Risk:
    """What stages share: allowed, and no leak, but not isolation either. Both texts are sentences."""

    shared: str
    stages: tuple[str, ...]
    separated_by: str
    not_separated: str

    def as_json(self) -> dict[str, Any]:
        return {
            "shared": self.shared,
            "stages": list(self.stages),
            "separatedBy": self.separated_by,
            "notSeparated": self.not_separated,
        }


_Identity = Callable[[StageSettings], Hashable]

# Cloudflare's API token permissions: "Workers Scripts", "D1", "Workers KV Storage" and "Queues" are permissions of an
# account; only zones and R2 buckets can be named as a token's resource (Cloudflare, "API token permissions").
_SHAREABLE: Final[tuple[tuple[str, _Identity, str, str], ...]] = (
    (
        "Cloudflare account",
        lambda s: s.cloudflare.account_id,
        "Names and ids, and a token for each stage.",
        "A token's permissions for Workers, D1, KV and Queues are for the whole account: with a token of one of these "
        "stages the Workers, databases, namespaces and queues of the others can be read, changed and deleted. Only "
        "zones and R2 buckets can be named in a token.",
    ),
    (
        "Cloudflare zone",
        lambda s: s.cloudflare.zone_id,
        "Hostnames.",
        "A token's permissions are for the whole zone: with a token of one of these stages the others' DNS records, "
        "routes, rules and cache can be changed.",
    ),
    (
        "AWS account",
        lambda s: s.aws.account_id,
        "Names, tags, and the trust and rights of each stage's roles.",
        "Quotas and settings of the account, whatever an administrator of it may do, key policies, which leave the "
        "decision to the account's IAM, and what only lists: it shows the names in all of these stages. People with a "
        "second factor may take the roles of all of them.",
    ),
    (
        "GitHub repository",
        lambda s: (s.github.owner.lower(), s.github.repository.lower()),
        "An environment for each stage, with its own refs, reviewers and secrets, and an exact subject in each role's "
        "trust.",
        "Administrators of the repository, and whoever holds a token that manages its environments, can change those "
        "of all stages.",
    ),
    (
        "AWS role",
        lambda s: s.aws.role_arn,
        "Names.",
        "Whoever has the role can change all of these stages.",
    ),
    (
        "AWS profile",
        lambda s: s.aws.profile,
        "The account that each stage's provider is pinned to.",
        "Whoever has the profile's credentials has them for all of these stages.",
    ),
)


def risks(plans: Sequence[StagePlan]) -> tuple[Risk, ...]:
    """Return what is shared between the stages of these plans."""
    return shared([plan.settings for plan in plans])


def shared(stages: Sequence[StageSettings]) -> tuple[Risk, ...]:
    """Return what these stages share, the widest first."""
    return tuple(_shared(stages))


def _shared(stages: Sequence[StageSettings]) -> Iterator[Risk]:
    for what, identity, separated_by, not_separated in _SHAREABLE:
        groups: defaultdict[Hashable, list[str]] = defaultdict(list)
        for settings in stages:
            if (which := identity(settings)) is not None:
                groups[which].append(settings.environment)
        for users in groups.values():
            if len(users) > 1:
                yield Risk(what, tuple(users), separated_by, not_separated)
    passing = [s.environment for s in stages if EPHEMERAL_STACK.fullmatch(s.environment)]
    if passing:
        yield Risk(
            "identities of development",
            ("development", *passing),
            "Names.",
            "The stack of a pull request is deployed with development's role and token, which reach both.",
        )
