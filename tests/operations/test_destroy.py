"""A stage's buckets are counted, their loss is said, and they are emptied, in whatever half-done state they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from bulkhead.clients.endpoints import Apis
from bulkhead.engine.stack import State
from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.destroy import Removal, count, describe_losses, empty
from bulkhead.operations.destroy_plan import DestroyPlan
from bulkhead.operations.empty import Emptied
from bulkhead.resources import types as t
from tests.support.s3 import InProcessS3
from tests.support.settings_fixture import make_settings

PLAN = DestroyPlan(
    environment="staging",
    resources=58,
    hostnames=("api.harbor.example", "harbor.example"),
    buckets=("transcripts",),
    holders=(
        (t.D1_DATABASE, "db"),
        (t.KMS_KEY, "vault"),
        (t.QUEUE, "events"),
        (t.SQS_QUEUE, "jobs"),
        (t.WORKERS_KV_NAMESPACE, "sessions"),
    ),
    workers=(("assistant", ("Conversation", "Ledger")), ("web", ())),
    vault=("vault", "vault-log"),
)
COUNTS = {"transcripts": 1, "vault": 10_000, "vault-log": None}


@pytest.fixture
def s3(local_s3: InProcessS3) -> Any:
    return local_s3.emptied()


def test_every_loss_is_named_and_counted() -> None:
    assert describe_losses(PLAN, COUNTS) == [
        "all 58 resources of the stack",
        "D1 database db: its tables and every row in them",
        "KMS key vault: whatever was encrypted with it, the backups too: nobody can ever read it again",
        "KV namespace sessions: every key in it",
        "Queue jobs: every message that has not been consumed yet",
        "queue events: every message that has not been consumed yet",
        "R2 bucket transcripts: 1 object",
        "Durable Objects Conversation, Ledger in Worker assistant",
        "S3 bucket vault of the backups: 10,000 objects or more",
        "S3 bucket vault-log of the backups: gone already",
        "2 Workers, and the answers at api.harbor.example, harbor.example",
    ]


def test_what_a_stage_does_not_have_it_does_not_lose() -> None:
    bare = DestroyPlan("pr-42", 1, (), (), (), (), ())
    assert describe_losses(bare, {}) == ["all 1 resource of the stack"]
    assert describe_losses(replace(bare, workers=(("web", ()),)), {})[1:] == ["1 Worker"]


def test_objects_are_counted_where_there_is_a_bucket(local_s3: InProcessS3, s3: Any) -> None:
    local_s3.bucket("transcripts", "a", "b")
    local_s3.bucket("vault")
    assert count(PLAN, r2=s3, s3=s3) == {"transcripts": 2, "vault": 0, "vault-log": None}


def test_counting_ends_where_the_number_no_longer_matters(s3: Any) -> None:
    with Stubber(s3) as stubber:
        for page in range(10):
            answer = {"KeyCount": 1000, "IsTruncated": True, "NextContinuationToken": str(page)}
            stubber.add_response("list_objects_v2", answer)
        assert count(replace(PLAN, vault=()), r2=s3, s3=None) == {"transcripts": 10_000}


def test_every_bucket_is_emptied_and_told(local_s3: InProcessS3, s3: Any) -> None:
    local_s3.bucket("transcripts", "a", "b")
    local_s3.bucket("vault", "c")
    told: list[tuple[str, Emptied]] = []
    emptied = empty(PLAN, r2=s3, s3=s3, progress=lambda bucket, how_much: told.append((bucket, how_much)))
    assert emptied == {"transcripts": Emptied(versions=2), "vault": Emptied(versions=1)}
    assert told == [("transcripts", Emptied(versions=2)), ("vault", Emptied(versions=1))]
    assert count(PLAN, r2=s3, s3=s3) == {"transcripts": 0, "vault": 0, "vault-log": None}


def test_it_can_be_repeated(local_s3: InProcessS3, s3: Any) -> None:
    local_s3.bucket("transcripts", "a")
    empty(PLAN, r2=s3, s3=s3)
    assert empty(PLAN, r2=s3, s3=s3) == {"transcripts": Emptied()}


@pytest.mark.parametrize("act", [count, empty])
def test_a_bucket_that_may_not_be_seen_is_not_taken_for_a_missing_one(act: Any, s3: Any) -> None:
    with Stubber(s3) as stubber:
        stubber.add_client_error("list_objects_v2" if act is count else "list_object_versions", "AccessDenied")
        with pytest.raises(ClientError, match="AccessDenied"):
            act(PLAN, r2=s3, s3=s3)


def test_a_bucket_without_a_client_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="transcripts"):
        count(PLAN, r2=None, s3=None)


class HalfwayStack:
    """Of two resources without data the engine removes one, and then fails; asked again, the CLI may not answer."""

    name = "staging"
    answers = True

    def destroy(self, say: Any) -> None:
        say("one of two")
        raise Refused("Pulumi could not do it.", [Fault("pulumi destroy", "it is in use")])

    def state(self) -> State:
        if not self.answers:
            raise Refused("Pulumi could not do it.", [Fault("pulumi stack", "no backend")])
        return State([{"urn": "urn::left", "type": "aws:sns/topic:Topic", "custom": True, "inputs": {}}], [])


@pytest.mark.parametrize(("answers", "gone"), [(True, "1 of 2 resources"), (False, "nothing")])
def test_a_removal_that_stops_halfway_says_what_is_gone_and_how_to_go_on(answers: bool, gone: str) -> None:
    stack: Any = HalfwayStack()
    stack.answers = answers
    removal = Removal(DestroyPlan("staging", 2, (), (), (), (), ()), make_settings("staging"), stack, Apis(), "harbor")
    said: list[str] = []
    with pytest.raises(Refused) as refused:
        removal.run(lambda *_: None, said.append)
    assert refused.value.summary == "staging is not destroyed yet. Pulumi could not do it."
    why, told = refused.value.faults
    assert (why.message, told.message, said) == ("it is in use", f"Gone already: {gone}.", ["one of two"])
    assert told.fix.startswith("bulkhead destroy staging --profile harbor ")
