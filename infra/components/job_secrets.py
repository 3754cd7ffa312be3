"""The secrets that the stage's jobs read when they run (SEC-1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws.ssm import Parameter

from bulkhead.model.naming import Kind, Label, upper_snake
from bulkhead.model.product import Product


@dataclass(frozen=True, slots=True)
class JobSecretsArgs:
    """``secrets`` are all of the stage's, by the product's own names."""

    label: Label
    product: Product
    secrets: Mapping[str, pulumi.Output[str]]


class JobSecrets(pulumi.ComponentResource):
    """An encrypted SSM parameter for each secret that the product gives to its jobs.

    A job reads it when it starts, so a rotated secret needs no new deployment of the job. The key is AWS's own for SSM:
    who may read is decided by the right on the parameter, and a key of one's own costs a dollar a month.

    Left out: the jobs' right to read, which comes with the jobs.
    """

    def __init__(self, name: str, args: JobSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:jobs:JobSecrets", name, {}, opts)
        self.parameters = {
            secret.name: Parameter(
                f"{name}-{secret.name}",
                name=args.label.name(Kind.PARAMETER, upper_snake(secret.name)),
                type="SecureString",
                value=args.secrets[secret.name],
                opts=pulumi.ResourceOptions(parent=self),
            )
            for secret in args.product.secrets
            if secret.jobs
        }
        self.register_outputs({})
