"""A product that a change proposes: written down by the change, read without running a line of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkhead.model.faults import Refused
from bulkhead.preview import proposed
from bulkhead.preview.write_product import encoded
from infra.product import PRODUCT
from tests.support.second_product import SECOND_PRODUCT


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "product.json"


@pytest.mark.parametrize("product", [PRODUCT, SECOND_PRODUCT], ids=lambda product: product.name)
def test_a_product_is_read_as_it_was_written(product: object, file: Path) -> None:
    file.write_text(json.dumps(encoded(product)))
    assert proposed.read(file) == product


def test_what_cannot_be_written_down_is_named() -> None:
    with pytest.raises(TypeError, match="holds a set"):
        encoded({"a": {1, 2}})


NONE = {
    "no JSON": "product",
    "no product": '"harbor"',
    "a part of one": json.dumps(encoded(PRODUCT.workers[0])),
    "a word that there is not": '{"is": "Satellite", "has": {}}',
    "a field that there is not": '{"is": "Namespace", "has": {"name": "n", "orbit": 1}}',
    "a field that is missing": '{"is": "Namespace", "has": {}}',
    "a class of another kind": '{"is": "ProductFault", "has": {}}',
    "nothing of ours": '{"name": "harbor"}',
    "deeper than anybody nests": "[" * 100_000,
}


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_anything_else_is_refused(text: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(Refused, match="no policy can judge by it"):
        proposed.read(file)


def test_a_product_that_does_not_fit_together_is_refused_as_everywhere(file: Path) -> None:
    broken = encoded(PRODUCT)
    broken["has"]["namespaces"] = []
    file.write_text(json.dumps(broken))
    with pytest.raises(Refused, match="cannot be deployed"):
        proposed.read(file)


def test_the_pack_judges_by_the_product_that_was_read_whatever_the_stack_names() -> None:
    given = {"PULUMI_STACK": "staging", "PULUMI_CONFIG": '{"bulkhead:product": "evil:PRODUCT", "bulkhead:owner": "o"}'}
    judged = proposed.judged_by(given)
    assert judged["PULUMI_STACK"] == "staging"
    assert json.loads(judged["PULUMI_CONFIG"]) == {
        "bulkhead:product": "bulkhead.preview.pack.product:PRODUCT",
        "bulkhead:owner": "o",
    }
