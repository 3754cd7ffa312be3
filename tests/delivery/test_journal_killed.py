"""A deployment that is killed leaves its stage to the next one, in processes of their own on a local AWS."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from bulkhead.delivery.journal import BEGIN, CONTINUE, Journal
from bulkhead.localclouds.aws.client import forget
from bulkhead.localclouds.aws.enforced import EnforcedAws
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.faults import Refused
from bulkhead.model.roles import Role
from identities.permissions import grants
from tests.support.second_product import SECOND_PRODUCT
from tests.support.settings_fixture import make_settings

pytestmark = pytest.mark.slow

# Takes the stage, says so, and waits until it is killed or told to end.
DEPLOYING = """
import sys
from bulkhead.delivery.journal import CONTINUE, Journal, Outcome
from bulkhead.localclouds.aws.client import client
from bulkhead.model.faults import Refused

journal = Journal(client(sys.argv[1], sys.argv[2], "ap-northeast-1", "s3"), sys.argv[3], "staging")
try:
    with journal.held():
        run = journal.open_run()
        if run:
            run.note(CONTINUE)
        else:
            run = journal.begin({"commit": "a" * 40})
        run.note("canary 10 %")
        print("deploys", flush=True)
        input()
        run.end(Outcome.DONE)
except Refused as refused:
    print(refused.summary, flush=True)
"""


class Deployments:
    def __init__(self, aws: LocalAws, account: str) -> None:
        self.s3 = aws.client(account, "s3")
        self.bucket = f"harbor-staging-state-{account}"
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
        self._command = [sys.executable, "-c", DEPLOYING, aws.endpoint, account, self.bucket]
        self.started: list[subprocess.Popen[str]] = []

    def start(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        self.started.append(subprocess.Popen(self._command, stdin=pipe, stdout=pipe, text=True))
        return self.started[-1]

    def steps(self) -> list[str]:
        [run] = Journal(self.s3, self.bucket, "staging").runs()
        return [each.step for each in run.entries()]


@pytest.fixture
def deployments(local_aws: LocalAws, account: str) -> Iterator[Deployments]:
    made = Deployments(local_aws, account)
    yield made
    for each in made.started:
        each.kill()
        each.communicate()


def _says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_deployment_that_was_killed_is_continued_by_the_next_without_waiting(deployments: Deployments) -> None:
    killed = deployments.start()
    assert _says(killed) == "deploys"
    second = deployments.start()
    assert _says(second) == "staging is being changed."
    killed.send_signal(signal.SIGKILL)
    third = deployments.start()
    assert _says(third) == "deploys"
    third.communicate("\n")
    assert deployments.steps() == [BEGIN, "canary 10 %", CONTINUE, "canary 10 %", "end"]


def test_of_deployments_that_start_at_once_one_deploys(deployments: Deployments) -> None:
    said = [_says(each) for each in [deployments.start() for _ in range(3)]]
    assert sorted(said) == ["deploys", "staging is being changed.", "staging is being changed."]


@pytest.fixture
def enforced(local_aws: LocalAws) -> Iterator[EnforcedAws]:
    with EnforcedAws() as aws:
        yield aws
    forget(local_aws.endpoint)  # it is a door to the same clouds, whose credentials are gone now


def test_the_deploy_role_keeps_its_own_stage_s_journal_and_no_other_role_or_stage_s(enforced: EnforcedAws) -> None:
    scopes = {}
    for stage in ("staging", "production"):
        settings = make_settings(stage)
        scope = scopes[stage] = aws_scope_of(settings.label(SECOND_PRODUCT.name), settings)
        enforced.bucket(scope.account, scope.state, [])
        for role in Role:
            statements = [grant.statement() for grant in grants(role, scope, SECOND_PRODUCT)]
            document = {"Version": "2012-10-17", "Statement": statements}
            enforced.role(scope.account, scope.role_name(role), [document] if statements else [])
    enforced.enforce()
    own = scopes["staging"]

    def journal(role: Role, of: str) -> Journal:
        s3: Any = enforced.client(own.account, own.role_name(role), "s3")
        return Journal(s3, scopes[of].state, of, patience=0)

    with (mine := journal(Role.DEPLOY, "staging")).held():
        mine.begin({}).note("up")
    for role, of in [(Role.DEPLOY, "production"), *((role, "staging") for role in Role if role is not Role.DEPLOY)]:
        with pytest.raises(Refused, match="AccessDenied"), journal(role, of).held():
            pass
