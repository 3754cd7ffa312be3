"""The proof of the least keys: it fails for a right that no call needs, and for a call that no right is good for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bulkhead.localclouds.api.journal import Entry, Journal
from bulkhead.model.naming import Kind
from bulkhead.model.roles import Role
from bulkhead.rehearsal.evidence import Outcome
from bulkhead.resources.permissions import D1_WRITE, R2_WRITE, Permission
from tests.support.records import TOKEN, calls_of, label_of
from tests.support.scene import Break, World


def staging(world: World, role: Role = Role.DEPLOY) -> str:
    return label_of(world["staging"].settings).name(Kind.TOKEN, role, "a")


def asked(role: Role, method: str, route: str) -> Callable[[World], None]:
    """Return what lets staging's token of a role make one more call."""

    def do(world: World) -> None:
        account = world["staging"].settings.cloudflare.account_id
        path = f"/client/v4/accounts/{account}{route}"
        journal = Journal(world.run.calls)
        journal.add(Entry("cloudflare", method, f"/accounts/{{account_id}}{route}", path, 403, staging(world, role)))
        journal.close()

    return do


def granted(*permissions: Permission) -> Callable[[World], None]:
    """Return what gives staging's token for deploying only these permissions."""

    def do(world: World) -> None:
        [record] = [r for r in world.store.all(environment="staging", type_=TOKEN) if r.id == f"id-{staging(world)}"]
        account = world["staging"].settings.cloudflare.account_id
        policies = [
            {
                "effect": "allow",
                "permissionGroups": [{"id": each.id} for each in permissions],
                "resources": f'{{"com.cloudflare.api.account.{account}":"*"}}',
            }
        ]
        world.store.remove(TOKEN, record.id)
        world.add("staging", TOKEN, record.id, name=record.inputs["name"], policies=policies, value="another-value")

    return do


def unheard(world: World) -> None:
    """Let nobody have made any call that needs a permission."""
    world.discard("calls.sqlite*")


def never(what: str) -> Callable[[World], None]:
    """Return what takes one kind of call out of the journal of staging."""

    def do(world: World) -> None:
        unheard(world)
        journal = Journal(world.run.calls)
        for environment in world.parts:
            for call in calls_of(environment):
                if environment != "staging" or what not in call.route:
                    journal.add(call)
        journal.close()

    return do


BREAKS = (
    Break("keys", "a right too many", never("/kv/"), "to be needed by a call", "Workers KV Storage Write by none"),
    Break("keys", "a right too few", granted(D1_WRITE, R2_WRITE), "token-deploy-a to be good for its calls", "POST"),
    Break(
        "keys",
        "a call that the role is not for",
        asked(Role.OPERATIONS, "POST", "/d1/database"),
        "token-operations-a to be good for its calls",
        "POST /accounts/{account_id}/d1/database",
    ),
    Break(
        "keys",
        "a reason that no longer holds",
        asked(Role.OPERATIONS, "GET", "/d1/database"),
        "what its role calls untried",
        "D1 Read",
    ),
    Break("keys", "no calls at all", unheard, "to be needed by a call", "by none"),
    Break("keys", "no tokens", lambda world: world.forget("staging", TOKEN), "a token of staging's deploy", "[]"),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


def test_it_is_told_what_is_needed_and_what_nobody_tried(tmp_path: Path) -> None:
    verdict = World(tmp_path).verdict("keys")
    assert verdict.outcome is Outcome.PROVEN
    assert verdict.evidence.startswith(
        "25 kinds of calls need Access: Apps and Policies Write, Access: Service Tokens "
    )
    assert "; Account Analytics Read, D1 Read, " in verdict.evidence
    assert "not tried: a rehearsal backs one stage up and restores it, and later" in verdict.evidence
