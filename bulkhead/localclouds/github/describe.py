"""The part of GitHub's own description of its REST API that is served here: api/description.json.gz, generated.

`python -m bulkhead.localclouds.github.describe` writes it anew from a pinned release of npm's @octokit/openapi, which
is GitHub's OpenAPI description with the corrections that Octokit's clients are made with. What only people read
(descriptions, examples) is left out; `nullable`, which no validator of JSON Schema knows, becomes a type.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bulkhead.localclouds.github.api.description import FILE

VERSION: Final = "23.0.2"
_INTEGRITY: Final = (
    "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg=="  # SHA-512
)
_MEMBER: Final = "package/generated/api.github.com.json"
_FOR_PEOPLE: Final = frozenset({"description", "example", "examples", "title", "summary", "tags", "default"})
_METHODS: Final = ("get", "post", "put", "patch", "delete")

_REPOSITORY: Final = "/repos/{owner}/{repo}"
_ENVIRONMENT: Final = f"{_REPOSITORY}/environments/{{environment_name}}"
PATHS: Final[Mapping[str, str]] = {
    "/rate_limit": "get",
    "/user": "get",
    "/users/{username}": "get",
    "/orgs/{org}": "get",
    "/orgs/{org}/teams/{team_slug}": "get",
    _REPOSITORY: "get patch",
    f"{_REPOSITORY}/actions/oidc/customization/sub": "get put",
    f"{_REPOSITORY}/actions/permissions": "get put",
    f"{_REPOSITORY}/actions/permissions/selected-actions": "get put",
    f"{_REPOSITORY}/actions/permissions/workflow": "get put",
    f"{_REPOSITORY}/branches": "get",
    f"{_REPOSITORY}/branches/{{branch}}": "get",
    f"{_REPOSITORY}/check-runs": "post",
    f"{_REPOSITORY}/check-runs/{{check_run_id}}": "get patch",
    f"{_REPOSITORY}/commits/{{ref}}/check-runs": "get",
    f"{_REPOSITORY}/commits/{{ref}}/status": "get",
    f"{_REPOSITORY}/commits/{{ref}}/statuses": "get",
    f"{_REPOSITORY}/contents/{{path}}": "get",
    f"{_REPOSITORY}/deployments": "get post",
    f"{_REPOSITORY}/deployments/{{deployment_id}}": "get delete",
    f"{_REPOSITORY}/deployments/{{deployment_id}}/statuses": "get post",
    f"{_REPOSITORY}/deployments/{{deployment_id}}/statuses/{{status_id}}": "get",
    f"{_REPOSITORY}/environments": "get",
    _ENVIRONMENT: "get put delete",
    f"{_ENVIRONMENT}/deployment-branch-policies": "get post",
    f"{_ENVIRONMENT}/deployment-branch-policies/{{branch_policy_id}}": "get put delete",
    f"{_ENVIRONMENT}/deployment_protection_rules": "get",
    f"{_ENVIRONMENT}/secrets": "get",
    f"{_ENVIRONMENT}/secrets/public-key": "get",
    f"{_ENVIRONMENT}/secrets/{{secret_name}}": "get put delete",
    f"{_ENVIRONMENT}/variables": "get post",
    f"{_ENVIRONMENT}/variables/{{name}}": "get patch delete",
    f"{_REPOSITORY}/git/matching-refs/{{ref}}": "get",
    f"{_REPOSITORY}/git/ref/{{ref}}": "get",
    f"{_REPOSITORY}/issues/comments/{{comment_id}}": "get patch delete",
    f"{_REPOSITORY}/issues/{{issue_number}}/comments": "get post",
    f"{_REPOSITORY}/pulls": "get post",
    f"{_REPOSITORY}/pulls/{{pull_number}}": "get",
    f"{_REPOSITORY}/releases": "get post",
    f"{_REPOSITORY}/releases/latest": "get",
    f"{_REPOSITORY}/releases/tags/{{tag}}": "get",
    f"{_REPOSITORY}/releases/{{release_id}}": "get patch delete",
    f"{_REPOSITORY}/releases/{{release_id}}/assets": "get",
    f"{_REPOSITORY}/rulesets": "get post",
    f"{_REPOSITORY}/rulesets/{{ruleset_id}}": "get put delete",
    f"{_REPOSITORY}/statuses/{{sha}}": "post",
}


def sliced(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of PATHS alone, with every part that they refer to, and no other."""
    paths = {}
    for template, methods in PATHS.items():
        described = whole["paths"][template]
        paths[template] = {method: _kept(described[method]) for method in methods.split()}
    _amend(paths)
    wanted: dict[str, dict[str, Any]] = {}
    waiting = sorted(set(_references(paths)))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name not in wanted.setdefault(kind, {}):
            wanted[kind][name] = _kept(whole["components"][kind][name])
            waiting += _references(wanted[kind][name])
    version = f"@octokit/openapi {VERSION}"
    return {"openapi": "3.1.0", "info": {"title": "GitHub", "version": version}, "paths": paths, "components": wanted}


def _amend(paths: Mapping[str, Any]) -> None:
    """Add what GitHub takes and its description leaves out: Terraform's provider sends both (google/go-github,
    repos_environments.go, CreateUpdateEnvironment)."""
    body = paths[_ENVIRONMENT]["put"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    body["can_admins_bypass"] = {"type": ["boolean", "null"]}
    body["wait_timer"] = {"anyOf": [body["wait_timer"], {"type": "null"}]}


def _kept(part: Any, *, names: bool = False) -> Any:
    """Return a part of the description without what is for people; ``names``: its keys are names of properties."""
    if isinstance(part, list):
        return [_kept(each) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {
        key: _kept(value, names=key == "properties" and not names)
        for key, value in part.items()
        if names or not (key in _FOR_PEOPLE or key.startswith("x-"))
    }
    if not names and part.get("default") == "":  # what is empty at first has no format
        kept.pop("format", None)
    return kept if names or not kept.pop("nullable", False) else _or_null(kept)


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    more = {"enum": [*schema["enum"], None]} if "enum" in schema and None not in schema["enum"] else {}
    return {**schema, "type": [schema["type"], "null"], **more}


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _references(each)


def published(folder: Path) -> dict[str, Any]:
    """Download the pinned release into ``folder`` and return GitHub's description of api.github.com."""
    package = f"@octokit/openapi@{VERSION}"
    subprocess.run(["npm", "pack", "--silent", package, "--pack-destination", folder], check=True)
    (archive,) = folder.glob("*.tgz")
    seen = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if seen != _INTEGRITY:
        raise ValueError(f"{package} is not what was pinned: sha512-{seen}")
    with tarfile.open(archive) as tar:
        member = tar.extractfile(_MEMBER)
        assert member is not None, f"{package} has no {_MEMBER}"  # noqa: S101 - the release is pinned
        content: dict[str, Any] = json.load(member)
    return content


def main() -> None:
    """Write the description anew."""
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(sliced(published(Path(folder))), separators=(",", ":"), sort_keys=True)
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
