"""Rules that join several settings of one stage (pure).

A rule names the sections it reads, so it is checked even while another section is wrong: all faults come at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from bulkhead.model.access import ANYBODYS_MAIL
from bulkhead.model.naming import EPHEMERAL_STACK, Stage, stage_of, stages_named
from bulkhead.model.settings.defaults import DEFAULTS
from bulkhead.model.settings.paths import SETTINGS, Path
from jobs.locks import LEAST_ROLLING_DAYS

if TYPE_CHECKING:
    from bulkhead.model.settings.models import (
        Access,
        Aws,
        Backup,
        Budget,
        Cloudflare,
        GitHub,
        Log,
        Maintenance,
        Owns,
        Region,
        Rollout,
        Stores,
    )

STAGING_MOST_USD: Final = 20  # CST-4
MOST_REVIEWERS: Final = 6  # GitHub, deployment environments
EVERYBODY: Final = 100  # percent
NUMBERS: Final = "gh api repos/OWNER/REPOSITORY --jq '\"\\(.owner.id) \\(.id)\"' prints both"


@dataclass(frozen=True, slots=True)
class Breach:
    """A broken rule: where, what it would cause, and what mends it: the ``value`` to set, or a ``fix`` in words."""

    path: Path
    message: str
    value: Any = None
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack whose settings a rule checks."""

    stage: Stage
    environment: str

    @property
    def ephemeral(self) -> bool:
        return EPHEMERAL_STACK.fullmatch(self.environment) is not None


_RULES: Final[list[tuple[tuple[str, ...], Callable[..., Iterator[Breach]]]]] = []


def _rule(*sections: str) -> Callable[[Callable[..., Iterator[Breach]]], Callable[..., Iterator[Breach]]]:
    def register(rule: Callable[..., Iterator[Breach]]) -> Callable[..., Iterator[Breach]]:
        _RULES.append((sections, rule))
        return rule

    return register


def breaches(declared: Stage | None, environment: str, valid: Mapping[str, Any]) -> Iterator[Breach]:
    """Yield every broken rule among the sections in ``valid``, named as the fields of StageSettings.

    The stack's name decides by which stage's rules a stack is judged; ``declared`` is the stage in its file, None
    when that is missing or at fault.
    """
    stage = stage_of(environment)
    if declared is not None:
        yield from _stack_agrees(stage, declared, environment)
    stack = Stack(stage or declared or Stage.DEVELOPMENT, environment)
    for sections, rule in _RULES:
        if all(section in valid for section in sections):
            yield from rule(stack, *(valid[section] for section in sections))


def _stack_agrees(stage: Stage | None, declared: Stage, environment: str) -> Iterator[Breach]:
    if stage is None:
        message = "the stack must be called development, staging, production or pr-<number>; its name is in every name"
        yield Breach(_at("stage"), message, fix="pulumi stack rename <stage>")
    elif declared is not stage:
        message = f"stack {environment} is of stage {stage}; another would give it foreign names and limits"
        yield Breach(_at("stage"), message, stage.value)


@_rule("owns")
def _ephemeral_stack_owns_nothing(stack: Stack, owns: Owns) -> Iterator[Breach]:
    owned = [name for name, value in owns.model_dump(by_alias=True).items() if value]
    for name in owned if stack.ephemeral else ():
        message = "must be false: what is shared would vanish together with the pull request's stack"
        yield Breach(_at("owns", name), message, False)


@_rule("cloudflare")
def _account_is_no_zone(_stack: Stack, cloudflare: Cloudflare) -> Iterator[Breach]:
    if cloudflare.account_id == cloudflare.zone_id:
        message = "is the account id again; Cloudflare knows no zone of that id"
        yield Breach(_at("cloudflare", "zoneId"), message, fix="copy the zone id from the zone's overview page")


@_rule("aws")
def _one_way_into_aws(stack: Stack, aws: Aws) -> Iterator[Breach]:
    role = f"arn:aws:iam::{aws.account_id}:role/bulkhead-{stack.environment}"
    if aws.role_arn is None and aws.profile is None:
        message = "is missing, and profile too: without either, whatever credentials lie around would be used"
        yield Breach(_at("aws", "roleArn"), message, role)
    elif aws.role_arn is not None and aws.profile is not None:
        message = "is given beside roleArn, and only one can be used"
        yield Breach(_at("aws", "profile"), message, fix="remove one of the two")
    if aws.role_arn is not None and aws.role_arn.split(":")[4] != aws.account_id:
        message = "is a role of another account than aws.accountId, and the provider is pinned to that account"
        yield Breach(_at("aws", "roleArn"), message, role)


