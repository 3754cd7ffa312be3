"""A repository: what it is, its default branch, and what the subject of its identity tokens says."""

from __future__ import annotations

import re
from typing import Any, Final

from bulkhead.localclouds.github.api import people
from bulkhead.localclouds.github.api.call import WEB, Answer, Call, Refusal, invalid
from bulkhead.localclouds.github.api.cloud import Repository
from bulkhead.localclouds.providers.rules import now

_LINKS: Final = {
    "archive_url": "{archive_format}{/ref}",
    "assignees_url": "assignees{/user}",
    "blobs_url": "git/blobs{/sha}",
    "branches_url": "branches{/branch}",
    "collaborators_url": "collaborators{/collaborator}",
    "comments_url": "comments{/number}",
    "commits_url": "commits{/sha}",
    "compare_url": "compare/{base}...{head}",
    "contents_url": "contents/{+path}",
    "contributors_url": "contributors",
    "deployments_url": "deployments",
    "downloads_url": "downloads",
    "events_url": "events",
    "forks_url": "forks",
    "git_commits_url": "git/commits{/sha}",
    "git_refs_url": "git/refs{/sha}",
    "git_tags_url": "git/tags{/sha}",
    "hooks_url": "hooks",
    "issue_comment_url": "issues/comments{/number}",
    "issue_events_url": "issues/events{/number}",
    "issues_url": "issues{/number}",
    "keys_url": "keys{/key_id}",
    "labels_url": "labels{/name}",
    "languages_url": "languages",
    "merges_url": "merges",
    "milestones_url": "milestones{/number}",
    "notifications_url": "notifications{?since,all,participating}",
    "pulls_url": "pulls{/number}",
    "releases_url": "releases{/id}",
    "stargazers_url": "stargazers",
    "statuses_url": "statuses/{sha}",
    "subscribers_url": "subscribers",
    "subscription_url": "subscription",
    "tags_url": "tags",
    "teams_url": "teams",
    "trees_url": "git/trees{/sha}",
}
_COUNTS: Final = (
    "forks",
    "forks_count",
    "network_count",
    "open_issues",
    "open_issues_count",
    "size",
    "stargazers_count",
    "subscribers_count",
    "watchers",
    "watchers_count",
)
# What a change may set, with the value that a new repository has.
_SETTINGS: Final = {
    "allow_auto_merge": False,
    "allow_forking": False,
    "allow_merge_commit": True,
    "allow_rebase_merge": True,
    "allow_squash_merge": True,
    "allow_update_branch": False,
    "delete_branch_on_merge": False,
    "description": None,
    "has_discussions": False,
    "has_downloads": True,
    "has_issues": True,
    "has_projects": True,
    "has_wiki": True,
    "homepage": None,
    "is_template": False,
    "web_commit_signoff_required": False,
}
_CLAIM: Final = re.compile(r"[A-Za-z0-9_]+")
_DEFAULT_SUBJECT: Final = {"use_default": True}


def shown(call: Call, repository: Repository) -> dict[str, Any]:
    """Return the repository as GitHub shows it, with everything."""
    facts, name = repository.facts, f"{repository.owner}/{repository.name}"
    address = call.link("repos", repository.owner, repository.name)
    owner = people.user(call, repository.owner)
    return {
        "id": facts["id"],
        "node_id": people.node_id("R", facts["id"]),
        "name": repository.name,
        "full_name": name,
        "owner": owner,
        "private": facts["private"],
        "visibility": "private" if facts["private"] else "public",
        "html_url": f"{WEB}/{name}",
        "fork": False,
        "url": address,
        **{link: f"{address}/{rest}" for link, rest in _LINKS.items()},
        "git_url": f"git://github.com/{name}.git",
        "ssh_url": f"git@github.com:{name}.git",
        "clone_url": f"{WEB}/{name}.git",
        "svn_url": f"{WEB}/{name}",
        "mirror_url": None,
        "language": None,
        "license": None,
        **dict.fromkeys(_COUNTS, 0),
        "default_branch": facts["default_branch"],
        "topics": [],
        "has_pages": False,
        "archived": facts.get("archived", False),
        "disabled": False,
        "pushed_at": facts["updated_at"],
        "created_at": facts["created_at"],
        "updated_at": facts["updated_at"],
        **{setting: facts.get(setting, value) for setting, value in _SETTINGS.items()},
        **({"organization": owner} if owner["type"] == "Organization" else {}),
    }


def _get(call: Call) -> Answer:
    return Answer(200, shown(call, call.repository))


def _change(call: Call) -> Answer:
    repository, body = call.repository, call.body
    known = {*_SETTINGS, "default_branch"}
    # A client that sends the name or the visibility that there is changes nothing.
    present = {"name": repository.name, "private": repository.facts["private"]}
    unknown = [name for name, value in body.items() if name not in known and present.get(name) != value]
    if unknown:
        raise Refusal(422, f"The local GitHub does not change {', '.join(sorted(unknown))} of a repository")
    branch = body.get("default_branch", repository.facts["default_branch"])
    if branch != repository.facts["default_branch"] and repository.git.ref(f"refs/heads/{branch}") is None:
        message = f"The branch {branch} was not found. Please push that ref first or create it via the Git Data API."
        raise invalid("Repository", "default_branch", "invalid", message)
    changed = {**repository.facts, **{name: value for name, value in body.items() if name in known}}
    if changed != repository.facts:
        call.cloud.put("repository", repository.owner, repository.name, "", {**changed, "updated_at": now()})
    return _get(call)


def _get_subject(call: Call) -> Answer:
    repository = call.repository
    found = call.cloud.get("subject", repository.owner, repository.name, "")
    return Answer(200, found or _DEFAULT_SUBJECT)


def _set_subject(call: Call) -> Answer:
    repository, keys = call.repository, call.body.get("include_claim_keys", [])
    if len(set(keys)) < len(keys) or not all(_CLAIM.fullmatch(key) for key in keys):
        message = "must be claims' names, each once, of letters, digits and underscores"
        raise invalid("ActionsOIDCSubjectCustomization", "include_claim_keys", "invalid", message)
    call.cloud.put("subject", repository.owner, repository.name, "", call.body)
    return Answer(201, {})


HANDLERS: Final = {
    "actions/get-custom-oidc-sub-claim-for-repo": _get_subject,
    "actions/set-custom-oidc-sub-claim-for-repo": _set_subject,
    "repos/get": _get,
    "repos/update": _change,
}
