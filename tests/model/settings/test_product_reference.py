"""Which product is meant: the chosen one, the one in the settings, the default; and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.model.faults import Refused
from bulkhead.model.product import ProductFault
from bulkhead.model.settings.files import check_files
from bulkhead.model.settings.product_reference import find_product, named_in, one_product
from infra.product import PRODUCT
from tests.model.settings.baseline import baseline, write
from tests.support.second_product import SECOND_PRODUCT

SECOND = "tests.support.second_product:SECOND_PRODUCT"
KEY = "bulkhead:product"


def test_a_product_is_found_by_reference() -> None:
    assert find_product("infra.product:PRODUCT") is PRODUCT


@pytest.mark.parametrize(
    "reference", ["infra.product", "infra.product:", ":X", "no.such.module:X", "infra.product:WEB"]
)
def test_a_wrong_reference_is_refused(reference: str) -> None:
    with pytest.raises(ProductFault) as refused:
        find_product(reference, file="Pulumi.staging.yaml")
    [fault] = refused.value.faults
    assert (fault.key, fault.file) == ("bulkhead:product", "Pulumi.staging.yaml")
    assert fault.message.startswith(reference)
    assert "infra.product:PRODUCT" in fault.fix


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("PRODUCT = Product(", "'(' was never closed"),
        ("import no_such_package", "No module named 'no_such_package'"),
        ("\nPRODUCT = 1 / 0", "ZeroDivisionError: division by zero (broken_product.py, line 2)"),
        ("import sys\nsys.exit(3)", "SystemExit: 3 (broken_product.py, line 2)"),
        ("from bulkhead.model.product import Product\nProduct(name='shop', wokers=())", "wokers"),
    ],
)
def test_a_product_that_cannot_be_imported_is_refused_with_what_python_says(
    code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_product.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ProductFault) as refused:
        find_product("broken_product:PRODUCT")
    assert said in str(refused.value)


def test_a_product_whose_parts_do_not_fit_says_so_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "from bulkhead.model.product import Product, Queue",
        "Product(name='shop', workers=(), queues=(Queue('a', 'x'),))",
    ]
    (tmp_path / "unfit_product.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ProductFault, match="cannot be deployed") as refused:
        find_product("unfit_product:PRODUCT")
    assert "imported" not in str(refused.value)


def test_the_product_is_the_one_that_all_stages_name() -> None:
    assert one_product({}) is PRODUCT
    assert one_product({"staging": SECOND, "production": SECOND}) is SECOND_PRODUCT
    assert one_product({"staging": "no.such:PRODUCT"}, SECOND) is SECOND_PRODUCT


def test_stages_of_different_products_are_refused_where_one_is_needed() -> None:
    with pytest.raises(Refused) as caught:
        one_product({"staging": SECOND, "production": "infra.product:PRODUCT"})
    assert [(fault.file, fault.key) for fault in caught.value.faults] == [
        ("Pulumi.staging.yaml", KEY),
        ("Pulumi.production.yaml", KEY),
    ]
    assert all("--product" in fault.fix for fault in caught.value.faults)


def test_no_product_is_guessed_from_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.staging.yaml"
    assert named_in([file]) == {}
    file.write_text(f"config:\n  {KEY}: {SECOND}\n")
    assert named_in([file]) == {"staging": SECOND}
    file.write_text(f"config:\n  {KEY}: {SECOND}\n  {KEY}: infra.product:PRODUCT\n")
    with pytest.raises(Refused, match="is written twice"):
        named_in([file])


def test_each_file_is_judged_by_the_product_that_it_names(tmp_path: Path) -> None:
    files = [
        write(tmp_path, stack, {**baseline(stack), **({KEY: SECOND} if stack == "staging" else {})})
        for stack in ("development", "staging", "production")
    ]
    told = [(each.fault.file, each.fault.key) for each in check_files(files) if each.level == "fault"]
    assert ("Pulumi.staging.yaml", "secrets:paymentKey") in told
    assert ("Pulumi.staging.yaml", "secrets:sessionKey") in told  # no secret of this product
    assert {file for file, _ in told} == {"Pulumi.staging.yaml"}


def test_a_product_that_is_not_there_is_said_where_it_is_named(tmp_path: Path) -> None:
    files = [
        write(tmp_path, stack, {**baseline(stack), KEY: "no.such:PRODUCT"})
        for stack in ("development", "staging", "production")
    ]
    faults = [each.fault for each in check_files(files) if each.level == "fault"]
    assert [(fault.file, fault.key) for fault in faults] == [(file.name, KEY) for file in files]


def test_a_reference_that_cannot_be_one_is_said_once(tmp_path: Path) -> None:
    file = write(tmp_path, "staging", {**baseline("staging"), KEY: "nonsense"})
    assert [each.fault.key for each in check_files([file])] == [KEY]


def test_what_is_wrong_in_the_product_itself_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "misfit_product.py").write_text(
        "from bulkhead.model.product import Product\nProduct('shop', workers=())"
    )
    monkeypatch.syspath_prepend(tmp_path)
    files = [
        write(tmp_path, stack, {**baseline(stack), KEY: "misfit_product:PRODUCT"})
        for stack in ("development", "staging", "production")
    ]
    assert [each.fault.key for each in check_files(files) if each.level == "fault"] == ["workers"]
