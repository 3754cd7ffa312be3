"""A build goes from the job that made it to those that deploy it: whole, and only that one."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bulkhead.delivery.build import STATEMENT, Builder, Source, checked_out, seal, unseal
from bulkhead.model.faults import Refused
from bulkhead.model.product import Product, Worker

PRODUCT = Product("harbor", (Worker("web", "worker/dist/web.js"), Worker("clerk", "worker/dist/clerk.js")))
RUN = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "harbor-inc/harbor",
    "GITHUB_WORKFLOW_REF": "harbor-inc/harbor/.github/workflows/deploy.yml@refs/heads/develop",
    "GITHUB_RUN_ID": "42",
}


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=folder, check=True, capture_output=True
    )


def written(root: Path, **files: str) -> None:
    for name, text in files.items():
        file = root / "worker" / "dist" / f"{name}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    root.mkdir()
    (root / ".gitignore").write_text("dist\n")
    git(root, "init", "--initial-branch", "main")
    git(root, "add", ".")
    git(root, "commit", "--message", "one")
    written(root, web="the web", clerk="the clerk")
    return root


@pytest.fixture
def other(checkout: Path, tmp_path: Path) -> Path:
    """A checkout of the same commit, as the job that deploys has one; its own build says something else."""
    git(tmp_path, "clone", str(checkout), "other")
    written(tmp_path / "other", web="another web")
    return tmp_path / "other"


def test_what_was_built_is_what_is_deployed(checkout: Path, other: Path, tmp_path: Path) -> None:
    digest = seal(checkout, PRODUCT, tmp_path / "build", Builder.of_run(RUN))
    assert unseal(tmp_path / "build", digest, other, PRODUCT) == checked_out(checkout)
    assert (other / "worker/dist/web.js").read_text() == "the web"
    assert (other / "worker/dist/clerk.js").read_text() == "the clerk"


def test_the_provenance_says_what_was_built_from_which_commit_by_which_run(checkout: Path, tmp_path: Path) -> None:
    digest = seal(checkout, PRODUCT, tmp_path / "build", Builder.of_run(RUN))
    statement = (tmp_path / "build" / STATEMENT).read_bytes()
    assert hashlib.sha256(statement).hexdigest() == digest
    said, source = json.loads(statement), checked_out(checkout)
    web = {"name": "worker/dist/web.js", "digest": {"sha256": hashlib.sha256(b"the web").hexdigest()}}
    assert web in said["subject"]
    [of] = said["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert of["digest"] == {"gitCommit": source.commit, "gitTree": source.tree}
    assert of["uri"] == "git+https://github.com/harbor-inc/harbor"
    run = said["predicate"]["runDetails"]
    assert run["metadata"]["invocationId"] == "https://github.com/harbor-inc/harbor/actions/runs/42/attempts/1"


def test_a_build_by_hand_names_no_run() -> None:
    assert Builder.of_run({}) == Builder()


def test_the_same_build_has_the_same_digest(checkout: Path, tmp_path: Path) -> None:
    first = seal(checkout, PRODUCT, tmp_path / "one", Builder())
    assert seal(checkout, PRODUCT, tmp_path / "two", Builder()) == first
    written(checkout, web="more")
    assert seal(checkout, PRODUCT, tmp_path / "three", Builder()) != first


def changed(build: Path) -> None:
    (build / "worker/dist/web.js").write_text("evil")


def added(build: Path) -> None:
    (build / "worker/dist/more.js").write_text("evil")


def removed(build: Path) -> None:
    (build / "worker/dist/clerk.js").unlink()


def renamed_within_the_statement(build: Path) -> None:
    statement = build / STATEMENT
    statement.write_text(statement.read_text().replace("worker/dist/web.js", "worker/dist/wob.js"))


def without_a_statement(build: Path) -> None:
    (build / STATEMENT).unlink()


def empty(build: Path) -> None:
    for path in sorted(build.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.parametrize(
    ("does", "says"),
    [
        (changed, "worker/dist/web.js: is not what was built"),
        (added, "worker/dist/more.js: is not named"),
        (removed, "worker/dist/clerk.js: is missing"),
        (renamed_within_the_statement, "it was changed on the way"),
        (without_a_statement, "provenance.json: is missing"),
        (empty, "provenance.json: is missing"),
    ],
)
def test_a_build_that_changed_on_the_way_is_not_deployed(
    checkout: Path, other: Path, tmp_path: Path, does: Callable[[Path], None], says: str
) -> None:
    digest = seal(checkout, PRODUCT, tmp_path / "build", Builder())
    does(tmp_path / "build")
    with pytest.raises(Refused, match=says):
        unseal(tmp_path / "build", digest, other, PRODUCT)
    assert (other / "worker/dist/web.js").read_text() == "another web"
    assert not (other / "worker/dist/clerk.js").exists()


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_a_build_whose_digest_nobody_said_is_not_deployed(
    checkout: Path, other: Path, tmp_path: Path, digest: str
) -> None:
    seal(checkout, PRODUCT, tmp_path / "build", Builder())
    with pytest.raises(Refused, match="it was changed on the way"):
        unseal(tmp_path / "build", digest, other, PRODUCT)


def test_a_build_of_another_commit_is_not_deployed(checkout: Path, other: Path, tmp_path: Path) -> None:
    digest = seal(checkout, PRODUCT, tmp_path / "build", Builder())
    git(other, "commit", "--allow-empty", "--message", "two")
    with pytest.raises(Refused, match=f"was built from commit {checked_out(checkout).commit}"):
        unseal(tmp_path / "build", digest, other, PRODUCT)


def test_a_build_without_a_workers_bundle_is_not_deployed(checkout: Path, other: Path, tmp_path: Path) -> None:
    digest = seal(checkout, PRODUCT, tmp_path / "build", Builder())
    more = Product("harbor", (*PRODUCT.workers, Worker("chat", "worker/dist/chat.js")))
    with pytest.raises(Refused, match=r"worker/dist/chat\.js: was not built"):
        unseal(tmp_path / "build", digest, other, more)


def test_what_is_not_committed_is_not_sealed(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".gitignore").write_text("dist\nmore\n")
    with pytest.raises(Refused, match=r"\.gitignore: differ from the commit"):
        seal(checkout, PRODUCT, tmp_path / "build", Builder())
    assert not (tmp_path / "build").exists()


def test_nothing_is_sealed_into_a_folder_that_holds_something(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    with pytest.raises(Refused, match="exists already"):
        seal(checkout, PRODUCT, tmp_path / "build", Builder())


def test_a_folder_that_is_no_checkout_has_no_source(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is no Git checkout with a commit"):
        checked_out(tmp_path)


def test_a_tree_has_one_name_whatever_commit_it_came_by(checkout: Path) -> None:
    before = checked_out(checkout)
    git(checkout, "commit", "--allow-empty", "--message", "a merge")
    after = checked_out(checkout)
    assert isinstance(after, Source)
    assert (after.tree, after.commit == before.commit) == (before.tree, False)
