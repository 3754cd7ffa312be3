"""Users, bots, organisations and teams."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from bulkhead.localclouds.github.api.call import WEB, Answer, Call, absent

_GHOST: Final = "ghost"
"""GitHub's account in place of those that are gone."""
_USER_LINKS: Final = {
    "followers_url": "followers",
    "following_url": "following{/other_user}",
    "gists_url": "gists{/gist_id}",
    "starred_url": "starred{/owner}{/repo}",
    "subscriptions_url": "subscriptions",
    "organizations_url": "orgs",
    "repos_url": "repos",
    "events_url": "events{/privacy}",
    "received_events_url": "received_events",
}
_ORGANISATION_LINKS: Final = {
    "repos_url": "repos",
    "events_url": "events",
    "hooks_url": "hooks",
    "issues_url": "issues",
    "members_url": "members{/member}",
    "public_members_url": "public_members{/member}",
}
_UNTOLD: Final = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio"))
_COUNTS: Final = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
_OWN_COUNTS: Final = ("private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators")


def node_id(kind: str, number: Any) -> str:
    """Return the id that GitHub's GraphQL has of a thing."""
    return f"{kind}_{base64.urlsafe_b64encode(str(number).encode()).decode().rstrip('=')}"


def user(call: Call, login: str) -> dict[str, Any]:
    """Return an account as it is shown within other things."""
    return _user(call, call.cloud.person(login) or {"login": _GHOST, "id": 10137, "type": "User"})


def user_of(call: Call, number: int) -> dict[str, Any]:
    """Return the account of an id, as it is shown within other things."""
    known = (one for one in call.cloud.every("person") if one["id"] == number)
    return _user(call, next(known, {"login": _GHOST, "id": number, "type": "User"}))


def team_of(call: Call, owner: str, number: int) -> dict[str, Any]:
    """Return the team of an id, as it is shown within other things."""
    known = (one for one in call.cloud.every("team", owner) if one["id"] == number)
    return _team(call, owner, next(known, {"id": number, "slug": _GHOST, "name": _GHOST}))


def is_known(call: Call, kind: str, owner: str, number: int) -> bool:
    """Whether there is a team or a user of this id; ``kind`` is GitHub's word for which."""
    found = call.cloud.every("team", owner) if kind == "Team" else call.cloud.every("person")
    return any(one["id"] == number for one in found)


def _user(call: Call, person: Mapping[str, Any]) -> dict[str, Any]:
    login, address = person["login"], call.link("users", person["login"])
    return {
        "login": login,
        "id": person["id"],
        "node_id": node_id("U", person["id"]),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{person['id']}?v=4",
        "gravatar_id": "",
        "url": address,
        "html_url": f"{WEB}/{quote(login)}",
        **{name: f"{address}/{rest}" for name, rest in _USER_LINKS.items()},
        "type": person["type"],
        "user_view_type": "public",
        "site_admin": False,
    }


def _full_user(call: Call, person: Mapping[str, Any]) -> dict[str, Any]:
    dates = {"created_at": person["created_at"], "updated_at": person["created_at"]}
    told = {name: person[name] for name in _UNTOLD if name in person}
    return {**_user(call, person), **_UNTOLD, **told, **_COUNTS, **dates}


def _team(call: Call, owner: str, team: Mapping[str, Any]) -> dict[str, Any]:
    organisation = call.cloud.person(owner) or {"id": 0}
    address = f"{call.base}/organizations/{organisation['id']}/team/{team['id']}"
    return {
        "id": team["id"],
        "node_id": node_id("T", team["id"]),
        "name": team["name"],
        "slug": team["slug"],
        "description": team.get("description"),
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "url": address,
        "html_url": f"{WEB}/orgs/{owner}/teams/{team['slug']}",
        "members_url": f"{address}/members{{/member}}",
        "repositories_url": f"{address}/repos",
        "type": "organization",
        "organization_id": organisation["id"],
        "parent": None,
    }


def _organisation(call: Call, person: Mapping[str, Any]) -> dict[str, Any]:
    address = f"{call.base}/orgs/{person['login']}"
    return {
        **{name: _user(call, person)[name] for name in ("login", "id", "node_id", "avatar_url", "html_url")},
        "url": address,
        **{name: f"{address}/{rest}" for name, rest in _ORGANISATION_LINKS.items()},
        "description": person.get("description"),
        "has_organization_projects": True,
        "has_repository_projects": True,
        **_COUNTS,
        "type": "Organization",
        "created_at": person["created_at"],
        "updated_at": person["created_at"],
        "archived_at": None,
    }


def _get_user(call: Call) -> Answer:
    person = call.cloud.person(call.at["username"])
    if person is None:
        raise absent()
    return Answer(200, _full_user(call, person))


def _get_own_user(call: Call) -> Answer:
    person = call.cloud.person(call.credential.login)
    if person is None or call.credential.app:  # an app is no user
        raise absent()
    own = {**dict.fromkeys(_OWN_COUNTS, 0), "two_factor_authentication": True}
    return Answer(200, {**_full_user(call, person), **own})


def _get_organisation(call: Call) -> Answer:
    person = call.cloud.person(call.at["org"])
    if person is None or person["type"] != "Organization":
        raise absent()
    return Answer(200, _organisation(call, person))


def _get_team(call: Call) -> Answer:
    owner = call.cloud.person(call.at["org"])
    team = call.cloud.get("team", call.at["org"], "", call.at["team_slug"])
    if owner is None or team is None:
        raise absent()
    counts = {"members_count": team.get("members_count", 0), "repos_count": team.get("repos_count", 0)}
    dates = {"created_at": owner["created_at"], "updated_at": owner["created_at"]}
    whose = {**_organisation(call, owner), "public_repos": 0}
    return Answer(200, {**_team(call, owner["login"], team), **counts, **dates, "organization": whose})


def _get_rate_limit(call: Call) -> Answer:
    return Answer(200, {"resources": {"core": call.rate, "search": call.rate}, "rate": call.rate})


HANDLERS: Final = {
    "orgs/get": _get_organisation,
    "rate-limit/get": _get_rate_limit,
    "teams/get-by-name": _get_team,
    "users/get-authenticated": _get_own_user,
    "users/get-by-username": _get_user,
}
