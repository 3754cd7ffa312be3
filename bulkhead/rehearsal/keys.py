"""Which calls need which right over Cloudflare, as its documents say."""

from __future__ import annotations

from collections.abc import Iterator

from bulkhead.analysis.keys import Use, keys
from bulkhead.localclouds.cloudflare.api.permissions import TABLE, rows_of
from bulkhead.model.product import Product
from bulkhead.model.roles import Role
from bulkhead.resources.token_policies import EVERY, Policy, Target, account_key
from identities.cloudflare import Need, needs


def calls_of(role: Role, product: Product) -> dict[Need, tuple[str, ...]]:
    """Return for each permission of a role the calls that would be refused without it, those that write first: of a
    resource's types as Cloudflare's documents say, of a task as the role's own row does."""
    wanted = needs(role, product)
    documented = [use for need in wanted for use in _documented(need)]
    token = Policy(True, frozenset(need.permission for need in wanted), ((account_key(EVERY), ""),))
    by = keys([token], documented, TABLE.breadth()).by
    return {
        need: need.calls or tuple(map(str, sorted(by[need.permission.name], key=lambda use: use.method == "GET")))
        for need in wanted
    }


def _documented(need: Need) -> Iterator[Use]:
    for type_ in need.types:
        for row in rows_of(type_):
            for method, accepted in row.accepted.items():
                if accepted:
                    yield Use(method, row.path, accepted, Target())
