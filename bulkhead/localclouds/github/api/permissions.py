"""The permissions of a fine-grained token that each route of GitHub's REST API accepts, as `<permission>:<access>`;
names and accesses are those of the header X-Accepted-GitHub-Permissions."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.api.permissions import ANYBODY, UNSAID, Accepted, Row, Table

_TABLE_OF_GITHUB: Final = (
    "github/docs 012beaf, src/github-apps/data/fpt-2022-11-28/fine-grained-pat-permissions.json"
    " (the page 'Permissions required for fine-grained personal access tokens')"
)
_REFERENCE: Final = "docs.github.com/rest, the endpoint's section: Fine-grained access tokens"
_OCTOKIT: Final = "npm's @octokit/app-permissions 2.1.0, generated/api.github.com.json"

_REPO: Final = "/repos/{owner}/{repo}"
_ENVIRONMENT: Final = f"{_REPO}/environments/{{environment_name}}"
_PULL_REQUESTS_TOO: Final = "'at least one of the following permission sets'"
_OTHERWISE: Final = (
    "the table of github/docs and the documentation of terraform-provider-github name {} besides, the reference of"
    " today only Environments"
)


def _reading(*permissions: str) -> frozenset[str]:
    """Return what may read: who may write may read, too."""
    return frozenset(f"{each}:{access}" for each in permissions for access in ("read", "write"))


def _writing(*permissions: str) -> frozenset[str]:
    return frozenset(f"{each}:write" for each in permissions)


def _row(path: str, *sources: str, note: str = "", **accepted: Accepted) -> Row:
    return Row(path, accepted, sources or (_TABLE_OF_GITHUB,), note)


_ADMIN, _ADMIN_WRITE = _reading("administration"), _writing("administration")
_ACTIONS, _ACTIONS_WRITE = _reading("actions"), _writing("actions")
_CHECKS, _CHECKS_WRITE = _reading("checks"), _writing("checks")
_CONTENTS, _CONTENTS_WRITE = _reading("contents"), _writing("contents")
_DEPLOY, _DEPLOY_WRITE = _reading("deployments"), _writing("deployments")
_INSIDE, _INSIDE_WRITE = _reading("environments"), _writing("environments")
_COMMENT, _COMMENT_WRITE = _reading("issues", "pull_requests"), _writing("issues", "pull_requests")
_METADATA = _reading("metadata")
_STATUSES, _STATUSES_WRITE = _reading("statuses"), _writing("statuses")

_SECRETS_TOO: Final = _OTHERWISE.format("Secrets")
_VARIABLES_TOO: Final = _OTHERWISE.format("Variables")

TABLE: Final = Table(
    [
        _row("/meta", _REFERENCE, _OCTOKIT, GET=UNSAID, note="@octokit/app-permissions says metadata:read"),
        _row("/rate_limit", _REFERENCE, _OCTOKIT, GET=UNSAID, note="@octokit/app-permissions says metadata:read"),
        _row("/user", _REFERENCE, GET=ANYBODY),
        _row("/users/{username}", _REFERENCE, GET=ANYBODY, note="@octokit/app-permissions says metadata:read"),
        _row("/orgs/{org}", _REFERENCE, GET=ANYBODY, note="@octokit/app-permissions says metadata:read"),
        _row("/orgs/{org}/teams/{team_slug}", _OCTOKIT, GET=_reading("members")),
        _row(_REPO, GET=_METADATA, PATCH=_ADMIN_WRITE),
        _row(f"{_REPO}/actions/oidc/customization/sub", GET=_ACTIONS, PUT=_ACTIONS_WRITE),
        _row(f"{_REPO}/actions/permissions", GET=_ADMIN, PUT=_ADMIN_WRITE),
        _row(f"{_REPO}/actions/permissions/selected-actions", GET=_ADMIN, PUT=_ADMIN_WRITE),
        _row(f"{_REPO}/actions/permissions/workflow", GET=_ADMIN, PUT=_ADMIN_WRITE),
        _row(f"{_REPO}/branches", GET=_CONTENTS),
        _row(f"{_REPO}/branches/{{branch:path}}", GET=_CONTENTS),
        _row(f"{_REPO}/check-runs", POST=_CHECKS_WRITE),
        _row(f"{_REPO}/check-runs/{{check_run_id}}", GET=_CHECKS, PATCH=_CHECKS_WRITE),
        _row(f"{_REPO}/commits/{{ref:path}}/check-runs", GET=_CHECKS),
        _row(f"{_REPO}/commits/{{ref:path}}/status", GET=_STATUSES),
        _row(f"{_REPO}/commits/{{ref:path}}/statuses", GET=_STATUSES),
        _row(f"{_REPO}/statuses/{{sha}}", POST=_STATUSES_WRITE),
        _row(f"{_REPO}/contents/{{path:path}}", GET=_CONTENTS),
        _row(f"{_REPO}/git/matching-refs/{{ref:path}}", GET=_CONTENTS),
        _row(f"{_REPO}/git/ref/{{ref:path}}", GET=_CONTENTS),
        _row(f"{_REPO}/deployments", GET=_DEPLOY, POST=_DEPLOY_WRITE),
        _row(f"{_REPO}/deployments/{{deployment_id}}", GET=_DEPLOY, DELETE=_DEPLOY_WRITE),
        _row(f"{_REPO}/deployments/{{deployment_id}}/statuses", GET=_DEPLOY, POST=_DEPLOY_WRITE),
        _row(f"{_REPO}/deployments/{{deployment_id}}/statuses/{{status_id}}", GET=_DEPLOY),
        _row(f"{_REPO}/environments", GET=_ACTIONS),
        _row(_ENVIRONMENT, _TABLE_OF_GITHUB, _REFERENCE, GET=_ACTIONS, PUT=_ADMIN_WRITE, DELETE=_ADMIN_WRITE),
        _row(f"{_ENVIRONMENT}/deployment-branch-policies", GET=_ACTIONS, POST=_ADMIN_WRITE),
        _row(
            f"{_ENVIRONMENT}/deployment-branch-policies/{{branch_policy_id}}",
            GET=_ACTIONS,
            PUT=_ADMIN_WRITE,
            DELETE=_ADMIN_WRITE,
        ),
        _row(f"{_ENVIRONMENT}/deployment_protection_rules", GET=_ACTIONS, POST=_ADMIN_WRITE),
        _row(f"{_ENVIRONMENT}/secrets", GET=_INSIDE, note=_SECRETS_TOO),
        _row(f"{_ENVIRONMENT}/secrets/public-key", GET=_INSIDE, note=_SECRETS_TOO),
        _row(
            f"{_ENVIRONMENT}/secrets/{{secret_name}}",
            GET=_INSIDE,
            PUT=_INSIDE_WRITE,
            DELETE=_INSIDE_WRITE,
            note=_SECRETS_TOO,
        ),
        _row(
            f"{_ENVIRONMENT}/variables",
            _TABLE_OF_GITHUB,
            _REFERENCE,
            GET=_INSIDE,
            POST=_INSIDE_WRITE,
            note=_VARIABLES_TOO,
        ),
        _row(
            f"{_ENVIRONMENT}/variables/{{name}}",
            GET=_INSIDE,
            PATCH=_INSIDE_WRITE,
            DELETE=_INSIDE_WRITE,
            note=_VARIABLES_TOO,
        ),
        _row(
            f"{_REPO}/issues/comments/{{comment_id}}",
            _TABLE_OF_GITHUB,
            _REFERENCE,
            GET=_COMMENT,
            PATCH=_COMMENT_WRITE,
            DELETE=_COMMENT_WRITE,
            note=_PULL_REQUESTS_TOO,
        ),
        _row(
            f"{_REPO}/issues/{{issue_number}}/comments",
            _TABLE_OF_GITHUB,
            _REFERENCE,
            GET=_COMMENT,
            POST=_COMMENT_WRITE,
            note=_PULL_REQUESTS_TOO,
        ),
        _row(f"{_REPO}/pulls", GET=_reading("pull_requests"), POST=_writing("pull_requests")),
        _row(
            f"{_REPO}/pulls/{{pull_number}}",
            _TABLE_OF_GITHUB,
            _REFERENCE,
            GET=_reading("contents", "pull_requests"),
            note="the reference lists both as sets of their own",
        ),
        _row(f"{_REPO}/releases", GET=_CONTENTS, POST=_CONTENTS_WRITE),
        _row(f"{_REPO}/releases/latest", GET=_CONTENTS),
        _row(f"{_REPO}/releases/tags/{{tag:path}}", GET=_CONTENTS),
        _row(f"{_REPO}/releases/{{release_id}}", GET=_CONTENTS, PATCH=_CONTENTS_WRITE, DELETE=_CONTENTS_WRITE),
        _row(f"{_REPO}/releases/{{release_id}}/assets", GET=_CONTENTS),
        _row(f"{_REPO}/rulesets", GET=_METADATA, POST=_ADMIN_WRITE),
        _row(f"{_REPO}/rulesets/{{ruleset_id}}", GET=_METADATA, PUT=_ADMIN_WRITE, DELETE=_ADMIN_WRITE),
    ]
)


def accepted(method: str, path: str) -> Accepted:
    """Return the permissions of which one is enough for a request; ``path`` begins behind the API's address."""
    return TABLE.accepted(method, path)
