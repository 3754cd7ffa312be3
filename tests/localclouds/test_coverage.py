from __future__ import annotations

import pytest

from bulkhead.localclouds import coverage, fidelity
from bulkhead.localclouds.aws import handlers as aws_handlers
from bulkhead.localclouds.cloudflare import handlers as cloudflare_handlers
from bulkhead.localclouds.providers import planning, registry
from bulkhead.localclouds.providers.wire import decode, encode
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.kind import Rehearsed
from bulkhead.resources.planned import unsealed
from tests.support.stages import PRODUCTS, STAGES, rendered_identities, rendered_stage


def nowhere(environment: str) -> None:
    raise AssertionError(f"no resource is made here, so nobody asks for the cloud of {environment}")


def test_the_page_is_current() -> None:
    assert coverage.PAGE.read_text(encoding="utf-8") == f"{coverage.page()}\n", (
        "run: python -m bulkhead.localclouds.coverage"
    )


def test_what_is_called_emulated_has_a_handler_and_the_rest_has_none() -> None:
    real = {*cloudflare_handlers.handlers(nowhere), *aws_handlers.REAL}  # type: ignore[arg-type] # never called
    listed = {type_ for table in registry.TABLES.values() for type_ in table}
    treated = {each: {row for row in CATALOGUE.values() if row.rehearsed is each} for each in Rehearsed}
    assert treated[Rehearsed.EMULATED] == real
    assert treated[Rehearsed.RECORDED] == listed - real


def test_a_type_that_is_not_listed_is_not_rehearsed() -> None:
    assert fidelity.treatment_of("cloudflare:index/zone:Zone") == Rehearsed.NO
    assert fidelity.treatment_of("gcp:storage/bucket:Bucket") == Rehearsed.NO


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_everything_the_program_makes_is_rehearsed_and_passes_the_checks(product: str, stage: str) -> None:
    faults: list[str] = []
    seen = 0
    for resource in (*rendered_stage(product, stage).resources, *rendered_identities(product, stage).resources):
        inputs = decode(encode(unsealed(resource.inputs))).values
        package = registry.package_of(resource.type)
        if package == "pulumi":  # the engine itself, by which a stage reads its own stack
            continue
        if resource.is_provider:
            found = planning.check_provider(package, planning.provider_config(package, inputs))
        elif resource.custom:
            found = planning.check(resource.type, inputs)[1]
        else:
            continue
        seen += 1
        faults.extend(f"{resource.name} ({resource.type}): {fault}" for fault in found)
    assert faults == []
    assert seen > 20
