"""What the stack's last `up` uploaded, which this one has to know: whether a Worker's classes are new to Cloudflare.

The engine remembers resources, and of those only what the program says now: nothing in them tells the version that
brought a class from a later one. The stack's own outputs do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import pulumi
import pulumi_cloudflare as cloudflare

from bulkhead.model.product import Worker
from bulkhead.model.uploads import EVERYBODY, NOBODY, OUTPUT, Upload, read_uploads
from bulkhead.resources.kind import OWN_STACK

SEALS: Final = "seals"
"""The output with the seals of Workers that own classes; secret, because a digest tells whether a guess is right."""
_SECRET: Final = "secret_text"  # noqa: S105 - a kind of binding


class _OwnStack(pulumi.ProviderResource):
    """The engine itself. It has a name, so that the policies can tell this stack reference from any other."""

    def __init__(self) -> None:
        super().__init__("pulumi", OWN_STACK, {})


class UploadedBefore:
    """What this very stack exported when it was last brought up."""

    def __init__(self) -> None:
        own = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
        outputs = pulumi.StackReference(own, opts=pulumi.ResourceOptions(provider=_OwnStack()))
        self._uploads = outputs.get_output(OUTPUT).apply(read_uploads)
        self._seals = outputs.get_output(SEALS).apply(lambda seals: seals or {})

    def deploys_itself(
        self, worker: Worker, content: pulumi.Output[str], seal: pulumi.Output[str]
    ) -> pulumi.Output[bool | None]:
        """Return whether the version of a Worker is deployed by its upload: True, or None for an upload alone.

        It is when its classes are others than the last version had: the API refuses to upload such a version without
        deploying it (error 10211). It stays so while nothing about the version changes, because another word alone
        would upload the same code again.
        """

        def decided(uploads: Mapping[str, Upload]) -> pulumi.Output[bool | None]:
            before = uploads.get(worker.name)
            if before is None or not before.has_classes_of(worker):
                return pulumi.Output.from_input(True)
            if not before.deploys_itself:
                return pulumi.Output.from_input(None)
            now = pulumi.Output.all(content, seal, self._seals)
            return pulumi.Output.unsecret(now.apply(lambda now: _same(worker.name, before, *now) or None))

        return self._uploads.apply(decided)


def _same(worker: str, before: Upload, content: str, seal: str, seals: Any) -> bool:
    # A twin has one placeholder for all seals; secrets are placeholders there, too, and none of them changes.
    sealed = seals.get(worker, "") if isinstance(seals, Mapping) else seal
    return bool(content == before.content and seal == sealed)


def content_of(inputs: Mapping[str, Any]) -> pulumi.Output[str]:
    """Return the digest of a version's inputs, but for values of secrets."""
    plain = [{**one, "text": None} if one["type"] == _SECRET else one for one in inputs["bindings"]]
    return _digest({**inputs, "bindings": plain})


def seal_of(inputs: Mapping[str, Any]) -> pulumi.Output[str]:
    """Return the digest of the secrets in a version's inputs; "" where it has none."""
    secrets = [one["text"] for one in inputs["bindings"] if one["type"] == _SECRET]
    return _digest(secrets) if secrets else pulumi.Output.from_input("")


def _digest(said: Any) -> pulumi.Output[str]:
    text = pulumi.Output.json_dumps(said, sort_keys=True)
    return text.apply(lambda text: hashlib.sha256(text.encode()).hexdigest())


def reach(version: cloudflare.WorkerVersion, deployment: cloudflare.WorkersDeployment | None) -> pulumi.Output[str]:
    """Return who gets a version by this `up`: everybody, where it deploys itself or the program deploys it. Of a
    deployment that ignores changes, the program sees what it was when it was made."""
    shares: Any = deployment.versions if deployment else []

    def said(known: Any) -> str:
        deploys, own, shares = known
        return EVERYBODY if deploys or own in [share["version_id"] for share in shares] else NOBODY

    return pulumi.Output.all(version.deploy, version.id, shares).apply(said)
