"""A bundle is known by its content, and one that is older than its source is refused by whoever would use it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pulumi
import pytest

import bulkhead.cli.main
from bulkhead.model.bundles import RECORD, Bundle, read_bundles
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product, Worker
from bulkhead.model.project import ROOT
from bulkhead.model.settings.keys import required_secrets
from infra import program
from infra.load import LoadedStage
from tests.support.checkout import work_in
from tests.support.settings_fixture import make_secrets, make_settings, write_stage_files
from tests.support.stages import render

SITE = Product("new", workers=(Worker("site", "shop/dist/site.js", source="shop/src/site.ts"),))
BUILD = "npm --prefix shop run build"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one Worker and the record of a build, as worker/build.mjs writes it."""
    shop = tmp_path / "shop"
    texts = {
        "build.mjs": f"// writes dist/{RECORD}",
        "src/site.ts": "export default {};",
        "src/unread.test.ts": "// no part of the bundle",
        "dist/site.js": "export default {};",
    }
    for file, text in texts.items():
        (shop / file).parent.mkdir(parents=True, exist_ok=True)
        (shop / file).write_text(text)
    known = {file: sha256(text.encode()).hexdigest() for file, text in texts.items()}
    read = {file: known[file] for file in ("build.mjs", "src/site.ts")} | {"tsconfig.json": None}
    record = {"bundles": {"dist/site.js": known["dist/site.js"]}, "from": read}
    (shop / "dist" / RECORD).write_text(json.dumps(record))
    return tmp_path


def refused(root: Path, product: Product = SITE) -> list[Fault]:
    with pytest.raises(Refused) as caught:
        read_bundles(product, root)
    return list(caught.value.faults)


def test_bundles_that_were_not_built_are_named_all_at_once(tmp_path: Path) -> None:
    product = Product("new", workers=(Worker("one", "dist/one.js"), Worker("two", "dist/two.js")))
    with pytest.raises(Refused) as raised:
        read_bundles(product, tmp_path)
    assert [(fault.key, fault.fix) for fault in raised.value.faults] == [
        ("dist/one.js", "make install"),
        ("dist/two.js", "make install"),
    ]


def test_a_bundle_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text("export default {}")
    product = Product("new", workers=(Worker("one", "one.js"),))
    before = read_bundles(product, tmp_path)["one"]
    (tmp_path / "one.js").write_text("export default { }")
    after = read_bundles(product, tmp_path)["one"]
    assert before.path == after.path == "one.js"
    assert before.sha256 != after.sha256
    assert replace(before, sha256="0123456789abcdef") == Bundle("one.js", "0123456789abcdef")
    assert Bundle("one.js", "0123456789abcdef").release == "0123456789ab"


def test_a_bundle_of_the_code_as_it_is_can_be_used(root: Path) -> None:
    assert read_bundles(SITE, root)["site"].path == "shop/dist/site.js"
    (root / "shop/src/unread.test.ts").write_text("// changed")
    (root / "shop/README.md").write_text("new")
    assert read_bundles(SITE, root)


@pytest.mark.parametrize("file", ["src/site.ts", "build.mjs", "tsconfig.json"])
def test_a_bundle_that_is_older_than_a_file_it_was_built_from_is_refused(root: Path, file: str) -> None:
    with (root / "shop" / file).open("a") as opened:
        opened.write(" ")
    [fault] = refused(root)
    assert (fault.key, fault.fix) == ("shop/dist", BUILD)
    assert f"shop/{file}" in fault.message


def test_a_source_that_is_gone_is_a_change(root: Path) -> None:
    (root / "shop/src/site.ts").unlink()
    assert "shop/src/site.ts" in refused(root)[0].message


def test_a_bundle_that_the_build_did_not_write_is_refused(root: Path) -> None:
    (root / "shop/dist/site.js").write_text("export default { };")
    assert [(fault.key, fault.fix) for fault in refused(root)] == [("shop/dist/site.js", BUILD)]


