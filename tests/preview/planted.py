"""A small stage for the real engine, in which every loss can be planted, and the CLI that brings it up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare
import pytest

from tests.support.language_host import language_host
from tests.support.settings_fixture import write_stage_files

ACCOUNT = "f" * 32
SECRET = "a-token-that-nobody-may-see-0123456789"
DAY = 86_400


def called(part: str) -> str:
    return f"harbor-{pulumi.get_stack()}-{part}"


@dataclass(frozen=True)
class Program:
    """A small stage; each field is something that a change could touch."""

    bundle: str
    protect: bool = True
    retain: bool = True
    database: str | None = "d1-main"
    replication: str = "disabled"
    namespace: str | None = "kv-sessions"
    namespace_called: str = "kv"
    alias: str = ""
    worker: str | None = "worker-booking"
    exports: tuple[tuple[str, str], ...] = (("Room", "created"),)
    expire_days: int | None = 30
    versioning: str = "Enabled"
    queues: int = 0
    account: str = "123456789012"

    def __call__(self) -> None:
        token = pulumi.Output.secret(SECRET)
        kept = pulumi.ResourceOptions(
            provider=cloudflare.Provider("cloudflare", api_token=token),
            protect=self.protect,
            retain_on_delete=self.retain,
        )
        if self.database:
            replication: Any = {"mode": self.replication}
            cloudflare.D1Database(
                "d1", account_id=ACCOUNT, name=called(self.database), read_replication=replication, opts=kept
            )
        if self.namespace:
            aliases = [pulumi.Alias(name=self.alias)] if self.alias else []
            options = pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(aliases=aliases))
            cloudflare.WorkersKvNamespace(
                self.namespace_called, account_id=ACCOUNT, title=called(self.namespace), opts=options
            )
        if self.worker:
            self._worker(self.worker, kept)
        for number in range(self.queues):
            cloudflare.Queue(f"queue-{number}", account_id=ACCOUNT, queue_name=called(f"queue-{number}"), opts=kept)
        bucket = cloudflare.R2Bucket("r2", account_id=ACCOUNT, name=called("r2-files"), opts=kept)
        if self.expire_days is not None:
            rule: Any = {
                "id": "tmp",
                "enabled": True,
                "conditions": {"prefix": "tmp/"},
                "delete_objects_transition": {"condition": {"type": "Age", "max_age": self.expire_days * DAY}},
            }
            cloudflare.R2BucketLifecycle(
                "r2-lifecycle", account_id=ACCOUNT, bucket_name=bucket.name, rules=[rule], opts=kept
            )
        self._vault()

    def _worker(self, name: str, kept: pulumi.ResourceOptions) -> None:
        worker = cloudflare.Worker("booking", account_id=ACCOUNT, name=called(name), opts=kept)
        exports: Any = {
            class_: {"type": "durable-object", "state": state, **({"storage": "sqlite"} if state == "created" else {})}
            for class_, state in self.exports
        }
        module: Any = {"name": "i.js", "content_type": "application/javascript+module", "content_file": self.bundle}
        cloudflare.WorkerVersion(
            "booking-version",
            account_id=ACCOUNT,
            worker_id=worker.id,
            main_module="i.js",
            compatibility_date="2026-07-01",
            modules=[module],
            bindings=[{"name": "TOKEN", "type": "secret_text", "text": pulumi.Output.secret(SECRET)}],
            exports=exports,
            deploy=True,
            opts=pulumi.ResourceOptions(provider=kept.provider),
        )

    def _vault(self) -> None:
        provider = aws.Provider("aws", region="ap-northeast-1", profile="p", allowed_account_ids=[self.account])
        kept = pulumi.ResourceOptions(provider=provider, protect=self.protect, retain_on_delete=self.retain)
        bucket = aws.s3.Bucket("vault", bucket=called("vault"), opts=kept)
        status: Any = {"status": self.versioning}
        aws.s3.BucketVersioning("vault-versions", bucket=bucket.id, versioning_configuration=status, opts=kept)


@dataclass
class Engine:
    """The real CLI in a checkout of its own, and clouds that make whatever they are asked for."""

    checkout: Path
    patch: pytest.MonkeyPatch

    def pulumi(self, program: Callable[[], None], *arguments: str, stdin: str = "") -> str:
        with language_host(program) as languages:
            command = ["pulumi", "--non-interactive", "--color", "never", *arguments]
            answer = subprocess.run(
                command,
                cwd=self.checkout,
                env=os.environ | languages,
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
            )
        assert answer.returncode == 0 or "preview" in arguments, answer.stdout + answer.stderr
        return answer.stdout

    def stand(self, stack: str, program: Program) -> None:
        """Bring a stack up, with settings of its own and a secret in its configuration."""
        write_stage_files(self.checkout, [stack])
        self.pulumi(program, "stack", "init", stack)
        self.pulumi(program, "config", "set", "--secret", "secrets:githubToken", "--stack", stack, stdin=SECRET)
        self.pulumi(program, "up", "--yes", "--skip-preview", "--stack", stack)


def guardless(bundle: str) -> Program:
    """Return the program as it stands in staging: nothing is protected."""
    return Program(bundle, protect=False, retain=False)
