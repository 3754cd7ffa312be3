"""The GitHub Apps that act by a token."""

from __future__ import annotations

import zlib
from typing import Any, Final

from bulkhead.localclouds.github.api import people
from bulkhead.localclouds.github.api.call import WEB, Call

_ACTIONS: Final = {"github-actions": 15368}
"""The id of GitHub Actions itself, as rules about checks name it."""


def shown(call: Call, slug: str) -> dict[str, Any]:
    """Return an app as it is shown within other things."""
    number = _ACTIONS.get(slug) or zlib.crc32(slug.encode())
    born = call.repository.facts["created_at"]
    return {
        "id": number,
        "slug": slug,
        "node_id": people.node_id("A", number),
        "owner": people.user(call, call.repository.owner),
        "name": slug.replace("-", " ").title(),
        "description": "",
        "external_url": f"{WEB}/apps/{slug}",
        "html_url": f"{WEB}/apps/{slug}",
        "created_at": born,
        "updated_at": born,
        "permissions": dict(each.split(":") for each in sorted(call.credential.permissions or ())),
        "events": [],
    }


def performing(call: Call, slug: str) -> dict[str, Any]:
    """Return the member that says by which app something was done, for a person none."""
    return {"performed_via_github_app": shown(call, slug)} if slug else {}
