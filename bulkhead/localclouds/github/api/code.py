"""What was pushed: branches, refs and files."""

from __future__ import annotations

import base64
from typing import Any, Final
from urllib.parse import quote

from bulkhead.localclouds.github.api import people, rulesets
from bulkhead.localclouds.github.api.call import WEB, Answer, Call, Refusal, absent
from bulkhead.localclouds.github.api.git import Commit, Entry, Ref

_BRANCHES: Final = "refs/heads/"
_MOST_IN_JSON: Final = 1024 * 1024
"""A bigger file comes without its content, or raw."""
_KINDS: Final = {"blob": "file", "tree": "dir", "commit": "submodule"}


def _list_branches(call: Call) -> Answer:
    found = call.repository.git.refs(_BRANCHES)
    if "protected" in call.query:
        found = [ref for ref in found if rulesets.guarded(call, _name(ref)) == call.query["protected"]]
    return call.paged(found, shown=lambda ref: _short_branch(call, ref))


def _name(ref: Ref) -> str:
    return ref.name.removeprefix(_BRANCHES)


def _short_branch(call: Call, ref: Ref) -> dict[str, Any]:
    commit = {"sha": ref.sha, "url": call.within("commits", ref.sha)}
    return {"name": _name(ref), "commit": commit, "protected": rulesets.guarded(call, _name(ref))}


def _get_branch(call: Call) -> Answer:
    ref = call.repository.git.ref(f"{_BRANCHES}{call.at['branch']}")
    if ref is None:
        raise absent("Branch not found")
    name, page = _name(ref), f"{WEB}/{call.repository.owner}/{call.repository.name}/tree/{_name(ref)}"
    classic = {"required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []}}
    more = {
        "commit": _commit(call, call.repository.git.commit(ref.sha)),
        "_links": {"self": call.within("branches", name), "html": page},
        "protection": {"enabled": False, **classic},
        "protection_url": call.within("branches", name, "protection"),
    }
    return Answer(200, {**_short_branch(call, ref), **more})


def _commit(call: Call, commit: Commit) -> dict[str, Any]:
    """Accounts are not looked up by the addresses of authors, so the commit has none."""
    people_ = {
        role: dict(zip(("name", "email", "date"), who, strict=True))
        for role, who in (("author", commit.author), ("committer", commit.committer))
    }
    page = f"{WEB}/{call.repository.owner}/{call.repository.name}/commit/"
    unsigned = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
    return {
        "sha": commit.sha,
        "node_id": people.node_id("C", commit.sha),
        "commit": {
            **people_,
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": call.within("git", "trees", commit.tree)},
            "url": call.within("git", "commits", commit.sha),
            "comment_count": 0,
            "verification": unsigned,
        },
        "url": call.within("commits", commit.sha),
        "html_url": f"{page}{commit.sha}",
        "comments_url": call.within("commits", commit.sha, "comments"),
        "author": None,
        "committer": None,
        "parents": [
            {"sha": sha, "url": call.within("commits", sha), "html_url": f"{page}{sha}"} for sha in commit.parents
        ],
    }


def _require_pushed(call: Call) -> None:
    if call.repository.git.is_empty:
        raise Refusal(409, "Git Repository is empty.")


def _ref(call: Call, ref: Ref) -> dict[str, Any]:
    return {
        "ref": ref.name,
        "node_id": people.node_id("REF", ref.name),
        "url": f"{call.within('git')}/{quote(ref.name)}",
        "object": {"sha": ref.sha, "type": ref.kind, "url": call.within("git", f"{ref.kind}s", ref.sha)},
    }


def _get_ref(call: Call) -> Answer:
    _require_pushed(call)
    found = call.repository.git.ref(f"refs/{call.at['ref']}")
    if found is None:
        raise absent()
    return Answer(200, _ref(call, found))


def _list_refs(call: Call) -> Answer:
    _require_pushed(call)
    return Answer(200, [_ref(call, ref) for ref in call.repository.git.refs(f"refs/{call.at['ref']}")])


def _get_content(call: Call) -> Answer:
    repository, path = call.repository, call.at["path"].strip("/")
    if repository.git.is_empty:
        raise absent("This repository is empty.")
    ref = call.query.get("ref") or repository.default_branch
    sha = repository.git.resolve(ref.removeprefix("refs/heads/").removeprefix("refs/tags/"))
    if sha is None:
        raise absent(f"No commit found for the ref {ref}")
    entries = list(repository.git.entries(sha, path))
    if not entries:
        raise absent()
    if path and entries[0].kind == "blob":
        content = repository.git.content(entries[0].sha)
        return Answer(200, content if call.raw else _file(call, entries[0], ref, content))
    return Answer(200, [_entry(call, entry, ref) for entry in (entries[1:] if path else entries)])


def _entry(call: Call, entry: Entry, ref: str) -> dict[str, Any]:
    name = f"{call.repository.owner}/{call.repository.name}"
    is_file = entry.kind == "blob"
    kind, path = entry.kind, quote(entry.path)
    links = {
        "self": f"{call.within('contents')}/{path}?ref={quote(ref, safe='')}",
        "git": call.within("git", f"{kind}s", entry.sha),
        "html": f"{WEB}/{name}/{kind}/{quote(ref)}/{path}",
    }
    return {
        "name": entry.path.rpartition("/")[2],
        "path": entry.path,
        "sha": entry.sha,
        "size": entry.size,
        **{f"{link}url": links[word] for link, word in (("", "self"), ("html_", "html"), ("git_", "git"))},
        "download_url": f"https://raw.githubusercontent.com/{name}/{quote(ref)}/{path}" if is_file else None,
        "type": _KINDS[kind],
        "_links": links,
    }


def _file(call: Call, entry: Entry, ref: str, content: bytes) -> dict[str, Any]:
    if entry.size > _MOST_IN_JSON:
        return {**_entry(call, entry, ref), "encoding": "none", "content": ""}
    return {**_entry(call, entry, ref), "encoding": "base64", "content": base64.encodebytes(content).decode()}


HANDLERS: Final = {
    "git/get-ref": _get_ref,
    "git/list-matching-refs": _list_refs,
    "repos/get-branch": _get_branch,
    "repos/get-content": _get_content,
    "repos/list-branches": _list_branches,
}
