"""References of Cloudflare tokens (pure): the accounts, zones and buckets that a token reaches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from bulkhead.analysis.isolation.reference import FoundReference, ReferenceKind, own_names, permanent, unknown
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.planned import PlannedResource, unsealed
from bulkhead.resources.token_policies import reached
from bulkhead.resources.values import UNKNOWN, at, is_list

TOKENS: Final = (t.ACCOUNT_TOKEN, t.API_TOKEN)
_BUCKET: Final = re.compile(r"com\.cloudflare\.edge\.r2\.bucket\.(?P<account>[^_*]+)_[^_]+_(?P<bucket>.+)")
_ZONE: Final = re.compile(r"com\.cloudflare\.api\.account\.zone\.(?P<zone>.+)")
_ACCOUNT: Final = re.compile(r"com\.cloudflare\.api\.account\.(?P<account>.+)")


def _tokens(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[FoundReference]:
    for token in plan.of(*TOKENS):
        policies = at(unsealed(token.inputs), "policies")
        if policies is UNKNOWN:
            yield unknown(token, "policies")
            continue
        for number, policy in enumerate(policies if is_list(policies) else []):
            path = f"policies[{number}].resources"
            if at(policy, "effect") == "deny":
                continue
            if (keys := reached(at(policy, "resources"))) is None:
                yield unknown(token, path)
                continue
            for key, account in keys:
                yield _reach(plan, others, token, path, key, account)


def _reach(
    plan: StagePlan, others: Sequence[StagePlan], token: PlannedResource, path: str, key: str, account: str
) -> FoundReference:
    own = plan.settings.cloudflare
    wrong, whose = "", ""
    if account and account != own.account_id:
        wrong = "is in an account that is not the stage's"
    elif bucket := _BUCKET.fullmatch(key):
        if bucket["account"] != own.account_id or bucket["bucket"] not in own_names(plan, t.R2_BUCKET):
            wrong = "is a bucket that this stage does not make"
    elif zone := _ZONE.fullmatch(key):
        if zone["zone"] == "*":
            beside = (other.settings.cloudflare for other in others)
            zones = {each.zone_id for each in beside if each.account_id == own.account_id} - {own.zone_id}
            neighbour = next((other for other in others if other.settings.cloudflare.zone_id in zones), None)
            if not account:
                wrong = "is every zone of every account"
            elif neighbour:
                wrong, whose = "is every zone of the account that both stages are in", neighbour.environment
        elif zone["zone"] != own.zone_id:
            wrong = "is not the stage's zone"
    elif (whole := _ACCOUNT.fullmatch(key)) and whole["account"] != own.account_id:
        wrong = "is every account" if whole["account"] == "*" else "is not the stage's account"
    elif not whole and "*" in key:
        wrong = "is more than one account"
    return FoundReference(token, f"{path}.{key}", key, wrong, whose)


KINDS: Final = (
    ReferenceKind(
        "Cloudflare tokens",
        "With the token of one stage the other could be read and changed, so one leak opens both",
        "name the stage's account, its zone or one of its buckets as the resource",
        _tokens,
        frozenset((type_, "policies") for type_ in TOKENS),
        permanent,
    ),
)
