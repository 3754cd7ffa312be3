"""The proof that each role can do its task and nothing else: whatever a role gains or loses, it notices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkhead.model.roles import Role
from bulkhead.model.trust import AUDIENCE, GITHUB
from bulkhead.rehearsal.evidence import Outcome
from tests.support.memory_roles import ADMINISTRATOR, MemoryIam
from tests.support.scene import Break, World

SUBJECT = f"{GITHUB}:sub"
OURS = "repo:harbor-inc/harbor:environment"


def sabotage(what: str, do: Callable[[MemoryIam], object], expected: str, seen: str, stage: str = "staging") -> Break:
    return Break("roles", f"{stage}: {what}", lambda world: do(world[stage].iam), expected, seen)


def trusting(role: Role, *subjects: str, operator: str = "StringEquals") -> Callable[[MemoryIam], object]:
    """A run whose token has one of these subjects can take a role, too."""
    condition = {operator: {f"{GITHUB}:aud": AUDIENCE, SUBJECT: list(subjects)}}
    return lambda iam: iam.admit(role, Condition=condition)


def attach(iam: MemoryIam) -> None:
    iam.managed["arn:aws:iam::aws:policy/AdministratorAccess"] = ADMINISTRATOR
    iam.of(Role.ROLLBACK).attached.append("arn:aws:iam::aws:policy/AdministratorAccess")


def widen_boundary(iam: MemoryIam) -> None:
    (limit,) = iam.managed
    iam.managed[limit] = ADMINISTRATOR


def shrink_boundary(iam: MemoryIam) -> None:
    (limit,) = iam.managed
    iam.managed[limit]["Statement"][0]["Action"].remove("s3:*")


def anybody(**principal: Any) -> Callable[[MemoryIam], object]:
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    return lambda iam: iam.admit(Role.DEPLOY, Principal=principal, Action="sts:AssumeRole", Condition=condition)


BREAKS = (
    sabotage(
        "operations may delete backups",
        lambda iam: iam.allow(Role.OPERATIONS, "s3:DeleteObject"),
        "delete_object on harbor-staging-vault-222222222222 by staging's operations to be denied",
        "allowed",
    ),
    sabotage(
        "deploy may delete production's backups",
        lambda iam: iam.allow(Role.DEPLOY, "s3:DeleteObject"),
        "delete_object on harbor-production-vault-333333333333 by production's deploy to be denied",
        "allowed",
        "production",
    ),
    sabotage(
        "operations may end a lock",
        lambda iam: iam.allow(Role.OPERATIONS, "s3:*Retention"),
        "put_object_retention on harbor-staging-vault-222222222222 by staging's operations to be denied",
        "allowed",
    ),
    sabotage(
        "operations may let go what is held",
        lambda iam: iam.allow(Role.OPERATIONS, "s3:PutObjectLegalHold"),
        "a hold of production's backup turned OFF by operations to be denied",
        "allowed",
        "production",
    ),
    sabotage(
        "deploy may remove what deployments noted",
        lambda iam: iam.allow(
            Role.DEPLOY, "s3:DeleteObject", "arn:aws:s3:::harbor-staging-state-222222222222/delivery/*"
        ),
        "delete_object on harbor-staging-state-222222222222 by staging's deploy to be denied",
        "allowed",
    ),
    sabotage(
        "preview may write the twin",
        lambda iam: iam.allow(Role.PREVIEW, "s3:PutObject"),
        "put_object on harbor-staging-state-222222222222 by staging's preview to be denied",
        "allowed",
    ),
    sabotage(
        "deploy may write roles",
        lambda iam: iam.allow(Role.DEPLOY, "iam:*"),
        "create_user on iam by staging's deploy to be denied",
        "allowed",
    ),
    sabotage(
        "deploy lost its task",
        lambda iam: iam.of(Role.DEPLOY).policies.clear(),
        "put_object on harbor-staging-state-222222222222 by staging's deploy to be allowed",
        "denied",
    ),
    sabotage(
        "everything is attached to a role",
        attach,
        "create_user on iam by staging's rollback to be denied",
        "allowed",
    ),
    sabotage(
        "preview may open the stage's secrets",
        lambda iam: iam.allow(Role.PREVIEW, "kms:Decrypt"),
        "staging's secrets opened by preview to be denied",
        "allowed",
    ),
    sabotage(
        "a role without a boundary",
        lambda iam: iam.unbind(Role.OPERATIONS),
        "staging's operations with every right making a user to be denied",
        "allowed",
    ),
    sabotage(
        "a boundary that allows everything",
        widen_boundary,
        "staging's deploy with every right making a user to be denied",
        "allowed",
    ),
    sabotage(
        "a boundary that allows too little",
        shrink_boundary,
        "twins/bulkhead listed by staging's preview to be allowed",
        "denied",
    ),
    sabotage(
        "a pattern is trusted",
        trusting(Role.DEPLOY, f"{OURS}:staging*", operator="StringLike"),
        "staging's deploy taken by a run in the environment staging-preview to be denied",
        "allowed",
    ),
    sabotage(
        "any repository is trusted",
        trusting(Role.PREVIEW, "repo:harbor-inc/*:environment:staging-preview", operator="StringLike"),
        "staging's preview taken by another repository to be denied",
        "allowed",
    ),
    sabotage(
        "another stage's environment is trusted",
        trusting(Role.DEPLOY, f"{OURS}:production"),
        "staging's deploy taken by a run in the environment production to be denied",
        "allowed",
    ),
    sabotage(
        "a pull request is trusted",
        trusting(Role.OPERATIONS, "repo:harbor-inc/harbor:pull_request"),
        "staging's operations taken by a run for a pull request to be denied",
        "allowed",
    ),
    sabotage(
        "its own environment is not trusted",
        lambda iam: iam.of(Role.ROLLBACK).trust["Statement"].pop(0),
        "staging's rollback taken by a run in its environment to be allowed",
        "denied",
    ),
    sabotage(
        "no audience is asked for",
        lambda iam: iam.admit(Role.DEPLOY, Condition={"StringEquals": {SUBJECT: f"{OURS}:staging"}}),
        "staging's deploy taken by a token for another audience to be denied",
        "allowed",
    ),
    sabotage(
        "anybody with a second factor is trusted",
        anybody(AWS="*"),
        "staging's deploy taken by a person of another account to be denied",
        "allowed",
    ),
    sabotage(
        "people need no second factor",
        lambda iam: iam.of(Role.DEPLOY).trust["Statement"][1].pop("Condition"),
        "staging's deploy taken by a person without a second factor to be denied",
        "allowed",
    ),
    sabotage(
        "a role is gone", lambda iam: iam.roles.pop(iam.scope.role_name(Role.PREVIEW)), "to its end", "NoSuchEntity"
    ),
    sabotage(
        "a job may delete backups",
        lambda iam: iam.allow("backup", "s3:DeleteObject"),
        "delete_object on harbor-staging-state-222222222222 by staging's job backup to be denied",
        "allowed",
    ),
    sabotage(
        "a job that reads may write",
        lambda iam: iam.allow("verify", "s3:PutObject", "arn:aws:s3:::harbor-staging-vault-222222222222/database/*"),
        "put_object on harbor-staging-vault-222222222222 by staging's job verify to be denied",
        "allowed",
    ),
    sabotage(
        "a job may remove what it kept",
        lambda iam: iam.allow("kv", "s3:DeleteObject", "arn:aws:s3:::harbor-staging-vault-222222222222/kv/*"),
        "kv/a-value.json marked by staging's job kv to be denied",
        "allowed",
    ),
    sabotage(
        "a job lost its task",
        lambda iam: iam.of("bookmark").policies.clear(),
        "put_object on harbor-staging-state-222222222222 by staging's job bookmark to be allowed",
        "denied",
    ),
    sabotage(
        "a job may begin another one",
        lambda iam: iam.allow("state", "lambda:InvokeFunction"),
        "backup begun by staging's state to be denied",
        "allowed",
    ),
    sabotage(
        "a person takes a job's role",
        lambda iam: iam.admit("backup", Principal={"AWS": "*"}),
        "staging's backup taken by a person with a second factor to be denied",
        "allowed",
    ),
    sabotage(
        "a job without a boundary",
        lambda iam: iam.unbind("backup"),
        "staging's backup with every right making a user to be denied",
        "allowed",
    ),
    sabotage(
        "any schedule takes the role",
        lambda iam: iam.roles[iam.scope.scheduler_role].trust["Statement"][0].pop("Condition"),
        "staging's schedules taken by another schedule to be denied",
        "allowed",
    ),
    sabotage(
        "a condition that nobody here understands",
        lambda iam: iam.allow(Role.PREVIEW, "kms:Decrypt", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
        "the proof to run to its end",
        "UnknownCondition: IpAddress",
    ),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


def test_the_roles_of_one_stage_alone_are_held_against_all_three(tmp_path: Path) -> None:
    world = World(tmp_path, ["staging"])
    assert world.verdict("roles").outcome is Outcome.PROVEN
    trusting(Role.DEPLOY, f"{OURS}:production-rollback")(world["staging"].iam)
    assert "in the environment production-rollback" in world.verdict("roles").expected


def test_a_stage_without_backups_is_asked_about_no_vault(tmp_path: Path) -> None:
    world = World(tmp_path)
    kept = {e: part.iam.scope.keeps_backups for e, part in world.parts.items()}
    assert kept == {"development": False, "staging": True, "production": True}
    assert world.verdict("roles").outcome is Outcome.PROVEN
