"""Releases. Their files are uploaded to another host of GitHub's, which is not served, so a release has none."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from bulkhead.localclouds.github.api import people
from bulkhead.localclouds.github.api.call import WEB, Answer, Call, Refusal, absent, invalid
from bulkhead.localclouds.github.api.cloud import Facts
from bulkhead.localclouds.providers.rules import now

_GIVEN: Final = ("tag_name", "target_commitish", "name", "body", "draft", "prerelease")


def _shown(call: Call, facts: Facts) -> dict[str, Any]:
    address, name = call.within("releases", facts["id"]), f"{call.repository.owner}/{call.repository.name}"
    tag = facts["tag_name"]
    return {
        "url": address,
        "assets_url": f"{address}/assets",
        "upload_url": f"https://uploads.github.com/repos/{name}/releases/{facts['id']}/assets{{?name,label}}",
        "html_url": f"{WEB}/{name}/releases/tag/{quote(tag)}",
        "id": facts["id"],
        "node_id": people.node_id("RE", facts["id"]),
        **{given: facts[given] for given in _GIVEN},
        "immutable": False,
        **{date: facts[date] for date in ("created_at", "updated_at", "published_at")},
        "author": people.user(call, facts["login"]),
        "assets": [],
        "tarball_url": None if facts["draft"] else call.within("tarball", tag),
        "zipball_url": None if facts["draft"] else call.within("zipball", tag),
    }


def _every(call: Call) -> list[Facts]:
    return call.cloud.every("release", call.repository.owner, call.repository.name)


def _one(call: Call) -> Facts:
    return call.cloud.one("release", call.repository, call.at["release_id"])


def _require_known(call: Call) -> None:
    if call.body.get("discussion_category_name"):
        raise invalid("Release", "discussion_category_name", "invalid", "the local GitHub has no discussions")


def _publish(call: Call, facts: dict[str, Any], old: Facts | None = None) -> dict[str, Any]:
    """Return the facts of a release with what follows from them; one that is no draft has a tag."""
    taken = [one for one in _every(call) if one["tag_name"] == facts["tag_name"] and not one["draft"]]
    if not facts["draft"] and any(one["id"] != (old or {}).get("id") for one in taken):
        raise invalid("Release", "tag_name", "already_exists")
    git = call.repository.git
    if not facts["draft"] and git.ref(f"refs/tags/{facts['tag_name']}") is None:
        sha = git.resolve(facts["target_commitish"])
        if git.is_empty:
            raise Refusal(422, "Repository is empty.")
        if sha is None:
            raise invalid("Release", "target_commitish", "invalid")
        git.make_tag(facts["tag_name"], sha)
    published = (old or {}).get("published_at") or now()
    return {**facts, "published_at": None if facts["draft"] else published}


def _create(call: Call) -> Answer:
    _require_known(call)
    body, repository = call.body, call.repository
    text = body.get("body")
    if body.get("generate_release_notes"):
        notes = f"**Full Changelog**: {WEB}/{repository.owner}/{repository.name}/commits/{body['tag_name']}"
        text = f"{text}\n\n{notes}" if text else notes
    facts = {
        "tag_name": body["tag_name"],
        "target_commitish": body.get("target_commitish") or repository.default_branch,
        "name": body.get("name"),
        "body": text,
        "draft": body.get("draft", False),
        "prerelease": body.get("prerelease", False),
        "make_latest": body.get("make_latest", "true"),
        "login": call.credential.login,
    }
    return Answer(201, _shown(call, call.cloud.add("release", repository, _publish(call, facts))))


def _change(call: Call) -> Answer:
    _require_known(call)
    old = _one(call)
    given = {name: value for name, value in call.body.items() if name in (*_GIVEN, "make_latest")}
    changed = _publish(call, {**old, **given}, old)
    return Answer(200, _shown(call, call.cloud.change("release", call.repository, changed)))


def _delete(call: Call) -> Answer:
    call.cloud.drop("release", call.repository, _one(call)["id"])
    return Answer(204)


def _list(call: Call) -> Answer:
    """Who may only read does not see drafts."""
    seen = [one for one in _every(call) if not one["draft"] or call.credential.may(frozenset({"contents:write"}))]
    return call.paged(seen[::-1], shown=lambda one: _shown(call, one))


def _latest(call: Call) -> Answer:
    found = [one for one in _every(call) if not one["draft"] and not one["prerelease"]]
    chosen = [one for one in found if one["make_latest"] != "false"]
    if not chosen:
        raise absent()
    return Answer(200, _shown(call, chosen[-1]))


def _by_tag(call: Call) -> Answer:
    for release in _every(call):
        if release["tag_name"] == call.at["tag"] and not release["draft"]:
            return Answer(200, _shown(call, release))
    raise absent()


def _list_assets(call: Call) -> Answer:
    _one(call)
    return call.paged([])


HANDLERS: Final = {
    "repos/create-release": _create,
    "repos/delete-release": _delete,
    "repos/get-latest-release": _latest,
    "repos/get-release": lambda call: Answer(200, _shown(call, _one(call))),
    "repos/get-release-by-tag": _by_tag,
    "repos/list-release-assets": _list_assets,
    "repos/list-releases": _list,
    "repos/update-release": _change,
}
