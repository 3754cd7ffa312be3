"""Pull requests, and the comments on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bulkhead.localclouds.github.api import apps, people, repositories
from bulkhead.localclouds.github.api.call import WEB, Answer, Call, Refusal, absent, invalid
from bulkhead.localclouds.github.api.cloud import Facts

_LONGEST: Final = 65_536  # characters of a comment
_LINKS: Final = {
    "self": "pulls/{}",
    "issue": "issues/{}",
    "comments": "issues/{}/comments",
    "review_comments": "pulls/{}/comments",
    "commits": "pulls/{}/commits",
}
_NONE: Final = dict.fromkeys(
    ("milestone", "active_lock_reason", "closed_at", "merged_at", "merge_commit_sha", "assignee", "auto_merge")
)


def _pulls(call: Call) -> list[Facts]:
    return call.cloud.every("pull", call.repository.owner, call.repository.name)


def _pull(call: Call, number: int) -> Facts:
    return call.cloud.one("pull", call.repository, number)


def _simple(call: Call, facts: Facts) -> dict[str, Any]:
    number, name = facts["number"], f"{call.repository.owner}/{call.repository.name}"
    page = f"{WEB}/{name}/pull/{number}"
    links = {link: f"{call.within()}/{path.format(number)}" for link, path in _LINKS.items()}
    head, base = (_side(call, facts[side]) for side in ("head", "base"))
    links |= {"html": page, "review_comment": f"{call.within('pulls', 'comments')}{{/number}}"}
    links["statuses"] = call.within("statuses", head["sha"])
    return {
        "url": links["self"],
        "id": facts["id"],
        "node_id": people.node_id("PR", facts["id"]),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        **{f"{link}_url": address for link, address in links.items() if link not in ("self", "html")},
        **{told: facts[told] for told in ("number", "state", "title", "body", "draft", "created_at", "updated_at")},
        "locked": False,
        "user": people.user(call, facts["login"]),
        "labels": [],
        **_NONE,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": head,
        "base": base,
        "_links": {link: {"href": address} for link, address in links.items()},
        "author_association": "OWNER" if facts["login"] == call.repository.owner else "CONTRIBUTOR",
    }


def _side(call: Call, branch: str) -> dict[str, Any]:
    """Return one of the two branches as it is now; when it is gone, nothing says where it was."""
    ref = call.repository.git.ref(f"refs/heads/{branch}")
    if ref is None:
        raise absent()
    owner = call.repository.owner
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": ref.sha,
        "user": people.user(call, owner),
        "repo": repositories.shown(call, call.repository),
    }


def _shown(call: Call, facts: Facts) -> dict[str, Any]:
    simple = _simple(call, facts)
    commits, files = call.repository.git.changes(simple["base"]["sha"], simple["head"]["sha"])
    return {
        **simple,
        "merged": False,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "merged_by": None,
        "comments": len(_comments(call, facts["number"])),
        "review_comments": 0,
        "maintainer_can_modify": facts["maintainer_can_modify"],
        "commits": commits,
        "additions": sum(gained for gained, _ in files),
        "deletions": sum(lost for _, lost in files),
        "changed_files": len(files),
    }


def _open(call: Call) -> Answer:
    repository, body = call.repository, call.body
    owner, _, head = body["head"].rpartition(":")
    base = body["base"]
    if "issue" in body or "title" not in body:
        raise invalid("PullRequest", "title", "missing_field")
    for field, branch in (("head", head), ("base", base)):
        of_others = field == "head" and owner not in ("", repository.owner)
        if of_others or repository.git.ref(f"refs/heads/{branch}") is None:
            raise invalid("PullRequest", field, "invalid")
    if not repository.git.changes(base, head)[0]:
        raise invalid("PullRequest", "head", "custom", f"No commits between {base} and {head}")
    with call.cloud.claim(f"pulls {repository.owner}/{repository.name}"):
        known = _pulls(call)
        if any((one["head"], one["base"], one["state"]) == (head, base, "open") for one in known):
            message = f"A pull request already exists for {repository.owner}:{head}."
            raise invalid("PullRequest", "head", "custom", message)
        number = 1 + max((one["number"] for one in known), default=0)
        facts = {
            "number": number,
            "state": "open",
            "title": body["title"],
            "body": body.get("body"),
            "draft": body.get("draft", False),
            "maintainer_can_modify": body.get("maintainer_can_modify", False),
            "head": head,
            "base": base,
            "login": call.credential.login,
        }
        made = call.cloud.add("pull", repository, facts, key=number)
    return Answer(201, _shown(call, made))


def _list(call: Call) -> Answer:
    query: Mapping[str, Any] = {"state": "open", "direction": "desc", **call.query}
    head = query.get("head", "").rpartition(":")[2]
    found = [
        one
        for one in _pulls(call)
        if query["state"] in ("all", one["state"])
        and query.get("base", one["base"]) == one["base"]
        and head in ("", one["head"])
    ]
    if query.get("sort", "created") not in ("created", "updated"):
        raise Refusal(422, "The local GitHub sorts pull requests by created and updated only")
    found.sort(key=lambda one: str(one[f"{query.get('sort', 'created')}_at"]))
    found = found if query["direction"] == "asc" else found[::-1]
    return call.paged(found, shown=lambda one: _simple(call, one))


def _comments(call: Call, number: int) -> list[Facts]:
    found = call.cloud.every("comment", call.repository.owner, call.repository.name)
    return [one for one in found if one["number"] == number]


def _shown_comment(call: Call, facts: Facts) -> dict[str, Any]:
    name, number = f"{call.repository.owner}/{call.repository.name}", facts["number"]
    return {
        "id": facts["id"],
        "node_id": people.node_id("IC", facts["id"]),
        "url": call.within("issues", "comments", facts["id"]),
        "html_url": f"{WEB}/{name}/pull/{number}#issuecomment-{facts['id']}",
        "issue_url": call.within("issues", number),
        "body": facts["body"],
        "user": people.user(call, facts["login"]),
        "created_at": facts["created_at"],
        "updated_at": facts["updated_at"],
        "author_association": "OWNER" if facts["login"] == call.repository.owner else "CONTRIBUTOR",
        **apps.performing(call, facts["app"]),
    }


def _list_comments(call: Call) -> Answer:
    number, since = _pull(call, call.at["issue_number"])["number"], call.query.get("since", "")
    found = [one for one in _comments(call, number) if one["updated_at"] >= since]
    return call.paged(found, shown=lambda one: _shown_comment(call, one))


def _comment(call: Call) -> Answer:
    number = _pull(call, call.at["issue_number"])["number"]
    facts = {"number": number, "body": _text(call), **call.credential.author}
    made = call.cloud.add("comment", call.repository, facts)
    return Answer(201, _shown_comment(call, made))


def _text(call: Call) -> str:
    if not call.body["body"].strip():
        raise invalid("IssueComment", "body", "missing_field", "body can't be blank")
    if len(call.body["body"]) > _LONGEST:
        message = f"Body is too long (maximum is {_LONGEST} characters)"
        raise invalid("IssueComment", "data", "unprocessable", message)
    return str(call.body["body"])


def _one_comment(call: Call) -> Facts:
    return call.cloud.one("comment", call.repository, call.at["comment_id"])


def _change_comment(call: Call) -> Answer:
    changed = call.cloud.change("comment", call.repository, _one_comment(call), body=_text(call))
    return Answer(200, _shown_comment(call, changed))


def _delete_comment(call: Call) -> Answer:
    call.cloud.drop("comment", call.repository, _one_comment(call)["id"])
    return Answer(204)


HANDLERS: Final = {
    "issues/create-comment": _comment,
    "issues/delete-comment": _delete_comment,
    "issues/get-comment": lambda call: Answer(200, _shown_comment(call, _one_comment(call))),
    "issues/list-comments": _list_comments,
    "issues/update-comment": _change_comment,
    "pulls/create": _open,
    "pulls/get": lambda call: Answer(200, _shown(call, _pull(call, call.at["pull_number"]))),
    "pulls/list": _list,
}
