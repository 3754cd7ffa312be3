"""A stage's tokens have the rights that the calls of the rehearsal needed, and those alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bulkhead.analysis.keys import Use, keys
from bulkhead.localclouds.api.journal import Entry, Journal
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.cloudflare.api.credentials import CLOUD
from bulkhead.localclouds.cloudflare.api.permissions import TABLE, target_of
from bulkhead.localclouds.providers.cloudflare_remote import ENDPOINTS
from bulkhead.model.identities import TOKEN_MAKER
from bulkhead.model.naming import Kind
from bulkhead.model.roles import HOLDERS
from bulkhead.model.tasks import jobs_of, read_tasks
from bulkhead.rehearsal.proofs.proof import require
from bulkhead.rehearsal.scene import Scene, StandingStage
from bulkhead.resources import types as t
from bulkhead.resources.permissions import Reach
from bulkhead.resources.token_policies import Policy, read_policies
from identities.cloudflare import Need, holders, maker_policies, needs


def keys_fit(scene: Scene) -> str:
    """Each permission of a token is needed by a call that was made with it, or its role says why no call shows that;
    and no call was made that the token is not good for."""
    with Journal(scene.run.calls) as journal:
        calls = tuple(journal)
    used, kinds, untried = set[str](), 0, defaultdict[str, set[str]](set)
    for stage in scene.stages.values():
        for token in _tokens(scene, stage):
            uses = set(_uses(calls, token.name, stage.settings.cloudflare.account_id))
            used |= _fits(f"{stage.environment}'s {token.name}", token, uses)
            kinds += len(uses)
            for name, why in token.untried().items():
                untried[why].add(name)
    aside = "".join(f"; {', '.join(sorted(names))} not tried: {why}" for why, names in untried.items())
    return f"{kinds} kinds of calls need {', '.join(sorted(used))}{aside}"


@dataclass(frozen=True, slots=True)
class _Token:
    """A token as its cloud has it, and what its role says of it."""

    name: str
    policies: tuple[Policy, ...]
    needs: tuple[Need, ...] = ()

    def untried(self) -> dict[str, str]:
        """Return the permissions of which no call shows that they are needed, and why."""
        return {need.permission.name: why for need in self.needs if (why := _untried(need))}


def _tokens(scene: Scene, stage: StandingStage) -> Iterator[_Token]:
    """Yield the token that makes tokens, and those that it has made."""
    making = [policy.as_json() for policy in maker_policies(scene.product, stage.settings)]
    handed = (need for holder in HOLDERS for need in needs(holder, scene.product))
    rights = [need for need in handed if need.permission.reach is Reach.ZONE]
    handed_on = tuple(replace(need, untried="rights on a zone are only handed on") for need in rights)
    yield _Token(TOKEN_MAKER, read_policies(making), handed_on)
    held = holders(jobs_of(stage.settings, read_tasks()))
    for holder in HOLDERS:
        begins = f"{scene.name(stage, Kind.TOKEN, holder)}-"
        wanted = needs(holder, scene.product) if holder in held else ()
        made = [r.outputs for r in scene.records(stage, t.ACCOUNT_TOKEN) if str(r.outputs["name"]).startswith(begins)]
        what = f"{'a' if wanted else 'no'} token of {stage.environment}'s {holder}"
        require(bool(made) == bool(wanted), what, [token["name"] for token in made])
        for token in made:
            yield _Token(str(token["name"]), read_policies(token["policies"]), wanted)


def _fits(what: str, token: _Token, uses: Iterable[Use]) -> frozenset[str]:
    """Require that a token has what its calls need and nothing beyond; return what they need."""
    found, untried = keys(token.policies, uses, TABLE.breadth()), token.untried()
    require(not found.refused, f"{what} to be good for its calls", "; ".join(map(str, found.refused[:3])))
    beyond = [name for name in found.beyond if name not in untried]
    require(not beyond, f"every permission of {what} to be needed by a call", f"{', '.join(beyond)} by none")
    never = [need.permission.name for need in token.needs if need.untried and not need.sometimes]
    stale = sorted(set(never) & found.needed)
    require(not stale, f"no call of {what} to need what its role calls untried", ", ".join(stale))
    return found.needed


def _untried(need: Need) -> str:
    """Return why no call shows that a permission is needed; "" if one has to."""
    aside = [type_.kind for type_ in need.types if type_ not in {endpoint.type for endpoint in ENDPOINTS}]
    return need.untried or (f"{', '.join(aside)} are not asked for over HTTP" if aside else "")


def _uses(calls: Iterable[Entry], who: str, account: str) -> Iterator[Use]:
    """Yield what the token called ``who`` asked of Cloudflare in an account; where nobody says which permission a route
    accepts, nothing can be said of it here either."""
    for call in calls:
        if call.cloud != CLOUD or call.who != who or not call.route:
            continue
        values = zip(call.route.split("/"), call.path.removeprefix(PREFIX).split("/"), strict=False)
        target = target_of({name.strip("{}"): value for name, value in values}, account)
        accepted = TABLE.accepted(call.method, call.route)
        if accepted and target.account in ("", account):
            yield Use(call.method, call.route, accepted, target)