@_rule("github")
def _reviewers_fit(_stack: Stack, github: GitHub) -> Iterator[Breach]:
    count = len(github.reviewers.teams) + len(github.reviewers.users)
    if count > MOST_REVIEWERS:
        message = f"names {count} teams and users, and GitHub takes {MOST_REVIEWERS} for one environment"
        yield Breach(_at("github", "reviewers"), message, fix="name a team instead of its members")


@_rule("github")
def _numbers_go_together(_stack: Stack, github: GitHub) -> Iterator[Breach]:
    if (github.owner_id is None) != (github.repository_id is None):
        lacking = "ownerId" if github.owner_id is None else "repositoryId"
        message = "is missing beside the other number; the subject of GitHub's identity tokens has both or none"
        yield Breach(_at("github", lacking), message, fix=NUMBERS)


@_rule("github", "owns")
def _checks_are_the_owners(_stack: Stack, github: GitHub, owns: Owns) -> Iterator[Breach]:
    if github.required_checks and not owns.repository:
        message = "has no effect here: rulesets are made by the stage whose owns.repository is true"
        yield Breach(_at("github", "requiredChecks"), message, fix="move it to the file of that stage")


@_rule("github", "release_model")
def _branches_do_not_collide(_stack: Stack, github: GitHub, release_model: str) -> Iterator[Breach]:
    branch = github.default_branch
    if branch == "develop" or branch.startswith("feature/"):
        message = f"must be another branch: in {release_model}, {branch} deploys a stage of its own"
        yield Breach(_at("github", "defaultBranch"), message, "main")
    elif release_model == "release-tag" and branch.startswith("v") and branch[1:2].isdigit():
        message = "looks like a release tag: the tag policy of production, v*, would let the branch deploy it"
        yield Breach(_at("github", "defaultBranch"), message, "main")


@_rule("log")
def _logs_stay_quiet(stack: Stack, log: Log) -> Iterator[Breach]:
    if stack.stage is Stage.PRODUCTION and log.level in {"trace", "debug"}:
        message = "must be info or above in production (LOG-4): lower levels write request bodies of real users"
        yield Breach(_at("log", "level"), message, "info")
    if stack.stage is not Stage.DEVELOPMENT and not log.redact:
        message = f"must be true in {stack.stage} (LOG-7): addresses and credentials would stand in the logs"
        yield Breach(_at("log", "redact"), message, True)


@_rule("maintenance")
def _maintenance_ends_only_if_on(_stack: Stack, maintenance: Maintenance) -> Iterator[Breach]:
    if maintenance.end_time is not None and not maintenance.enabled:
        message = "is set while maintenance is off; visitors would be told of a maintenance that is not there"
        yield Breach(_at("maintenance", "endTime"), message, fix="remove it, or set maintenance.enabled to true")


@_rule("backup")
def _backups_are_taken(stack: Stack, backup: Backup) -> Iterator[Breach]:
    if stack.stage is Stage.PRODUCTION and backup.full != "daily":
        message = "must be daily in production (BAK-1): what is not in the vault is lost together with the account"
        yield Breach(_at("backup", "full"), message, "daily")
    elif backup.full == "none" and backup.interim_hours is not None:
        message = "needs full backups: there would be nothing an interim backup is between"
        yield Breach(_at("backup", "interimHours"), message, fix="remove it, or set backup.full to daily")


@_rule("backup")
def _tiers_get_longer(_stack: Stack, backup: Backup) -> Iterator[Breach]:
    tiers = backup.retention.model_dump(by_alias=True, exclude_none=True)
    for finer, coarser in pairwise(tiers):
        if tiers[coarser] <= tiers[finer]:
            message = f"must be longer than {finer} ({tiers[finer]}): the coarser tier would hold nothing of its own"
            fix = f"set it above {tiers[finer]}, or {finer} below {tiers[coarser]}"
            yield Breach(_at("backup", "retention", coarser), message, fix=fix)


@_rule("backup")
def _locks_fit(stack: Stack, backup: Backup) -> Iterator[Breach]:
    """A lock that outlasts its tier keeps a copy which is to go; a rolling one must last until it is renewed."""
    keep = backup.retention
    tiers = {"dailyDays": keep.daily_days, "weeklyDays": keep.weekly_days, "rollingDays": keep.monthly_days}
    usual = DEFAULTS[Stage.PRODUCTION]["backup"]["lock"]
    for name, days in backup.lock.model_dump(by_alias=True).items():
        place, life = _at("backup", "lock", name), tiers[name]
        least = min(LEAST_ROLLING_DAYS, life) if name == "rollingDays" else 1
        if stack.stage is not Stage.PRODUCTION:
            if days:
                message = f"must be 0 in {stack.stage} (BAK-5): a locked bucket cannot be removed with its stage"
                yield Breach(place, message, 0)
        elif not days:
            message = f"must be {least} to {life} in production (BAK-5): else a stolen credential deletes the backups"
            yield Breach(place, message, min(usual[name], life))
        elif days < least:
            message = f"must be {least} to {life}: locks are renewed once a month, and would end before"
            yield Breach(place, message, min(usual[name], life))
        elif days > life:
            message = f"outlasts the retention of its tier ({life} days): expiry would wait for the lock, erasure too"
            yield Breach(place, message, life)


