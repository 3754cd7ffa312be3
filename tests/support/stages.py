"""Whole stages, rendered: what the program would tell the engine for one product and one stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import pulumi

from bulkhead.engine import render as rendering
from bulkhead.engine.rendered import CreateRequest, CreateResponse, Rendered
from bulkhead.model.identities import Slots, Window
from bulkhead.model.identities import required_secrets as identity_secrets
from bulkhead.model.product import Product
from bulkhead.model.settings import required_secrets
from bulkhead.model.tasks import jobs_of, read_tasks
from identities.stage import deploy as deploy_identities
from infra.product import PRODUCT
from infra.stage import deploy
from tests.support.second_product import BUNDLE, SECOND_PRODUCT
from tests.support.settings_fixture import make_secrets, make_settings, secret_value

STAGES: Final = ("development", "staging", "production")
JOBS: Final = jobs_of(make_settings("production"), read_tasks())
_BEGIN: Final = datetime(2026, 11, 1, tzinfo=UTC)
SLOTS: Final = Slots(
    "b",
    {
        "a": Window(_BEGIN, _BEGIN + timedelta(days=80)),
        "b": Window(_BEGIN + timedelta(days=60), _BEGIN + timedelta(days=140)),
    },
)

# The product's own bundles need a build; what a Worker does plays no part in how it is deployed.
FIRST_PRODUCT: Final = replace(PRODUCT, workers=tuple(replace(worker, bundle=BUNDLE) for worker in PRODUCT.workers))
PRODUCTS: Final = {"first": FIRST_PRODUCT, "second": SECOND_PRODUCT}


def render(program: Callable[[], object], stack: str, before: Mapping[str, Any] | None = None) -> Rendered:
    """Run ``program`` as stack ``stack``, with clouds that compute what the stages' components use."""
    return rendering.render(program, stack, cloud=_cloud, before=before)


def _cloud(request: CreateRequest) -> CreateResponse:
    name, kind = request.name, request.type.rpartition(":")[2]
    settings = make_settings(request.stack)
    account, region = settings.aws.account_id, settings.region.primary
    outputs = {
        "Queue": {"queueId": f"{name}-queue-id", "arn": f"arn:aws:sqs:{region}:{account}:{name}"},
        "Function": {"arn": f"arn:aws:lambda:{region}:{account}:function:{name}"},
        "Key": {"keyId": f"{name}-key-id", "arn": f"arn:aws:kms:{region}:000000000000:key/{name}"},
        "Topic": {"arn": f"arn:aws:sns:{region}:{account}:{name}"},
        "Bucket": {"arn": f"arn:aws:s3:::{name}"},
        "Policy": {"arn": f"arn:aws:iam::000000000000:policy/{request.stack}-{name}"},
        "Role": {"arn": f"arn:aws:iam::000000000000:role/{request.stack}-{name}"},
        "ZeroTrustAccessServiceToken": {
            "clientId": f"{request.stack}-{name}.access",
            "clientSecret": secret_value(request.stack, name),
        },
        "AccountToken": {"value": secret_value(request.stack, name)},
    }
    return CreateResponse(f"{request.stack}-{name}-id", outputs.get(kind, {}))


def render_stage(
    product: Product,
    environment: str,
    changes: Mapping[str, Any] | None = None,
    *,
    before: Mapping[str, Any] | None = None,
    other_secrets: Mapping[str, str] | None = None,
) -> Rendered:
    """Return everything that makes up one stage; ``changes`` are laid over its settings, spelt as in YAML. ``before``
    are the outputs of its last `up`; ``other_secrets`` have other values than usual."""

    def program() -> None:
        others = {name: pulumi.Output.secret(value) for name, value in (other_secrets or {}).items()}
        secrets = make_secrets(required_secrets(product), environment) | others
        deploy(product, make_settings(environment, changes), secrets).export()

    return render(program, environment, before)


@cache
def rendered_stage(product: str, environment: str) -> Rendered:
    """Return ``render_stage`` of one of PRODUCTS with the usual settings, rendered once however many tests look."""
    return render_stage(PRODUCTS[product], environment)


def render_identities(product: Product, environment: str, changes: Mapping[str, Any] | None = None) -> Rendered:
    """Return the identities of one stage, the second slot open beside the first."""

    def program() -> None:
        settings = make_settings(environment, changes)
        outputs = deploy_identities(
            product, settings, SLOTS, make_secrets(identity_secrets(product), environment), "admin"
        )
        pulumi.export("environments", outputs.environments)
        pulumi.export("roles", outputs.roles)
        pulumi.export("tokens", outputs.tokens)

    return render(program, environment)


@cache
def rendered_identities(product: str, environment: str) -> Rendered:
    """Return ``render_identities`` of one of PRODUCTS with the usual settings, rendered once."""
    return render_identities(PRODUCTS[product], environment)
