"""The static assets of Workers: kept by the hash that a client gives them, and put together as a site for each version.

A site is a directory that Miniflare serves, named by the digest of what is in it; versions may share one.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkhead.localclouds.cloudflare.uploads import Uploads
from bulkhead.localclouds.providers.store import Record

BINDING: Final = "assets"
"""The type of the binding through which a Worker fetches its own assets."""
HEADERS, REDIRECTS = "_headers", "_redirects"
RESERVED: Final = frozenset({HEADERS, REDIRECTS, ".assetsignore"})
"""Files of a site's root that are no assets."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that was uploaded. ``type`` is the content type that it is served with, None for none."""

    digest: str
    type: str | None


@dataclass(frozen=True, slots=True)
class Sites:
    """The assets of one environment."""

    uploads: Uploads

    def known(self, hash_: str) -> Asset | None:
        """Return what was uploaded under a hash."""
        file = self._asset(hash_)
        return Asset(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None

    def keep(self, hash_: str, content: bytes, type_: str | None) -> None:
        told = json.dumps({"digest": self.uploads.keep(content), "type": type_})
        self.uploads.write(self._asset(hash_), told.encode())

    def build(self, files: Mapping[str, Asset], texts: Mapping[str, str]) -> str:
        """Put a site together, and return its digest. ``files`` are by their path below its root, ``texts`` are the
        rules of HEADERS and REDIRECTS. Raises OSError for names that cannot be files together."""
        listed = {path: [asset.digest, asset.type] for path, asset in sorted(files.items())}
        digest = self.uploads.keep(json.dumps([listed, dict(sorted(texts.items()))]).encode())
        site = directory(self.uploads, digest)
        if site.exists():
            return digest
        new = Path(tempfile.mkdtemp(dir=site.parent))
        try:
            for path, asset in files.items():
                target = new / path
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(self.uploads.file(asset.digest), target)
            for name, text in texts.items():
                (new / name).write_text(text, encoding="utf-8")
            types = {path: asset.type for path, asset in files.items()}
            self.uploads.write(site.with_name(f"{site.name}.json"), json.dumps(types).encode())
            new.rename(site)
        except BaseException:
            shutil.rmtree(new)
            raise
        return digest

    def _asset(self, hash_: str) -> Path:
        return self.uploads.file(f"asset-{hash_}")


def directory(uploads: Uploads, digest: str) -> Path:
    """Return where a site is; the types of its files are beside it, see `assets.mjs`."""
    return uploads.file(f"site-{digest}")


def options(version: Record, uploads: Uploads) -> dict[str, Any]:
    """Return Miniflare's options for the assets of a version (pure)."""
    assets = version.inputs["assets"]
    config = assets.get("config", {})
    names = [binding["name"] for binding in version.inputs.get("bindings", ()) if binding["type"] == BINDING]
    handling = {"html_handling": config.get("htmlHandling"), "not_found_handling": config.get("notFoundHandling")}
    router: dict[str, Any] = {"has_user_worker": "mainModule" in version.inputs}
    match config.get("runWorkerFirst"):
        case bool() as first:
            router["invoke_user_worker_ahead_of_assets"] = first
        case list() as rules:
            router["static_routing"] = {
                "user_worker": [rule for rule in rules if rule.startswith("/")],
                "asset_worker": [rule[1:] for rule in rules if rule.startswith("!")],
            }
    return {
        "directory": str(directory(uploads, assets["assetManifestSha256"])),
        "routerConfig": router,
        "assetConfig": {name: value for name, value in handling.items() if value is not None},
        **({"binding": names[0]} if names else {}),
    }
