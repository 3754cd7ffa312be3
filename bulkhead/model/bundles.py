"""The built Workers on disk: what is about to be uploaded, identified by content, and whether it is up to date.

Our build (worker/build.mjs, or a copy of it in another folder) keeps a record beside its bundles of every file that it
read. A bundle is refused when one of those files has changed since: otherwise old code would be rehearsed, previewed
and deployed instead of the code that people review. A bundle of another build has no record, so it cannot be checked
and is accepted as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product
from bulkhead.model.project import ROOT

RECORD: Final = "built-from.json"
_BUILD: Final = "build.mjs"
_RELEASE_LENGTH: Final = 12
_MOST_NAMED: Final = 5  # files in one message; after a switch of branch, all of them have changed


@dataclass(frozen=True, slots=True)
class Bundle:
    """One built ES module. ``path`` is relative to the repository root, so that it is the same on every machine."""

    path: str
    sha256: str

    @property
    def release(self) -> str:
        """The short name of this code. The Worker adds it to every log line (MON-8)."""
        return self.sha256[:_RELEASE_LENGTH]


def read_bundles(product: Product, root: Path = ROOT) -> Mapping[str, Bundle]:
    """Return the bundle of each Worker by the Worker's name. Raises Refused when one has not been built, or not from
    the sources as they are."""
    paths = sorted({worker.bundle for worker in product.workers})
    digests = {path: _sha256(root / path) for path in paths}
    faults = [
        fault
        for folder in sorted({PurePosixPath(path).parent for path in paths})
        for fault in _faults(folder, {p: d for p, d in digests.items() if PurePosixPath(p).parent == folder}, root)
    ]
    if faults:
        raise Refused("The Workers are not built from the code as it is, so there is nothing to deploy.", faults)
    return {worker.name: Bundle(worker.bundle, str(digests[worker.bundle])) for worker in product.workers}


def digests(product: Product, root: Path = ROOT) -> dict[str, str]:
    """Return the SHA-256 of each Worker's bundle by the Worker's name. Raises Refused as `read_bundles` does."""
    return {worker: bundle.sha256 for worker, bundle in read_bundles(product, root).items()}


def built_files(product: Product, root: Path = ROOT) -> tuple[str, ...]:
    """Return what a build of the product's Workers leaves, relative to ``root``: the bundles and their records."""
    bundles = {PurePosixPath(worker.bundle) for worker in product.workers}
    records = {path.parent / RECORD for path in bundles if (root / path.parent / RECORD).is_file()}
    return tuple(sorted(map(str, bundles | records)))


def _faults(folder: PurePosixPath, bundles: Mapping[str, str | None], root: Path) -> Iterator[Fault]:
    """Yield a fault for each bundle in ``folder``, and for the source files, that changed after the build."""
    package = folder.parent
    ours = _keeps_records(root / package)
    build_again = "npm run build" if package == PurePosixPath() else f"npm --prefix {package} run build"
    # Where nothing was ever built, the build tools may be missing, too.
    build = build_again if ours and (root / folder).is_dir() else "make install"
    yield from (Fault(path, "this bundle does not exist", build) for path, digest in bundles.items() if digest is None)
    record = _record(root / folder)
    if record is None:
        if ours and any(bundles.values()):
            message = f"has no {RECORD} that can be read, so nobody knows from which code its bundles were built"
            yield Fault(str(folder), message, build_again)
        return
    changed = [
        str(package / file)
        for file, built_digest in record["from"].items()
        if _sha256(root / package / file) != built_digest
    ]
    if changed:
        more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        message = f"was built before this changed, and would be deployed without it: {', '.join(changed[:_MOST_NAMED])}"
        yield Fault(str(folder), message + more, build_again)
    for path, digest in bundles.items():
        if digest is not None and record["bundles"].get(str(PurePosixPath(path).relative_to(package))) != digest:
            yield Fault(path, "is not what the build wrote: it was changed, or the build was interrupted", build_again)


def _record(folder: Path) -> dict[str, Any] | None:
    """Return the build's record in ``folder``, None when it is missing or cannot be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(record, dict) and all(isinstance(record.get(part), dict) for part in ("bundles", "from"))
    return record if whole else None


def _keeps_records(package: Path) -> bool:
    """Whether the build script in ``package`` writes records. If it does, a missing record means an old build, not a
    foreign one."""
    try:
        return RECORD in (package / _BUILD).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _sha256(file: Path) -> str | None:
    """Return the digest of a file, None where there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
