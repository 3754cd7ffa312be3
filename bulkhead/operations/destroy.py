"""What a stage loses when it is destroyed: counts it, describes it, and removes it.

The engine removes the resources. It cannot delete a bucket that holds anything, so buckets are emptied first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from bulkhead.clients import clouds
from bulkhead.clients.endpoints import Apis
from bulkhead.clients.rest import Rest
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN
from bulkhead.operations.destroy_plan import DestroyPlan, destroy_plan
from bulkhead.operations.empty import Emptied, empty_bucket
from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from bulkhead.engine.stack import StackCli
    from bulkhead.model.settings import StageSettings

_NO_BUCKET: Final = frozenset({"NoSuchBucket", "404"})
_MOST: Final = 10_000  # objects counted before a bucket is called large; a thousand take one request

_CALLED: Final[Mapping[ResourceType, str]] = {
    t.D1_DATABASE: "D1 database",
    t.KMS_KEY: "KMS key",
    t.QUEUE: "queue",
    t.WORKERS_KV_NAMESPACE: "KV namespace",
}

Progress = Callable[[str, Emptied], None]


class Removal:
    """The removal of what ``plan`` names, which can be interrupted and begun again by the command ``again``;
    ``profile`` is the AWS profile to use instead of the settings'. ``emptied`` says how much of each bucket is gone.

    Raises Refused when a credential is missing, or is of another AWS account.
    """

    def __init__(
        self, plan: DestroyPlan, settings: StageSettings, stack: StackCli, apis: Apis, profile: str | None
    ) -> None:
        self.again = f"bulkhead destroy {stack.name}" + (f" --profile {profile}" if profile else "")
        self.emptied: dict[str, Emptied] = {}
        self._plan = plan
        self._stack = stack
        self._r2 = self._s3 = None
        if plan.buckets:
            token = stack.secret(CLOUDFLARE_TOKEN)
            with Rest(apis.cloudflare, token) as cloudflare:
                self._r2 = clouds.r2(settings.cloudflare.account_id, token, cloudflare)
        if plan.vault:
            self._s3 = clouds.aws(settings, profile)("s3")

    def losses(self) -> list[str]:
        """Return a description of what will be lost."""
        with clouds.said_plainly("The bucket's service", "counting what is in the buckets"):
            return describe_losses(self._plan, count(self._plan, r2=self._r2, s3=self._s3))

    def run(self, progress: Progress, say: Callable[[str], None]) -> None:
        """Empty the buckets and destroy the stack. Where that is refused half-way, the Refused says what is gone."""

        def tell(bucket: str, so_far: Emptied) -> None:
            self.emptied[bucket] = so_far
            progress(bucket, so_far)

        try:
            with clouds.said_plainly("The bucket's service", "emptying the buckets"):
                empty(self._plan, r2=self._r2, s3=self._s3, progress=tell)
            self._stack.destroy(say)
        except Refused as refused:
            fix = f"{self.again} (a Worker may have stored something meanwhile: then the second time goes through)"
            told = Fault(self._stack.name, self.gone(), fix)
            summary = f"{self._stack.name} is not destroyed yet. {refused.summary}"
            raise Refused(summary, [*refused.faults, told]) from refused

    def gone(self) -> str:
        """Return what is gone already, as far as it can be known."""
        gone = [f"what was in {bucket} ({how_much})" for bucket, how_much in self.emptied.items()]
        before = self._plan.resources
        with suppress(Refused):  # what failed may be the very command that would say it
            left = destroy_plan(self._stack.name, self._stack.state().resources).resources
            gone.append(f"{before - left} of {before} resources")
        return f"Gone already: {'; '.join(gone) or 'nothing'}."


def count(plan: DestroyPlan, *, r2: S3Client | None, s3: S3Client | None) -> dict[str, int | None]:
    """Return how many objects each bucket holds, at most 10,000; None where there is no such bucket any more."""
    return {bucket: _objects(client, bucket) for bucket, client in _each_bucket(plan, r2, s3)}


def describe_losses(plan: DestroyPlan, counts: Mapping[str, int | None]) -> list[str]:
    """Return a description of the losses, for the person who decides."""
    answers = f", and the answers at {', '.join(plan.hostnames)}" if plan.hostnames else ""
    return [
        f"all {_counted(plan.resources, 'resource')} of the stack",
        *sorted(f"{_CALLED.get(row, row.kind)} {name}: {row.holds_data}" for row, name in plan.holders),
        *(f"R2 bucket {name}: {_objects_said(counts, name)}" for name in plan.buckets),
        *(f"Durable Objects {', '.join(classes)} in Worker {name}" for name, classes in plan.workers if classes),
        *(f"S3 bucket {name} of the backups: {_objects_said(counts, name)}" for name in plan.vault),
        *([f"{_counted(len(plan.workers), 'Worker')}{answers}"] if plan.workers else []),
    ]


def empty(
    plan: DestroyPlan, *, r2: S3Client | None, s3: S3Client | None, progress: Progress = lambda _bucket, _emptied: None
) -> dict[str, Emptied]:
    """Empty the stage's buckets, R2's first; return how much was removed from each that there still is.

    ``r2`` and ``s3`` may be None where the stage has no bucket there. ``progress`` is called with a bucket and its
    count after each page. Can be repeated. Raises Refused where a service keeps something back.
    """
    emptied = {}
    for bucket, client in _each_bucket(plan, r2, s3):

        def tell(so_far: Emptied, bucket: str = bucket) -> None:
            progress(bucket, so_far)

        try:
            emptied[bucket] = empty_bucket(client, bucket, progress=tell)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NO_BUCKET:
                raise
    return emptied


def _each_bucket(plan: DestroyPlan, r2: S3Client | None, s3: S3Client | None) -> Iterator[tuple[str, S3Client]]:
    for buckets, client in ((plan.buckets, r2), (plan.vault, s3)):
        for bucket in buckets:
            if client is None:
                raise ValueError(f"no client for {bucket}")  # a fault of the caller
            yield bucket, client


def _objects(client: S3Client, bucket: str) -> int | None:
    found = 0
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            found += page["KeyCount"]
            if found >= _MOST:
                break
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_BUCKET:
            raise
        return None
    return found


def _objects_said(counts: Mapping[str, int | None], bucket: str) -> str:
    found = counts[bucket]
    if found is None:
        return "gone already"
    if found >= _MOST:
        return f"{_MOST:,} objects or more"
    return _counted(found, "object")


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
