"""Each role of a stage can do its task and nothing else: tried on an AWS that enforces policies, and judged by an
evaluator where the local AWS cannot, which is conditions, boundaries and the trust of GitHub's tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from bulkhead.localclouds.aws.evaluator import Identity, Request, admits, allows
from bulkhead.model.aws_scope import JOURNAL, AwsScope, aws_scope_of
from bulkhead.model.naming import Label, Stage
from bulkhead.model.roles import Role, environment_of, subjects
from bulkhead.model.tasks import jobs_of, read_tasks
from bulkhead.model.trust import AUDIENCE, GITHUB
from bulkhead.model.vault import HELD
from bulkhead.rehearsal.proofs import permitted_jobs
from bulkhead.rehearsal.proofs.proof import require
from bulkhead.rehearsal.scene import Scene, StandingStage
from jobs.locks import MODE

_ALLOWED: Final = "allowed"
_DENIED: Final = "denied"
_STATE: Final = ".pulumi/stacks/bulkhead/stage.json"
_TWIN: Final = "twins/bulkhead/stage.json"
_ENTRY: Final = f"{JOURNAL}stage/lease.json"
_BACKUP: Final = "database/daily/a-backup.sql.gz"
_LOCKED: Final = 7  # days; a bucket without locks refuses whoever asks about one, and says nothing of rights
_FACTOR: Final = "aws:MultiFactorAuthPresent"
_WHO: Final = "aws:PrincipalArn"


@dataclass(frozen=True)
class _Staged:
    """One stage, its names in AWS, and its roles as its cloud has them; ``jobs`` are by the names of their tasks, and
    ``schedules`` is the role that starts them."""

    stage: StandingStage
    label: Label
    scope: AwsScope
    identities: dict[Role, Identity]
    jobs: dict[str, Identity]
    schedules: Identity | None

    @property
    def account(self) -> str:
        return self.scope.account

    def buckets(self) -> dict[str, tuple[str, ...]]:
        """Return the buckets that the requests are about, with what is in them."""
        own = (_STATE, _TWIN, _ENTRY, *permitted_jobs.notes(self.jobs))
        made = {self.scope.state: own, self.scope.identities_state: (_STATE,)}
        return made | ({self.scope.vault: (_BACKUP, *permitted_jobs.KEYS)} if self.scope.keeps_backups else {})


def roles_hold(scene: Scene) -> str:
    """Every request of the table is answered as it must be, and every judgement of the evaluator is the right one."""
    staged = list(scene.in_each_stage(partial(_staged, scene)).values())
    tried = {_ALLOWED: 0, _DENIED: 0}
    with scene.enforced_aws() as aws:
        for each in staged:
            for bucket, keys in each.buckets().items():
                aws.bucket(each.account, bucket, keys, locks_days=_LOCKED if bucket == each.scope.vault else 0)
            for role, identity in each.identities.items():
                aws.role(each.account, each.scope.role_name(role), identity.policies)
            for job, identity in each.jobs.items():
                aws.role(each.account, each.scope.job_role(job), identity.policies)
        aws.enforce()
        for each in staged:
            others = [other for other in staged if other is not each]
            for who, by, service, operation, request, expected in _tries(each, others):
                seen = aws.tries(each.account, by, service, operation, **request)
                attempt = f"{operation} on {request.get('Bucket', service)} by {each.stage.environment}'s {who}"
                require(seen == expected, f"{attempt} to be {expected}", seen)
                tried[expected] += 1
    judged = [judgement for each in staged for judgement in _judgements(each)]
    for what, found, wanted in judged:
        require(found is wanted, f"{what} to be {_ALLOWED if wanted else _DENIED}", _ALLOWED if found else _DENIED)
    require(all(tried.values()) and judged, "requests that are allowed, that are denied, and judgements", tried)
    roles = sum(len(each.identities) + len(each.jobs) for each in staged)
    return (
        f"{sum(tried.values())} requests by {roles} roles to an AWS that enforces policies: "
        f"{tried[_ALLOWED]} allowed, {tried[_DENIED]} denied; {len(judged)} about conditions, boundaries and GitHub's "
        "tokens judged by an evaluator of ours"
    )


_Try = tuple[Role, str, str, dict[str, Any], str]
_Judgement = tuple[str, bool, bool]  # what was asked, how the evaluator answers, how it must


def _tries(own: _Staged, others: list[_Staged]) -> Iterator[tuple[str, str, str, str, dict[str, Any], str]]:
    """Yield who asks, by which role, and what."""
    for role, service, operation, request, expected in _requests(own, others):
        yield str(role), own.scope.role_name(role), service, operation, request, expected
    scopes = [other.scope for other in others]
    for job in own.jobs:
        for service, operation, request, allowed in permitted_jobs.requests(own.scope, job, own.jobs, scopes):
            expected = _ALLOWED if allowed else _DENIED
            yield f"job {job}", own.scope.job_role(job), service, operation, request, expected


def _requests(own: _Staged, others: list[_Staged]) -> Iterator[_Try]:
    """Yield what each role must be able to do, and what it must not."""
    state, vault = own.scope.state, own.scope.vault

    def get(role: Role, bucket: str, key: str, expected: str) -> _Try:
        return role, "s3", "get_object", {"Bucket": bucket, "Key": key}, expected

    def put(role: Role, bucket: str, key: str, expected: str) -> _Try:
        return role, "s3", "put_object", {"Bucket": bucket, "Key": key, "Body": b"new"}, expected

    def delete(role: Role, bucket: str, key: str, expected: str) -> _Try:
        return role, "s3", "delete_object", {"Bucket": bucket, "Key": key}, expected

    yield put(Role.DEPLOY, state, _STATE, _ALLOWED)
    yield put(Role.DEPLOY, state, _TWIN, _ALLOWED)
    yield put(Role.DEPLOY, state, _ENTRY, _ALLOWED)
    yield get(Role.DEPLOY, state, _ENTRY, _ALLOWED)
    yield put(Role.DEPLOY, own.scope.identities_state, _STATE, _DENIED)
    for role in Role:
        yield role, "iam", "create_user", {"UserName": "somebody"}, _DENIED
        yield role, "iam", "attach_role_policy", _administrator(own.scope.role_name(role)), _DENIED
    for role in (Role.PREVIEW, Role.OPERATIONS, Role.ROLLBACK):
        yield get(role, state, _TWIN, _DENIED if role is Role.ROLLBACK else _ALLOWED)
        yield put(role, state, _TWIN, _DENIED)
        yield get(role, state, _STATE, _DENIED)
        yield put(role, state, _STATE, _DENIED)
        yield put(role, state, _ENTRY, _DENIED)
    if own.scope.keeps_backups:
        yield put(Role.OPERATIONS, vault, _BACKUP, _ALLOWED)
        yield get(Role.OPERATIONS, vault, _BACKUP, _ALLOWED)
        yield delete(Role.OPERATIONS, vault, _BACKUP, _DENIED)
        for role in Role:
            shorter = {"Mode": MODE, "RetainUntilDate": datetime.now(UTC) + timedelta(days=1)}
            past = {"Bucket": vault, "Key": _BACKUP, "Retention": shorter, "BypassGovernanceRetention": True}
            yield role, "s3", "put_object_retention", past, _DENIED
        yield get(Role.PREVIEW, vault, _BACKUP, _DENIED)
        yield put(Role.ROLLBACK, vault, _BACKUP, _DENIED)
        yield delete(Role.DEPLOY, vault, _BACKUP, _ALLOWED if own.scope.removes else _DENIED)
    yield delete(Role.DEPLOY, state, _ENTRY, _DENIED)
    for other in others:
        for role in Role:
            yield get(role, other.scope.state, _TWIN, _DENIED)
            yield get(role, other.scope.state, _ENTRY, _DENIED)
        yield put(Role.DEPLOY, other.scope.state, _STATE, _DENIED)


def _administrator(role: str) -> dict[str, str]:
    return {"RoleName": role, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}


def _judgements(own: _Staged) -> Iterator[_Judgement]:
    yield from _trusted(own)
    yield from _conditional(own)
    yield from _bounded(own)
    if own.schedules is not None:
        yield from permitted_jobs.judgements(own.scope, own.stage.environment, own.jobs, own.schedules)


def _trusted(own: _Staged) -> Iterator[_Judgement]:
    """Who may take a role, and who may not."""
    by_hand, stranger = ("AWS", own.scope.arn("iam", "root")), ("AWS", f"arn:{own.scope.partition}:iam::{0:012}:root")
    alone, proven = {_FACTOR: "false"}, {_FACTOR: "true"}
    for role, identity in own.identities.items():
        arns = {other: own.scope.role_arn(other) for other in Role}
        who = f"{own.stage.environment}'s {role} taken by"
        for subject in subjects(role, own.label, own.stage.settings):
            yield f"{who} a run in its environment", _takes(own, role, subject), True
            elsewhere = _takes(own, role, subject, "https://elsewhere.example")
            yield f"{who} a token for another audience", elsewhere, False
        for case, subject in _foreign(own, role):
            yield f"{who} {case}", _takes(own, role, subject), False
        for person, principal, context, expected in (
            ("a person with a second factor", by_hand, proven, role is not Role.PREVIEW),
            ("a person without a second factor", by_hand, alone, False),
            ("a person who says nothing of a second factor", by_hand, {}, False),
            ("a person of another account", stranger, proven, False),
            ("itself", by_hand, {_WHO: arns.pop(role)}, role is Role.DEPLOY),
            *((f"the role {other}", by_hand, {_WHO: arn}, False) for other, arn in arns.items()),
        ):
            yield f"{who} {person}", admits(identity, principal, "sts:AssumeRole", context), expected


def _takes(own: _Staged, role: Role, subject: str, audience: str = AUDIENCE) -> bool:
    by_github = ("Federated", own.scope.arn("iam", f"oidc-provider/{GITHUB}"))
    context = {f"{GITHUB}:sub": subject, f"{GITHUB}:aud": audience}
    return admits(own.identities[role], by_github, "sts:AssumeRoleWithWebIdentity", context)


def _foreign(own: _Staged, role: Role) -> Iterator[tuple[str, str]]:
    """Yield whose token it is, and the subject of it: each a word away from the one that is trusted."""
    ours, own_environment = own.stage.settings.github, environment_of(role, own.label)
    repository = f"repo:{ours.owner}/{ours.repository}"
    labels = [replace(own.label, stage=stage, environment=stage.value) for stage in Stage]
    for label in [own.label, *(label for label in labels if label.stage is not own.label.stage)]:
        for other in Role:
            environment = environment_of(other, label)
            if environment != own_environment:
                yield f"a run in the environment {environment}", f"{repository}:environment:{environment}"
    yield "a run in an environment whose name goes on", f"{repository}:environment:{own_environment}x"
    yield "a run on the main branch", f"{repository}:ref:refs/heads/{ours.default_branch}"
    yield "a run for a pull request", f"{repository}:pull_request"
    yield "another repository", f"repo:{ours.owner}/other:environment:{own_environment}"
    yield "another owner", f"repo:somebody/{ours.repository}:environment:{own_environment}"


def _conditional(own: _Staged) -> Iterator[_Judgement]:
    """What depends on the names and tags of keys, and on what is listed."""
    deploy, preview = own.identities[Role.DEPLOY], own.identities[Role.PREVIEW]
    key = own.scope.arn("kms", "key/5a5a5a5a", region=own.scope.region)
    secrets, another = {"kms:ResourceAliases": own.scope.secrets_alias}, {"kms:ResourceAliases": "alias/another"}
    tagged = {"aws:ResourceTag/product": own.label.product, "aws:ResourceTag/environment": own.label.environment}
    foreign = tagged | {"aws:ResourceTag/environment": f"{own.label.environment}x"}
    name = own.stage.environment
    for role, identity in own.identities.items():
        opened = allows(identity, Request("kms:Decrypt", key, secrets))
        yield f"{name}'s secrets opened by {role}", opened, role is Role.DEPLOY
        yield f"another key used by {name}'s {role}", allows(identity, Request("kms:Decrypt", key, another)), False
    for case, context, expected in (
        ("the key of the secrets", secrets | tagged, False),
        ("a key of the stage", tagged, True),
        ("another stage's key", foreign, False),
    ):
        changed = Request("kms:PutKeyPolicy", key, context)
        yield f"{case} changed by {name}'s deploy", allows(deploy, changed), expected
    if not own.scope.removes:
        for role, identity in own.identities.items():
            for state, expected in (("ON", role is Role.OPERATIONS), ("OFF", False)):
                held = f"arn:{own.scope.partition}:s3:::{own.scope.vault}/{HELD}{_BACKUP}"
                asked = Request("s3:PutObjectLegalHold", held, {"s3:object-lock-legal-hold": state})
                yield f"a hold of {name}'s backup turned {state} by {role}", allows(identity, asked), expected
    for prefix, expected in (("twins/bulkhead", True), (".pulumi/", False)):
        listed = Request("s3:ListBucket", own.scope.state_bucket, {"s3:prefix": prefix})
        yield f"{prefix} listed by {name}'s preview", allows(preview, listed), expected


def _bounded(own: _Staged) -> Iterator[_Judgement]:
    """What a role could do if everything were attached to it."""
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    theirs = f"arn:{own.scope.partition}:s3:::{own.scope.identities_state}/{_STATE}"
    user = own.scope.arn("iam", "user/somebody")
    for role, identity in own.identities.items():
        widened = replace(identity, policies=(everything,))
        who = f"{own.stage.environment}'s {role} with every right"
        yield f"{who} making a user", allows(widened, Request("iam:CreateUser", user)), False
        yield f"{who} writing the state of the identities", allows(widened, Request("s3:PutObject", theirs)), False
        yield f"{who} reading a bucket", allows(widened, Request("s3:GetObject", f"{own.scope.state_bucket}/x")), True


def _staged(scene: Scene, stage: StandingStage) -> _Staged:
    settings = stage.settings
    label = settings.label(scene.product.name)
    scope = aws_scope_of(label, settings)
    iam = scene.aws(stage, "iam")
    roles = {role: _identity(iam, scope.role_name(role)) for role in Role}
    jobs = {job.name: _identity(iam, scope.job_role(job.name)) for job in jobs_of(settings, read_tasks())}
    return _Staged(stage, label, scope, roles, jobs, _identity(iam, scope.scheduler_role) if jobs else None)


def _identity(iam: Any, name: str) -> Identity:
    """Return a role as the cloud has it, whatever the program said of it."""
    role = iam.get_role(RoleName=name)["Role"]
    inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    limit = role.get("PermissionsBoundary")
    return Identity(
        name,
        (
            *(_parsed(iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]) for each in inline),
            *(_managed(iam, each["PolicyArn"]) for each in attached),
        ),
        _managed(iam, limit["PermissionsBoundaryArn"]) if limit else None,
        _parsed(role["AssumeRolePolicyDocument"]),
    )


def _managed(iam: Any, arn: str) -> Any:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return _parsed(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def _parsed(document: Any) -> Any:
    return json.loads(document) if isinstance(document, str) else document
