"""A local AWS of its own in which policies are enforced, for the length of a proof.

moto enforces actions and resources, but treats a Deny with a condition as one without. So it gets the roles' policies
without statements that have conditions; `evaluator` judges those.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from botocore.exceptions import ClientError

from bulkhead.localclouds.aws.client import Guests
from bulkhead.localclouds.aws.local import LocalAws
from jobs.locks import MODE

_TRUSTED: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})


class EnforcedAws:
    """A local AWS for proofs: make the resources, then `enforce`; from then on every request is judged. Nothing else
    uses it."""

    def __init__(self) -> None:
        self._local = LocalAws()
        self._guests = Guests(self._local.endpoint, self._local.region)
        self._sessions: dict[tuple[str, str], Mapping[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._guests.close()
        try:
            # otherwise every other local AWS of this process would enforce policies too
            self._post("reset-auth", b"inf")
            self._post("reset")
        finally:
            self._local.stop()

    def bucket(self, account: str, name: str, keys: Iterable[str], *, locks_days: int = 0) -> None:
        """Make a bucket with some objects in it, each locked for so many days."""
        s3 = self._local.client(account, "s3")
        s3.create_bucket(
            Bucket=name,
            CreateBucketConfiguration={"LocationConstraint": self._local.region},
            ObjectLockEnabledForBucket=locks_days > 0,
        )
        if locks_days:
            rule = {"DefaultRetention": {"Mode": MODE, "Days": locks_days}}
            locked = {"ObjectLockEnabled": "Enabled", "Rule": rule}
            s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=locked)
        for key in keys:
            s3.put_object(Bucket=name, Key=key, Body=b"something")

    def role(self, account: str, name: str, policies: Iterable[Any]) -> None:
        """Make a role that may do what ``policies`` (parsed documents) allow without a condition, and assume it."""
        iam = self._local.client(account, "iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUSTED))["Role"]["Arn"]
        for number, document in enumerate(policies):
            unconditional = {
                **document,
                "Statement": [each for each in document["Statement"] if "Condition" not in each],
            }
            iam.put_role_policy(RoleName=name, PolicyName=f"policy-{number}", PolicyDocument=json.dumps(unconditional))
        taken = self._local.client(account, "sts").assume_role(RoleArn=arn, RoleSessionName="proof")
        self._sessions[account, name] = taken["Credentials"]

    def enforce(self) -> None:
        """Judge every request from now on."""
        self._post("reset-auth", b"0")

    def client(self, account: str, role: str, service: str) -> Any:
        """Return a client that asks as a role, until another one is taken."""
        return self._guests.client(self._sessions[account, role], service)

    def tries(self, account: str, role: str, service: str, operation: str, **request: Any) -> str:
        """Send a request as a role. Return "allowed", "denied", or the code of another refusal."""
        try:
            getattr(self.client(account, role, service), operation)(**request)
        except ClientError as refused:
            code = refused.response["Error"]["Code"]
            return "denied" if code in _DENIED else code
        return "allowed"

    def _post(self, path: str, body: bytes = b"") -> None:
        url, plain = f"{self._local.endpoint}/moto-api/{path}", {"Content-Type": "text/plain"}
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        direct.open(urllib.request.Request(url, body, plain, method="POST"), timeout=30).close()  # noqa: S310 (127.0.0.1)
