"""A build of the Workers, made once and handed from the job that made it to those that deploy it (DEP-4).

It is a folder: the built files, each where it lies in a checkout, and ``provenance.json``, which names every one of
them with its SHA-256, the commit and the tree they were built from, and the run that built them: an in-toto statement
with SLSA's predicate, so that other tools can read it. The SHA-256 of that file stands for the whole. It travels beside
the folder, as an output of the job, so whoever can change an artifact cannot change what it has to be.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkhead.delivery.commits import uncommitted
from bulkhead.machine.git import git
from bulkhead.model.bundles import built_files, read_bundles
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product

STATEMENT: Final = "provenance.json"
_TYPE: Final = "https://in-toto.io/Statement/v1"
_PREDICATE: Final = "https://slsa.dev/provenance/v1"
_BUILD_AGAIN: Final = "run the whole workflow again: the build is made anew, and its digest with it"


@dataclass(frozen=True, slots=True)
class Source:
    """What a checkout holds: merge, squash and rebase give one tree commits of different names."""

    commit: str
    tree: str


@dataclass(frozen=True, slots=True)
class Builder:
    """Who builds: the repository's URL, the workflow file and the run, empty on a person's machine."""

    repository: str = ""
    workflow: str = ""
    run: str = ""

    @classmethod
    def of_run(cls, environment: Mapping[str, str]) -> Builder:
        """Return the run of GitHub Actions that the environment tells of (GitHub Docs, "Variables reference")."""
        server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
        if not (server and repository):
            return cls()
        run, attempt = environment.get("GITHUB_RUN_ID", ""), environment.get("GITHUB_RUN_ATTEMPT", "1")
        home = f"{server}/{repository}"
        return cls(home, environment.get("GITHUB_WORKFLOW_REF", ""), f"{home}/actions/runs/{run}/attempts/{attempt}")


def checked_out(root: Path) -> Source:
    """Return the commit and the tree that are checked out, whatever was changed since. Raises Refused where there is
    none."""
    said = git(root, "rev-parse", "HEAD", "HEAD^{tree}")
    if said is None:
        raise Refused("Nobody can say what this is.", [Fault(str(root), "is no Git checkout with a commit", "git log")])
    commit, tree = said.split()
    return Source(commit, tree)


def source_of(root: Path) -> Source:
    """Return the commit and the tree that the checkout's files are. Raises Refused where they are those of none."""
    source = checked_out(root)
    if files := uncommitted(root):
        message = "differ from the commit, and nobody could find again what was built from them"
        raise Refused("The checkout is not its commit.", [Fault("", message, "git stash", file) for file in files])
    return source


def seal(root: Path, product: Product, into: Path, builder: Builder) -> str:
    """Copy what was built from the checkout into the folder ``into``, which must be new, and return its digest. Raises
    Refused when it was not built from the commit as it is."""
    source = source_of(root)
    read_bundles(product, root)
    if into.exists():
        message = "exists already, and what lies in it would be handed on with the build"
        raise Refused("Nothing was sealed.", [Fault(str(into), message, f"rm -r {into}")])
    files = built_files(product, root)
    for file in files:
        (into / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, into / file)
    statement = _statement({file: _sha256(into / file) for file in files}, source, builder)
    (into / STATEMENT).write_text(json.dumps(statement, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return _sha256(into / STATEMENT)


def unseal(folder: Path, digest: str, root: Path, product: Product) -> Source:
    """Put a build where the checkout has its own, and return what it was built from. Raises Refused, and changes
    nothing, when it is not the build of ``digest``, not whole, or not of the commit that is checked out."""
    faults = list(_faults(folder, digest, root, product))
    if faults:
        raise Refused("This build is not deployed.", faults)
    for file in _said(folder)["files"]:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, root / file)
    read_bundles(product, root)
    return source_of(root)


def _faults(folder: Path, digest: str, root: Path, product: Product) -> Iterator[Fault]:
    place = str(folder)
    if not (folder / STATEMENT).is_file():
        yield Fault(STATEMENT, "is missing: nobody could say what this is", _BUILD_AGAIN, place)
        return
    found = _sha256(folder / STATEMENT)
    if found != digest:
        message = (
            f"has the digest {found}, and the job that built it said {digest or 'none'}: it was changed on the way"
        )
        yield Fault(STATEMENT, message, _BUILD_AGAIN, place)
        return
    said = _said(folder)
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()} - {STATEMENT}
    for file in sorted(there - said["files"].keys()):
        yield Fault(file, "is not named by the build's provenance", _BUILD_AGAIN, place)
    for file, sha256 in sorted(said["files"].items()):
        if file not in there:
            yield Fault(file, "is missing, and the build's provenance names it", _BUILD_AGAIN, place)
        elif _sha256(folder / file) != sha256:
            yield Fault(file, "is not what was built: its digest differs", _BUILD_AGAIN, place)
    bundles = {worker.bundle for worker in product.workers}
    for bundle in sorted(bundles - said["files"].keys()):
        yield Fault(bundle, "was not built, and the product has a Worker of it", _BUILD_AGAIN, place)
    folders = {Path(bundle).parent for bundle in bundles}
    for file in sorted(each for each in said["files"] if Path(each).parent not in folders or ".." in Path(each).parts):
        yield Fault(file, "lies where no bundle of the product does", _BUILD_AGAIN, place)
    here = source_of(root)
    if said["source"] != here:
        message = f"was built from commit {said['source'].commit}, and {here.commit} is checked out"
        yield Fault(STATEMENT, message, f"git checkout {said['source'].commit}", place)


def _statement(files: Mapping[str, str], source: Source, builder: Builder) -> dict[str, Any]:
    return {
        "_type": _TYPE,
        "subject": [{"name": file, "digest": {"sha256": sha256}} for file, sha256 in sorted(files.items())],
        "predicateType": _PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": "https://actions.github.io/buildtypes/workflow/v1" if builder.run else "",
                "externalParameters": {"workflow": builder.workflow},
                "resolvedDependencies": [
                    {
                        "uri": f"git+{builder.repository}",
                        "digest": {"gitCommit": source.commit, "gitTree": source.tree},
                    }
                ],
            },
            "runDetails": {"builder": {"id": builder.workflow}, "metadata": {"invocationId": builder.run}},
        },
    }


def _said(folder: Path) -> dict[str, Any]:
    """Return the files and the source that a provenance names. It has the right digest, so we wrote it."""
    statement = json.loads((folder / STATEMENT).read_text(encoding="utf-8"))
    [of] = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    return {
        "files": {each["name"]: each["digest"]["sha256"] for each in statement["subject"]},
        "source": Source(of["digest"]["gitCommit"], of["digest"]["gitTree"]),
    }


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
