"""Finds GitHub's resources by name, with the ids of their imports.

Import ids: the resources' own documentation. A colon in the name of an environment would have to be written ``??``;
a stack's name has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from bulkhead.clients.rest import Rest
from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.adopt.finding import Found, Wanted
from bulkhead.resources import types as t

Look = Callable[[Rest, str, Mapping[str, Any]], Found | None]


class GitHubFinder:
    """Finds what has a name in the repositories of ``owner``."""

    def __init__(self, api: Rest, owner: str) -> None:
        self._api = api
        self._owner = owner
        self._seen: set[str] = set()

    def knows(self, type_: str) -> bool:
        return type_ in _LOOKS

    def find(self, wanted: Wanted) -> Found | None:
        repository = f"/repos/{_part(self._owner)}/{_part(wanted.inputs['repository'])}"
        self._require(repository)
        return _LOOKS[wanted.type](self._api, repository, wanted.inputs)

    def _require(self, repository: str) -> None:
        """GitHub answers 404 for what a token may not see, so a hidden resource would look like a missing one."""
        if repository not in self._seen and self._api.get(repository) is None:
            message = "does not exist, or the stage's token may not see it"
            fix = "give the token this repository and the permissions in README.md, or correct bulkhead:github"
            raise Refused("GitHub cannot be looked into.", [Fault(repository.removeprefix("/repos/"), message, fix)])
        self._seen.add(repository)


def _there(path: str, *names: str) -> Look:
    """Look whether there is something at ``path``, in which ``{property}`` stands for an input; its import is given
    the repository and ``names``, joined by colons."""

    def look(api: Rest, repository: str, inputs: Mapping[str, Any]) -> Found | None:
        values = {name: _part(inputs[name]) for name in names}
        if api.get(repository + path.format_map(values)) is None:
            return None
        id_ = ":".join([inputs["repository"], *(inputs[name] for name in names)])
        return Found(id_, id_)

    return look


def _branch_policy(api: Rest, repository: str, inputs: Mapping[str, Any]) -> Found | None:
    kind = "branch" if "branchPattern" in inputs else "tag"
    path = f"{repository}/environments/{_part(inputs['environment'])}/deployment-branch-policies"
    for policy in api.every(path, within="branch_policies"):
        if (policy.get("type", "branch"), policy["name"]) == (kind, inputs[f"{kind}Pattern"]):
            id_ = f"{inputs['repository']}:{inputs['environment']}:{policy['id']}"
            return Found(id_, id_)
    return None


def _ruleset(api: Rest, repository: str, inputs: Mapping[str, Any]) -> Found | None:
    """An organisation's ruleset applies to the repository as well, but is none of the repository's."""
    for ruleset in api.every(f"{repository}/rulesets", includes_parents="false"):
        if ruleset["name"] == inputs["name"]:
            return Found(str(ruleset["id"]), f"{inputs['repository']}:{ruleset['id']}")
    return None


def _part(text: Any) -> str:
    """Return one part of a path, quoted so that it stays one part."""
    return quote(str(text), safe="")


_LOOKS: Final[Mapping[str, Look]] = {
    t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE: _there(
        "/environments/{environment}/variables/{variableName}", "environment", "variableName"
    ),
    # A repository has one of each of these, whether or not anybody has ever set it.
    t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS: _there(""),
    t.GITHUB_BRANCH_DEFAULT: _there(""),
    t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS: _there(""),
    t.GITHUB_REPOSITORY_ENVIRONMENT: _there("/environments/{environment}", "environment"),
    t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY: _branch_policy,
    t.GITHUB_REPOSITORY_RULESET: _ruleset,
}