@pytest.mark.parametrize("record", [None, "", "[]", '{"from": {}}'])
def test_a_bundle_of_our_build_without_a_record_is_refused(root: Path, record: str | None) -> None:
    file = root / "shop/dist" / RECORD
    file.unlink() if record is None else file.write_text(record)
    assert [(fault.key, fault.fix) for fault in refused(root)] == [("shop/dist", BUILD)]


def test_a_bundle_that_is_missing_beside_others_is_built_by_the_build(root: Path) -> None:
    (root / "shop/dist/site.js").unlink()
    assert [(fault.key, fault.fix) for fault in refused(root)] == [("shop/dist/site.js", BUILD)]


def test_of_a_bundle_that_another_build_made_nothing_is_said(root: Path) -> None:
    (root / "shop/dist" / RECORD).unlink()
    (root / "shop/build.mjs").write_text("// another build")
    (root / "shop/src/site.ts").write_text("// changed")
    assert read_bundles(SITE, root)


def test_pulumi_deploys_and_previews_no_old_bundle(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "shop/src/site.ts").write_text("// changed")

    def load(stack: str, product: Product, **_: bool) -> LoadedStage:
        return LoadedStage(make_settings(stack), make_secrets(required_secrets(product), stack))

    monkeypatch.setattr(program, "load", load)
    monkeypatch.setattr("infra.stage.read_bundles", partial(read_bundles, root=root))
    with pytest.raises(pulumi.RunError, match=BUILD):
        render(lambda: program.run(SITE), "staging")


def test_no_old_bundle_is_rehearsed(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "shop/src/site.ts").write_text("// changed")
    (root / "built_by_us.py").write_text("from tests.infra.test_bundles import SITE")
    monkeypatch.syspath_prepend(root)
    write_stage_files(root, ("staging",))
    work_in(monkeypatch, root)
    monkeypatch.setattr("bulkhead.rehearsal.run.shed_owner", lambda: ())
    assert bulkhead.cli.main.main(["rehearse", "--stage", "staging", "--product", "built_by_us:SITE"]) == 1
    err = capsys.readouterr().err
    assert "shop/src/site.ts" in err
    assert BUILD in err


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example's Workers, built by the real build."""
    package = tmp_path_factory.mktemp("checkout") / "worker"
    shutil.copytree(ROOT / "worker", package, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (package / "node_modules").symlink_to(ROOT / "worker/node_modules")
    subprocess.run(["node", "build.mjs"], cwd=package, check=True, capture_output=True)
    return package


def _files(package: Path) -> Iterator[Path]:
    yield from (file for file in sorted((package / "src").rglob("*.ts")) if not file.name.endswith(".d.ts"))
    yield from sorted((package / "src").rglob("tsconfig.json"))
    yield from (package / name for name in ("build.mjs", "package.json", "package-lock.json", "tsconfig.json"))


@pytest.mark.slow
def test_every_file_that_the_real_build_reads_is_in_its_record(example: Path) -> None:
    from infra.product import PRODUCT  # noqa: PLC0415 (for this test alone)

    assert len(read_bundles(PRODUCT, example.parent)) == len(PRODUCT.workers)
    files = list(_files(example))
    assert len(files) > 20
    for file in files:
        before = file.read_bytes()
        file.write_bytes(before + b" ")
        [fault] = refused(example.parent, PRODUCT)
        assert str(file.relative_to(example.parent)) in fault.message
        file.write_bytes(before)
    for unread in ("test/harbor.mjs", "README.md", "check.mjs", "src/web/env.d.ts"):
        (example / unread).write_bytes((example / unread).read_bytes() + b" ")
    assert read_bundles(PRODUCT, example.parent)


@pytest.mark.slow
def test_the_same_source_gives_the_same_record(example: Path) -> None:
    record = example / "dist" / RECORD
    before = record.read_bytes()
    subprocess.run(["node", "build.mjs"], cwd=example, check=True, capture_output=True)
    assert record.read_bytes() == before