@_rule("stores")
def _a_store_has_a_name_of_its_own(stack: Stack, stores: Stores) -> Iterator[Breach]:
    for kind, names in stores.model_dump(by_alias=True).items():
        for part, name in names.items():
            place = _at("stores", kind, part)
            if others := [each for each, given in names.items() if given == name and each < part]:
                yield Breach(place, f"is the name of {others[0]} as well: both would be one store", fix="correct one")
            if foreign := sorted(stages_named(name, shortened=False) - {stack.stage}):
                message = f"names {foreign[0]}, and this is {stack.stage}: it would be that stage's data"
                yield Breach(place, message, fix=f"give {stack.environment} a store of its own")


@_rule("backup", "region")
def _the_replica_is_elsewhere(stack: Stack, backup: Backup, region: Region) -> Iterator[Breach]:
    place, copy = _at("backup", "replicaRegion"), backup.replica_region
    if copy == region.primary:
        message = "is the region of the vault itself: what destroys the vault would destroy its copy (BAK-9)"
        yield Breach(place, message, fix="name another region, or null for no copy")
    elif copy is not None and partition_of(copy) != partition_of(region.primary):
        message = f"is in the partition {partition_of(copy)}, and S3 replicates within {partition_of(region.primary)}"
        yield Breach(place, message, fix="name a region of the same partition, or null for no copy")
    elif copy is not None and backup.full == "none" and stack.stage is not Stage.PRODUCTION:
        message = "copies a vault that this stage does not have"
        yield Breach(place, message, fix="remove it, or set backup.full to daily")


@_rule("rollout")
def _steps_lead_to_everybody(_stack: Stack, rollout: Rollout) -> Iterator[Breach]:
    steps = rollout.steps
    if not steps or steps[-1] != EVERYBODY or any(later <= earlier for earlier, later in pairwise(steps)):
        message = f"must grow from step to step and end at {EVERYBODY}: a rollout has to reach everybody (DEP-10)"
        yield Breach(_at("rollout", "steps"), message, [10, 50, EVERYBODY])


@_rule("access")
def _a_closed_stage_names_people(stack: Stack, access: Access) -> Iterator[Breach]:
    people = {"emails": access.emails, "emailDomains": access.email_domains}
    for name in (name for name, named in people.items() if named and access.public):
        message = f"has no effect while access.public is true: everybody may open {stack.environment}"
        yield Breach(_at("access", name), message, fix="remove it, or set access.public to false")
    if not access.public and not any(people.values()):
        message = "names nobody, nor does emails: only the pipeline would get in (STG-8)"
        yield Breach(_at("access", "emailDomains"), message, ["<a mail domain>"])
    for place, domain in enumerate(access.email_domains):
        if domain in ANYBODYS_MAIL:
            message = f"is {domain}, where everybody can have an address: the stage would be open to all"
            yield Breach((*_at("access", "emailDomains"), place), message, fix="name people by access.emails")


@_rule("budget")
def _money_is_watched(stack: Stack, budget: Budget) -> Iterator[Breach]:
    if stack.stage is Stage.STAGING and budget.monthly_usd > STAGING_MOST_USD:
        message = f"must be {STAGING_MOST_USD} US dollars a month at most in staging (CST-4)"
        yield Breach(_at("budget", "monthlyUsd"), message, STAGING_MOST_USD)
    audiences = {"finance": budget.finance, "techLead": budget.tech_lead, "stakeholders": budget.stakeholders}
    if stack.stage is Stage.PRODUCTION:
        for name in (name for name, people in audiences.items() if not people):
            message = "names nobody: in production each of the three notices needs somebody it reaches (CST-3)"
            yield Breach(_at("budget", name), message, ["<an e-mail address>"])
    elif not any(audiences.values()):
        message = "names nobody, nor do finance and techLead: nobody would learn that the budget is spent (CST-2)"
        yield Breach(_at("budget", "stakeholders"), message, ["<an e-mail address>"])


def partition_of(region: str) -> str:
    """Return the part of AWS that a region is in; nothing is copied from one to another."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rpartition("-")[0].rpartition("-")[0], "aws")


def _at(section: str, *fields: str) -> Path:
    return (f"{SETTINGS}:{section}", *fields)
